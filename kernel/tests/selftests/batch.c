// SPDX-License-Identifier: GPL-2.0
/*
 * Batches (XSC_NR_ENTER): what is consumed, what is posted and where, links, cancel, flags,
 * refused calls, bad rings. Each case has a ring of its own, so one failure does not make the
 * next. Signals, filters and tracers are in batch_signal.c.
 */
#include "xsc_test.h"
#include "socket.h"

static unsigned long R;			/* the ring of the case */
static struct xsc_ring_hdr *H;

static void fresh(void)
{
	if (R)
		sys(__NR_munmap, R, XSC_RING_SIZE);
	R = new_ring();
	H = batch_header(R);
}

/* A ring whose indices are already at n, as after n entries. */
static void fresh_at(unsigned int n)
{
	fresh();
	H->sq_head = H->sq_tail = H->cq_head = H->cq_tail = n;
}

static void put(struct xsc_sqe sqe, unsigned long user_data, unsigned int flags)
{
	sqe.user_data = user_data;
	sqe.flags = flags;
	batch_put(R, &sqe);
}

static void put_nops(unsigned int n)
{
	for (unsigned int i = 0; i < n; i++)
		put(SQE(XSC_OP_NOP, 0), i, 0);
}

/* The next result is this one. */
static void expect(unsigned long user_data, long res, const char *what)
{
	unsigned long got_data = -1UL;
	long got = batch_take(R, &got_data);

	check(got == res && got_data == user_data, "%s: %ld for %lu (want %ld for %lu)", what, got,
	      got_data, res, user_data);
}

static void expect_none(const char *what)
{
	long got = batch_take(R, NULL);

	check(got == BATCH_NONE, "%s: no more results", what);
}

static long one(struct xsc_sqe sqe)
{
	fresh();
	put(sqe, 1, 0);
	if (batch_enter(R, 1) != 1)
		return BATCH_NONE;
	return batch_take(R, NULL);
}

static void test_arguments(void)
{
	fresh();
	check_res(batch_enter(R, 0), 0, "nothing to submit");
	check_res(batch_enter(R, 10), 0, "an empty ring");
	put_nops(1);
	check_res(gate_call(0, XSC_NR_ENTER, R, 1, 1, 0, 0, 0), -EINVAL, "flags");
	check_res(gate_call(0, XSC_NR_ENTER, R, 1, 1L << 63, 0, 0, 0), -EINVAL, "high flags");
	check_res(batch_enter(R + 64, 1), -EINVAL, "not aligned");
	check_res(batch_enter(R + 0x1000, 1), -EINVAL, "aligned to a page only");
	check_res(batch_enter(0, 1), -EFAULT, "no ring");
	check_res(batch_enter(-(unsigned long)XSC_RING_SIZE, 1), -EFAULT, "a kernel address");
	check(H->sq_head == 0 && H->cq_tail == 0, "nothing was consumed by these");
	check_res(batch_enter(R, 0), 0, "nothing of one");
	check_res(batch_enter(R, -1UL), 1, "all there is");
	expect(0, 0, "nop");
}

static void test_bad_indices(void)
{
	fresh();
	H->sq_tail = XSC_RING_ENTRIES + 1;
	check_res(batch_enter(R, 1), -EINVAL, "129 entries queued");
	H->sq_tail = -1U;
	check_res(batch_enter(R, 1), -EINVAL, "sq_tail behind sq_head");
	H->sq_tail = 1;
	H->cq_head = 1;
	check_res(batch_enter(R, 1), -EINVAL, "cq_head ahead of cq_tail");
	H->cq_head = -(unsigned int)XSC_RING_ENTRIES - 1;
	check_res(batch_enter(R, 1), -EINVAL, "129 results unread");
	check(H->sq_head == 0 && H->cq_tail == 0, "nothing was consumed by these");
}

static void test_order(void)
{
	long pid = sys(__NR_getpid), ppid = sys(__NR_getppid);

	fresh();
	put(SQE_NR(__NR_getpid, 0), 100, 0);
	put(SQE(XSC_OP_NOP, 0), 200, 0);
	put(SQE_NR(__NR_close, -1), 300, 0);
	put(SQE_NR(__NR_getppid, 0), 400, 0);
	check_res(batch_enter(R, 2), 2, "two of four");
	check(H->sq_head == 2 && H->cq_tail == 2 && H->sq_tail == 4, "indices after two");
	expect(100, pid, "getpid");
	expect(200, 0, "nop");
	expect_none("two of four");
	check_res(batch_enter(R, 10), 2, "the rest");
	expect(300, -EBADF, "a failure ends nothing");
	expect(400, ppid, "getppid");
	expect_none("the rest");
}

