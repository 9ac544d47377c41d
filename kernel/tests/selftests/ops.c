// SPDX-License-Identifier: GPL-2.0
/*
 * Every typed operation: by the gate and, but for those of processes, in a batch, each with what
 * it does and how it fails. The two ways must agree. Malformed entries are refused alike.
 */
#include "xsc_test.h"
#include "socket.h"
#include <linux/eventpoll.h>
#include <linux/uio.h>

/* The kernel's struct stat; nolibc's own is another. */
#define stat kernel_stat
#include <asm/stat.h>
#undef stat

static unsigned long R;
static bool by_batch;			/* the way of the case under test */

/* One operation, by the gate or as a batch of one. */
static long do_sqe(const struct xsc_sqe *sqe)
{
	const __u64 *a = sqe->args;
	unsigned long nr = sqe->nr | (unsigned long)sqe->opcode << 32 |
			   (unsigned long)sqe->flags << 40 | (unsigned long)sqe->ioprio << 48;
	long n;

	if (!by_batch)
		return gate_call(R, nr, a[0], a[1], a[2], a[3], a[4], a[5]);
	batch_put(R, sqe);
	while ((n = batch_enter(R, 1)) == -EINTR)
		;
	return n == 1 ? batch_take(R, NULL) : BATCH_NONE;
}

#define op(code, ...) ({						\
	struct xsc_sqe sqe_ = SQE(code, __VA_ARGS__);			\
	do_sqe(&sqe_); })

static void is(long got, long want, const char *what)
{
	check(got == want, "%s %s: %ld (want %ld)", by_batch ? "batch" : "gate", what, got, want);
}

static void yes(bool ok, const char *what)
{
	check(ok, "%s %s", by_batch ? "batch" : "gate", what);
}

static void test_files(void)
{
	static const char path[] = "/tmp/xsc-ops", link[] = "/tmp/xsc-ops-link";
	char buf[32] = "", tail[4] = "";
	struct iovec iov[2] = { { buf, 3 }, { tail, 2 } };
	struct kernel_stat st;
	long fd;

	sys(__NR_unlinkat, AT_FDCWD, path, 0);
	sys(__NR_unlinkat, AT_FDCWD, link, 0);
	is(op(XSC_OP_OPEN, path, O_RDWR, 0), -ENOENT, "open of no file");
	fd = op(XSC_OP_OPEN, path, O_RDWR | O_CREAT | O_EXCL, 0640);
	yes(fd > 2, "open creates");
	is(op(XSC_OP_OPEN, path, O_RDWR | O_CREAT | O_EXCL, 0640), -EEXIST, "open exclusive");
	is(op(XSC_OP_WRITE, fd, "hello world", 11), 11, "write");
	is(op(XSC_OP_READ, fd, buf, 8), 0, "read at the end");
	is(op(XSC_OP_PREAD, fd, buf, 5, 6), 5, "pread");
	yes(!memcmp(buf, "world", 5), "pread's bytes");
	is(op(XSC_OP_PREAD, fd, buf, 5, -1), -EINVAL, "pread before the beginning");
	is(op(XSC_OP_PWRITE, fd, "W", 1, 6), 1, "pwrite");
	is(sys(__NR_lseek, fd, 0, 0), 0, "back to the beginning");
	is(op(XSC_OP_READ, fd, buf, 11), 11, "read");
	yes(!memcmp(buf, "hello World", 11), "read's bytes");
	is(op(XSC_OP_READ, fd, 8, 4), 0, "read of nothing needs no memory");
	sys(__NR_lseek, fd, 0, 0);
	is(op(XSC_OP_READ, fd, 8, 4), -EFAULT, "read to a bad address");
	is(op(XSC_OP_READV, fd, iov, 2), 5, "readv");
	yes(!memcmp(buf, "hel", 3) && !memcmp(tail, "lo", 2), "readv's bytes");
	is(op(XSC_OP_READV, fd, iov, 1025), -EINVAL, "readv of too many");
	is(op(XSC_OP_WRITEV, fd, iov, 2), 5, "writev");
	is(op(XSC_OP_WRITEV, -1, iov, 2), -EBADF, "writev to no file");
	is(op(XSC_OP_FSYNC, fd), 0, "fsync");
	is(op(XSC_OP_FSYNC, -1), -EBADF, "fsync of no file");
	is(op(XSC_OP_FSTAT, fd, &st), 0, "fstat");
	yes(st.st_size == 11 && (st.st_mode & 07777) == 0640, "fstat's size and mode");
	is(op(XSC_OP_FSTAT, fd, 8), -EFAULT, "fstat to a bad address");
	is(op(XSC_OP_FSTAT, -1, &st), -EBADF, "fstat of no file");
	sys(__NR_symlinkat, path, AT_FDCWD, link);
	is(op(XSC_OP_STAT, link, &st), 0, "stat follows");
	yes(st.st_size == 11 && (st.st_mode & 0170000) == 0100000, "stat's file");
	is(op(XSC_OP_LSTAT, link, &st), 0, "lstat does not");
	yes((st.st_mode & 0170000) == 0120000, "lstat's link");
	is(op(XSC_OP_STAT, "/tmp/none/none", &st), -ENOENT, "stat of no file");
	is(op(XSC_OP_STAT, "/tmp/xsc-ops/none", &st), -ENOTDIR, "stat below a file");
	is(op(XSC_OP_LSTAT, 8, &st), -EFAULT, "lstat of a bad address");
	is(op(XSC_OP_OPENAT, fd, "none", O_RDONLY, 0), -ENOTDIR, "openat below a file");
	is(op(XSC_OP_CLOSE, fd), 0, "close");
	is(op(XSC_OP_CLOSE, fd), -EBADF, "close again");
	fd = op(XSC_OP_OPENAT, AT_FDCWD, "/tmp", O_RDONLY | O_DIRECTORY, 0);
	yes(fd > 2, "openat of a directory");
	is(op(XSC_OP_READ, fd, buf, 4), -EISDIR, "read of a directory");
	is(op(XSC_OP_CLOSE, fd), 0, "close it");
	is(op(XSC_OP_WRITE, -1, "x", 1), -EBADF, "write to no file");
}

