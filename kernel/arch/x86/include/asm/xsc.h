/* SPDX-License-Identifier: GPL-2.0 */
/*
 * XSC on x86_64: what the patched files of arch/x86 and drivers/xsc share. Constants of the
 * ABI are repeated here, not included, so that a new opcode does not compile Linux again;
 * drivers/xsc/arch_x86.c checks them.
 */
#ifndef _ASM_X86_XSC_H
#define _ASM_X86_XSC_H

#define XSC_CALL_SLOT	0x40	/* XSC_RING_CALL */

#ifndef __ASSEMBLER__

/*
 * A system call of the vDSO's own, with the registers of `syscall`: number in rax, arguments in
 * rdi, rsi, rdx; rcx and r11 are clobbered.
 */
#ifdef CONFIG_XSC
#define VDSO_SYSCALL	"lea 77f(%%rip), %%rcx\n\txor %%r11d, %%r11d\n\tjmp __xsc_gate\n77:"
#else
#define VDSO_SYSCALL	"syscall"
#endif

#ifndef BUILD_VDSO
#include <linux/bits.h>
#include <linux/types.h>

/* In thread_info.syscall_work: a trap instruction is fatal for this task. */
#define SYSCALL_WORK_BIT_XSC_GUARD	30
#define SYSCALL_WORK_XSC_GUARD		BIT(SYSCALL_WORK_BIT_XSC_GUARD)
/* The trap instruction that has just killed it: tracers and audit get to see no end of a call. */
#define SYSCALL_WORK_BIT_XSC_TRAPPED	29
#define SYSCALL_WORK_XSC_TRAPPED	BIT(SYSCALL_WORK_BIT_XSC_TRAPPED)

struct pt_regs;

#ifdef CONFIG_XSC
#define ARCH_SYSCALL_WORK_ENTER		SYSCALL_WORK_XSC_GUARD

bool xsc_fault_trap(struct pt_regs *regs);

/* A store to the page before the vDSO of the current task. */
#define xsc_is_doorbell(address) \
	(((address) & PAGE_MASK) == (unsigned long)current->mm->context.vdso - PAGE_SIZE)

#define xsc_guarded()	test_syscall_work(XSC_GUARD)
#else
static inline bool xsc_is_doorbell(unsigned long address)
{
	return false;
}

static inline bool xsc_fault_trap(struct pt_regs *regs)
{
	return false;
}
#endif

#endif /* !BUILD_VDSO */
#endif /* !__ASSEMBLER__ */
#endif /* _ASM_X86_XSC_H */
