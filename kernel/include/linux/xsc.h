/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What the rest of the kernel calls of XSC. Entry: a faulting store to the doorbell page, a
 * trap instruction of a guarded task, a signal handler about to run. Exec: a program is
 * checked and set up. Tasks: hooks in fork, exit, seccomp and ptrace, one load each while no
 * ring of the device exists. asm/xsc.h has what is the machine's.
 */
#ifndef _LINUX_XSC_H
#define _LINUX_XSC_H

#include <linux/atomic.h>
#include <linux/types.h>

struct file;
struct linux_binprm;
struct pt_regs;
struct task_struct;

#ifdef CONFIG_XSC
/* True: the fault was a doorbell (or an abuse of it) and is dealt with. May sleep. */
bool xsc_doorbell(struct pt_regs *regs, unsigned long address);
/* A guarded task executed a trap instruction: it is killed. Always true. */
bool xsc_trap(struct pt_regs *regs, long nr);
/* Before the frame of a handler is written: an unfinished gate begins again after it. */
void xsc_signal_fixup(struct pt_regs *regs);
/* The vDSO is about to be at @to: a call by the gate that moved it lands there. */
void xsc_vdso_moved(unsigned long to);

/*
 * exec, in this order. check: 0, or -ENOEXEC with the reason recorded; @phdrs are those of
 * ELF class @class, @interpreter may be NULL. commit: past the point of no return. map: the
 * memory is there. auxv: pairs of type and value, the number of pairs. start: the registers
 * are those of the new program.
 */
#define XSC_AUXV_PAIRS	3
int xsc_exec_check(struct linux_binprm *bprm, int class, const void *phdrs, unsigned int phnum,
		   struct file *interpreter, const void *interp_phdrs, unsigned int interp_phnum);
void xsc_exec_commit(const struct linux_binprm *bprm);
int xsc_exec_map(struct linux_binprm *bprm);
unsigned int xsc_exec_auxv(const struct linux_binprm *bprm, unsigned long pairs[][2]);
int xsc_exec_start(const struct linux_binprm *bprm);

void xsc_task_free(struct task_struct *tsk);

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
 * @task (and others of its process) has new credentials, or syscall work that filters or watches
 * system calls: no worker of the process executes an operation that it began before, once
 * this returns, or @timeout jiffies have passed. May sleep.
 */
static inline void xsc_quiesce(struct task_struct *task, long timeout)
{
	smp_mb();	/* pairs with xsc_workers_add() */
	if (atomic_read(&xsc_live_workers))
		__xsc_quiesce(task, timeout);
}
#else
static inline bool xsc_doorbell(struct pt_regs *regs, unsigned long address)
{
	return false;
}

static inline bool xsc_trap(struct pt_regs *regs, long nr)
{
	return false;
}

static inline void xsc_signal_fixup(struct pt_regs *regs)
{
}

static inline void xsc_vdso_moved(unsigned long to)
{
}

#define XSC_AUXV_PAIRS	1
static inline int xsc_exec_check(struct linux_binprm *bprm, int class, const void *phdrs,
				 unsigned int phnum, struct file *interpreter,
				 const void *interp_phdrs, unsigned int interp_phnum)
{
	return 0;
}

static inline void xsc_exec_commit(const struct linux_binprm *bprm)
{
}

static inline int xsc_exec_map(struct linux_binprm *bprm)
{
	return 0;
}

static inline unsigned int xsc_exec_auxv(const struct linux_binprm *bprm,
					 unsigned long pairs[][2])
{
	return 0;
}

static inline int xsc_exec_start(const struct linux_binprm *bprm)
{
	return 0;
}

static inline void xsc_task_free(struct task_struct *tsk)
{
}

static inline void xsc_exit_task(struct task_struct *tsk, long code)
{
}

static inline void xsc_quiesce(struct task_struct *task, long timeout)
{
}
#endif

#endif /* _LINUX_XSC_H */
