// SPDX-License-Identifier: GPL-2.0
/*
 * XSC_NR_ENTER: the entries of a process ring, executed in the calling task, each as the system
 * call it is, with seccomp, ptrace, audit and tracing. Called by the gate. Invariants: an entry
 * is copied once and only the copy decides; what a batch knows between two of its calls is
 * in the ring, so it can end after any entry (a signal, no room) and lose nothing.
 */
#include <linux/bits.h>
#include <linux/err.h>
#include <linux/ptrace.h>
#include <linux/restart_block.h>
#include <linux/resume_user_mode.h>
#include <linux/sched.h>
#include <linux/sched/signal.h>
#include <linux/signal.h>
#include <linux/uaccess.h>
#include <asm/syscall.h>
#include <uapi/linux/xsc.h>

#include "arch.h"
#include "enter.h"
#include "entry.h"
#include "opdef.h"
#include "stats.h"

#define XSC_SQE_FLAGS		(XSC_SQE_LINK | XSC_SQE_CQE_SKIP)

static_assert(offsetof(struct xsc_ring_hdr, call) == XSC_RING_CALL);
static_assert(XSC_RING_SQES + XSC_RING_ENTRIES * sizeof(struct xsc_sqe) == XSC_RING_CQES);
static_assert(XSC_RING_CQES + XSC_RING_ENTRIES * sizeof(struct xsc_cqe) <= XSC_RING_SIZE);

struct xsc_batch {
	struct xsc_ring_hdr __user *hdr;
	struct xsc_sqe __user *sqes;
	struct xsc_cqe __user *cqes;
	u32 sq_head;			/* the kernel's own while the batch runs */
	u32 cq_tail;			/* the same */
	u32 cq_head;			/* as last read */
	u32 todo;			/* entries of this batch still to come */
	long done;			/* and consumed */

	struct pt_regs *regs;
	struct pt_regs saved;		/* as they were when the batch was asked for */
	u32 exec_id;			/* of the program that asked */
};

/* What becomes of the batch after an entry. */
enum xsc_next {
	XSC_GO_ON,
	XSC_STOP,			/* it ends here, this entry is done */
	XSC_RESTART,			/* it ends here, this entry stays queued */
	XSC_MOVED,			/* it ends here, where a tracer sent the task */
	XSC_EXECED,			/* the ring and the registers are gone */
};

static struct xsc_sqe __user *xsc_sqe_at(const struct xsc_batch *b, u32 index)
{
	return &b->sqes[index % XSC_RING_ENTRIES];
}

/* Reads the header; which entries there are to execute. */
static int xsc_batch_begin(struct xsc_batch *b, unsigned long ring, unsigned long to_submit)
{
	u32 sq_tail;

	b->hdr = (void __user *)ring;
	b->sqes = (void __user *)(ring + XSC_RING_SQES);
	b->cqes = (void __user *)(ring + XSC_RING_CQES);
	if (!user_read_access_begin(b->hdr, sizeof(*b->hdr)))
		return -EFAULT;
	unsafe_get_user(b->sq_head, &b->hdr->sq_head, fault);
	unsafe_get_user(sq_tail, &b->hdr->sq_tail, fault);
	unsafe_get_user(b->cq_head, &b->hdr->cq_head, fault);
	unsafe_get_user(b->cq_tail, &b->hdr->cq_tail, fault);
	user_read_access_end();

	/* Entries are read after the tail that covers them. */
	smp_rmb();
	if (!xsc_indices_valid(b->sq_head, sq_tail) || !xsc_indices_valid(b->cq_head, b->cq_tail))
		return -EINVAL;
	b->todo = min_t(unsigned long, to_submit, sq_tail - b->sq_head);
	return 0;

fault:
	user_read_access_end();
	return -EFAULT;
}

/* Whether a result can be posted: any entry may have one, XSC_SQE_CQE_SKIP or not. */
static int xsc_batch_room(struct xsc_batch *b)
{
	if (b->cq_tail - b->cq_head < XSC_RING_ENTRIES)
		return 0;
	if (get_user(b->cq_head, &b->hdr->cq_head))
		return -EFAULT;
	if (!xsc_indices_valid(b->cq_head, b->cq_tail))
		return -EINVAL;
	return b->cq_tail - b->cq_head == XSC_RING_ENTRIES ? -EBUSY : 0;
}