static void test_net(void)
{
	struct unix_address addr = UNIX_ADDRESS("xsc-ops"), from;
	struct unix_address other = UNIX_ADDRESS("xsc-none");
	unsigned int len = sizeof(addr);
	char buf[8] = "";
	long s, c, a;

	is(op(XSC_OP_SOCKET, 9999, SOCK_STREAM, 0), -EAFNOSUPPORT, "socket of no family");
	s = op(XSC_OP_SOCKET, AF_UNIX, SOCK_STREAM, 0);
	c = op(XSC_OP_SOCKET, AF_UNIX, SOCK_STREAM, 0);
	yes(s > 2 && c > 2, "socket");
	is(op(XSC_OP_BIND, s, &addr, sizeof(addr)), 0, "bind");
	is(op(XSC_OP_BIND, c, &addr, sizeof(addr)), -EADDRINUSE, "bind to a name in use");
	is(op(XSC_OP_LISTEN, c, 1), -EINVAL, "listen without a name");
	is(op(XSC_OP_LISTEN, s, 4), 0, "listen");
	is(op(XSC_OP_CONNECT, c, &other, sizeof(other)), -ECONNREFUSED, "connect to nobody");
	is(op(XSC_OP_CONNECT, c, &addr, sizeof(addr)), 0, "connect");
	a = op(XSC_OP_ACCEPT, s, &from, &len);
	yes(a > 2 && len == 2, "accept, of a client without a name");
	is(op(XSC_OP_SENDTO, c, "ping", 4, 0, 0, 0), 4, "sendto");
	is(op(XSC_OP_RECVFROM, a, buf, 8, 0, 0, 0), 4, "recvfrom");
	yes(!memcmp(buf, "ping", 4), "its bytes");
	is(op(XSC_OP_RECVFROM, a, buf, 8, 0x40, 0, 0), -EAGAIN, "recvfrom without waiting");
	is(op(XSC_OP_SENDTO, s, "x", 1, 0x4000, 0, 0), -ENOTCONN, "sendto of a listener");
	is(op(XSC_OP_ACCEPT, -1, 0, 0), -EBADF, "accept of no file");
	is(op(XSC_OP_ACCEPT, 0, 0, 0), -ENOTSOCK, "accept of no socket");
	sys(__NR_close, a);
	is(op(XSC_OP_SENDTO, c, "x", 1, 0x4000, 0, 0), -EPIPE, "sendto of nobody");
	is(op(XSC_OP_RECVFROM, c, buf, 8, 0, 0, 0), 0, "recvfrom of nobody");
	sys(__NR_close, s);
	sys(__NR_close, c);
}

