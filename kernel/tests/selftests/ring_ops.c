// SPDX-License-Identifier: GPL-2.0
/*
 * ring_ops: what the worker of /dev/xsc does with the operations beyond the first ones: readv,
 * writev, open, stat and lstat are executed on plain files, everything else is left to the
 * owner, and malformed entries are refused whoever would execute them.
 */
#include "ring.h"

#define PATH	"/tmp/ring-ops"
#define LINK	"/tmp/ring-ops-link"
#define BAD_PTR	((void *)0x10)

static void test_vectors(struct ring *r)
{
	char a[4] = "", b[8] = "";
	struct iovec out[2] = { { "hel", 3 }, { "lo world", 8 } };
	struct iovec in[2] = { { a, 3 }, { b, 8 } };
	int p[2], fd;

	unlink(PATH);
	fd = open(PATH, O_RDWR | O_CREAT, 0600);
	check_res(ring_do(r, SQE(XSC_OP_WRITEV, fd, out, 2)), 11, "writev");
	check_res(lseek(fd, 0, SEEK_CUR), 11, "writev moved the file position");
	lseek(fd, 0, SEEK_SET);
	check_res(ring_do(r, SQE(XSC_OP_READV, fd, in, 2)), 11, "readv");
	check(!memcmp(a, "hel", 3) && !memcmp(b, "lo world", 8), "readv data");
	check_res(ring_do(r, SQE_NR(SYS_readv, fd, in, 2)), 0, "readv by number, at the end");
	check_res(ring_do(r, SQE(XSC_OP_READV, fd, in, 0)), 0, "readv of no vector");
	check_res(ring_do(r, SQE(XSC_OP_READV, fd, in, 1025)), -EINVAL, "readv of too many");
	check_res(ring_do(r, SQE(XSC_OP_READV, fd, BAD_PTR, 2)), -EFAULT, "readv by a bad vector");
	check_res(ring_do(r, SQE(XSC_OP_READV, -1, in, 2)), -EBADF, "readv of no file");
	in[0].iov_base = BAD_PTR;
	lseek(fd, 0, SEEK_SET);
	check_res(ring_do(r, SQE(XSC_OP_READV, fd, in, 2)), -EFAULT, "readv to a bad address");
	close(fd);
	fd = open(PATH, O_RDONLY);
	check_res(ring_do(r, SQE(XSC_OP_WRITEV, fd, out, 2)), -EBADF, "writev to a reader's file");
	close(fd);
	fd = open(PATH, O_WRONLY);
	check_res(ring_do(r, SQE(XSC_OP_READV, fd, in, 2)), -EBADF, "readv of a writer's file");
	close(fd);
	if (!pipe(p)) {
		check_res(ring_do(r, SQE(XSC_OP_READV, p[0], in, 2)), -XSC_EINLINE, "readv of a pipe");
		check_res(ring_do(r, SQE(XSC_OP_WRITEV, p[1], out, 2)), -XSC_EINLINE,
			  "writev to a pipe");
		close(p[0]);
		close(p[1]);
	}
}

static void test_fsize(struct ring *r)
{
	struct iovec out = { "0123456789", 10 };
	unsigned long old[2], small[2];
	int fd = open(PATH, O_RDWR | O_TRUNC);

	sys(__NR_prlimit64, 0, 1 /* RLIMIT_FSIZE */, 0, old);
	small[0] = 8;
	small[1] = old[1];
	sys(__NR_prlimit64, 0, 1, small, 0);
	check_res(ring_do(r, SQE(XSC_OP_WRITEV, fd, &out, 1)), -XSC_EINLINE,
		  "writev over RLIMIT_FSIZE");
	out.iov_len = 8;
	check_res(ring_do(r, SQE(XSC_OP_WRITEV, fd, &out, 1)), 8, "writev up to RLIMIT_FSIZE");
	sys(__NR_prlimit64, 0, 1, old, 0);
	close(fd);
}

static void test_names(struct ring *r)
{
	struct stat st, want;
	int fd;

	unlink(PATH);
	unlink(LINK);
	check_res(ring_do(r, SQE(XSC_OP_OPEN, PATH, O_RDWR, 0)), -ENOENT, "open of no file");
	fd = ring_do(r, SQE(XSC_OP_OPEN, PATH, O_RDWR | O_CREAT, 0666));
	check(fd > 2 && write(fd, "four", 4) == 4, "open creates: fd %d", fd);
	close(fd);
	if (symlink(PATH, LINK))
		return;
	memset(&st, 0, sizeof(st));
	check_res(ring_do(r, SQE(XSC_OP_STAT, LINK, &st)), 0, "stat");
	stat(LINK, &want);
	check(!memcmp(&st, &want, sizeof(st)) && S_ISREG(st.st_mode), "stat equals stat(2)");
	memset(&st, 0, sizeof(st));
	check_res(ring_do(r, SQE(XSC_OP_LSTAT, LINK, &st)), 0, "lstat");
	lstat(LINK, &want);
	check(!memcmp(&st, &want, sizeof(st)) && S_ISLNK(st.st_mode), "lstat equals lstat(2)");
	check_res(ring_do(r, SQE(XSC_OP_STAT, "/dev/null", &st)), 0, "stat of a device");
	check_res(ring_do(r, SQE(XSC_OP_STAT, "", &st)), -ENOENT, "stat of nothing");
	check_res(ring_do(r, SQE(XSC_OP_STAT, PATH "/x", &st)), -ENOTDIR, "stat below a file");
	check_res(ring_do(r, SQE(XSC_OP_STAT, BAD_PTR, &st)), -EFAULT, "stat of a bad address");
	check_res(ring_do(r, SQE(XSC_OP_LSTAT, LINK, BAD_PTR)), -EFAULT, "lstat to a bad address");
	check_res(ring_do(r, SQE(XSC_OP_OPEN, "/dev/null", O_RDWR, 0)), -XSC_EINLINE,
		  "open of a device");
	unlink(LINK);
}

