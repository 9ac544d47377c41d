// SPDX-License-Identifier: GPL-2.0
/*
 * The four shared regions: allocation, mapping, indices. core.c maps them, the worker is
 * the only one that fetches and posts. Invariant: an index from user space is compared
 * with the kernel's own and never used to address memory.
 */
#include <linux/errno.h>
#include <linux/mm.h>
#include <linux/shm.h>
#include <linux/string.h>
#include <linux/vmalloc.h>

#include "xsc.h"

#define XSC_MASK	(XSC_RING_ENTRIES - 1)

static_assert((XSC_RING_ENTRIES & XSC_MASK) == 0);
static_assert(sizeof(struct xsc_sqe) == 64);
static_assert(sizeof(struct xsc_cqe) == 16);
static_assert(sizeof(struct xsc_sq_ring) == 192);
static_assert(sizeof(struct xsc_cq_ring) == 192);

#define XSC_SQES_SIZE	(XSC_RING_ENTRIES * sizeof(struct xsc_sqe))
#define XSC_CQES_SIZE	(XSC_RING_ENTRIES * sizeof(struct xsc_cqe))

/* vmalloc_user(), charged to the caller's memory cgroup: anyone can have rings. */
static void *xsc_region_alloc(size_t size)
{
	return __vmalloc_node_range(size, SHMLBA, VMALLOC_START, VMALLOC_END,
				    GFP_KERNEL_ACCOUNT | __GFP_ZERO, PAGE_KERNEL,
				    VM_USERMAP, NUMA_NO_NODE, __builtin_return_address(0));
}

int xsc_ring_alloc(struct xsc_ring *ring)
{
	ring->sq = xsc_region_alloc(sizeof(*ring->sq));
	ring->cq = xsc_region_alloc(sizeof(*ring->cq));
	ring->sqes = xsc_region_alloc(XSC_SQES_SIZE);
	ring->cqes = xsc_region_alloc(XSC_CQES_SIZE);
	if (!ring->sq || !ring->cq || !ring->sqes || !ring->cqes) {
		xsc_ring_free(ring);
		return -ENOMEM;
	}
	ring->sq->ring_mask = XSC_MASK;
	ring->cq->ring_mask = XSC_MASK;
	ring->sq->ring_entries = XSC_RING_ENTRIES;
	ring->cq->ring_entries = XSC_RING_ENTRIES;
	return 0;
}

void xsc_ring_free(struct xsc_ring *ring)
{
	vfree(ring->sq);
	vfree(ring->cq);
	vfree(ring->sqes);
	vfree(ring->cqes);
	memset(ring, 0, sizeof(*ring));
}

int xsc_ring_mmap(struct xsc_ring *ring, struct vm_area_struct *vma)
{
	unsigned long size;
	void *region;

	switch ((u64)vma->vm_pgoff << PAGE_SHIFT) {
	case XSC_OFF_SQ_RING:
		region = ring->sq;
		size = sizeof(*ring->sq);
		break;
	case XSC_OFF_CQ_RING:
		region = ring->cq;
		size = sizeof(*ring->cq);
		break;
	case XSC_OFF_SQES:
		region = ring->sqes;
		size = XSC_SQES_SIZE;
		break;
	case XSC_OFF_CQES:
		region = ring->cqes;
		size = XSC_CQES_SIZE;
		break;
	default:
		return -EINVAL;
	}
	if (vma->vm_end - vma->vm_start != PAGE_ALIGN(size))
		return -EINVAL;
	if (!(vma->vm_flags & VM_SHARED))
		return -EINVAL;
	if (vma->vm_flags & VM_EXEC)
		return -EACCES;

	/* Not in a child, not larger, never executable. */
	vm_flags_mod(vma, VM_DONTCOPY | VM_DONTEXPAND | VM_IO, VM_MAYEXEC);
	return remap_vmalloc_range(vma, region, 0);
}

/* User space may scribble on the copy; the kernel never looks at it. */
void xsc_ring_publish_flags(struct xsc_ring *ring)
{
	WRITE_ONCE(ring->sq->flags, ring->flags);
}

void xsc_ring_set_flags(struct xsc_ring *ring, u32 set, u32 clear)
{
	u32 flags = (ring->flags & ~clear) | set;

	if (flags == ring->flags)
		return;
	ring->flags = flags;
	xsc_ring_publish_flags(ring);
}

