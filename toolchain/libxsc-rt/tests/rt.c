/* SPDX-License-Identifier: MIT */
/*
 * libxsc-rt: entries as they should be, then both kinds of queue doing real work, cancellation,
 * signals, limits, bad arguments. What needs XSC skips on another kernel, where opening must say
 * ENOSYS. Invariant: errno is never changed by the library.
 */
#include "tap.h"

#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/uio.h>
#include <xsc/rt.h>

#include "prep.h"

#define NONE (-99999)

/* The next result's value if its user_data is as wanted. */
static int64_t next(struct xsc_queue *q, uint64_t user_data)
{
	struct timespec limit = { 20, 0 };
	struct xsc_cqe c;

	if (xsc_queue_wait(q, &c, &limit) || c.user_data != user_data)
		return NONE;
	return c.res;
}

static struct xsc_sqe *tagged(struct xsc_queue *q, uint64_t user_data)
{
	struct xsc_sqe *e = xsc_queue_entry(q);

	must(e);
	e->user_data = user_data;
	return e;
}

/* xsc_prep_* clears user_data, so it is set behind. */
#define PUT(q, tag, call, ...) do {							\
	struct xsc_sqe *e_ = tagged(q, 0);						\
	xsc_prep_##call(e_, ##__VA_ARGS__);						\
	e_->user_data = (tag);								\
} while (0)

static void bad_arguments(struct xsc_queue *q)
{
	struct xsc_queue_options o = { .size = sizeof(o) };
	struct xsc_queue *other;
	struct xsc_cqe c;

	check_eq(xsc_queue_open(NULL, XSC_QUEUE_BATCH, NULL), -EINVAL, "no place for the queue");
	check_eq(xsc_queue_open(&other, 7, NULL), -EINVAL, "no such kind");
	o.flags = 0x80;
	check_eq(xsc_queue_open(&other, XSC_QUEUE_BATCH, &o), -EINVAL, "an unknown flag");
	o = (struct xsc_queue_options){ .size = 4 };
	check_eq(xsc_queue_open(&other, XSC_QUEUE_BATCH, &o), -EINVAL, "another size");
	o = (struct xsc_queue_options){ .size = sizeof(o), .idle_us = 1 << 30 };
	check_eq(xsc_queue_open(&other, XSC_QUEUE_DEVICE, &o), -EINVAL, "an idle time too long");
	check_eq(xsc_queue_submit(NULL), -EINVAL, "submit of nothing");
	check(!xsc_queue_entry(NULL) && xsc_queue_peek(NULL, &c) == -EINVAL &&
	      xsc_queue_fd(NULL) == -EINVAL, "no queue");
	xsc_queue_close(NULL);
	check_eq(xsc_run(NULL, NULL), -EINVAL, "run of nothing");
	if (q) {
		check_eq(xsc_queue_peek(q, NULL), -EINVAL, "no place for a result");
		check_eq(xsc_queue_cancel(q, 0, 0x40), -EINVAL, "an unknown flag of cancel");
	}
}

static void pools(void)
{
	struct xsc_pool *p;
	char *b[70];
	int i, bad = 0;

	check_eq(xsc_pool_open(&p, 0, 10, 0), -EINVAL, "a pool of nothing");
	check_eq(xsc_pool_open(&p, 5000, 10, 0), -EINVAL, "a pool of too many");
	check_eq(xsc_pool_open(&p, 4096, (size_t)1 << 60, 0), -ENOMEM, "a pool too large");
	must(!xsc_pool_open(&p, 70, 5000, 0));
	for (i = 0; i < 70; i++) {
		b[i] = xsc_pool_get(p);
		bad += !b[i] || (unsigned long)b[i] & 4095;
		if (b[i])
			memset(b[i], i, 5000);
	}
	for (i = 0; i < 70; i++)
		bad += b[i][4999] != i;
	check_eq(bad, 0, "70 buffers, none overlaps another");
	check(!xsc_pool_get(p), "the pool is empty");
	check(!xsc_pool_put(p, b[33]) && xsc_pool_get(p) == b[33], "given back and got again");
	check_eq(xsc_pool_put(p, b[33] + 1), -EINVAL, "what is no buffer");
	check(!xsc_pool_put(p, b[5]) && xsc_pool_put(p, b[5]) == -EINVAL, "given back twice");
	check_eq(xsc_pool_size(p), 5000, "its size");
	xsc_pool_close(p);
}

