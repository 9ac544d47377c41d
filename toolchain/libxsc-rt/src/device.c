/* SPDX-License-Identifier: MIT */
/*
 * Queues on the ring device /dev/xsc: a worker executes what is submitted. queue.c calls it.
 * Invariants: results come in the order of submission, one each, so the entry of a result is known by
 * its number; no more than 128 entries are between prepared and taken, so no result waits for room.
 */
#include "internal.h"

#include <fcntl.h>
#include <poll.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#define PAGE		4096
#define SQES_SIZE	(XSC_RING_ENTRIES * sizeof(struct xsc_sqe))
#define QUEUE_SIZE	((sizeof(struct xsc_queue) + PAGE - 1) & ~(size_t)(PAGE - 1))

/* A mark of ours in `sent`, which the kernel never sees. */
#define WAS_CANCELED	XSC_SQE_CANCELED

static uint32_t load(const uint32_t *p)
{
	return __atomic_load_n(p, __ATOMIC_ACQUIRE);
}

static unsigned int prepared(const struct xsc_queue *q)
{
	return q->tail - q->sq->tail;
}

static unsigned int ready(const struct xsc_queue *q)
{
	return load(&q->cq->tail) - q->cq->head;
}

static unsigned int space(const struct xsc_queue *q)
{
	return XSC_RING_ENTRIES - (q->tail - q->cq->head);
}

static struct xsc_sqe *entry(struct xsc_queue *q)
{
	struct xsc_sqe *e;

	if (!space(q))
		return NULL;
	e = &q->sent[q->tail++ & MASK];
	memset(e, 0, sizeof(*e));
	e->opcode = XSC_OP_NOP;
	return e;
}

static int wake(struct xsc_queue *q)
{
	uint32_t flags;

	__atomic_thread_fence(__ATOMIC_SEQ_CST);
	flags = load(&q->sq->flags);
	if (flags & XSC_SQ_DEAD)
		return -EOWNERDEAD;
	if (flags & XSC_SQ_NEED_WAKEUP && ioctl(q->device, XSC_IOC_WAKE, 0))
		return -errno;
	return 0;
}

static int submit(struct xsc_queue *q)
{
	unsigned int count = prepared(q);
	uint32_t n;
	int r;

	for (n = q->sq->tail; n != q->tail; n++) {
		struct xsc_sqe *e = &q->sqes[n & MASK];

		*e = q->sent[n & MASK];
		if (e->flags & WAS_CANCELED) {
			memset(e, 0, sizeof(*e));
			e->opcode = XSC_OP_NOP;
		}
	}
	__atomic_store_n(&q->sq->tail, q->tail, __ATOMIC_RELEASE);
	r = wake(q);
	return r ? r : (int)count;
}

/* What the worker may not do is done here, by the thread that takes the result. */
static int take(struct xsc_queue *q, struct xsc_cqe *result)
{
	uint32_t head = q->cq->head;
	const struct xsc_sqe *e = &q->sent[head & MASK];
	int64_t res;
	int r = 0;

	result->res = q->cqes[head & MASK].res;
	result->user_data = e->user_data;
	if (e->flags & WAS_CANCELED) {
		result->res = -ECANCELED;
	} else if (result->res == -XSC_EINLINE && !(q->flags & XSC_QUEUE_RAW)) {
		r = xsc_run(e, &res);
		if (r)
			return r;
		result->res = res;
	}
	__atomic_store_n(&q->cq->head, head + 1, __ATOMIC_RELEASE);
	return 0;
}

static int peek(struct xsc_queue *q, struct xsc_cqe *result)
{
	if (!ready(q))
		return load(&q->sq->flags) & XSC_SQ_DEAD && q->sq->tail != q->cq->head ?
			-EOWNERDEAD : -EAGAIN;
	return take(q, result);
}

