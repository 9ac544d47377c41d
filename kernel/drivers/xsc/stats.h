/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Counters: of the whole system, one set per CPU, shown in /sys/kernel/xsc/counters, and of
 * each task, shown in /proc/<pid>/xsc. Invariant: a task's counters are written by that task
 * only, and live as long as its task_struct, so readers need a reference to it and no lock.
 */
#ifndef _DRIVERS_XSC_STATS_H
#define _DRIVERS_XSC_STATS_H

#include <linux/compiler.h>
#include <linux/percpu.h>
#include <linux/sched.h>
#include <linux/types.h>

enum xsc_stat {
	XSC_STAT_CALLS_REGISTER,	/* by the gate, arguments in registers */
	XSC_STAT_CALLS_RING,		/* by the gate, through the call slot */
	XSC_STAT_BATCHES,		/* XSC_NR_ENTER */
	XSC_STAT_BATCH_ENTRIES,		/* entries consumed by these */
	XSC_STAT_TASK_LAST,		/* the ones above are also kept for each task */

	XSC_STAT_WORKER_ENTRIES = XSC_STAT_TASK_LAST, /* answered by workers */
	XSC_STAT_WORKER_INLINE,		/* of these: -XSC_EINLINE */
	XSC_STAT_TRAPS,			/* processes killed by the guard */
	XSC_STAT_REFUSED_EXECS,
	XSC_STAT_LAST
};

struct xsc_stats {
	u64 value[XSC_STAT_LAST];
};

/* task_struct.xsc; allocated at the first call that is counted. */
struct xsc_task {
	u64 value[XSC_STAT_TASK_LAST];
};

DECLARE_PER_CPU(struct xsc_stats, xsc_stats);
extern const char *const xsc_stat_names[XSC_STAT_LAST];

u64 xsc_stat_sum(enum xsc_stat stat);
struct xsc_task *xsc_task_alloc(void);

static inline void xsc_count_many(enum xsc_stat stat, u64 n)
{
	this_cpu_add(xsc_stats.value[stat], n);
}

static inline void xsc_count(enum xsc_stat stat)
{
	xsc_count_many(stat, 1);
}

/* One that is kept for the current task as well. May sleep. */
static inline void xsc_count_task(enum xsc_stat stat, u64 n)
{
	struct xsc_task *task = current->xsc;

	xsc_count_many(stat, n);
	if (unlikely(!task))
		task = xsc_task_alloc();
	if (likely(task))
		WRITE_ONCE(task->value[stat], task->value[stat] + n);
}

static inline void xsc_count_call(enum xsc_stat stat)
{
	xsc_count_task(stat, 1);
}

#endif /* _DRIVERS_XSC_STATS_H */