static void files(struct xsc_queue *q, const char *kind)
{
	char path[] = "/tmp/xsc-rt-XXXXXX", text[16] = "", other[16] = "";
	struct iovec v[2] = { { text, 4 }, { other, 4 } };
	struct stat st;
	int fd = mkstemp(path);

	must(fd >= 0);
	printf("# %s\n", kind);
	PUT(q, 1, pwrite, fd, "one two ", 8, 0);
	PUT(q, 2, pread, fd, text, 4, 4);
	PUT(q, 3, fstat, fd, &st);
	PUT(q, 4, read, -1, text, 1);
	PUT(q, 5, fsync, fd);
	check(xsc_queue_prepared(q) == 5 && xsc_queue_space(q) == 123, "five prepared");
	errno = 7777;
	check_eq(xsc_queue_submit(q), 5, "submit");
	check(next(q, 1) == 8 && next(q, 2) == 4 && !memcmp(text, "two ", 4), "written, then read");
	check(next(q, 3) == 0 && st.st_size == 8, "fstat");
	check_eq(next(q, 4), -EBADF, "an error is a result");
	check_eq(next(q, 5), 0, "fsync");
	check_eq(errno, 7777, "errno is as it was");
	PUT(q, 6, openat, AT_FDCWD, path, O_RDONLY | O_CLOEXEC, 0);
	PUT(q, 7, readv, fd, v, 2);
	PUT(q, 8, lstat, path, &st);
	check(next(q, 6) > fd, "open gives a descriptor");
	check(next(q, 7) == 8 && !memcmp(other, "two ", 4), "readv");
	check_eq(next(q, 8), 0, "lstat");
	PUT(q, 9, syscall, SYS_getpid, 0, 0, 0, 0, 0, 0);
	check_eq(next(q, 9), getpid(), "a system call by number, with the caller's identity");
	close(fd);
	unlink(path);
}

static void edges(struct xsc_queue *q)
{
	struct timespec none = { 0, 0 };
	struct xsc_cqe c;
	int i, bad = 0;

	check_eq(xsc_queue_peek(q, &c), -EAGAIN, "peek when nothing is there");
	check_eq(xsc_queue_wait(q, &c, &none), -EAGAIN, "wait when nothing is under way");
	check_eq(xsc_queue_submit(q), 0, "submit of none");
	for (i = 0; i < XSC_RING_ENTRIES; i++)
		PUT(q, (uint64_t)i, nop);
	check(!xsc_queue_entry(q) && !xsc_queue_space(q), "128 entries fill it");
	check_eq(xsc_queue_submit(q), 128, "all are submitted");
	for (i = 0; i < XSC_RING_ENTRIES; i++)
		bad += next(q, (uint64_t)i) != 0;
	check_eq(bad, 0, "128 results in order");
	/* around the end of the ring many times */
	for (i = 0; i < 200; i++) {
		PUT(q, (uint64_t)i, nop);
		PUT(q, (uint64_t)i + 1, nop);
		PUT(q, (uint64_t)i + 2, nop);
		bad += next(q, (uint64_t)i) || next(q, (uint64_t)i + 1) || next(q, (uint64_t)i + 2);
	}
	check_eq(bad, 0, "600 entries, three at a time");
	PUT(q, 50, nop);
	PUT(q, 51, nop);
	PUT(q, 50, nop);
	check_eq(xsc_queue_cancel(q, 50, 0), 2, "cancel before submit");
	check(next(q, 50) == -ECANCELED && next(q, 51) == 0 && next(q, 50) == -ECANCELED,
	      "what was cancelled says so");
	check_eq(xsc_queue_cancel(q, 50, 0), -ENOENT, "nothing to cancel");
	PUT(q, 60, nop);
	check(xsc_queue_cancel(q, 0, XSC_QUEUE_CANCEL_ANY) == 1 && next(q, 60) == -ECANCELED,
	      "cancel whatever it is");
}

