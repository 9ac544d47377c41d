/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Batches of a process ring for the test programs: put entries, enter once, take results.
 * Works in both forms of program, as the gate does. Invariant: one thread uses a ring at a time.
 */
#ifndef XSC_TEST_BATCH_H
#define XSC_TEST_BATCH_H

#define BATCH_NONE	((long)(1UL << 63))

static inline struct xsc_ring_hdr *batch_header(unsigned long ring)
{
	return (struct xsc_ring_hdr *)ring;
}

/* An entry by its number since the beginning of the ring. */
static inline struct xsc_sqe *batch_entry(unsigned long ring, unsigned int n)
{
	return (struct xsc_sqe *)(ring + XSC_RING_SQES) + n % XSC_RING_ENTRIES;
}

static inline struct xsc_cqe *batch_result(unsigned long ring, unsigned int n)
{
	return (struct xsc_cqe *)(ring + XSC_RING_CQES) + n % XSC_RING_ENTRIES;
}

/* Queues one entry; it is executed by batch_enter. */
static inline void batch_put(unsigned long ring, const struct xsc_sqe *sqe)
{
	struct xsc_ring_hdr *h = batch_header(ring);

	*batch_entry(ring, h->sq_tail) = *sqe;
	__atomic_store_n(&h->sq_tail, h->sq_tail + 1, __ATOMIC_RELEASE);
}

/* Executes up to n entries: the number consumed, or -errno. */
static inline long batch_enter(unsigned long ring, unsigned long n)
{
	return gate_call(0, XSC_NR_ENTER, ring, n, 0, 0, 0, 0);
}

/* Takes the oldest result; its res, or BATCH_NONE when there is none. */
static inline long batch_take(unsigned long ring, unsigned long *user_data)
{
	struct xsc_ring_hdr *h = batch_header(ring);
	struct xsc_cqe cqe;

	if (__atomic_load_n(&h->cq_tail, __ATOMIC_ACQUIRE) == h->cq_head)
		return BATCH_NONE;
	cqe = *batch_result(ring, h->cq_head);
	__atomic_store_n(&h->cq_head, h->cq_head + 1, __ATOMIC_RELEASE);
	if (user_data)
		*user_data = cqe.user_data;
	return cqe.res;
}

#define ARGS6(a, b, c, d, e, f, ...) \
	{ (unsigned long)(a), (unsigned long)(b), (unsigned long)(c), (unsigned long)(d), \
	  (unsigned long)(e), (unsigned long)(f) }
/* A typed entry, and one by system call number. */
#define SQE(op, ...) \
	((struct xsc_sqe){ .opcode = (op), .args = ARGS6(__VA_ARGS__, 0, 0, 0, 0, 0, 0) })
#define SQE_NR(number, ...) \
	((struct xsc_sqe){ .opcode = XSC_OP_SYSCALL, .nr = (number), \
			   .args = ARGS6(__VA_ARGS__, 0, 0, 0, 0, 0, 0) })

#endif /* XSC_TEST_BATCH_H */
