// SPDX-License-Identifier: GPL-2.0
/*
 * A hostile user of the ring: bad entries, bad indices, bad set-ups and maps, regions that
 * go away while the worker runs. Each must give an error and leave a working kernel; the
 * test image's init looks for a WARNING afterwards.
 */
#include <poll.h>
#include <pthread.h>

#include "ring.h"

static void test_entries(struct ring *r)
{
	struct xsc_sqe sqe;
	unsigned int op, wrong = 0;

	for (op = 0; op < 256; op++) {
		bool known = op <= XSC_OP_CANCEL ||
			     (op >= XSC_OP_READ && op <= XSC_OP_LSTAT) ||
			     (op >= XSC_OP_SOCKET && op <= XSC_OP_RECVFROM) ||
			     (op >= XSC_OP_POLL && op <= XSC_OP_CLOCK_NANOSLEEP) ||
			     op == XSC_OP_FUTEX_WAIT || op == XSC_OP_FUTEX_WAKE ||
			     (op >= XSC_OP_FORK && op <= XSC_OP_EXECVEAT);

		if (!known)
			wrong += ring_do(r, SQE(op, 0)) != -EINVAL;
	}
	check(!wrong, "every unknown opcode is EINVAL: %u wrong", wrong);

	sqe = SQE(XSC_OP_NOP, 0);
	sqe.flags = 1;
	check_res(ring_do(r, sqe), -EINVAL, "flags set");
	sqe = SQE(XSC_OP_NOP, 0);
	sqe.ioprio = 0x8000;
	check_res(ring_do(r, sqe), -EINVAL, "ioprio set");
	sqe = SQE(XSC_OP_NOP, 0);
	sqe.nr = SYS_exit_group;
	check_res(ring_do(r, sqe), -EINVAL, "typed opcode with a system call number");
	check_res(ring_do(r, SQE(XSC_OP_NOP, 1)), -EINVAL, "an argument too many: first");
	check_res(ring_do(r, SQE(XSC_OP_FSYNC, 1, 0, 0, 0, 0, 1)), -EINVAL, "the same: last");
	sqe = SQE_NR(SYS_read, 999, 0, 1, 7, 7, 7);
	check_res(ring_do(r, sqe), -EBADF, "by number, surplus arguments are ignored");
	sqe.flags = 0x80;
	check_res(ring_do(r, sqe), -EINVAL, "by number, flags set");
}

/* The worker goes on where it was once the index makes sense again. */
static void test_indices(struct ring *r)
{
	uint32_t tail = r->sq->tail, head = r->cq->head, i;
	static const uint32_t off[] = { 129, 1000, 0x80000000, -1 };
	unsigned int seen = 0;
	uint64_t end;

	for (i = 0; i < sizeof(off) / sizeof(*off); i++) {
		__atomic_store_n(&r->sq->tail, tail + off[i], __ATOMIC_RELEASE);
		ioctl(r->fd, XSC_IOC_WAKE, 0);
		end = now_ms() + 5000;
		while (!(__atomic_load_n(&r->sq->flags, __ATOMIC_ACQUIRE) & XSC_SQ_BAD_INDEX) &&
		       now_ms() < end)
			usleep(1000);
		seen += !!(r->sq->flags & XSC_SQ_BAD_INDEX);
		__atomic_store_n(&r->sq->tail, tail, __ATOMIC_RELEASE);
		check_res(ring_do(r, SQE(XSC_OP_READ, 999, 0, 1)), -EBADF, "the ring goes on");
		tail++;
	}
	check(seen == 4, "a bad SQ tail is flagged: %u of 4", seen);

	head = r->cq->head;
	__atomic_store_n(&r->cq->head, head + 5, __ATOMIC_RELEASE);
	ring_put(r, 0, &(struct xsc_sqe){ .user_data = 77 });
	ring_advance(r, 1);
	usleep(50000);
	ioctl(r->fd, XSC_IOC_WAKE, 0);
	usleep(50000);
	check(r->sq->flags & XSC_SQ_BAD_INDEX && r->cq->tail == head, "a bad CQ head holds up");
	__atomic_store_n(&r->cq->head, head, __ATOMIC_RELEASE);
	ioctl(r->fd, XSC_IOC_WAKE, 0);
	check(ring_wait(r) && ring_take(r).user_data == 77, "and the ring goes on");

	/* What the kernel writes is a copy: scribbling on it changes nothing. */
	r->sq->head = 0xdead;
	r->sq->ring_mask = ~0;
	r->sq->ring_entries = 1;
	r->sq->flags = ~0;
	r->cq->ring_mask = 0;
	r->cq->ring_entries = ~0;
	check_res(ring_do(r, SQE(XSC_OP_READ, 999, 0, 1)), -EBADF, "scribbled kernel fields");
	check(r->sq->head == r->sq->tail, "the kernel's own head is intact");
	r->sq->flags = 0;
	ioctl(r->fd, XSC_IOC_WAKE, 0);	/* the scribble may have hidden NEED_WAKEUP */
}