static volatile int interrupts;
static void interrupt(int signo) { (void)signo; interrupts++; }

static void batches(void)
{
	struct itimerval soon = { { 0, 0 }, { 0, 50000 } };
	struct sigaction sa = { .sa_handler = interrupt };
	struct xsc_queue *q;
	struct xsc_cqe c;
	int fds[2], i, bad = 0;
	char text[8] = "";
	int64_t r;

	must(!xsc_queue_open(&q, XSC_QUEUE_BATCH, NULL));
	check_eq(xsc_queue_kind(q), XSC_QUEUE_BATCH, "its kind");
	check_eq(xsc_queue_fd(q), -EOPNOTSUPP, "no descriptor");
	bad_arguments(q);
	files(q, "a batch");
	edges(q);

	must(!pipe(fds));
	PUT(q, 1, read, -1, text, 1);
	PUT(q, 2, write, fds[1], "x", 1);
	check(next(q, 1) == -EBADF && next(q, 2) == 1, "a batch goes on after an error");
	PUT(q, 1, read, -1, text, 1);
	i = (int)xsc_queue_prepared(q);
	xsc_queue_cancel(q, 1, 0);
	next(q, 1);
	{
		struct xsc_sqe *e = tagged(q, 0);

		xsc_prep_read(e, -1, text, 1);
		xsc_entry_set_flags(e, XSC_SQE_LINK);
		xsc_entry_set_data(e, 3);
	}
	PUT(q, 4, write, fds[1], "y", 1);
	check(i == 1 && next(q, 3) == -EBADF && next(q, 4) == -ECANCELED, "but not along a link");
	{
		struct xsc_sqe *e = tagged(q, 0);

		xsc_prep_write(e, fds[1], "z", 1);
		xsc_entry_set_flags(e, XSC_SQE_CQE_SKIP);
	}
	PUT(q, 5, read, fds[0], text, 8);
	check(next(q, 5) == 2 && !memcmp(text, "xz", 2), "a result that nobody wants");
	PUT(q, 6, cancel, 7);
	PUT(q, 7, nop);
	check(next(q, 6) == 1 && next(q, 7) == -ECANCELED, "an entry that cancels a later one");

	sigaction(SIGALRM, &sa, NULL);
	PUT(q, 8, nop);
	PUT(q, 9, read, fds[0], text, 1);
	setitimer(ITIMER_REAL, &soon, NULL);
	check_eq(xsc_queue_submit(q), 1, "a signal ends the batch before what waits");
	check(interrupts == 1 && xsc_queue_prepared(q) == 1 && next(q, 8) == 0, "it stays queued");
	setitimer(ITIMER_REAL, &soon, NULL);
	check_eq(xsc_queue_submit(q), -EINTR, "alone it is EINTR");
	must(write(fds[1], "w", 1) == 1);
	check(next(q, 9) == 1 && text[0] == 'w', "and is done later");

	for (i = 0; i < 2 * XSC_RING_ENTRIES; i++) {
		PUT(q, 1, nop);
		r = xsc_queue_submit(q);
		bad += r != (i < XSC_RING_ENTRIES ? 1 : -EBUSY);
		if (i >= XSC_RING_ENTRIES)
			break;
	}
	check(!bad && xsc_queue_ready(q) == XSC_RING_ENTRIES, "128 results are unread: EBUSY");
	while (!xsc_queue_peek(q, &c))
		;
	check(xsc_queue_submit(q) == 1 && next(q, 1) == 0, "after they are taken it goes on");
	PUT(q, 77, nop);
	check_eq(WEXITSTATUS(in_child(_exit(next(q, 77) == 0 ? 4 : 5))), 4, "a child has its copy");
	check_eq(next(q, 77), 0, "the parent its own");
	{
		struct xsc_sqe e;

		xsc_prep_syscall(&e, SYS_getppid, 0, 0, 0, 0, 0, 0);
		check(!xsc_run(&e, &r) && r == getppid(), "one call alone");
	}
	xsc_queue_close(q);
	close(fds[0]);
	close(fds[1]);
}