static void test_waits(void)
{
	struct timespec64 none = { 0, 0 }, ms = { 0, 1000000 }, bad = { 0, 1000000000 }, abs;
	struct epoll_event ev = { .events = EPOLLIN, .data = 77 }, got;
	unsigned long set = 0;
	struct pollfd p;
	int fds[2];
	long ep;

	sys(__NR_pipe2, fds, 0);
	p = (struct pollfd){ .fd = fds[0], .events = POLLIN };
	is(op(XSC_OP_POLL, &p, 1, &none, 0, 0), 0, "poll, nothing there");
	is(op(XSC_OP_POLL, &p, 1, &ms, 0, 0), 0, "poll for a while");
	ep = sys(__NR_epoll_create1, 0);
	sys(__NR_epoll_ctl, ep, 1, fds[0], &ev);
	is(op(XSC_OP_EPOLL_WAIT, ep, &got, 1, 0), 0, "epoll_wait, nothing there");
	is(op(XSC_OP_EPOLL_WAIT, ep, &got, 0, 0), -EINVAL, "epoll_wait for none");
	sys(__NR_write, fds[1], "x", 1);
	is(op(XSC_OP_POLL, &p, 1, 0, 0, 0), 1, "poll");
	yes(p.revents == POLLIN, "poll's event");
	is(op(XSC_OP_EPOLL_WAIT, ep, &got, 1, -1), 1, "epoll_wait");
	yes(got.data == 77 && got.events == EPOLLIN, "epoll_wait's event");
	set = 1UL << fds[0];
	is(op(XSC_OP_SELECT, fds[0] + 1, &set, 0, 0, 0, 0), 1, "select");
	yes(set == 1UL << fds[0], "select's set");
	is(op(XSC_OP_SELECT, -1, 0, 0, 0, 0, 0), -EINVAL, "select of less than none");
	is(op(XSC_OP_POLL, &p, 1, &bad, 0, 0), -EINVAL, "poll for a bad time");
	is(op(XSC_OP_EPOLL_WAIT, fds[0], &got, 1, 0), -EINVAL, "epoll_wait of a pipe");
	sys(__NR_close, ep);
	sys(__NR_close, fds[0]);
	sys(__NR_close, fds[1]);

	is(op(XSC_OP_NANOSLEEP, &ms, 0), 0, "nanosleep");
	is(op(XSC_OP_CLOCK_NANOSLEEP, CLOCK_MONOTONIC, 0, &ms, 0), 0, "clock_nanosleep");
	is(op(XSC_OP_NANOSLEEP, &bad, 0), -EINVAL, "nanosleep for a bad time");
	sys(__NR_clock_gettime, CLOCK_MONOTONIC, &abs);
	is(op(XSC_OP_CLOCK_NANOSLEEP, CLOCK_MONOTONIC, 1, &abs, 0), 0, "until the past");
	is(op(XSC_OP_CLOCK_NANOSLEEP, 9999, 0, &ms, 0), -EINVAL, "by no clock");
}

static unsigned int word;

static void waiter(void *arg)
{
	long r;

	/* Until it is woken: a full wait is one with the value changed first. */
	while ((r = gate_call(xsc_current_ring(), (long)XSC_OP_FUTEX_WAIT << 32, (long)&word, 0, 0,
			      1, 0, 0)) == -EINTR)
		;
	*(long *)arg = r;
}

