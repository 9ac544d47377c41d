/* SPDX-License-Identifier: GPL-2.0 */
/*
 * XSC on arm64: what the patched files of arch/arm64 and drivers/xsc share. Constants of
 * the ABI are repeated here, not included, so that a new opcode does not compile Linux
 * again; drivers/xsc/arch_arm64.c checks them.
 */
#ifndef __ASM_XSC_H
#define __ASM_XSC_H

#define XSC_CALL_SLOT	0x40	/* XSC_RING_CALL */

#ifndef __ASSEMBLY__

#ifdef CONFIG_XSC
struct pt_regs;

/* One system call of the current task, with the entry and exit work of an svc. */
void xsc_el0_call(struct pt_regs *regs, int scno);

/* Whether svc is fatal for the current task. Never set for an AArch32 task. */
#define xsc_guarded()	test_thread_flag(TIF_XSC_GUARD)

/* Where a signal handler of a guarded task returns to when it has no SA_RESTORER. */
#define xsc_sigtramp()	VDSO_SYMBOL(current->mm->context.vdso, xsc_sigtramp)

#else
#define xsc_guarded()	false
#define xsc_sigtramp()	NULL
#endif

#endif /* !__ASSEMBLY__ */

#endif /* __ASM_XSC_H */