/* poll(2) wakes the worker, too, if it sleeps with work to do. */
static int wait(struct xsc_queue *q, struct xsc_cqe *result, const struct timespec *timeout)
{
	struct timespec left, now, end;
	struct pollfd p = { .fd = q->device, .events = POLLIN };
	int r;

	if (timeout) {
		if (timeout->tv_sec < 0 || timeout->tv_nsec < 0 || timeout->tv_nsec >= 1000000000)
			return -EINVAL;
		clock_gettime(CLOCK_MONOTONIC, &end);
		end.tv_sec += timeout->tv_sec;
		end.tv_nsec += timeout->tv_nsec;
		end.tv_sec += end.tv_nsec / 1000000000;
		end.tv_nsec %= 1000000000;
	}
	if (prepared(q)) {
		r = submit(q);
		if (r < 0)
			return r;
	}
	while (!ready(q)) {
		if (q->sq->tail == q->cq->head)
			return -EAGAIN;
		if (timeout) {
			clock_gettime(CLOCK_MONOTONIC, &now);
			left.tv_sec = end.tv_sec - now.tv_sec;
			left.tv_nsec = end.tv_nsec - now.tv_nsec;
			if (left.tv_nsec < 0) {
				left.tv_sec--;
				left.tv_nsec += 1000000000;
			}
			if (left.tv_sec < 0)
				return -ETIME;
		}
		p.revents = 0;
		r = ppoll(&p, 1, timeout ? &left : NULL, NULL);
		if (r < 0)
			return -errno;
		if (r && !(p.revents & POLLIN))
			return p.revents & POLLHUP ? -EOWNERDEAD : -EPERM;
	}
	return take(q, result);
}

static bool meant(const struct xsc_sqe *e, uint64_t user_data, unsigned int flags)
{
	return !(e->flags & WAS_CANCELED) &&
	       (flags & XSC_QUEUE_CANCEL_ANY || e->user_data == user_data);
}

/* Those that are only prepared are marked; the kernel is asked about the others. */
static int cancel(struct xsc_queue *q, uint64_t user_data, unsigned int flags)
{
	struct xsc_cancel c = { .user_data = user_data };
	int found = 0, r;
	uint32_t n;

	for (n = q->sq->tail; n != q->tail; n++) {
		if (!meant(&q->sent[n & MASK], user_data, flags))
			continue;
		q->sent[n & MASK].flags |= WAS_CANCELED;
		found++;
	}
	if (flags & XSC_QUEUE_CANCEL_ANY)
		c.flags = XSC_CANCEL_ANY;
	r = ioctl(q->device, XSC_IOC_CANCEL, &c);
	if (r >= 0)
		return found + r;
	return found ? found : -errno;
}

static int fd(const struct xsc_queue *q)
{
	return q->device;
}

static void close_queue(struct xsc_queue *q)
{
	if (q->sq)
		munmap(q->sq, PAGE);
	if (q->cq)
		munmap(q->cq, PAGE);
	if (q->sqes)
		munmap(q->sqes, SQES_SIZE);
	if (q->cqes)
		munmap(q->cqes, PAGE);
	close(q->device);
	munmap(q, QUEUE_SIZE);
}

static const struct queue_ops ops = {
	.kind = XSC_QUEUE_DEVICE,
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

static void *region(int device, size_t size, uint64_t offset)
{
	void *p = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, device, (off_t)offset);

	return p == MAP_FAILED ? NULL : p;
}

/* The queue is memory that a forked child finds zeroed: it has no part in the worker. */
int device_open(struct xsc_queue **queue, const struct xsc_queue_options *options)
{
	struct xsc_setup setup = { .size = sizeof(setup), .idle_us = options->idle_us };
	struct xsc_queue *q;
	int error;

	if (!gate_offered())
		return -ENOSYS;
	q = mmap(NULL, QUEUE_SIZE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (q == MAP_FAILED)
		return -errno;
	q->device = open("/dev/xsc", O_RDWR | O_CLOEXEC);
	if (q->device < 0 || madvise(q, QUEUE_SIZE, MADV_WIPEONFORK) ||
	    ioctl(q->device, XSC_IOC_SETUP, &setup))
		goto fail;
	q->sq = region(q->device, PAGE, XSC_OFF_SQ_RING);
	q->cq = q->sq ? region(q->device, PAGE, XSC_OFF_CQ_RING) : NULL;
	q->sqes = q->cq ? region(q->device, SQES_SIZE, XSC_OFF_SQES) : NULL;
	q->cqes = q->sqes ? region(q->device, PAGE, XSC_OFF_CQES) : NULL;
	if (!q->cqes)
		goto fail;
	q->flags = options->flags;
	q->ops = &ops;
	*queue = q;
	return 0;
fail:
	error = errno;
	close_queue(q);
	return -error;
}
