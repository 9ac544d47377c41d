/* SPDX-License-Identifier: MIT */
/*
 * What the files of the library share: the queue, its two kinds, the way into the kernel.
 * Invariant: `ops` is zero in a queue that a forked child must not use.
 */
#ifndef XSC_RT_INTERNAL_H
#define XSC_RT_INTERNAL_H

#include <errno.h>
#include <stdbool.h>
#include <xsc/rt.h>

#define MASK		(XSC_RING_ENTRIES - 1)
#define EXPORT		__attribute__((visibility("default")))

/* What a kind of queue does; arguments are checked and the queue is of that kind. */
struct queue_ops {
	enum xsc_queue_kind kind;
	struct xsc_sqe *(*entry)(struct xsc_queue *q);
	unsigned int (*prepared)(const struct xsc_queue *q);
	unsigned int (*ready)(const struct xsc_queue *q);
	unsigned int (*space)(const struct xsc_queue *q);
	int (*submit)(struct xsc_queue *q);
	int (*peek)(struct xsc_queue *q, struct xsc_cqe *result);
	int (*wait)(struct xsc_queue *q, struct xsc_cqe *result, const struct timespec *timeout);
	int (*cancel)(struct xsc_queue *q, uint64_t user_data, unsigned int flags);
	int (*fd)(const struct xsc_queue *q);
	void (*close)(struct xsc_queue *q);
};

struct xsc_queue {
	const struct queue_ops *ops;
	uint32_t flags;
	/* batch: a process ring */
	struct xsc_ring_hdr *ring;
	/* device: its regions, the tail that is not yet published, and what was submitted */
	int device;
	struct xsc_sq_ring *sq;
	struct xsc_cq_ring *cq;
	struct xsc_sqe *sqes;
	struct xsc_cqe *cqes;
	uint32_t tail;
	struct xsc_sqe sent[XSC_RING_ENTRIES];
};

/* A function of the library succeeds without a change of errno. */
struct keep_errno { int value; };
static inline void put_errno(struct keep_errno *k) { errno = k->value; }
#define KEEP_ERRNO	__attribute__((cleanup(put_errno), unused)) struct keep_errno keep_ = { errno }

int batch_open(struct xsc_queue **queue, const struct xsc_queue_options *options);
int device_open(struct xsc_queue **queue, const struct xsc_queue_options *options);

bool gate_offered(void);
long gate_enter(struct xsc_ring_hdr *ring, unsigned int count);

#endif
