// SPDX-License-Identifier: GPL-2.0
/*
 * The kernel thread behind a ring. It is a thread of the owner's process (same memory, files,
 * signals), made by create_io_thread() at setup. Invariant: an operation is executed only when
 * its outcome cannot depend on which task of the process executes it, and then with the
 * credentials the owner has at that moment; anything else is answered -XSC_EINLINE.
 */
#include <linux/cred.h>
#include <linux/fs_struct.h>
#include <linux/entry-common.h>
#include <linux/hashtable.h>
#include <linux/pkeys.h>
#include <linux/poll.h>
#include <linux/resume_user_mode.h>
#include <linux/sched.h>
#include <linux/sched/clock.h>
#include <linux/sched/signal.h>
#include <linux/sched/task.h>
#include <linux/seccomp.h>
#include <linux/task_work.h>
#include <linux/thread_info.h>
#include <linux/xsc.h>

#include "opdef.h"
#include "xsc.h"

/* Rings with a running worker, by their process (its signal_struct): for the exit hook. */
static DEFINE_HASHTABLE(xsc_processes, 6);
static DEFINE_SPINLOCK(xsc_processes_lock);
atomic_t xsc_live_workers = ATOMIC_INIT(0);

/*
 * May this task stand in for the owner? Not when something watches or filters the owner's
 * system calls, nor when the owner unshared what a thread inherits, nor under protection
 * keys, which are a register of the owner. Read after the acquire of the SQ tail, so a
 * change made by the owner before it submitted is seen.
 */
static bool xsc_owner_neutral(const struct xsc_ctx *ctx)
{
	struct task_struct *owner = ctx->owner;
	unsigned long work = READ_ONCE(task_thread_info(owner)->syscall_work);

	if (work & (SYSCALL_WORK_ENTER | SYSCALL_WORK_EXIT))
		return false;
#ifdef CONFIG_SECCOMP
	if (READ_ONCE(owner->seccomp.mode) != SECCOMP_MODE_DISABLED)
		return false;
#endif
#ifdef CONFIG_X86_INTEL_MEMORY_PROTECTION_KEYS
	if (READ_ONCE(mm_pkey_allocation_map(current->mm)) & ~1U)
		return false;
#endif
	return READ_ONCE(owner->files) == current->files &&
	       READ_ONCE(owner->fs) == current->fs &&
	       READ_ONCE(owner->nsproxy) == current->nsproxy;
}

/* What a system call does on its way back to user mode; this task never goes there. */
static void xsc_run_task_work(void)
{
	if (test_thread_flag(TIF_NOTIFY_RESUME))
		resume_user_mode_work(NULL);
	if (task_work_pending(current))
		task_work_run();
}

static s64 xsc_execute(const struct xsc_ctx *ctx, const struct xsc_sqe *sqe)
{
	const struct xsc_op_def *def = xsc_opdef_find(sqe);
	const struct cred *cred, *saved;
	s64 res;

	if (IS_ERR(def))
		return PTR_ERR(def);
	if (!def || !xsc_owner_neutral(ctx))
		return -XSC_EINLINE;

	cred = get_task_cred(ctx->owner);
	saved = override_creds(cred);
	res = def->issue(sqe->args);
	/* close(2) means that the file is gone when the result is there. */
	xsc_run_task_work();
	revert_creds(saved);
	put_cred(cred);

	switch (res) {
	case -ERESTARTSYS:
	case -ERESTARTNOINTR:
	case -ERESTARTNOHAND:
	case -ERESTART_RESTARTBLOCK:
		return -EINTR;
	}
	return res;
}

/* Executes one entry if there is one and room for its result. */
static bool xsc_step(struct xsc_ctx *ctx)
{
	struct xsc_sqe sqe;

	if (xsc_ring_check(&ctx->ring) != XSC_RING_WORK)
		return false;
	xsc_ring_fetch(&ctx->ring, &sqe);
	xsc_ring_post(&ctx->ring, sqe.user_data, xsc_execute(ctx, &sqe));
	if (wq_has_sleeper(&ctx->wait))
		wake_up_interruptible_poll(&ctx->wait, EPOLLIN | EPOLLOUT);
	return true;
}

/* Something to do, looked at by a worker about to sleep, and each time it is woken. */
static bool xsc_work_pending(struct xsc_ctx *ctx)
{
	enum xsc_ring_state state = xsc_ring_check(&ctx->ring);

	/* Again, even if unchanged: user space may have scribbled on its copy. */
	xsc_ring_publish_flags(&ctx->ring);
	return state == XSC_RING_WORK || READ_ONCE(ctx->stop) || task_work_pending(current);
}

/*
 * Sleeps until there is something to do. NEED_WAKEUP is stored, then the indices are read;
 * user space stores an index, then reads NEED_WAKEUP. One of the two sees the other.
 */