static void test_futex(void)
{
	struct timespec64 ms = { 0, 1000000 };
	struct thread t;
	long woken = 0, result = -1, i;

	word = 5;
	is(op(XSC_OP_FUTEX_WAIT, &word, 4, 0, 1), -EAGAIN, "futex wait for another value");
	is(op(XSC_OP_FUTEX_WAIT, &word, 5, &ms, 1), -ETIMEDOUT, "futex wait, private");
	is(op(XSC_OP_FUTEX_WAIT, &word, 5, &ms, 0), -ETIMEDOUT, "futex wait, shared");
	is(op(XSC_OP_FUTEX_WAIT, &word, 5, &ms, 2), -EINVAL, "neither");
	is(op(XSC_OP_FUTEX_WAIT, (char *)&word + 1, 5, &ms, 1), -EINVAL, "not aligned");
	is(op(XSC_OP_FUTEX_WAIT, 8, 5, &ms, 1), -EFAULT, "a bad address");
	is(op(XSC_OP_FUTEX_WAKE, &word, 1, 1), 0, "futex wake of nobody");
	is(op(XSC_OP_FUTEX_WAKE, &word, 1, 128), -EINVAL, "the flag is no private");
	word = 0;
	if (thread_start(&t, waiter, &result, true) < 0) {
		yes(false, "a thread");
		return;
	}
	for (i = 0; i < 10000 && !woken; i++) {
		woken = op(XSC_OP_FUTEX_WAKE, &word, 1, 1);
		sys(__NR_sched_yield);
	}
	word = 1;
	op(XSC_OP_FUTEX_WAKE, &word, 1, 1);
	is(woken, 1, "futex wake of one");
	yes(thread_join(&t), "which ends");
	is(result, 0, "its wait");
}

/* The gate only. An inline clone: the child goes on in this function. */
static inline __attribute__((always_inline)) long gate_op(unsigned int code, long a, long b, long c,
							  long d, long e)
{
	return gate_call(R, (long)code << 32, a, b, c, d, e, 0);
}

static void test_processes(void)
{
	static char *argv[] = { "hello", NULL }, *envp[] = { NULL };
	static volatile long shared;
	long pid;

	pid = gate_op(XSC_OP_FORK, 0, 0, 0, 0, 0);
	if (!pid) {
		shared = 1;
		do_exit(11);
	}
	is(reap(pid), 11, "fork");
	yes(shared == 0, "a forked child has its own memory");
	pid = gate_op(XSC_OP_CLONE, SIGCHLD, 0, 0, 0, 0);
	if (!pid)
		do_exit(12);
	is(reap(pid), 12, "clone");
	pid = gate_call(0, __NR_clone, CLONE_VM | CLONE_VFORK | SIGCHLD, 0, 0, 0, 0, 0);
	if (!pid) {
		shared = 2;
		gate_call(0, __NR_exit_group, 13, 0, 0, 0, 0, 0);
	}
	is(reap(pid), 13, "vfork's flags, register form");
	pid = gate_op(XSC_OP_VFORK, 0, 0, 0, 0, 0);
	if (!pid) {
		shared = 3;
		gate_call(0, __NR_exit_group, 14, 0, 0, 0, 0, 0);
	}
	is(reap(pid), 14, "vfork");
	yes(shared == 3, "a child of vfork has its parent's memory");
	is(gate_op(XSC_OP_EXECVE, (long)"/none", (long)argv, (long)envp, 0, 0), -ENOENT,
	   "execve of no file");
	is(gate_op(XSC_OP_EXECVEAT, -1, (long)"none", (long)argv, (long)envp, 0), -EBADF,
	   "execveat below no file");
	pid = gate_op(XSC_OP_FORK, 0, 0, 0, 0, 0);
	if (!pid) {
		gate_op(XSC_OP_EXECVE, (long)"/tests/fixtures/hello.ring", (long)argv, (long)envp,
			0, 0);
		do_exit(99);
	}
	is(reap(pid), 42, "execve");
	pid = gate_op(XSC_OP_FORK, 0, 0, 0, 0, 0);
	if (!pid) {
		gate_op(XSC_OP_EXECVEAT, AT_FDCWD, (long)"/tests/fixtures/hello.ring", (long)argv,
			(long)envp, 0);
		do_exit(99);
	}
	is(reap(pid), 42, "execveat");
	is(gate_op(XSC_OP_FORK, 1, 0, 0, 0, 0), -EINVAL, "fork with an argument");
}