/*
 * Copies the next entry, and finds out that its result can be stored before there is one:
 * what is written here is free space of the ring, and a value the ring has already.
 */
static int xsc_batch_fetch(struct xsc_batch *b, struct xsc_sqe *sqe)
{
	struct xsc_cqe __user *cqe = &b->cqes[b->cq_tail % XSC_RING_ENTRIES];

	if (copy_from_user(sqe, xsc_sqe_at(b, b->sq_head), sizeof(*sqe)))
		return -EFAULT;
	if (!user_write_access_begin(b->hdr, XSC_RING_SIZE))
		return -EFAULT;
	unsafe_put_user(sqe->user_data, &cqe->user_data, fault);
	unsafe_put_user(b->sq_head, &b->hdr->sq_head, fault);
	user_write_access_end();
	return 0;

fault:
	user_write_access_end();
	return -EFAULT;
}

/* The entry is done: its result, if it has one, then the indices. */
static int xsc_batch_post(struct xsc_batch *b, const struct xsc_sqe *sqe, long res)
{
	struct xsc_cqe __user *cqe = &b->cqes[b->cq_tail % XSC_RING_ENTRIES];
	bool post = !(sqe->flags & XSC_SQE_CQE_SKIP) || IS_ERR_VALUE(res);

	if (!user_write_access_begin(b->hdr, XSC_RING_SIZE))
		return -EFAULT;
	if (post) {
		unsafe_put_user(sqe->user_data, &cqe->user_data, fault);
		unsafe_put_user((s64)res, &cqe->res, fault);
	}
	smp_mb();	/* the indices are stored with release semantics */
	unsafe_put_user(b->cq_tail + post, &b->hdr->cq_tail, fault);
	smp_wmb();	/* who sees the entry consumed sees its result */
	unsafe_put_user(b->sq_head + 1, &b->hdr->sq_head, fault);
	user_write_access_end();
	b->cq_tail += post;
	b->sq_head++;
	b->done++;
	b->todo--;
	return 0;

fault:
	user_write_access_end();
	return -EFAULT;
}

/* Marks an entry of this batch that is still to come. */
static int xsc_batch_doom(struct xsc_batch *b, u32 index)
{
	u8 __user *flags = &xsc_sqe_at(b, index)->flags;
	u8 value;

	if (get_user(value, flags))
		return -EFAULT;
	return put_user(value | XSC_SQE_CANCELED, flags);
}

/* XSC_OP_CANCEL: the number of entries of this batch that have this user_data. */
static long xsc_batch_cancel(struct xsc_batch *b, u64 user_data)
{
	long found = 0;
	u32 i;

	for (i = 1; i < b->todo; i++) {
		u64 theirs;

		if (get_user(theirs, &xsc_sqe_at(b, b->sq_head + i)->user_data))
			return -EFAULT;
		if (theirs != user_data)
			continue;
		if (xsc_batch_doom(b, b->sq_head + i))
			return -EFAULT;
		found++;
	}
	return found ?: -ENOENT;
}

/*
 * Whether seccomp or syscall user dispatch answered the call by a SIGSYS, which is pending. The
 * result register then holds the number of the call. Other tasks can't send such a signal.
 */
bool xsc_was_trapped(void)
{
	/* One's own does not go away. */
	struct sighand_struct *sighand = rcu_dereference_protected(current->sighand, true);
	const struct sigqueue *q;
	bool trapped = false;

	spin_lock_irq(&sighand->siglock);
	list_for_each_entry(q, &current->pending.list, list)
		trapped |= q->info.si_signo == SIGSYS && q->info.si_code > 0;
	spin_unlock_irq(&sighand->siglock);
	return trapped;
}

/* One system call, as by trap; its result, and what that means for the batch. */
static enum xsc_next xsc_batch_call(struct xsc_batch *b, const struct xsc_call *call, long *res)
{
	*res = xsc_arch_call(b->regs, call);