static void xsc_sleep(struct xsc_ctx *ctx)
{
	xsc_ring_set_flags(&ctx->ring, XSC_SQ_NEED_WAKEUP, 0);
	smp_mb();	/* see above */
	wait_event_interruptible(ctx->idle, xsc_work_pending(ctx));
	xsc_ring_set_flags(&ctx->ring, 0, XSC_SQ_NEED_WAKEUP);
}

/*
 * The end of the worker; what it exits with. As the last thread of its process it would
 * otherwise overwrite the exit code of the process, which is the last user thread's.
 */
static long xsc_worker_done(struct xsc_ctx *ctx)
{
	struct task_struct *self, *owner;
	long code;

	spin_lock(&ctx->lock);
	self = ctx->worker;
	ctx->worker = NULL;
	spin_unlock(&ctx->lock);
	put_task_struct(self);

	xsc_ring_set_flags(&ctx->ring, XSC_SQ_DEAD, XSC_SQ_NEED_WAKEUP);
	wake_up_interruptible_poll(&ctx->wait, EPOLLHUP | EPOLLIN | EPOLLOUT);

	spin_lock(&xsc_processes_lock);
	hash_del(&ctx->by_process);
	code = ctx->exit_code;
	owner = ctx->owner;
	ctx->owner = NULL;
	spin_unlock(&xsc_processes_lock);
	put_task_struct(owner);
	atomic_dec(&xsc_live_workers);
	xsc_ctx_put(ctx);
	return code;
}

static int xsc_worker_main(void *arg)
{
	struct xsc_ctx *ctx = arg;
	u64 spin_until = local_clock() + ctx->idle_ns;
	char name[TASK_COMM_LEN];

	snprintf(name, sizeof(name), "xsc-%d", ctx->owner->pid);
	set_task_comm(current, name);

	while (!READ_ONCE(ctx->stop)) {
		if (signal_pending(current)) {
			struct ksignal ksig;

			/* SIGKILL, exec or exit_group; a stop happens in here. */
			if (get_signal(&ksig))
				break;
			continue;
		}
		xsc_run_task_work();
		if (xsc_step(ctx)) {
			spin_until = local_clock() + ctx->idle_ns;
			cond_resched();
		} else if (local_clock() < spin_until) {
			cond_resched();
			cpu_relax();
		} else {
			xsc_sleep(ctx);
			spin_until = local_clock() + ctx->idle_ns;
		}
	}
	do_exit(xsc_worker_done(ctx));
}

/* Called once per ring, by its owner, with nothing of the ring visible yet. */
int xsc_worker_start(struct xsc_ctx *ctx)
{
	struct task_struct *worker;

	kref_get(&ctx->ref);
	worker = create_io_thread(xsc_worker_main, ctx, NUMA_NO_NODE);
	if (IS_ERR(worker)) {
		xsc_ctx_put(ctx);
		return PTR_ERR(worker);
	}
	ctx->worker = get_task_struct(worker);
	atomic_inc(&xsc_live_workers);
	spin_lock(&xsc_processes_lock);
	hash_add(xsc_processes, &ctx->by_process, (unsigned long)current->signal);
	spin_unlock(&xsc_processes_lock);
	wake_up_new_task(worker);
	return 0;
}

/* False if there is no worker (any more). */
bool xsc_worker_wake(struct xsc_ctx *ctx)
{
	bool alive;

	spin_lock(&ctx->lock);
	alive = ctx->worker;
	spin_unlock(&ctx->lock);
	wake_up_interruptible(&ctx->idle);
	return alive;
}

/* Asks the worker to exit, also out of an interruptible sleep in an operation. */
void xsc_worker_stop(struct xsc_ctx *ctx)
{
	spin_lock(&ctx->lock);
	WRITE_ONCE(ctx->stop, true);
	if (ctx->worker)
		set_notify_signal(ctx->worker);
	spin_unlock(&ctx->lock);
}

/*
 * do_exit() of a task while workers exist. Without this an owner that leaves by exit(2) as
 * the last user thread is never reaped: its worker keeps the thread group alive.
 */
void __xsc_exit_task(struct task_struct *tsk, long code)
{
	struct xsc_ctx *ctx;

	if (tsk->flags & PF_USER_WORKER)
		return;
	spin_lock(&xsc_processes_lock);
	hash_for_each_possible(xsc_processes, ctx, by_process, (unsigned long)tsk->signal) {
		/* the worker pins the signal_struct, so a match is no stale pointer */
		if (ctx->owner->signal != tsk->signal)
			continue;
		ctx->exit_code = code;
		if (ctx->owner == tsk)
			xsc_worker_stop(ctx);
	}
	spin_unlock(&xsc_processes_lock);
}