/* Says what the worker can do. Called by the worker only. */
enum xsc_ring_state xsc_ring_check(struct xsc_ring *ring)
{
	/* Pairs with user space's release: entries up to tail are written. */
	u32 pending = smp_load_acquire(&ring->sq->tail) - ring->sq_head;
	u32 unread;

	if (!pending) {
		xsc_ring_set_flags(ring, 0, XSC_SQ_BAD_INDEX | XSC_SQ_CQ_FULL);
		return XSC_RING_EMPTY;
	}
	/* Pairs with user space's release: entries before head have been read. */
	unread = ring->cq_tail - smp_load_acquire(&ring->cq->head);
	if (pending > XSC_RING_ENTRIES || unread > XSC_RING_ENTRIES) {
		xsc_ring_set_flags(ring, XSC_SQ_BAD_INDEX, XSC_SQ_CQ_FULL);
		return XSC_RING_BLOCKED;
	}
	if (unread == XSC_RING_ENTRIES) {
		xsc_ring_set_flags(ring, XSC_SQ_CQ_FULL, XSC_SQ_BAD_INDEX);
		return XSC_RING_BLOCKED;
	}
	xsc_ring_set_flags(ring, 0, XSC_SQ_BAD_INDEX | XSC_SQ_CQ_FULL);
	return XSC_RING_WORK;
}

/*
 * Takes one entry, after XSC_RING_WORK, under the lock of its context; false if it was
 * cancelled. It is copied once, word by word, so no later check can look at something
 * else than what is executed; then the slot is free again.
 */
bool xsc_ring_fetch(struct xsc_ring *ring, struct xsc_sqe *sqe)
{
	const u64 *from = (const u64 *)&ring->sqes[ring->sq_head & XSC_MASK];
	u64 *to = (u64 *)sqe;
	bool cancelled;
	size_t i;

	for (i = 0; i < sizeof(*sqe) / sizeof(u64); i++)
		to[i] = READ_ONCE(from[i]);
	cancelled = __test_and_clear_bit(ring->sq_head & XSC_MASK, ring->cancelled);
	WRITE_ONCE(ring->sq_head, ring->sq_head + 1);
	/* Pairs with user space's acquire: the slot has been read. */
	smp_store_release(&ring->sq->head, ring->sq_head);
	return !cancelled;
}

/*
 * Marks the submitted entries with this user_data, or any; how many were not marked before.
 * Under the lock of the context, so that no entry is taken meanwhile.
 */
unsigned int xsc_ring_cancel(struct xsc_ring *ring, u64 user_data, bool any)
{
	/* Pairs with user space's release: entries up to tail are written. */
	u32 tail = smp_load_acquire(&ring->sq->tail);
	unsigned int count = 0;
	u32 pos;

	if (tail - ring->sq_head > XSC_RING_ENTRIES)
		return 0;
	for (pos = ring->sq_head; pos != tail; pos++)
		if (any || READ_ONCE(ring->sqes[pos & XSC_MASK].user_data) == user_data)
			count += !__test_and_set_bit(pos & XSC_MASK, ring->cancelled);
	return count;
}

/* Posts one result; XSC_RING_WORK said that there is room. */
void xsc_ring_post(struct xsc_ring *ring, u64 user_data, s64 res)
{
	struct xsc_cqe *cqe = &ring->cqes[ring->cq_tail & XSC_MASK];

	WRITE_ONCE(cqe->user_data, user_data);
	WRITE_ONCE(cqe->res, res);
	WRITE_ONCE(ring->cq_tail, ring->cq_tail + 1);
	/* Pairs with user space's acquire: the result is written. */
	smp_store_release(&ring->cq->tail, ring->cq_tail);
}

/* For poll(2), from any task. */
bool xsc_ring_has_entries(struct xsc_ring *ring)
{
	return READ_ONCE(ring->sq->tail) != READ_ONCE(ring->sq_head);
}

bool xsc_ring_has_results(struct xsc_ring *ring)
{
	return READ_ONCE(ring->cq->head) != READ_ONCE(ring->cq_tail);
}

bool xsc_ring_has_room(struct xsc_ring *ring)
{
	return READ_ONCE(ring->sq->tail) - READ_ONCE(ring->sq_head) < XSC_RING_ENTRIES;
}
