// SPDX-License-Identifier: GPL-2.0
/*
 * The workers of a process, found from any of its tasks: for the hooks in exit, seccomp and
 * ptrace, and for the counters in /proc. Invariant: a ring is in the table exactly while its
 * worker holds a reference to it and pins the owner, so what the table leads to is alive.
 */
#include <linux/hashtable.h>
#include <linux/sched.h>
#include <linux/sched/signal.h>
#include <linux/sched/task.h>
#include <linux/wait.h>
#include <linux/xsc.h>

#include "xsc.h"

/* Rings with a running worker, by their process (its signal_struct). */
static DEFINE_HASHTABLE(xsc_workers, 6);
static DEFINE_SPINLOCK(xsc_workers_lock);	/* taken before xsc_ctx.lock */
atomic_t xsc_live_workers = ATOMIC_INIT(0);

/* Tasks in __xsc_quiesce(). */
static DECLARE_WAIT_QUEUE_HEAD(xsc_drained);

/* Candidates for the rings of the task's process; under xsc_workers_lock. */
#define xsc_for_each_candidate(ctx, task) \
	hash_for_each_possible(xsc_workers, ctx, by_process, (unsigned long)(task)->signal)

/* The worker pins the owner's signal_struct, so a match is no stale pointer. */
static bool xsc_is_of(const struct xsc_ctx *ctx, const struct task_struct *task)
{
	return ctx->owner->signal == task->signal;
}

void xsc_workers_add(struct xsc_ctx *ctx)
{
	atomic_inc(&xsc_live_workers);
	/* Pairs with xsc_quiesce(): it sees this ring, or the ring sees what it announces. */
	smp_mb__after_atomic();
	spin_lock(&xsc_workers_lock);
	hash_add(xsc_workers, &ctx->by_process, (unsigned long)ctx->owner->signal);
	spin_unlock(&xsc_workers_lock);
}

/* The end of a worker; what it exits with. */
long xsc_workers_del(struct xsc_ctx *ctx)
{
	struct task_struct *owner;
	long code;

	spin_lock(&xsc_workers_lock);
	hash_del(&ctx->by_process);
	code = ctx->exit_code;
	owner = ctx->owner;
	ctx->owner = NULL;
	spin_unlock(&xsc_workers_lock);
	put_task_struct(owner);
	atomic_dec(&xsc_live_workers);
	return code;
}

/* Called by a worker whose ring had somebody waiting for the end of an operation. */
void xsc_workers_drained(void)
{
	wake_up_all(&xsc_drained);
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
	spin_lock(&xsc_workers_lock);
	xsc_for_each_candidate(ctx, tsk) {
		if (!xsc_is_of(ctx, tsk))
			continue;
		ctx->exit_code = code;
		if (ctx->owner == tsk)
			xsc_worker_stop(ctx);
	}
	spin_unlock(&xsc_workers_lock);
}

/* Whether no worker of the process executes what it began before it was asked to drain. */
static bool xsc_is_drained(const struct task_struct *task)
{
	struct xsc_ctx *ctx;
	bool drained = true;

	spin_lock(&xsc_workers_lock);
	xsc_for_each_candidate(ctx, task)
		if (xsc_is_of(ctx, task))
			drained &= !READ_ONCE(ctx->drain);
	spin_unlock(&xsc_workers_lock);
	return drained;
}

/*
 * The task's system calls are watched or filtered from now on, and its syscall work says so.
 * An operation that looked before that is waited for; any other looks after it and is left
 * to the owner. One that takes long is interrupted, and then left to the owner as well.
 */
void __xsc_quiesce(struct task_struct *task, long timeout)
{
	struct xsc_ctx *ctx;

	spin_lock(&xsc_workers_lock);
	xsc_for_each_candidate(ctx, task) {
		if (!xsc_is_of(ctx, task))
			continue;
		spin_lock(&ctx->lock);
		WRITE_ONCE(ctx->drain, ctx->busy);
		spin_unlock(&ctx->lock);
	}
	spin_unlock(&xsc_workers_lock);

	if (wait_event_killable_timeout(xsc_drained, xsc_is_drained(task), HZ / 20))
		return;
	spin_lock(&xsc_workers_lock);
	xsc_for_each_candidate(ctx, task) {
		if (!xsc_is_of(ctx, task))
			continue;
		spin_lock(&ctx->lock);
		if (ctx->drain && ctx->worker)
			set_notify_signal(ctx->worker);
		spin_unlock(&ctx->lock);
	}
	spin_unlock(&xsc_workers_lock);
	/* Cut short by SIGKILL only, and then the caller sees nothing of its system call. */
	wait_event_killable_timeout(xsc_drained, xsc_is_drained(task), timeout);
}

/* Adds up the counters of the task's process; the number of its workers. */
unsigned int xsc_worker_counters(const struct task_struct *task, struct xsc_counters *sum)
{
	unsigned int workers = 0;
	struct xsc_ctx *ctx;

	memset(sum, 0, sizeof(*sum));
	spin_lock(&xsc_workers_lock);
	xsc_for_each_candidate(ctx, task) {
		if (!xsc_is_of(ctx, task))
			continue;
		spin_lock(&ctx->lock);
		sum->submitted += ctx->counters.submitted;
		sum->executed += ctx->counters.executed;
		sum->inlined += ctx->counters.inlined;
		sum->cancelled += ctx->counters.cancelled;
		sum->sleeps += ctx->counters.sleeps;
		sum->wakeups += ctx->counters.wakeups;
		spin_unlock(&ctx->lock);
		workers++;
	}
	spin_unlock(&xsc_workers_lock);
	return workers;
}