static void test_cq_full(struct ring *r)
{
	unsigned int i, wrong = 0;
	uint32_t first = r->cq->tail;

	for (i = 0; i < XSC_RING_ENTRIES; i++)
		ring_put(r, i, &(struct xsc_sqe){ .user_data = 5000 + i });
	ring_advance(r, XSC_RING_ENTRIES);
	while (r->cq->tail != first + XSC_RING_ENTRIES && i++ < 20000)
		usleep(1000);
	for (i = 0; i < 40; i++)
		ring_put(r, i, &(struct xsc_sqe){ .user_data = 6000 + i });
	ring_advance(r, 40);
	for (i = 0; i < 200 && !(r->sq->flags & XSC_SQ_CQ_FULL); i++)
		usleep(10000);
	check(r->sq->flags & XSC_SQ_CQ_FULL, "a full CQ is flagged");
	check(r->cq->tail == first + XSC_RING_ENTRIES && r->sq->head != r->sq->tail,
	      "and no result overwrites an unread one");
	for (i = 0; i < XSC_RING_ENTRIES + 40; i++) {
		if (__atomic_load_n(&r->sq->flags, __ATOMIC_RELAXED) & XSC_SQ_NEED_WAKEUP)
			ioctl(r->fd, XSC_IOC_WAKE, 0);
		if (!ring_wait(r))
			break;
		wrong += ring_take(r).user_data != (i < 128 ? 5000 + i : 6000 + i - 128);
	}
	check(i == XSC_RING_ENTRIES + 40 && !wrong, "all results come: %u, %u wrong", i, wrong);
}

static int setup_errno(int fd, struct xsc_setup *setup)
{
	return ioctl(fd, XSC_IOC_SETUP, setup) ? -errno : 0;
}

static void test_setup(void)
{
	int fd = open("/dev/xsc", O_RDWR);
	struct xsc_setup s = { .size = sizeof(s) };
	struct { struct xsc_setup s; uint64_t more; } big = { .s.size = sizeof(big) };
	struct pollfd p = { .fd = fd, .events = POLLIN };

	check(ring_map(fd, 4096, XSC_OFF_SQ_RING) == MAP_FAILED && errno == ENXIO,
	      "mmap before set-up: ENXIO");
	check(ioctl(fd, XSC_IOC_WAKE, 0) && errno == ENXIO, "wake before set-up: ENXIO");
	check(poll(&p, 1, 0) == 1 && p.revents == POLLERR, "poll before set-up: POLLERR");
	check(ioctl(fd, 0x1234, 0) && errno == ENOTTY, "unknown ioctl: ENOTTY");
	check_res(setup_errno(fd, NULL), -EFAULT, "set-up: null");
	check_res(setup_errno(fd, (void *)0xffffffff81000000), -EFAULT, "set-up: kernel address");
	s.size = 8;
	check_res(setup_errno(fd, &s), -EINVAL, "set-up: too small");
	s.size = 1 << 20;
	check_res(setup_errno(fd, &s), -E2BIG, "set-up: huge");
	s.size = sizeof(s);
	s.flags = 1;
	check_res(setup_errno(fd, &s), -EINVAL, "set-up: unknown flag");
	s.flags = 0;
	s.__resv[2] = 1;
	check_res(setup_errno(fd, &s), -EINVAL, "set-up: reserved field");
	s.__resv[2] = 0;
	s.sq_entries = 64;
	check_res(setup_errno(fd, &s), -EINVAL, "set-up: 64 entries");
	s.sq_entries = 0;
	s.idle_us = XSC_IDLE_US_MAX + 1;
	check_res(setup_errno(fd, &s), -EINVAL, "set-up: idle time");
	big.more = 1;
	check_res(setup_errno(fd, &big.s), -E2BIG, "set-up: newer structure, field in use");
	big.more = 0;
	check_res(setup_errno(fd, &big.s), 0, "set-up: newer structure, field zero");
	check(big.s.size == sizeof(s) && big.s.sq_entries == XSC_RING_ENTRIES && big.s.idle_us,
	      "set-up tells what it made");
	check_res(setup_errno(fd, &s), -EINVAL, "set-up: arguments are checked first");
	s.idle_us = 0;
	check_res(setup_errno(fd, &s), -EBUSY, "set-up: twice");
	check(ioctl(fd, XSC_IOC_WAKE, 1) && errno == EINVAL, "wake with an argument: EINVAL");
	close(fd);
}

static void map_fails(int fd, size_t size, int prot, int flags, off_t off, int err, const char *name)
{
	void *p = mmap(NULL, size, prot, flags, fd, off);

	check(p == MAP_FAILED && errno == err, "mmap: %s: %s", name,
	      p == MAP_FAILED ? strerror(errno) : "mapped");
	if (p != MAP_FAILED)
		munmap(p, size);
}

