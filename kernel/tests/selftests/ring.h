/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What the tests of the ring device share: a ring of /dev/xsc (open, set up, map, submit, reap),
 * on the runtime (lib/posix.h). Header only, so a test is one .c file and one static binary. Invariant: a wait ends with
 * a failed test after XSC_TEST_SECONDS, never with a hang.
 */
#ifndef XSC_TEST_RING_H
#define XSC_TEST_RING_H

#include "posix.h"

struct ring {
	int fd;
	struct xsc_sq_ring *sq;
	struct xsc_cq_ring *cq;
	struct xsc_sqe *sqes;
	struct xsc_cqe *cqes;
};

#define SQES_SIZE	(XSC_RING_ENTRIES * sizeof(struct xsc_sqe))
#define CQES_SIZE	4096

static inline void *ring_map(int fd, size_t size, off_t offset)
{
	return mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, offset);
}

static inline int ring_setup(int fd, uint32_t idle_us)
{
	struct xsc_setup setup = { .size = sizeof(setup), .idle_us = idle_us };

	return ioctl(fd, XSC_IOC_SETUP, &setup);
}

/* 0, or -1 with errno set. */
static inline int ring_open(struct ring *r, uint32_t idle_us)
{
	r->fd = open("/dev/xsc", O_RDWR | O_CLOEXEC);
	if (r->fd < 0 || ring_setup(r->fd, idle_us))
		return -1;
	r->sq = ring_map(r->fd, 4096, XSC_OFF_SQ_RING);
	r->cq = ring_map(r->fd, 4096, XSC_OFF_CQ_RING);
	r->sqes = ring_map(r->fd, SQES_SIZE, XSC_OFF_SQES);
	r->cqes = ring_map(r->fd, CQES_SIZE, XSC_OFF_CQES);
	if (r->sq == MAP_FAILED || r->cq == MAP_FAILED || r->sqes == MAP_FAILED ||
	    r->cqes == MAP_FAILED)
		return -1;
	return 0;
}

static inline void ring_close(struct ring *r)
{
	munmap(r->sq, 4096);
	munmap(r->cq, 4096);
	munmap(r->sqes, SQES_SIZE);
	munmap(r->cqes, CQES_SIZE);
	close(r->fd);
}

/* Writes the entry into its slot without submitting it; n entries after the tail. */
static inline void ring_put(struct ring *r, uint32_t n, const struct xsc_sqe *sqe)
{
	r->sqes[(r->sq->tail + n) & (XSC_RING_ENTRIES - 1)] = *sqe;
}

/* Submits n entries by one memory write; a system call only if the worker sleeps. */
static inline void ring_advance(struct ring *r, uint32_t n)
{
	__atomic_store_n(&r->sq->tail, r->sq->tail + n, __ATOMIC_RELEASE);
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
	if (__atomic_load_n(&r->sq->flags, __ATOMIC_RELAXED) & XSC_SQ_NEED_WAKEUP)
		ioctl(r->fd, XSC_IOC_WAKE, 0);
}

static inline bool ring_ready(const struct ring *r)
{
	return __atomic_load_n(&r->cq->tail, __ATOMIC_ACQUIRE) != r->cq->head;
}

/* What is known about a ring that does not answer, and about the threads of its process. */
static inline void ring_diagnose(const struct ring *r)
{
	static const char *const files[] = { "comm", "stat", "wchan", "syscall", "stack" };
	char path[64], line[512];
	unsigned int tid, i;
	ssize_t n;
	int fd;

	printf("# no result: sq %u/%u cq %u/%u flags %x\n", r->sq->head, r->sq->tail,
	       r->cq->head, r->cq->tail, r->sq->flags);
	for (tid = getpid(); tid < (unsigned int)getpid() + 8; tid++) {
		for (i = 0; i < sizeof(files) / sizeof(*files); i++) {
			snprintf(path, sizeof(path), "/proc/self/task/%u/%s", tid, files[i]);
			fd = open(path, O_RDONLY);
			n = fd < 0 ? 0 : read(fd, line, sizeof(line) - 1);
			line[n > 0 ? n : 0] = 0;
			if (n > 0)
				printf("# %s: %s\n", path, line);
			close(fd);
		}
	}
	fflush(stdout);
}

static inline void cpu_relax(void)
{
#ifdef __x86_64__
	__asm__ volatile("pause" ::: "memory");
#else
	__asm__ volatile("yield" ::: "memory");
#endif
}

/* Polls memory for a result; false after the time limit. */
static inline bool ring_wait(struct ring *r)
{
	uint64_t end = now_ms() + XSC_TEST_SECONDS * 1000;

	while (!ring_ready(r)) {
		if (now_ms() > end) {
			ring_diagnose(r);
			return false;
		}
		cpu_relax();
	}
	return true;
}

/* Takes one result out of the ring; the caller knows that there is one. */
static inline struct xsc_cqe ring_take(struct ring *r)
{
	struct xsc_cqe cqe = r->cqes[r->cq->head & (XSC_RING_ENTRIES - 1)];

	__atomic_store_n(&r->cq->head, r->cq->head + 1, __ATOMIC_RELEASE);
	return cqe;
}

#define RES_NONE	INT64_MIN

/* One entry from submission to result; RES_NONE if none came, or someone else's. */
static inline int64_t ring_do(struct ring *r, struct xsc_sqe sqe)
{
	static uint64_t serial = 0x1122334455667788;
	struct xsc_cqe cqe;

	sqe.user_data = ++serial;
	ring_put(r, 0, &sqe);
	ring_advance(r, 1);
	if (!ring_wait(r))
		return RES_NONE;
	cqe = ring_take(r);
	return cqe.user_data == serial ? cqe.res : RES_NONE;
}

#endif /* XSC_TEST_RING_H */
