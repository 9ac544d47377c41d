/* SPDX-License-Identifier: GPL-2.0 */
/*
 * How the vDSO's own functions call the kernel when they have to: through the XSC gate if
 * there is one, because svc would kill a guarded program. Inputs and output as for svc.
 */
#ifndef __ASM_VDSO_XSC_H
#define __ASM_VDSO_XSC_H

#ifdef CONFIG_XSC
#define VDSO_SYSCALL				\
	"	adr	x17, 1f\n"		\
	"	mov	x15, xzr\n"		\
	"	b	__xsc_gate\n"		\
	"1:	hint	#36\n"	/* bti j */
#define VDSO_SYSCALL_CLOBBERS	"x15", "x16", "x17",
#else
#define VDSO_SYSCALL		"	svc	#0\n"
#define VDSO_SYSCALL_CLOBBERS
#endif

#endif /* __ASM_VDSO_XSC_H */