static void test_maps(struct ring *r)
{
	const int rw = PROT_READ | PROT_WRITE;
	void *p;

	map_fails(r->fd, 8192, rw, MAP_SHARED, XSC_OFF_SQ_RING, EINVAL, "too large");
	map_fails(r->fd, 4096, rw, MAP_SHARED, XSC_OFF_SQES, EINVAL, "too small");
	map_fails(r->fd, 4096, rw, MAP_SHARED, XSC_OFF_SQES + 4096, EINVAL, "inside a region");
	map_fails(r->fd, 4096, rw, MAP_SHARED, 0x40000000, EINVAL, "no such region");
	map_fails(r->fd, 4096, rw, MAP_SHARED, 0x7ffffffff000, EINVAL, "far away");
	map_fails(r->fd, 4096, rw, MAP_PRIVATE, XSC_OFF_SQ_RING, EINVAL, "private");
	map_fails(r->fd, 4096, rw | PROT_EXEC, MAP_SHARED, XSC_OFF_SQ_RING, EACCES, "executable");
	check(mprotect(r->sqes, SQES_SIZE, rw | PROT_EXEC) && errno == EACCES,
	      "mprotect to executable: EACCES");
	p = mremap(r->sqes, SQES_SIZE, SQES_SIZE * 2, MREMAP_MAYMOVE);
	check(p == MAP_FAILED, "mremap to a larger size fails: %s", strerror(errno));
	p = ring_map(r->fd, 4096, XSC_OFF_SQ_RING);
	check(p != MAP_FAILED && *(uint32_t *)((char *)p + 64) == r->sq->tail, "a second map");
	munmap(p, 4096);
}

/* The regions go while the worker executes entries; then the file goes too. */
static void test_unmap_running(void)
{
	unsigned int i, round, failed = 0;
	struct ring r;

	for (round = 0; round < 20; round++) {
		if (ring_open(&r, round & 1 ? 1 : 0)) {
			failed++;
			break;
		}
		for (i = 0; i < XSC_RING_ENTRIES; i++)
			ring_put(&r, i, &SQE(XSC_OP_FSTAT, 0, 0x10));
		ring_advance(&r, XSC_RING_ENTRIES);
		ring_close(&r);
	}
	check(!failed, "unmapped and closed with 128 entries under way, 20 times");
}

static volatile bool stop_flipping;

/* Flips fields of entries while they are consumed: what is checked is what is executed. */
static void *flip(void *arg)
{
	struct ring *r = arg;
	unsigned int i = 0;

	while (!stop_flipping) {
		volatile struct xsc_sqe *sqe = &r->sqes[i++ & (XSC_RING_ENTRIES - 1)];

		sqe->opcode = i;
		sqe->nr = i * 7;
		sqe->flags = i >> 5;
		sqe->args[0] = -(uint64_t)i;
		sqe->args[1] = 0xffff800000000000ULL + i;
		sqe->args[i % 6] = i;
	}
	return NULL;
}

/*
 * 200 batches, or as many as 30 s allow: an emulator that gives a spinning processor's time
 * to the other one in slices of 100 ms needs minutes for what takes a second elsewhere.
 */
static void test_races(void)
{
	uint64_t end = now_ms() + 30000;
	unsigned int batch, got = 0;
	pthread_t thread;
	struct ring r;

	if (ring_open(&r, 0) || pthread_create(&thread, NULL, flip, &r)) {
		check(false, "race set-up");
		return;
	}
	for (batch = 0; batch < 200 && got == batch * 100 && now_ms() < end; batch++) {
		unsigned int i;

		ring_advance(&r, 100);
		/* any result is right, as long as each entry gives one */
		for (i = 0; i < 100 && ring_wait(&r); i++, got++)
			ring_take(&r);
	}
	stop_flipping = true;
	pthread_join(thread, NULL);
	check(batch >= 10 && got == batch * 100,
	      "entries changed while consumed: %u batches of 100, %u results", batch, got);
	ring_close(&r);
}

static void test_poll(struct ring *r)
{
	struct pollfd p = { .fd = r->fd, .events = POLLIN };
	unsigned int i;

	for (i = 0; i < 300 && !(r->sq->flags & XSC_SQ_NEED_WAKEUP); i++)
		usleep(10000);
	check(r->sq->flags & XSC_SQ_NEED_WAKEUP, "an idle worker sleeps");
	check(poll(&p, 1, 0) == 0, "poll: nothing to read");
	ring_put(r, 0, &(struct xsc_sqe){ .user_data = 42 });
	__atomic_store_n(&r->sq->tail, r->sq->tail + 1, __ATOMIC_SEQ_CST);
	check(poll(&p, 1, 5000) == 1 && p.revents == POLLIN, "poll wakes the worker and waits");
	check(ring_ready(r) && ring_take(r).user_data == 42, "the result is there");
}

int main(void)
{
	struct ring r;

	tap_begin();
	if (!check(!ring_open(&r, 0), "ring"))
		return tap_end();
	test_entries(&r);
	test_indices(&r);
	test_cq_full(&r);
	test_setup();
	test_maps(&r);
	test_unmap_running();
	test_races();
	test_poll(&r);
	check_res(ring_do(&r, SQE(XSC_OP_NOP, 0)), 0, "the ring still works");
	ring_close(&r);
	return tap_end();
}
