// SPDX-License-Identifier: GPL-2.0
/*
 * The kernel thread behind a ring. It is a thread of the owner's process (same memory, files,
 * signals), made by create_io_thread() at setup. Invariant: an operation is executed only when
 * its outcome cannot depend on which task of the process executes it, and then with the
 * credentials the owner has at that moment; anything else is answered -XSC_EINLINE.
 */
#include <linux/cred.h>
#include <linux/fs_struct.h>
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
#ifdef CONFIG_GENERIC_ENTRY
#include <linux/entry-common.h>
#endif

#include "opdef.h"
#include "stats.h"
#include "xsc.h"

unsigned int xsc_worker_idle_us_default = 1000;
unsigned int xsc_worker_backoff_us = 50;

/* The shortest part of the idle time that a worker spins, after long silence. */
#define XSC_SPIN_SHIFT_MAX	4

/* Whether something watches or filters the task's system calls; the XSC guard does not. */
static bool xsc_task_watched(const struct task_struct *task)
{
#ifdef CONFIG_GENERIC_ENTRY
	unsigned long work = READ_ONCE(task_thread_info(task)->syscall_work);

	work &= SYSCALL_WORK_ENTER | SYSCALL_WORK_EXIT;
#ifdef SYSCALL_WORK_XSC_GUARD
	work &= ~SYSCALL_WORK_XSC_GUARD;
#endif
#else
	unsigned long work = READ_ONCE(task_thread_info(task)->flags);

	work &= _TIF_SYSCALL_TRACE | _TIF_SYSCALL_AUDIT | _TIF_SYSCALL_TRACEPOINT |
		_TIF_SECCOMP | _TIF_SYSCALL_EMU;
#endif
#ifdef CONFIG_SECCOMP
	if (READ_ONCE(task->seccomp.mode) != SECCOMP_MODE_DISABLED)
		return true;
#endif
	return work;
}

/*
 * May this task stand in for the owner? Not when something watches or filters the owner's
 * system calls, nor when the owner unshared what a thread inherits, nor under protection
 * keys, which are a register of the owner. Read after the acquire of the SQ tail, so a
 * change made by the owner before it submitted is seen; and after xsc_begin(), so a
 * change announced by xsc_quiesce() is seen or waits for the end of the operation.
 */
static bool xsc_owner_neutral(const struct xsc_ctx *ctx)
{
	struct task_struct *owner = ctx->owner;

	if (xsc_task_watched(owner))
		return false;
#ifdef CONFIG_ARCH_HAS_PKEYS
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

/* Takes an entry off the ring. False if it was cancelled; else it is active and busy. */
static bool xsc_take(struct xsc_ctx *ctx, struct xsc_sqe *sqe)
{
	bool wanted;

	spin_lock(&ctx->lock);
	wanted = xsc_ring_fetch(&ctx->ring, sqe);
	ctx->user_data = sqe->user_data;
	ctx->interrupt = false;
	ctx->active = wanted;
	ctx->busy = wanted;
	ctx->counters.submitted++;
	ctx->counters.cancelled += !wanted;
	spin_unlock(&ctx->lock);
	return wanted;
}

/* Begins or ends what xsc_quiesce() waits for. False if the entry was cancelled meanwhile. */
static bool xsc_set_busy(struct xsc_ctx *ctx, bool busy)
{
	bool drain, wanted;

	spin_lock(&ctx->lock);
	drain = ctx->drain;
	wanted = !ctx->interrupt;
	ctx->busy = busy;
	WRITE_ONCE(ctx->drain, false);
	spin_unlock(&ctx->lock);
	if (drain)
		xsc_workers_drained();
	return wanted;
}

/* Counts an entry that is answered with res. */
static void xsc_done(struct xsc_ctx *ctx, s64 res)
{
	spin_lock(&ctx->lock);
	ctx->active = false;
	if (res == -XSC_EINLINE)
		ctx->counters.inlined++;
	else
		ctx->counters.executed++;
	spin_unlock(&ctx->lock);
	xsc_count(XSC_STAT_WORKER_ENTRIES);
	if (res == -XSC_EINLINE)
		xsc_count(XSC_STAT_WORKER_INLINE);
}

static s64 xsc_issue(const struct xsc_ctx *ctx, const struct xsc_op_def *def, const u64 *args)
{
	const struct cred *cred, *saved;
	s64 res;

	if (!xsc_owner_neutral(ctx))
		return -XSC_EINLINE;
	cred = get_task_cred(ctx->owner);
	saved = override_creds(cred);
	res = def->issue(args);
	/* close(2) means that the file is gone when the result is there. */
	xsc_run_task_work();
	revert_creds(saved);
	put_cred(cred);
	return res;
}

/*
 * Something interrupted a wait in an operation: a stop, a freezer, a tracer, xsc_quiesce(),
 * which are served here, with nothing under way; or a cancellation, or the end. Whether
 * to try again: no signal handler ever runs in this task, so the operation is restarted.
 */
static bool xsc_interrupted(struct xsc_ctx *ctx)
{
	struct ksignal ksig;

	xsc_set_busy(ctx, false);
	if (!READ_ONCE(ctx->stop) && get_signal(&ksig))
		WRITE_ONCE(ctx->stop, true);
	return xsc_set_busy(ctx, true) && !READ_ONCE(ctx->stop);
}

static s64 xsc_execute(struct xsc_ctx *ctx, const struct xsc_sqe *sqe)
{
	const struct xsc_op_def *def = xsc_opdef_find(sqe);
	s64 res;

	if (IS_ERR(def))
		return PTR_ERR(def);
	if (!def)
		return -XSC_EINLINE;
	for (;;) {
		res = xsc_issue(ctx, def, sqe->args);
		switch (res) {
		case -ERESTARTSYS:
		case -ERESTARTNOINTR:
		case -ERESTARTNOHAND:
			if (xsc_interrupted(ctx))
				continue;
			return -EINTR;
		case -ERESTART_RESTARTBLOCK:
			return -EINTR;
		}
		return res;
	}
}

/* Answers one entry if there is one and room for its result. */
static bool xsc_step(struct xsc_ctx *ctx)
{
	s64 res = -ECANCELED;
	struct xsc_sqe sqe;

	if (xsc_ring_check(&ctx->ring) != XSC_RING_WORK)
		return false;
	if (xsc_take(ctx, &sqe)) {
		res = xsc_execute(ctx, &sqe);
		xsc_set_busy(ctx, false);
		xsc_done(ctx, res);
	}
	xsc_ring_post(&ctx->ring, sqe.user_data, res);
	if (wq_has_sleeper(&ctx->wait))
		wake_up_interruptible_poll(&ctx->wait, EPOLLIN | EPOLLOUT);
	return true;
}

/* Something to do, looked at by a worker about to pause, and each time it is woken. */
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
	spin_lock(&ctx->lock);
	ctx->counters.sleeps++;
	spin_unlock(&ctx->lock);
	xsc_ring_set_flags(&ctx->ring, XSC_SQ_NEED_WAKEUP, 0);
	smp_mb();	/* see above */
	wait_event_interruptible(ctx->idle, xsc_work_pending(ctx));
	xsc_ring_set_flags(&ctx->ring, 0, XSC_SQ_NEED_WAKEUP);
}

