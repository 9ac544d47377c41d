/* SPDX-License-Identifier: GPL-2.0 */
/* Calling a system call's own entry function, for results in an architecture's layout. */
#ifndef _DRIVERS_XSC_ARCH_X86_H
#define _DRIVERS_XSC_ARCH_X86_H

#include <linux/ptrace.h>
#include <asm/syscall.h>

static inline long xsc_syscall2(unsigned int nr, u64 a, u64 b)
{
	struct pt_regs regs = { .orig_ax = nr, .di = a, .si = b };

	return x64_sys_call(&regs, nr);
}

#endif /* _DRIVERS_XSC_ARCH_X86_H */
