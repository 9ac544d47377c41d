// SPDX-License-Identifier: GPL-2.0
/*
 * xsc_ring_test: the driver used as intended. Opens /dev/xsc, sets a ring up, maps its four
 * regions, submits every operation by memory writes and compares each result, errors
 * included, with what the system call itself returns.
 */
#include "ring.h"

#define FILE_A	"/tmp/xsc-ring-a"
#define BAD_PTR	((void *)0x10)
#define KERNEL_PTR ((void *)0xffffffff81000000UL)

static void test_typed(struct ring *r)
{
	char buf[64] = "";
	struct stat a, b;
	int fd;

	check_res(ring_do(r, SQE(XSC_OP_NOP, 0)), 0, "nop");
	unlink(FILE_A);
	fd = ring_do(r, SQE(XSC_OP_OPENAT, AT_FDCWD, FILE_A, O_RDWR | O_CREAT | O_EXCL, 0640));
	if (!check(fd > 2 && fcntl(fd, F_GETFD) == 0, "openat creates: fd %d", fd))
		return;
	check_res(ring_do(r, SQE(XSC_OP_WRITE, fd, "hello, ring", 11)), 11, "write");
	check_res(lseek(fd, 0, SEEK_CUR), 11, "write moved the file position");
	check_res(ring_do(r, SQE(XSC_OP_PWRITE, fd, "HELLO", 5, 0)), 5, "pwrite");
	check_res(lseek(fd, 0, SEEK_CUR), 11, "pwrite left the file position");
	check_res(ring_do(r, SQE(XSC_OP_PREAD, fd, buf, 64, 7)), 4, "pread up to the end");
	check(!memcmp(buf, "ring", 5), "pread data");
	lseek(fd, 0, SEEK_SET);
	check_res(ring_do(r, SQE(XSC_OP_READ, fd, buf, 5)), 5, "read");
	check(!memcmp(buf, "HELLO", 5), "read data");
	check_res(ring_do(r, SQE(XSC_OP_READ, fd, buf, 64)), 6, "read goes on at the position");
	check_res(ring_do(r, SQE(XSC_OP_READ, fd, buf, 64)), 0, "read at the end");
	check_res(ring_do(r, SQE(XSC_OP_FSYNC, fd)), 0, "fsync");
	memset(&a, 0, sizeof(a));
	check_res(ring_do(r, SQE(XSC_OP_FSTAT, fd, &a)), 0, "fstat");
	fstat(fd, &b);
	check(!memcmp(&a, &b, sizeof(a)) && a.st_size == 11, "fstat equals fstat(2)");
	check((a.st_mode & 07777) == (0640 & ~022), "openat applied the umask");
	check_res(ring_do(r, SQE(XSC_OP_CLOSE, fd)), 0, "close");
	check(fcntl(fd, F_GETFD) == -1 && errno == EBADF, "close closed it in the owner's table");
}

/*
 * The same failing call through the ring by opcode, by number, and as a system call: all
 * three give the same error.
 */
static void same_error(struct ring *r, struct xsc_sqe sqe, long nr, int64_t want, const char *name)
{
	const __u64 *a = sqe.args;
	long direct = syscall(nr, a[0], a[1], a[2], a[3]) < 0 ? -errno : 0;
	int64_t typed = ring_do(r, sqe), generic;

	sqe.opcode = XSC_OP_SYSCALL;
	sqe.nr = nr;
	generic = ring_do(r, sqe);
	check(direct == want && typed == want && generic == want,
	      "%s: %lld by opcode, %lld by number, %ld by system call (want %lld)", name,
	      (long long)typed, (long long)generic, direct, (long long)want);
}

