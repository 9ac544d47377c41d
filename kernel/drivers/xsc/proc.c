// SPDX-License-Identifier: GPL-2.0
/*
 * /proc/xsc: version, mode and counters of the system, all that /sys/kernel/xsc tells in one
 * text for people; /proc/<pid>/xsc and /proc/<pid>/task/<tid>/xsc: the counters of one task, then
 * those of its process's workers. A "name value" a line. Called by procfs. Invariant: who may not
 * read the task's io file may not read its file here, not even through one opened before.
 */
#include <linux/init.h>
#include <linux/proc_fs.h>
#include <linux/ptrace.h>
#include <linux/sched.h>
#include <linux/sched/signal.h>
#include <linux/seq_file.h>
#include <linux/xsc_proc.h>
#include <uapi/linux/xsc.h>

#include "exec.h"
#include "stats.h"
#include "xsc.h"

static void xsc_show(struct seq_file *m, const char *name, u64 value)
{
	seq_printf(m, "%s %llu\n", name, value);
}

static void xsc_show_task(struct seq_file *m, struct task_struct *task)
{
	/* Pairs with xsc_task_alloc(); the memory goes with the task, which procfs holds. */
	const struct xsc_task *own = smp_load_acquire(&task->xsc);
	enum xsc_stat stat;

	for (stat = 0; stat < XSC_STAT_TASK_LAST; stat++)
		xsc_show(m, xsc_stat_names[stat], own ? READ_ONCE(own->value[stat]) : 0);
}

static void xsc_show_workers(struct seq_file *m, struct task_struct *task)
{
	struct xsc_counters sum;

	xsc_show(m, "workers", xsc_worker_counters(task, &sum));
	xsc_show(m, "worker_submitted", sum.submitted);
	xsc_show(m, "worker_executed", sum.executed);
	xsc_show(m, "worker_inlined", sum.inlined);
	xsc_show(m, "worker_cancelled", sum.cancelled);
	xsc_show(m, "worker_sleeps", sum.sleeps);
	xsc_show(m, "worker_wakeups", sum.wakeups);
}

int proc_pid_xsc(struct seq_file *m, struct pid_namespace *ns, struct pid *pid,
		 struct task_struct *task)
{
	int ret = down_read_killable(&task->signal->exec_update_lock);

	if (ret)
		return ret;
	if (ptrace_may_access(task, PTRACE_MODE_READ_FSCREDS)) {
		xsc_show_task(m, task);
		xsc_show_workers(m, task);
	} else {
		ret = -EACCES;
	}
	up_read(&task->signal->exec_update_lock);
	return ret;
}

static int xsc_system_show(struct seq_file *m, void *unused)
{
	char mode[XSC_MODE_TEXT];
	enum xsc_stat stat;

	xsc_mode_text(mode);
	xsc_show(m, "abi", XSC_ABI);
	seq_printf(m, "mode %s\n", mode);
	for (stat = 0; stat < XSC_STAT_LAST; stat++)
		xsc_show(m, xsc_stat_names[stat], xsc_stat_sum(stat));
	return 0;
}

static int __init xsc_proc_init(void)
{
	return proc_create_single("xsc", 0444, NULL, xsc_system_show) ? 0 : -ENOMEM;
}
device_initcall(xsc_proc_init);