/* Each operation with one argument too many, and what must be zero not being so. */
static void test_malformed(void)
{
	static const unsigned char ops[][2] = {		/* opcode, arguments */
		{ XSC_OP_NOP, 0 }, { XSC_OP_READ, 3 }, { XSC_OP_WRITE, 3 }, { XSC_OP_PREAD, 4 },
		{ XSC_OP_PWRITE, 4 }, { XSC_OP_OPENAT, 4 }, { XSC_OP_CLOSE, 1 },
		{ XSC_OP_FSYNC, 1 }, { XSC_OP_FSTAT, 2 }, { XSC_OP_READV, 3 },
		{ XSC_OP_WRITEV, 3 }, { XSC_OP_OPEN, 3 }, { XSC_OP_STAT, 2 }, { XSC_OP_LSTAT, 2 },
		{ XSC_OP_SOCKET, 3 }, { XSC_OP_BIND, 3 }, { XSC_OP_LISTEN, 2 },
		{ XSC_OP_ACCEPT, 3 }, { XSC_OP_CONNECT, 3 }, { XSC_OP_SENDTO, 6 },
		{ XSC_OP_RECVFROM, 6 }, { XSC_OP_POLL, 5 }, { XSC_OP_EPOLL_WAIT, 4 },
		{ XSC_OP_SELECT, 6 }, { XSC_OP_NANOSLEEP, 2 }, { XSC_OP_CLOCK_NANOSLEEP, 4 },
		{ XSC_OP_FUTEX_WAIT, 4 }, { XSC_OP_FUTEX_WAKE, 3 }, { XSC_OP_FORK, 0 },
		{ XSC_OP_VFORK, 0 }, { XSC_OP_CLONE, 5 }, { XSC_OP_EXECVE, 3 },
		{ XSC_OP_EXECVEAT, 5 },
	};
	unsigned int i, arg, code, tried = 0, good = 0, n = sizeof(ops) / sizeof(*ops);
	struct xsc_sqe sqe;

	for (i = 0; i < n; i++) {
		for (arg = ops[i][1]; arg < 6; arg++, tried++) {
			sqe = SQE(ops[i][0], 0);
			sqe.args[arg] = 1UL << 63;
			good += do_sqe(&sqe) == -EINVAL;
		}
		sqe = SQE(ops[i][0], 0);
		sqe.nr = 1;
		good += do_sqe(&sqe) == -EINVAL;
		sqe.nr = 0;
		sqe.ioprio = 1;
		good += do_sqe(&sqe) == -EINVAL;
		sqe.ioprio = 0;
		sqe.flags = by_batch ? 4 : XSC_SQE_LINK;
		good += do_sqe(&sqe) == -EINVAL;
		tried += 3;
	}
	yes(good == tried, "malformed entries of each operation");
	for (tried = good = 0, code = 3; code < 256; code++) {
		for (i = 0; i < n && ops[i][0] != code; i++)
			;
		if (i < n)
			continue;
		sqe = SQE(code, 0);
		good += do_sqe(&sqe) == -EINVAL;
		tried++;
	}
	yes(good == tried && tried > 200, "opcodes that do not exist");
}

int main(void)
{
	tap_begin();
	R = new_ring();
	if (!xsc_gate || !R) {
		skip("no gate", "operations");
		return tap_end();
	}
	for (int way = 0; way < 2; way++) {
		by_batch = way;
		is(op(XSC_OP_NOP, 0), 0, "nop");
		test_files();
		test_net();
		test_waits();
		test_futex();
		test_malformed();
	}
	by_batch = false;
	test_processes();
	return tap_end();
}