	/* A tracer can make any call of any other: exec, or one that replaces registers. */
	if (current->self_exec_id != b->exec_id)
		return XSC_EXECED;
	if (instruction_pointer(b->regs) != instruction_pointer(&b->saved) ||
	    user_stack_pointer(b->regs) != user_stack_pointer(&b->saved))
		return XSC_MOVED;
	xsc_restore_call(b->regs, &b->saved);

	/* Without a signal, what looks like a restart is a value, of a filter for one. */
	if (!signal_pending(current))
		return XSC_GO_ON;
	switch (*res) {
	case -ERESTARTSYS:
	case -ERESTARTNOINTR:
	case -ERESTARTNOHAND:
		return XSC_RESTART;
	case -ERESTART_RESTARTBLOCK:
		/* What is left of a relative time is lost with the batch. */
		current->restart_block.fn = do_no_restart_syscall;
		*res = -EINTR;
		return XSC_STOP;
	}
	if (xsc_was_trapped())
		*res = -ENOSYS;
	return XSC_STOP;
}

static enum xsc_next xsc_batch_execute(struct xsc_batch *b, const struct xsc_sqe *sqe, long *res)
{
	struct xsc_sqe plain = *sqe;
	struct xsc_call call;

	if (sqe->flags & XSC_SQE_CANCELED) {
		*res = -ECANCELED;
		return XSC_GO_ON;
	}
	plain.flags &= ~XSC_SQE_FLAGS;
	if (sqe->opcode == XSC_OP_CANCEL && !plain.flags && !plain.ioprio &&
	    !IS_ERR(xsc_opdef_typed(&plain))) {
		*res = xsc_batch_cancel(b, sqe->args[0]);
		return XSC_GO_ON;
	}
	*res = xsc_op_prepare(&plain, &call);
	if (*res) {
		*res = min(*res, 0L);
		return XSC_GO_ON;
	}
	if (!xsc_nr_in_batch(call.nr)) {
		*res = -EINVAL;
		return XSC_GO_ON;
	}
	return xsc_batch_call(b, &call, res);
}

/*
 * What a system call does on its way out, before its result can be seen: close(2) means that
 * the file is gone, also for the next entry.
 */
static void xsc_batch_work(struct xsc_batch *b)
{
	if (test_thread_flag(TIF_NOTIFY_RESUME))
		resume_user_mode_work(b->regs);
	cond_resched();
}

/* The number of entries consumed, or the error that kept the first one from it. */
static long xsc_batch_run(struct xsc_batch *b)
{
	while (b->todo) {
		struct xsc_sqe sqe;
		enum xsc_next next;
		long res;
		int ret;

		ret = xsc_batch_room(b);
		if (!ret)
			ret = xsc_batch_fetch(b, &sqe);
		if (ret)
			return b->done ?: ret;

		next = xsc_batch_execute(b, &sqe, &res);
		if (next == XSC_EXECED)
			return regs_return_value(b->regs);
		if (next == XSC_RESTART)
			return b->done ?: res;
		if (next != XSC_MOVED)
			xsc_batch_work(b);

		/* Not silently: this entry was executed, and the ring does not say so. */
		if (sqe.flags & XSC_SQE_LINK && IS_ERR_VALUE(res) && b->todo > 1 &&
		    xsc_batch_doom(b, b->sq_head + 1))
			return -EFAULT;
		if (xsc_batch_post(b, &sqe, res))
			return -EFAULT;
		if (next == XSC_MOVED)
			return regs_return_value(b->regs);
		if (next == XSC_STOP)
			break;
	}
	return b->done;
}

/*
 * XSC_NR_ENTER(ring, to_submit, flags), its arguments in the registers. Returns what goes to
 * the result register, restart codes included.
 */
long xsc_enter(struct pt_regs *regs)
{
	struct xsc_batch b = {
		.regs = regs,
		.saved = *regs,
		.exec_id = current->self_exec_id,
	};
	unsigned long args[6];
	long ret;

	syscall_get_arguments(current, regs, args);
	if (args[2] || !IS_ALIGNED(args[0], XSC_RING_SIZE))
		return -EINVAL;
	ret = xsc_batch_begin(&b, args[0], args[1]);
	if (!ret)
		ret = xsc_batch_run(&b);
	xsc_count_call(XSC_STAT_BATCHES);
	xsc_count_task(XSC_STAT_BATCH_ENTRIES, b.done);
	return ret;
}