static void test_wrap(void)
{
	static const unsigned int starts[] = { 0, 1, 127, 0x7fffffc0, 0xffffffc0, 0xffffffff };
	unsigned int i, n, good;

	for (i = 0; i < 6; i++) {
		fresh_at(starts[i]);
		for (n = 0; n < XSC_RING_ENTRIES; n++)
			put(SQE_NR(__NR_lseek, -1), n, 0);
		check_res(batch_enter(R, XSC_RING_ENTRIES), XSC_RING_ENTRIES, "a full ring");
		for (good = n = 0; n < XSC_RING_ENTRIES; n++) {
			unsigned long data;

			good += batch_take(R, &data) == -EBADF && data == n;
		}
		check(good == XSC_RING_ENTRIES && H->sq_head == starts[i] + XSC_RING_ENTRIES,
		      "128 results in order from index %#x", starts[i]);
	}
}

static void test_room(void)
{
	fresh();
	put_nops(XSC_RING_ENTRIES);
	check_res(batch_enter(R, XSC_RING_ENTRIES), XSC_RING_ENTRIES, "fill the results");
	put_nops(3);
	check_res(batch_enter(R, 3), -EBUSY, "no room");
	check(H->sq_head == XSC_RING_ENTRIES, "nothing was consumed");
	H->cq_head += 2;
	check_res(batch_enter(R, 3), 2, "room for two");
	check_res(batch_enter(R, 1), -EBUSY, "no room again");
	H->cq_head++;
	check_res(batch_enter(R, 1), 1, "room for the last");
}

static void test_skip(void)
{
	fresh();
	put(SQE_NR(__NR_getpid, 0), 1, XSC_SQE_CQE_SKIP);
	put(SQE_NR(__NR_close, -1), 2, XSC_SQE_CQE_SKIP);
	put(SQE(XSC_OP_NOP, 0), 3, 0);
	check_res(batch_enter(R, 3), 3, "three with skipped results");
	check(H->sq_head == 3 && H->cq_tail == 2, "two results of three entries");
	expect(2, -EBADF, "a skipped failure is posted");
	expect(3, 0, "the one after it");
	expect_none("skip");

	/* A full results queue, and entries that would not post: a failure needs its place. */
	put_nops(XSC_RING_ENTRIES);
	batch_enter(R, XSC_RING_ENTRIES);
	put(SQE(XSC_OP_NOP, 0), 1, XSC_SQE_CQE_SKIP);
	check_res(batch_enter(R, 1), -EBUSY, "no room for a skipped one");
}

static void test_links(void)
{
	fresh();
	put(SQE(XSC_OP_NOP, 0), 1, XSC_SQE_LINK);
	put(SQE_NR(__NR_close, -1), 2, XSC_SQE_LINK);
	put(SQE_NR(__NR_getpid, 0), 3, XSC_SQE_LINK);
	put(SQE_NR(__NR_getpid, 0), 4, 0);
	put(SQE(XSC_OP_NOP, 0), 5, 0);
	check_res(batch_enter(R, 5), 5, "a chain that fails, and one after it");
	expect(1, 0, "first of the chain");
	expect(2, -EBADF, "it fails here");
	expect(3, -ECANCELED, "next");
	expect(4, -ECANCELED, "last of the chain");
	expect(5, 0, "after the chain");

	fresh();
	put(SQE_NR(__NR_close, -1), 1, 0);
	put(SQE(XSC_OP_NOP, 0), 2, 0);
	batch_enter(R, 2);
	expect(1, -EBADF, "a failure without a link");
	expect(2, 0, "is nobody else's");

	fresh();
	put(SQE_NR(__NR_close, -1), 1, XSC_SQE_LINK | XSC_SQE_CQE_SKIP);
	put(SQE_NR(__NR_getpid, 0), 2, XSC_SQE_CQE_SKIP);
	put(SQE(XSC_OP_NOP, 0), 3, XSC_SQE_LINK);
	check_res(batch_enter(R, 3), 3, "a chain without results, and a link to nothing");
	expect(1, -EBADF, "skipped, failed");
	expect(2, -ECANCELED, "skipped, cancelled");
	expect(3, 0, "linked to nothing");
	expect_none("links");

	/* A malformed or refused entry fails its chain as any other. */
	fresh();
	put(SQE(250, 0), 1, XSC_SQE_LINK);
	put(SQE_NR(__NR_exit_group, 9), 2, XSC_SQE_LINK);
	put(SQE(XSC_OP_NOP, 0), 3, 0);
	batch_enter(R, 3);
	expect(1, -EINVAL, "an unknown opcode in a chain");
	expect(2, -ECANCELED, "an exit that is cancelled");
	expect(3, -ECANCELED, "the end of the chain");

	/* The chain goes on when its entries are done by several calls. */
	fresh();
	put_nops(XSC_RING_ENTRIES - 1);
	batch_enter(R, XSC_RING_ENTRIES - 1);
	put(SQE_NR(__NR_close, -1), 1, XSC_SQE_LINK);
	put(SQE_NR(__NR_getpid, 0), 2, 0);
	check_res(batch_enter(R, 2), 1, "room for the failure only");
	H->cq_head = H->cq_tail - 1;
	check_res(batch_enter(R, 1), 1, "the rest later");
	expect(1, -EBADF, "failed before");
	expect(2, -ECANCELED, "cancelled after");
}