/* How a worker without work spends its time, from the last entry on. */
struct xsc_idler {
	u64 since;		/* the last entry, or the end of a sleep */
	u64 pause_ns;		/* the next pause */
	unsigned int shift;	/* idle_ns >> shift is spent spinning */
};

static void xsc_idler_reset(struct xsc_idler *idler)
{
	idler->since = local_clock();
	idler->pause_ns = XSC_WORKER_BACKOFF_US_MIN * NSEC_PER_USEC;
}

/*
 * No work: spins for the active window, then pauses ever longer, then sleeps. The window
 * doubles when work came just after it, and is halved when none came at all.
 */
static void xsc_idle(struct xsc_ctx *ctx, struct xsc_idler *idler)
{
	u64 gone = local_clock() - idler->since;
	u64 max_ns = (u64)READ_ONCE(xsc_worker_backoff_us) * NSEC_PER_USEC;

	if ((s64)gone < (s64)(ctx->idle_ns >> idler->shift)) {
		cond_resched_tasks_rcu_qs();
		cpu_relax();
	} else if (gone < ctx->idle_ns && max_ns) {
		if (wait_event_interruptible_hrtimeout(ctx->idle, xsc_work_pending(ctx),
						       ns_to_ktime(idler->pause_ns)) == 0)
			idler->shift -= idler->shift > 0;
		idler->pause_ns = min(idler->pause_ns * 2, max_ns);
	} else {
		xsc_sleep(ctx);
		idler->shift = min(idler->shift + 1, XSC_SPIN_SHIFT_MAX);
		xsc_idler_reset(idler);
	}
}

/*
 * The end of the worker; what it exits with. As the last thread of its process it would
 * otherwise overwrite the exit code of the process, which is the last user thread's.
 */
static long xsc_worker_done(struct xsc_ctx *ctx)
{
	struct task_struct *self;
	long code;

	spin_lock(&ctx->lock);
	self = ctx->worker;
	ctx->worker = NULL;
	spin_unlock(&ctx->lock);
	put_task_struct(self);

	xsc_ring_set_flags(&ctx->ring, XSC_SQ_DEAD, XSC_SQ_NEED_WAKEUP);
	wake_up_interruptible_poll(&ctx->wait, EPOLLHUP | EPOLLIN | EPOLLOUT);
	code = xsc_workers_del(ctx);
	xsc_ctx_put(ctx);
	return code;
}

static int xsc_worker_main(void *arg)
{
	struct xsc_idler idler = { .shift = 1 };
	struct xsc_ctx *ctx = arg;
	char name[TASK_COMM_LEN];

	snprintf(name, sizeof(name), "xsc-%d", task_pid_vnr(ctx->owner));
	set_task_comm(current, name);

	xsc_idler_reset(&idler);
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
			xsc_idler_reset(&idler);
			cond_resched_tasks_rcu_qs();
		} else {
			xsc_idle(ctx, &idler);
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
	xsc_workers_add(ctx);
	wake_up_new_task(worker);
	return 0;
}

/* False if there is no worker (any more). */
bool xsc_worker_wake(struct xsc_ctx *ctx)
{
	bool alive;

	spin_lock(&ctx->lock);
	alive = ctx->worker;
	ctx->counters.wakeups += alive;
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
 * Cancels the entries with this user_data, or any: how many get -ECANCELED. If none, but the
 * one being executed has it: -EALREADY; its wait, if it is in one, ends with -EINTR.
 */
int xsc_worker_cancel(struct xsc_ctx *ctx, u64 user_data, bool any)
{
	int ret;

	spin_lock(&ctx->lock);
	ret = xsc_ring_cancel(&ctx->ring, user_data, any) ?: -ENOENT;
	if (ctx->active && ctx->worker && (any || ctx->user_data == user_data)) {
		ctx->interrupt = true;
		set_notify_signal(ctx->worker);
		if (ret == -ENOENT)
			ret = -EALREADY;
	}
	spin_unlock(&ctx->lock);
	return ret;
}
