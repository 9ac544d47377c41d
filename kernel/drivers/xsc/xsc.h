/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The driver's own types. A struct xsc_ctx is one open file of /dev/xsc, and after
 * XSC_IOC_SETUP one ring and one worker. Invariant: nothing the kernel decides by (indices,
 * masks, flags, an entry once fetched) is read back from memory user space can write.
 */
#ifndef _DRIVERS_XSC_XSC_H
#define _DRIVERS_XSC_XSC_H

#include <linux/bitmap.h>
#include <linux/kref.h>
#include <linux/list.h>
#include <linux/mutex.h>
#include <linux/spinlock.h>
#include <linux/types.h>
#include <linux/wait.h>
#include <uapi/linux/xsc.h>

struct file;
struct mm_struct;
struct task_struct;
struct vm_area_struct;

struct xsc_ring {
	struct xsc_sq_ring *sq;		/* shared with user space, vmalloc_user() */
	struct xsc_cq_ring *cq;
	struct xsc_sqe *sqes;
	struct xsc_cqe *cqes;
	u32 sq_head;			/* the worker's own, copied out to sq->head */
	u32 cq_tail;			/* the same, to cq->tail */
	u32 flags;			/* the same, to sq->flags */
	/* Slots between sq_head and the tail whose entries were cancelled; under xsc_ctx.lock. */
	DECLARE_BITMAP(cancelled, XSC_RING_ENTRIES);
};

/* What a worker did since its ring was set up. */
struct xsc_counters {
	u64 submitted;			/* entries taken from the ring */
	u64 executed;			/* of these: by the worker, errors included */
	u64 inlined;			/* answered -XSC_EINLINE */
	u64 cancelled;			/* answered -ECANCELED */
	u64 sleeps;			/* of the worker, with XSC_SQ_NEED_WAKEUP */
	u64 wakeups;			/* asked for by XSC_IOC_WAKE or poll */
};

struct xsc_ctx {
	struct kref ref;		/* the file, and the worker while it runs */
	struct mutex setup_lock;
	bool ready;			/* set once, by a release store */
	bool stop;
	struct xsc_ring ring;
	u64 idle_ns;			/* time without work before the worker sleeps */

	struct task_struct *owner;	/* who set the ring up; NULL once the worker is gone */
	struct mm_struct *mm;		/* its address space then, mmgrab()bed */

	spinlock_t lock;		/* protects what follows, up to the next empty line */
	struct task_struct *worker;	/* NULL before setup and after its exit */
	bool active;			/* an entry was taken and not answered yet, this one: */
	u64 user_data;
	bool interrupt;			/* it was cancelled since */
	bool busy;			/* it is being executed */
	bool drain;			/* somebody waits for the end of that */
	struct xsc_counters counters;

	struct hlist_node by_process;	/* in workers.c's table, under its lock */
	long exit_code;			/* the same: what the worker exits with */
	wait_queue_head_t idle;		/* the worker */
	wait_queue_head_t wait;		/* poll(2) */
};

/* core.c */
void xsc_ctx_put(struct xsc_ctx *ctx);

/* ring.c */
enum xsc_ring_state {
	XSC_RING_EMPTY,			/* nothing submitted */
	XSC_RING_BLOCKED,		/* CQ full, or an index out of range */
	XSC_RING_WORK,			/* at least one entry to execute */
};

int xsc_ring_alloc(struct xsc_ring *ring);
void xsc_ring_free(struct xsc_ring *ring);
int xsc_ring_mmap(struct xsc_ring *ring, struct vm_area_struct *vma);
enum xsc_ring_state xsc_ring_check(struct xsc_ring *ring);
bool xsc_ring_fetch(struct xsc_ring *ring, struct xsc_sqe *sqe);
unsigned int xsc_ring_cancel(struct xsc_ring *ring, u64 user_data, bool any);
void xsc_ring_post(struct xsc_ring *ring, u64 user_data, s64 res);
void xsc_ring_set_flags(struct xsc_ring *ring, u32 set, u32 clear);
void xsc_ring_publish_flags(struct xsc_ring *ring);
bool xsc_ring_has_entries(struct xsc_ring *ring);
bool xsc_ring_has_results(struct xsc_ring *ring);
bool xsc_ring_has_room(struct xsc_ring *ring);

/* worker.c */
#define XSC_WORKER_BACKOFF_US_MIN	5

extern unsigned int xsc_worker_idle_us_default;	/* for a set-up that leaves it to us */
extern unsigned int xsc_worker_backoff_us;	/* longest pause between two looks at a ring */

int xsc_worker_start(struct xsc_ctx *ctx);
bool xsc_worker_wake(struct xsc_ctx *ctx);
void xsc_worker_stop(struct xsc_ctx *ctx);
int xsc_worker_cancel(struct xsc_ctx *ctx, u64 user_data, bool any);

/* workers.c */
void xsc_workers_add(struct xsc_ctx *ctx);
long xsc_workers_del(struct xsc_ctx *ctx);
void xsc_workers_drained(void);
unsigned int xsc_worker_counters(const struct task_struct *task, struct xsc_counters *sum);

#endif /* _DRIVERS_XSC_XSC_H */
