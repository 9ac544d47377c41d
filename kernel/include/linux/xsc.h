/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What the rest of the kernel calls of the ring device's workers: hooks in exit, seccomp and
 * ptrace. Each costs one load while no ring exists.
 */
#ifndef _LINUX_XSC_H
#define _LINUX_XSC_H

#include <linux/atomic.h>

struct task_struct;

#ifdef CONFIG_XSC
extern atomic_t xsc_live_workers;
void __xsc_exit_task(struct task_struct *tsk, long code);
void __xsc_quiesce(struct task_struct *task, long timeout);

/*
 * @tsk, which is current, exits with @code: stops the workers of the rings it owns. Called
 * before the thread group's exit code is settled.
 */
static inline void xsc_exit_task(struct task_struct *tsk, long code)
{
	if (atomic_read(&xsc_live_workers))
		__xsc_exit_task(tsk, code);
}

/*
 * The syscall work of @task (and of others of its process) says from now on that system calls
 * are filtered or watched: no worker of the process executes an operation that it began
 * before, once this returns, or @timeout jiffies have passed. May sleep.
 */
static inline void xsc_quiesce(struct task_struct *task, long timeout)
{
	smp_mb();	/* pairs with xsc_workers_add() */
	if (atomic_read(&xsc_live_workers))
		__xsc_quiesce(task, timeout);
}
#else
static inline void xsc_exit_task(struct task_struct *tsk, long code)
{
}

static inline void xsc_quiesce(struct task_struct *task, long timeout)
{
}
#endif

#endif /* _LINUX_XSC_H */
