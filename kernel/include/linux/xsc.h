/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What the rest of the kernel calls of the XSC driver: only the exit hook. Included by
 * kernel/exit.c and drivers/xsc; costs one load per exit while no ring exists.
 */
#ifndef _LINUX_XSC_H
#define _LINUX_XSC_H

#include <linux/atomic.h>

struct task_struct;

#ifdef CONFIG_XSC
extern atomic_t xsc_live_workers;
void __xsc_exit_task(struct task_struct *tsk, long code);

/*
 * @tsk, which is current, exits with @code: stops the workers of the rings it owns. Called
 * before the thread group's exit code is settled.
 */
static inline void xsc_exit_task(struct task_struct *tsk, long code)
{
	if (atomic_read(&xsc_live_workers))
		__xsc_exit_task(tsk, code);
}
#else
static inline void xsc_exit_task(struct task_struct *tsk, long code)
{
}
#endif

#endif /* _LINUX_XSC_H */
