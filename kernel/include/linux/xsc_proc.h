/* SPDX-License-Identifier: GPL-2.0 */
/* What procfs calls of the XSC driver: the contents of /proc/<pid>/xsc. */
#ifndef _LINUX_XSC_PROC_H
#define _LINUX_XSC_PROC_H

struct pid;
struct pid_namespace;
struct seq_file;
struct task_struct;

#ifdef CONFIG_XSC
int proc_pid_xsc(struct seq_file *m, struct pid_namespace *ns, struct pid *pid,
		 struct task_struct *task);
#endif

#endif /* _LINUX_XSC_PROC_H */