static void *own_queue(void *arg)
{
	struct xsc_queue *q;
	long bad = 0;
	int i;

	if (xsc_queue_open(&q, *(enum xsc_queue_kind *)arg, NULL))
		return (void *)1L;
	for (i = 0; i < 50; i++) {
		PUT(q, (uint64_t)i, syscall, SYS_getpid, 0, 0, 0, 0, 0, 0);
		bad += next(q, (uint64_t)i) != getpid();
	}
	xsc_queue_close(q);
	return (void *)bad;
}

static void in_threads(enum xsc_queue_kind kind)
{
	pthread_t t[4];
	void *result;
	long bad = 0;
	int i;

	for (i = 0; i < 4; i++)
		must(!pthread_create(&t[i], NULL, own_queue, &kind));
	for (i = 0; i < 4; i++) {
		pthread_join(t[i], &result);
		bad += (long)result;
	}
	check_eq(bad, 0, "four threads with a queue each");
}

static void device(void)
{
	struct xsc_queue_options raw = { .size = sizeof(raw), .flags = XSC_QUEUE_RAW };
	struct timespec soon = { 0, 20000000 };
	struct epoll_event ev = { .events = EPOLLIN }, got;
	struct xsc_queue *q, *r;
	int fds[2], ep, opened;
	char text[8] = "";
	struct xsc_cqe c;

	opened = xsc_queue_open(&q, XSC_QUEUE_DEVICE, NULL);
	if (opened == -ENOENT || opened == -EACCES) {
		skip("/dev/xsc is not there or not for this user", "the ring device");
		return;
	}
	must(!opened);
	check_eq(xsc_queue_kind(q), XSC_QUEUE_DEVICE, "its kind");
	files(q, "the device");
	edges(q);
	must(!pipe(fds) && write(fds[1], "p", 1) == 1);
	PUT(q, 1, read, fds[0], text, 1);
	check(next(q, 1) == 1 && text[0] == 'p', "a pipe is read by the caller instead");
	must(!xsc_queue_open(&r, XSC_QUEUE_DEVICE, &raw));
	PUT(r, 2, read, fds[0], text, 1);
	check_eq(next(r, 2), -XSC_EINLINE, "or, if asked for, not");
	xsc_queue_close(r);

	ep = epoll_create1(EPOLL_CLOEXEC);
	check(!epoll_ctl(ep, EPOLL_CTL_ADD, xsc_queue_fd(q), &ev) && !epoll_wait(ep, &got, 1, 0),
	      "its descriptor in epoll");
	PUT(q, 3, nop);
	check(xsc_queue_submit(q) == 1 && epoll_wait(ep, &got, 1, 20000) == 1, "tells of a result");
	check(!xsc_queue_peek(q, &c) && c.user_data == 3, "which is there");
	check_eq(xsc_queue_wait(q, &c, &soon), -EAGAIN, "nothing is under way");
	check_eq(WEXITSTATUS(in_child(_exit(xsc_queue_submit(q) == -EPERM && !xsc_queue_entry(q) ?
					    4 : 5))), 4, "a child has no part in it");
	xsc_queue_close(q);
	close(ep);
	close(fds[0]);
	close(fds[1]);
	in_threads(XSC_QUEUE_DEVICE);
}

int main(void)
{
	struct xsc_queue *q;

	tap_begin();
	check_eq(xsc_rt_version() >> 16, XSC_RT_MAJOR, "the library's version");
	entries();
	pools();
	if (!xsc_rt_probe()) {
		check_eq(xsc_queue_open(&q, XSC_QUEUE_BATCH, NULL), -ENOSYS, "no batch without XSC");
		check_eq(xsc_queue_open(&q, XSC_QUEUE_DEVICE, NULL), -ENOSYS, "no device either");
		bad_arguments(NULL);
		skip("the kernel has no XSC", "queues");
		return tap_end();
	}
	batches();
	in_threads(XSC_QUEUE_BATCH);
	device();
	return tap_end();
}
