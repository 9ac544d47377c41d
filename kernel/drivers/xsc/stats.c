// SPDX-License-Identifier: GPL-2.0
/*
 * What counters are called, their sums and their memory. Called by sysfs.c and proc.c to
 * show, by the gate, batches and workers to count. Invariant: counting never fails a call;
 * without memory a task's own counters stay absent.
 */
#include <linux/cpumask.h>
#include <linux/slab.h>
#include <linux/xsc.h>

#include "stats.h"

DEFINE_PER_CPU(struct xsc_stats, xsc_stats);

const char *const xsc_stat_names[XSC_STAT_LAST] = {
	[XSC_STAT_CALLS_REGISTER]	= "calls_register",
	[XSC_STAT_CALLS_RING]		= "calls_ring",
	[XSC_STAT_BATCHES]		= "batches",
	[XSC_STAT_BATCH_ENTRIES]	= "batch_entries",
	[XSC_STAT_WORKER_ENTRIES]	= "worker_entries",
	[XSC_STAT_WORKER_INLINE]	= "worker_inline",
	[XSC_STAT_TRAPS]		= "traps",
	[XSC_STAT_REFUSED_EXECS]	= "refused_execs",
};

/* A sum over processors that go on counting: a value it had at some time meanwhile. */
u64 xsc_stat_sum(enum xsc_stat stat)
{
	u64 sum = 0;
	int cpu;

	for_each_possible_cpu(cpu)
		sum += READ_ONCE(per_cpu(xsc_stats, cpu).value[stat]);
	return sum;
}

/* The current task's counters, NULL without memory. */
struct xsc_task *xsc_task_alloc(void)
{
	struct xsc_task *task = kzalloc(sizeof(*task), GFP_KERNEL_ACCOUNT | __GFP_NOWARN);

	/* Pairs with the acquire of proc.c. */
	smp_store_release(&current->xsc, task);
	return task;
}

/* The last reference to tsk is gone. */
void xsc_task_free(struct task_struct *tsk)
{
	kfree(tsk->xsc);
}