static void test_cancel(void)
{
	fresh();
	put(SQE(XSC_OP_NOP, 0), 7, 0);
	put(SQE(XSC_OP_CANCEL, 7), 1, 0);
	put(SQE_NR(__NR_getpid, 0), 7, 0);
	put(SQE(XSC_OP_NOP, 0), 8, 0);
	put(SQE_NR(__NR_getpid, 0), 7, 0);
	put(SQE_NR(__NR_getpid, 0), 7, 0);
	check_res(batch_enter(R, 5), 5, "cancel in a batch of five of six");
	expect(7, 0, "done before");
	expect(1, 2, "two are still to come");
	expect(7, -ECANCELED, "the first");
	expect(8, 0, "another");
	expect(7, -ECANCELED, "the second");
	check_res(batch_enter(R, 1), 1, "the one of the next batch");
	expect(7, sys(__NR_getpid), "is no entry of the batch");

	check_res(one(SQE(XSC_OP_CANCEL, 1)), -ENOENT, "cancel of nothing");
	check_res(one(SQE(XSC_OP_CANCEL, 1, 1)), -EINVAL, "cancel with a surplus argument");
	check_res(gate_call(R, (long)XSC_OP_CANCEL << 32, 1, 0, 0, 0, 0, 0), -EINVAL,
		  "cancel without a batch");

	/* A cancelled entry stays cancelled when the batch ends before it. */
	fresh();
	put_nops(XSC_RING_ENTRIES - 1);
	batch_enter(R, XSC_RING_ENTRIES - 1);
	put(SQE(XSC_OP_CANCEL, 9), 1, 0);
	put(SQE_NR(__NR_getpid, 0), 9, 0);
	check_res(batch_enter(R, 2), 1, "cancel, then no room");
	H->cq_head = H->cq_tail - 1;
	batch_enter(R, 1);
	expect(1, 1, "one cancelled");
	expect(9, -ECANCELED, "by the batch before");
}

static void test_malformed(void)
{
	struct xsc_sqe sqe = SQE(XSC_OP_NOP, 0);

	check_res(one(SQE(250, 0)), -EINVAL, "an unknown opcode");
	check_res(one(SQE(XSC_OP_READ, 0, 0, 0, 1)), -EINVAL, "a surplus argument");
	sqe.ioprio = 1;
	check_res(one(sqe), -EINVAL, "ioprio");
	sqe.ioprio = 0;
	sqe.nr = 1;
	check_res(one(sqe), -EINVAL, "nr of a typed operation");
	fresh();
	put(SQE(XSC_OP_NOP, 0), 1, 1 << 3);
	batch_enter(R, 1);
	expect(1, -EINVAL, "an unknown flag");
	check_res(one(SQE_NR(9999, 0)), -ENOSYS, "an unknown number");
	check_res(one(SQE_NR(-1, 0)), -ENOSYS, "number -1");
	check_res(one(SQE_NR(__NR_read, -1, 0, 0)), -EBADF, "surplus arguments by number");
}

