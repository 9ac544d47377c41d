/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What differs between the machines for workers and batches: calling a system call's own entry
 * function, and which saved registers a call of a batch uses. Invariant: a worker's call
 * touches nothing of the task's own saved registers.
 */
#ifndef _DRIVERS_XSC_ARCH_H
#define _DRIVERS_XSC_ARCH_H

#include <linux/ptrace.h>
#include <linux/string.h>
#include <linux/types.h>
#include <asm/syscall.h>

#if defined(CONFIG_X86_64)
static inline long xsc_sys_call(unsigned int nr, u64 a, u64 b, u64 c, u64 d)
{
	struct pt_regs regs = { .orig_ax = nr, .di = a, .si = b, .dx = c, .r10 = d };

	return x64_sys_call(&regs, nr);
}

/* The registers of arguments, as they were. */
static inline void xsc_restore_arguments(struct pt_regs *regs, const struct pt_regs *saved)
{
	regs->di = saved->di;
	regs->si = saved->si;
	regs->dx = saved->dx;
	regs->r10 = saved->r10;
	regs->r8 = saved->r8;
	regs->r9 = saved->r9;
}

/* Undoes what a system call's number, arguments and result did to the registers. */
static inline void xsc_restore_call(struct pt_regs *regs, const struct pt_regs *saved)
{
	xsc_restore_arguments(regs, saved);
	regs->orig_ax = saved->orig_ax;
	regs->ax = saved->ax;
}
#elif defined(CONFIG_ARM64)
static inline long xsc_sys_call(unsigned int nr, u64 a, u64 b, u64 c, u64 d)
{
	struct pt_regs regs = { .regs = { a, b, c, d }, .orig_x0 = a, .syscallno = nr };

	return sys_call_table[nr](&regs);
}

static inline void xsc_restore_call(struct pt_regs *regs, const struct pt_regs *saved)
{
	memcpy(regs->regs, saved->regs, 6 * sizeof(regs->regs[0]));
	regs->regs[8] = saved->regs[8];
	regs->orig_x0 = saved->orig_x0;
	regs->syscallno = saved->syscallno;
}
#endif

#endif /* _DRIVERS_XSC_ARCH_H */
