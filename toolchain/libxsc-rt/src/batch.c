/* SPDX-License-Identifier: MIT */
/*
 * Queues that are batches: a process ring of their own, executed by submit in the calling thread.
 * queue.c calls it. Invariant: the ring's indices are the only state, so a forked child's copy is a
 * queue of its own.
 */
#include "internal.h"

#include <stdlib.h>
#include <string.h>

static struct xsc_sqe *sqe_at(const struct xsc_queue *q, uint32_t n)
{
	return (struct xsc_sqe *)((char *)q->ring + XSC_RING_SQES) + (n & MASK);
}

static const struct xsc_cqe *cqe_at(const struct xsc_queue *q, uint32_t n)
{
	return (struct xsc_cqe *)((char *)q->ring + XSC_RING_CQES) + (n & MASK);
}

static uint32_t load(const uint32_t *p)
{
	return __atomic_load_n(p, __ATOMIC_ACQUIRE);
}

static unsigned int prepared(const struct xsc_queue *q)
{
	return q->ring->sq_tail - load(&q->ring->sq_head);
}

static unsigned int ready(const struct xsc_queue *q)
{
	return load(&q->ring->cq_tail) - q->ring->cq_head;
}

static unsigned int space(const struct xsc_queue *q)
{
	return XSC_RING_ENTRIES - prepared(q);
}

/* The tail moves at once: an entry left as it is, all zero, is none that runs (see submit). */
static struct xsc_sqe *entry(struct xsc_queue *q)
{
	struct xsc_sqe *e;

	if (!space(q))
		return NULL;
	e = sqe_at(q, q->ring->sq_tail);
	memset(e, 0, sizeof(*e));
	e->opcode = XSC_OP_NOP;
	__atomic_store_n(&q->ring->sq_tail, q->ring->sq_tail + 1, __ATOMIC_RELEASE);
	return e;
}

/* Once: after a signal the rest stays prepared, so that the caller can look at what its handler did. */
static int submit(struct xsc_queue *q)
{
	unsigned int count = prepared(q);

	return count ? (int)gate_enter(q->ring, count) : 0;
}

static int peek(struct xsc_queue *q, struct xsc_cqe *result)
{
	if (!ready(q))
		return -EAGAIN;
	*result = *cqe_at(q, q->ring->cq_head);
	__atomic_store_n(&q->ring->cq_head, q->ring->cq_head + 1, __ATOMIC_RELEASE);
	return 0;
}

static int wait(struct xsc_queue *q, struct xsc_cqe *result, const struct timespec *timeout)
{
	int r;

	(void)timeout;			/* the entries have their own */
	if (!ready(q)) {
		r = submit(q);
		if (r < 0)
			return r;
	}
	return peek(q, result);
}

static int cancel(struct xsc_queue *q, uint64_t user_data, unsigned int flags)
{
	uint32_t n;
	int found = 0;

	for (n = load(&q->ring->sq_head); n != q->ring->sq_tail; n++) {
		struct xsc_sqe *e = sqe_at(q, n);

		if (e->flags & XSC_SQE_CANCELED ||
		    (e->user_data != user_data && !(flags & XSC_QUEUE_CANCEL_ANY)))
			continue;
		e->flags |= XSC_SQE_CANCELED;
		found++;
	}
	return found ? found : -ENOENT;
}

static int fd(const struct xsc_queue *q)
{
	(void)q;
	return -EOPNOTSUPP;
}

static void close_queue(struct xsc_queue *q)
{
	free(q->ring);
	free(q);
}

static const struct queue_ops ops = {
	.kind = XSC_QUEUE_BATCH,
	.entry = entry,
	.prepared = prepared,
	.ready = ready,
	.space = space,
	.submit = submit,
	.peek = peek,
	.wait = wait,
	.cancel = cancel,
	.fd = fd,
	.close = close_queue,
};

int batch_open(struct xsc_queue **queue, const struct xsc_queue_options *options)
{
	struct xsc_queue *q;

	if (!gate_offered())
		return -ENOSYS;
	q = calloc(1, sizeof(*q));
	if (!q)
		return -ENOMEM;
	q->ring = aligned_alloc(XSC_RING_SIZE, XSC_RING_SIZE);
	if (!q->ring) {
		free(q);
		return -ENOMEM;
	}
	memset(q->ring, 0, XSC_RING_SIZE);
	q->ops = &ops;
	q->flags = options->flags;
	*queue = q;
	return 0;
}

/* A ring on the caller's stack would be 16 KiB of it; this one is freed at once. */
EXPORT int xsc_run(const struct xsc_sqe *e, int64_t *result)
{
	static const struct xsc_queue_options none = { .size = sizeof(none) };
	struct xsc_queue *q;
	struct xsc_cqe c;
	KEEP_ERRNO;
	int r;

	if (!e || !result)
		return -EINVAL;
	r = batch_open(&q, &none);
	if (r)
		return r;
	*entry(q) = *e;
	sqe_at(q, 0)->flags = 0;
	do
		r = submit(q);
	while (r == -EINTR);
	if (r > 0)
		r = peek(q, &c);
	if (!r)
		*result = c.res;
	close_queue(q);
	return r;
}