static void test_refused(void)
{
	static const unsigned int numbers[] = {
		__NR_clone, __NR_clone3, __NR_execve, __NR_execveat, __NR_exit, __NR_exit_group,
		__NR_rt_sigreturn, __NR_rt_sigsuspend, __NR_restart_syscall, XSC_NR_ENTER,
#ifdef __NR_fork
		__NR_fork, __NR_vfork, __NR_pause,
#endif
	};
	static const unsigned int ops[] = {
		XSC_OP_FORK, XSC_OP_VFORK, XSC_OP_CLONE, XSC_OP_EXECVE, XSC_OP_EXECVEAT,
	};
	unsigned int i, good = 0, n = sizeof(numbers) / sizeof(*numbers);

	for (i = 0; i < n; i++)
		good += one(SQE_NR(numbers[i], SIGCHLD)) == -EINVAL;
	check(good == n, "%u of %u calls that a batch can't make", good, n);
	for (good = i = 0; i < 5; i++)
		good += one(SQE(ops[i], 0)) == -EINVAL;
	check(good == 5, "%u of 5 operations that a batch can't make", good);
	check_res(sys(__NR_wait4, -1, 0, WNOHANG, 0), -ECHILD, "no child was made");
}

/* Later entries see what earlier ones did, close's release included. */
static void test_effects(void)
{
	struct unix_address addr = UNIX_ADDRESS("xsc-batch");
	int fds[2] = { -1, -1 };
	char buf[8] = "";
	long s, t;

	sys(__NR_pipe2, fds, 0);
	fresh();
	put(SQE(XSC_OP_WRITE, fds[1], "abcdef", 6), 1, XSC_SQE_LINK);
	put(SQE(XSC_OP_CLOSE, fds[1]), 2, XSC_SQE_LINK);
	put(SQE(XSC_OP_READ, fds[0], buf, 8), 3, XSC_SQE_LINK);
	put(SQE(XSC_OP_READ, fds[0], buf + 7, 1), 4, 0);
	check_res(batch_enter(R, 4), 4, "a pipe's life");
	expect(1, 6, "write");
	expect(2, 0, "close");
	expect(3, 6, "read");
	expect(4, 0, "end of file");
	check(!memcmp(buf, "abcdef", 6), "its bytes");
	sys(__NR_close, fds[0]);

	s = sys(__NR_socket, AF_UNIX, SOCK_STREAM, 0);
	t = sys(__NR_socket, AF_UNIX, SOCK_STREAM, 0);
	check_res(sys(__NR_bind, s, &addr, sizeof(addr)), 0, "bind");
	fresh();
	put(SQE(XSC_OP_BIND, t, &addr, sizeof(addr)), 1, 0);
	put(SQE(XSC_OP_CLOSE, s), 2, 0);
	put(SQE(XSC_OP_BIND, t, &addr, sizeof(addr)), 3, 0);
	check_res(batch_enter(R, 3), 3, "a name given up and taken");
	expect(1, -EADDRINUSE, "in use");
	expect(2, 0, "closed");
	expect(3, 0, "free, in the same batch");
	sys(__NR_close, t);
}

/* The calling task's own identity, not another's. */
static int change_identity(void)
{
	static const char path[] = "/tmp/batch-secret";

	sys(__NR_unlinkat, AT_FDCWD, path, 0);
	sys(__NR_close, sys(__NR_openat, AT_FDCWD, path, O_CREAT | O_WRONLY, 0600));
	fresh();
	put(SQE(XSC_OP_OPEN, path, O_RDONLY, 0), 1, 0);
	put(SQE_NR(__NR_setresuid, 1000, 1000, 1000), 2, 0);
	put(SQE(XSC_OP_OPEN, path, O_RDONLY, 0), 3, 0);
	put(SQE_NR(__NR_getuid, 0), 4, 0);
	put(SQE_NR(__NR_gettid, 0), 5, 0);
	if (batch_enter(R, 5) != 5 || batch_take(R, NULL) < 0 || batch_take(R, NULL) != 0)
		return 1;
	if (batch_take(R, NULL) != -EACCES)
		return 2;
	if (batch_take(R, NULL) != 1000)
		return 3;
	return batch_take(R, NULL) == sys(__NR_gettid) ? 0 : 4;
}