static void test_inline(struct ring *r)
{
	static const unsigned char ops[] = {
		XSC_OP_CANCEL, XSC_OP_SOCKET, XSC_OP_BIND, XSC_OP_LISTEN, XSC_OP_ACCEPT,
		XSC_OP_CONNECT, XSC_OP_SENDTO, XSC_OP_RECVFROM, XSC_OP_POLL, XSC_OP_EPOLL_WAIT,
		XSC_OP_SELECT, XSC_OP_NANOSLEEP, XSC_OP_CLOCK_NANOSLEEP, XSC_OP_FUTEX_WAIT,
		XSC_OP_FUTEX_WAKE, XSC_OP_FORK, XSC_OP_VFORK, XSC_OP_CLONE, XSC_OP_EXECVE,
		XSC_OP_EXECVEAT,
	};
	unsigned int i, good = 0, bad = 0, n = sizeof(ops);
	struct xsc_sqe sqe;

	for (i = 0; i < n; i++) {
		good += ring_do(r, SQE(ops[i], 0)) == -XSC_EINLINE;
		sqe = SQE(ops[i], 0);
		sqe.nr = 1;
		bad += ring_do(r, sqe) == -EINVAL;
	}
	check(good == n, "%u of %u operations are left to the owner", good, n);
	check(bad == n, "%u of %u malformed ones are not", bad, n);
	check_res(ring_do(r, SQE_NR(SYS_newfstatat, AT_FDCWD, PATH, 0, 0)), -XSC_EINLINE,
		  "stat by number");
	sqe = SQE(XSC_OP_NOP, 0);
	sqe.flags = XSC_SQE_LINK;
	check_res(ring_do(r, sqe), -EINVAL, "a link");
	sqe.flags = XSC_SQE_CQE_SKIP;
	check_res(ring_do(r, sqe), -EINVAL, "a result not wanted");
}

/* sysfs and procfs say what the worker did. */
static long value(const char *path, const char *name)
{
	static char text[2048];
	char *p = text;

	if (read_file(path, text, sizeof(text)) < 0)
		return -1;
	if (name)
		p = find_text(text, name);
	return p ? atol(p + (name ? strlen(name) : 0)) : -1;
}

static bool put_value(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY);
	bool ok = fd >= 0 && write(fd, text, strlen(text)) == (ssize_t)strlen(text);

	if (fd >= 0)
		close(fd);
	return ok;
}

static void test_observing(struct ring *r)
{
	static const char idle[] = "/sys/kernel/xsc/worker_idle_us";
	static const char backoff[] = "/sys/kernel/xsc/worker_backoff_us";
	struct xsc_setup setup = { .size = sizeof(setup) };
	long submitted = value("/proc/self/xsc", "worker_submitted ");
	int fd;

	check_res(value("/proc/self/xsc", "workers "), 1, "workers of this process");
	ring_do(r, SQE(XSC_OP_NOP, 0));
	ring_do(r, SQE(XSC_OP_SOCKET, 1, 1, 0));
	check_res(value("/proc/self/xsc", "worker_submitted ") - submitted, 2, "entries of its worker");
	check(value("/proc/self/xsc", "worker_inlined ") > 0, "answers to do it inline");
	check(value("/proc/thread-self/xsc", "workers ") == 1, "the thread's file");
	check(value("/sys/kernel/xsc/counters/worker_entries", NULL) >= 2, "entries of all workers");
	check_res(value("/proc/xsc", "abi "), XSC_ABI, "/proc/xsc: the version");
	check(value("/proc/xsc", "worker_entries ") >= 2, "/proc/xsc: the counters");

	check_res(value(idle, NULL), 1000, "worker_idle_us");
	check(!put_value(idle, "0") && !put_value(idle, "100001") && !put_value(idle, "x") &&
	      !put_value(idle, "-1"), "times that are refused");
	check(put_value(idle, "2000\n"), "a time that is taken");
	fd = open("/dev/xsc", O_RDWR);
	check(!ioctl(fd, XSC_IOC_SETUP, &setup) && setup.idle_us == 2000, "and used by a new ring");
	close(fd);
	put_value(idle, "1000");
	check(put_value(backoff, "0") && value(backoff, NULL) == 0, "worker_backoff_us");
	put_value(backoff, "50");
}

int main(void)
{
	struct ring r;

	tap_begin();
	if (ring_open(&r, 0)) {
		check(false, "a ring: %s", strerror(errno));
		return tap_end();
	}
	test_vectors(&r);
	test_fsize(&r);
	test_names(&r);
	test_inline(&r);
	test_observing(&r);
	ring_close(&r);
	return tap_end();
}