#define SYS_pread	SYS_pread64
#define SYS_pwrite	SYS_pwrite64
#define same(r, OP, nr, want, name, ...) \
	same_error(r, SQE(XSC_OP_##OP, __VA_ARGS__), SYS_##nr, want, name)

static void test_errors(struct ring *r)
{
	int dir = open("/tmp", O_RDONLY | O_DIRECTORY);
	int ro = open(FILE_A, O_RDONLY), wo = open(FILE_A, O_WRONLY);
	char buf[16];

	same(r, READ, read, -EBADF, "read: no such fd", 999, buf, 1);
	same(r, READ, read, -EBADF, "read: fd -1", -1, buf, 1);
	same(r, READ, read, -EBADF, "read: write-only file", wo, buf, 1);
	same(r, WRITE, write, -EBADF, "write: read-only file", ro, buf, 1);
	same(r, READ, read, -EISDIR, "read: a directory", dir, buf, 1);
	same(r, PREAD, pread, -EISDIR, "pread: a directory", dir, buf, 1, 0);
	same(r, READ, read, -EFAULT, "read: unmapped buffer", ro, BAD_PTR, 4);
	same(r, READ, read, -EFAULT, "read: kernel buffer", ro, KERNEL_PTR, 4);
	same(r, WRITE, write, -EFAULT, "write: unmapped", wo, BAD_PTR, 4);
	same(r, WRITE, write, -EFAULT, "write: kernel", wo, KERNEL_PTR, 4);
	same(r, READ, read, -EFAULT, "read: count -1", ro, buf, -1);
	same(r, PREAD, pread, -EINVAL, "pread: position -1", ro, buf, 1, -1);
	same(r, PWRITE, pwrite, -EINVAL, "pwrite: position -5", wo, buf, 1, -5);
	same(r, OPENAT, openat, -ENOENT, "openat: no such file", AT_FDCWD, "/nonexistent",
	     O_RDONLY, 0);
	same(r, OPENAT, openat, -ENOENT, "openat: empty path", AT_FDCWD, "", O_RDONLY, 0);
	same(r, OPENAT, openat, -EEXIST, "openat: exists",
	     AT_FDCWD, FILE_A, O_CREAT | O_EXCL, 0600);
	same(r, OPENAT, openat, -EISDIR, "openat: directory for writing", AT_FDCWD, "/tmp",
	     O_WRONLY, 0);
	same(r, OPENAT, openat, -ENOTDIR, "openat: not a directory", AT_FDCWD, FILE_A "/x",
	     O_RDONLY, 0);
	same(r, OPENAT, openat, -EBADF, "openat: no such directory fd", 999, "x", O_RDONLY, 0);
	same(r, OPENAT, openat, -EFAULT, "openat: unmapped path", AT_FDCWD, BAD_PTR, O_RDONLY, 0);
	same(r, OPENAT, openat, -EFAULT, "openat: kernel path", AT_FDCWD, KERNEL_PTR, O_RDONLY, 0);
	unlink("/tmp/xsc-ring-link");
	symlink(FILE_A, "/tmp/xsc-ring-link");
	same(r, OPENAT, openat, -ELOOP, "openat: O_NOFOLLOW", AT_FDCWD, "/tmp/xsc-ring-link",
	     O_RDONLY | O_NOFOLLOW, 0);
	same(r, CLOSE, close, -EBADF, "close: no such fd", 999);
	same(r, FSYNC, fsync, -EBADF, "fsync: no such fd", 999);
	same(r, FSTAT, fstat, -EBADF, "fstat: no such fd", 999, buf);
	same(r, FSTAT, fstat, -EFAULT, "fstat: unmapped", ro, BAD_PTR);
	same(r, FSTAT, fstat, -EFAULT, "fstat: kernel", ro, KERNEL_PTR);
	close(dir);
	close(ro);
	close(wo);
}

static void test_generic(struct ring *r)
{
	char buf[16] = "";
	int fd;

	fd = ring_do(r, SQE_NR(SYS_openat, AT_FDCWD, FILE_A, O_RDONLY, 0));
	check(fd > 2, "system call openat: fd %d", fd);
	check_res(ring_do(r, SQE_NR(SYS_read, fd, buf, 5)), 5, "system call read");
	check(!memcmp(buf, "HELLO", 5), "system call read data");
	check_res(ring_do(r, SQE_NR(SYS_close, fd)), 0, "system call close");
	check_res(ring_do(r, SQE_NR(SYS_getpid, 0)), -XSC_EINLINE, "system call not for a worker");
	check_res(ring_do(r, SQE_NR(SYS_clone, 0)), -XSC_EINLINE, "clone is not for a worker");
	check_res(ring_do(r, SQE_NR(SYS_exit_group, 3)), -XSC_EINLINE, "nor is exit_group");
	check_res(ring_do(r, SQE_NR(100000, 0)), -ENOSYS, "no such system call");
	check_res(ring_do(r, SQE_NR(UINT32_MAX, 0)), -ENOSYS, "system call number -1");
}

/* What could block, signal or depend on the task is the owner's to do. */
static void test_inline(struct ring *r)
{
	char buf[16] = "x";
	int p[2], fd;

	check(!pipe(p), "pipe");
	check_res(ring_do(r, SQE(XSC_OP_READ, p[0], buf, 1)), -XSC_EINLINE, "read: a pipe");
	check_res(ring_do(r, SQE(XSC_OP_WRITE, p[1], buf, 1)), -XSC_EINLINE, "write: a pipe");
	check_res(ring_do(r, SQE(XSC_OP_PREAD, p[0], buf, 1, 0)), -XSC_EINLINE, "pread: a pipe");
	check_res(ring_do(r, SQE(XSC_OP_CLOSE, p[1])), 0, "close: a pipe");
	check_res(read(p[0], buf, 1), 0, "the reader sees the end when the result is there");
	close(p[0]);
	fd = open("/dev/null", O_RDWR);
	check_res(ring_do(r, SQE(XSC_OP_WRITE, fd, buf, 1)), -XSC_EINLINE, "write: a device");
	check_res(ring_do(r, SQE(XSC_OP_CLOSE, fd)), -XSC_EINLINE, "close: a device");
	check_res(ring_do(r, SQE(XSC_OP_FSYNC, fd)), -XSC_EINLINE, "fsync: a device");
	close(fd);
	fd = open("/proc/self/stat", O_RDONLY);
	check_res(ring_do(r, SQE(XSC_OP_READ, fd, buf, 4)), -XSC_EINLINE, "read: procfs");
	close(fd);
	unlink("/tmp/xsc-ring-fifo");
	mkfifo("/tmp/xsc-ring-fifo", 0600);
	check_res(ring_do(r, SQE(XSC_OP_OPENAT, AT_FDCWD, "/tmp/xsc-ring-fifo", O_RDONLY, 0)),
		  -XSC_EINLINE, "openat: a FIFO does not block the worker");
	check_res(ring_do(r, SQE(XSC_OP_OPENAT, AT_FDCWD, "/dev/console", O_RDWR, 0)),
		  -XSC_EINLINE, "openat: a terminal");
	fd = ring_do(r, SQE(XSC_OP_OPENAT, AT_FDCWD, "/dev/console", O_PATH, 0));
	check(fd > 2, "openat: O_PATH opens nothing, so anything: fd %d", fd);
	check_res(ring_do(r, SQE(XSC_OP_CLOSE, fd)), 0, "close: O_PATH");
}

/* A whole ring by one store of the tail, results in order; then around the end. */
static void test_batch(struct ring *r)
{
	unsigned int round, i, bad = 0, total = 0;

	for (round = 0; round < 9; round++) {
		unsigned int n = round ? 50 + round : XSC_RING_ENTRIES;

		for (i = 0; i < n; i++) {
			struct xsc_sqe sqe = i & 1 ? SQE(XSC_OP_READ, 999, 0, 1) : SQE(XSC_OP_NOP, 0);

			sqe.user_data = round * 1000 + i;
			ring_put(r, i, &sqe);
		}
		ring_advance(r, n);
		for (i = 0; i < n && ring_wait(r); i++) {
			struct xsc_cqe cqe = ring_take(r);

			bad += cqe.user_data != round * 1000 + i || cqe.res != (i & 1 ? -EBADF : 0);
			total++;
		}
	}
	check(total == XSC_RING_ENTRIES + 8 * 50 + 36 && !bad,
	      "batches of 128 and around the end: %u results, %u wrong", total, bad);
	check(r->sq->head == r->sq->tail && r->cq->head == r->cq->tail, "both queues are empty");
}

int main(void)
{
	struct ring r;

	tap_begin();
	umask(022);
	if (access("/dev/xsc", F_OK)) {
		skip("no /dev/xsc", "ring");
		tap_end();
		return KSFT_SKIP;
	}
	if (!check(!ring_open(&r, 0), "open, set up, map four regions: %s", strerror(errno)))
		return tap_end();
	check(r.sq->ring_entries == XSC_RING_ENTRIES && r.sq->ring_mask == XSC_RING_ENTRIES - 1 &&
	      r.cq->ring_entries == XSC_RING_ENTRIES && r.cq->ring_mask == XSC_RING_ENTRIES - 1,
	      "the rings tell their size");
	test_typed(&r);
	test_errors(&r);
	test_generic(&r);
	test_inline(&r);
	test_batch(&r);
	ring_close(&r);
	return tap_end();
}