/* Nothing is executed whose result could not be posted. */
static void test_bad_ring(void)
{
	int fds[2];
	char c;

	sys(__NR_pipe2, fds, O_NONBLOCK);
	fresh();
	put(SQE(XSC_OP_WRITE, fds[1], "x", 1), 1, 0);
	sys(__NR_mprotect, R, XSC_RING_SIZE, PROT_READ);
	check_res(batch_enter(R, 1), -EFAULT, "a ring that can't be written");
	check_res(sys(__NR_read, fds[0], &c, 1), -EAGAIN, "so nothing was executed");
	sys(__NR_mprotect, R, XSC_RING_SIZE, PROT_READ | PROT_WRITE);
	check_res(batch_enter(R, 1), 1, "written again");
	sys(__NR_mprotect, R + XSC_RING_CQES, 4096, PROT_READ);
	put(SQE(XSC_OP_WRITE, fds[1], "x", 1), 1, 0);
	check_res(batch_enter(R, 1), -EFAULT, "results that can't be written");
	sys(__NR_mprotect, R + XSC_RING_CQES, 4096, PROT_READ | PROT_WRITE);
	sys(__NR_mprotect, R + XSC_RING_SQES, 8192, PROT_NONE);
	check_res(batch_enter(R, 1), -EFAULT, "entries that can't be read");
	sys(__NR_mprotect, R + XSC_RING_SQES, 8192, PROT_READ | PROT_WRITE);
	check_res(batch_enter(R, 1), 1, "none of them lost");

	/* The ring goes away under an entry. */
	fresh();
	put(SQE(XSC_OP_NOP, 0), 1, 0);
	put(SQE_NR(__NR_mprotect, R, XSC_RING_SIZE, PROT_READ), 2, 0);
	put(SQE(XSC_OP_WRITE, fds[1], "x", 1), 3, 0);
	check_res(batch_enter(R, 3), -EFAULT, "an entry makes the ring read-only");
	check(H->sq_head == 1 && H->cq_tail == 1, "the ring says what was posted");
	sys(__NR_mprotect, R, XSC_RING_SIZE, PROT_READ | PROT_WRITE);
	fresh();
	put(SQE_NR(__NR_munmap, R, XSC_RING_SIZE), 1, 0);
	put(SQE(XSC_OP_WRITE, fds[1], "x", 1), 2, 0);
	check_res(batch_enter(R, 2), -EFAULT, "an entry unmaps the ring");
	R = 0;
	check_res(sys(__NR_read, fds[0], &c, 1), 1, "writes so far, 1");
	check_res(sys(__NR_read, fds[0], &c, 1), 1, "writes so far, 2");
	check_res(sys(__NR_read, fds[0], &c, 1), -EAGAIN, "and no more");
	sys(__NR_close, fds[0]);
	sys(__NR_close, fds[1]);
}

/* A value of a "name value" file, or -1. */
static long counter(const char *path, const char *name)
{
	static char text[2048];
	char *p;

	if (read_file(path, text, sizeof(text)) < 0)
		return -1;
	p = name ? find_text(text, name) : text;
	return p ? atol(p + (name ? strlen(name) : 0)) : -1;
}

static void test_counters(void)
{
	static const char all[] = "/sys/kernel/xsc/counters/batch_entries";
	static const char own[] = "/proc/self/xsc";
	long entries = counter(own, "batch_entries "), batches = counter(own, "batches ");
	long sum = counter(all, NULL);

	fresh();
	put_nops(5);
	batch_enter(R, 5);
	check_res(counter(own, "batch_entries ") - entries, 5, "entries of this task");
	check_res(counter(own, "batches ") - batches, 1, "batches of this task");
	check(sum >= 0 && counter(all, NULL) >= sum + 5, "entries of the whole system");
	check_res(IN_CHILD(counter(own, "batch_entries ") != 0), 0, "a child begins at 0");
	check_res(IN_CHILD(sys(__NR_setresuid, 1000, 1000, 1000) || counter("/proc/1/xsc", NULL) >= 0),
		  0, "not of others");
	check_res(counter("/sys/kernel/xsc/abi", NULL), XSC_ABI, "/sys/kernel/xsc/abi");
}

int main(void)
{
	tap_begin();
	if (!xsc_gate) {
		skip("no gate", "batches");
		return tap_end();
	}
	test_arguments();
	test_bad_indices();
	test_order();
	test_wrap();
	test_room();
	test_skip();
	test_links();
	test_cancel();
	test_malformed();
	test_refused();
	test_effects();
	check_res(IN_CHILD(change_identity()), 0, "credentials change within a batch");
	test_bad_ring();
	test_counters();
	return tap_end();
}
