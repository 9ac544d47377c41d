// SPDX-License-Identifier: GPL-2.0
/*
 * The worker in the middle of an operation: cancelled, stopped and continued, frozen, moved,
 * filtered, dumped, killed. An open of a file under a lease is what it waits in, for as long
 * as the test likes. What was begun before a filter is done with when the filter is in force.
 */
#include <elf.h>
#include <pthread.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <linux/filter.h>
#include <linux/seccomp.h>

#include "ring.h"

#define LEASED	"/tmp/xsc-leased"
#define GOOD	"/tmp/xsc-worker-good"
#define EVIL	"/tmp/xsc-worker-evil"

/* Makes the worker wait in an open of LEASED, user_data 1. The fd that holds the lease. */
static int block_worker(struct ring *r)
{
	int fd = open(LEASED, O_RDWR | O_CREAT, 0600);
	uint64_t end = now_ms() + 5000;
	struct xsc_sqe sqe = SQE(XSC_OP_OPENAT, AT_FDCWD, LEASED, O_RDONLY, 0);

	signal(SIGIO, SIG_IGN);
	if (fd < 0 || fcntl(fd, F_SETLEASE, F_WRLCK))
		return -1;
	sqe.user_data = 1;
	ring_put(r, 0, &sqe);
	ring_advance(r, 1);
	/* the lease is broken: the open waits for our consent */
	while (fcntl(fd, F_GETLEASE) == F_WRLCK)
		if (now_ms() > end)
			return -1;
	return fd;
}

static void unblock_worker(int fd)
{
	fcntl(fd, F_SETLEASE, F_UNLCK);
	close(fd);
}

static int cancel(struct ring *r, uint64_t user_data, uint32_t flags)
{
	struct xsc_cancel arg = { .user_data = user_data, .flags = flags };
	int ret = ioctl(r->fd, XSC_IOC_CANCEL, &arg);

	return ret < 0 ? -errno : ret;
}

static int64_t next_res(struct ring *r, uint64_t user_data)
{
	struct xsc_cqe cqe;

	if (!ring_wait(r))
		return RES_NONE;
	cqe = ring_take(r);
	return cqe.user_data == user_data ? cqe.res : RES_NONE;
}

static void test_cancel(struct ring *r)
{
	struct xsc_cancel arg = { .__resv = { [4] = 1 } };
	struct xsc_sqe sqe = SQE(XSC_OP_READ, 999, 0, 1);
	unsigned int i, wrong = 0;
	int fd;

	check_res(cancel(r, 0, XSC_CANCEL_ANY), -ENOENT, "cancel: nothing there");
	check_res(cancel(r, 0, 2), -EINVAL, "cancel: unknown flag");
	check(ioctl(r->fd, XSC_IOC_CANCEL, &arg) && errno == EINVAL, "cancel: reserved field");
	check(ioctl(r->fd, XSC_IOC_CANCEL, NULL) && errno == EFAULT, "cancel: null");

	fd = block_worker(r);
	if (!check(fd >= 0, "the worker waits in an operation"))
		return;
	for (i = 0; i < 10; i++) {
		sqe.user_data = 2 + i % 2;
		ring_put(r, i, &sqe);
	}
	ring_advance(r, 10);
	check_res(cancel(r, 99, 0), -ENOENT, "cancel: no such entry");
	check_res(cancel(r, 2, 0), 5, "cancel: five entries");
	check_res(cancel(r, 2, 0), -ENOENT, "cancel: the same again");
	check(!ring_ready(r), "the one under way goes on");
	check_res(cancel(r, 1, 0), -EALREADY, "cancel: the one under way");
	check_res(next_res(r, 1), -EINTR, "which is interrupted");
	for (i = 0; i < 10; i++)
		wrong += next_res(r, 2 + i % 2) != (i % 2 ? -EBADF : -ECANCELED);
	check(!wrong, "the others are cancelled or executed: %u wrong", wrong);
	unblock_worker(fd);

	fd = block_worker(r);
	for (i = 0; i < 100; i++)
		ring_put(r, i, &sqe);
	ring_advance(r, 100);
	check_res(cancel(r, 0, XSC_CANCEL_ANY), 100, "cancel: all");
	check_res(next_res(r, 1), -EINTR, "with the one under way");
	for (i = 0; i < 100; i++)
		wrong += next_res(r, 3) != -ECANCELED;
	check(!wrong, "all cancelled: %u wrong", wrong);
	unblock_worker(fd);
	check_res(ring_do(r, sqe), -EBADF, "a cancelled slot is used again");
}

/* Runs fn in a child with a ring; its return value is a bit set of failures. */
static int in_child(int (*fn)(struct ring *))
{
	pid_t pid = fork();
	struct ring r;

	if (pid)
		return reap(pid);
	if (ring_open(&r, 0))
		_exit(100);
	_exit(fn(&r));
}

static int install_filter(unsigned int flags)
{
	struct sock_filter allow = BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW);
	struct sock_fprog prog = { .len = 1, .filter = &allow };

	return prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) ||
	       syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, flags, &prog);
}

/* The filter does not wait for ever for an operation that does. */
static int filter_while_blocked(struct ring *r)
{
	int fd = block_worker(r), bad = 0;
	uint64_t start = now_ms();

	if (fd < 0 || install_filter(0))
		return 64;
	bad |= (now_ms() - start > 10000) << 0;
	unblock_worker(fd);
	bad |= (next_res(r, 1) != -XSC_EINLINE) << 1;
	return bad;
}

/* An operation does not outlive the credentials that it began with. */
static int setuid_while_blocked(struct ring *r)
{
	int fd = block_worker(r), bad;

	if (fd < 0 || syscall(SYS_setresuid, 1000, 1000, 1000))
		return 64;
	bad = next_res(r, 1) != -EACCES;
	unblock_worker(fd);
	return bad;
}

static void *sync_filter(void *arg)
{
	return (void *)(intptr_t)install_filter(*(unsigned int *)arg);
}

/* The same from another thread, for the whole process. */
static int tsync_while_blocked(struct ring *r)
{
	unsigned int flags = SECCOMP_FILTER_FLAG_TSYNC;
	int fd = block_worker(r);
	pthread_t thread;
	void *res;

	if (fd < 0 || pthread_create(&thread, NULL, sync_filter, &flags))
		return 64;
	pthread_join(thread, &res);
	if (res)
		return 32;
	unblock_worker(fd);
	return next_res(r, 1) != -XSC_EINLINE;
}

/*
 * 128 opens of a path; a filter is attached meanwhile, then the path changes. Whatever was
 * opened must be what the path was before.
 */
static int filter_race(struct ring *r)
{
	static char path[64] = GOOD;
	struct xsc_sqe sqe = SQE(XSC_OP_OPENAT, AT_FDCWD, path, O_RDONLY, 0);
	struct stat st;
	unsigned int i;
	int64_t res;

	for (i = 0; i < XSC_RING_ENTRIES; i++)
		ring_put(r, i, &sqe);
	ring_advance(r, XSC_RING_ENTRIES);
	ring_wait(r);
	if (install_filter(0))
		return 64;
	memcpy(path, EVIL, sizeof(EVIL));
	for (i = 0; i < XSC_RING_ENTRIES; i++) {
		res = next_res(r, 0);
		if (res == -XSC_EINLINE)
			continue;
		if (res < 0 || fstat(res, &st) || st.st_size != 4)
			return 1;
	}
	return 0;
}

/* A tracer that watches system calls sees the open: the worker leaves it to the owner. */
static void test_trace(void)
{
	int status = 0, fd, p[2];
	uint64_t start;
	struct ring r;
	pid_t pid;

	pipe(p);
	pid = fork();
	if (!pid) {
		if (ring_open(&r, 0) || (fd = block_worker(&r)) < 0)
			_exit(100);
		write(p[1], "", 1);
		_exit(next_res(&r, 1) == -XSC_EINLINE ? 7 : 1);
	}
	close(p[1]);
	read(p[0], &status, 1);
	close(p[0]);
	ptrace(PTRACE_SEIZE, pid, 0, 0);
	ptrace(PTRACE_INTERRUPT, pid, 0, 0);
	check(waitpid(pid, &status, 0) == pid && WIFSTOPPED(status), "stopped by a tracer");
	start = now_ms();
	check(!ptrace(PTRACE_SYSCALL, pid, 0, 0) && now_ms() - start < 10000,
	      "which does not wait for ever");
	while (waitpid(pid, &status, 0) == pid && WIFSTOPPED(status))
		ptrace(PTRACE_SYSCALL, pid, 0, 0);
	check(WIFEXITED(status) && WEXITSTATUS(status) == 7, "and the operation is the owner's: %#x",
	      status);
}

/* A stop interrupts the open, which goes on after it. */
static void test_stop(void)
{
	int status = 0, fd;
	pid_t pid = fork();
	struct ring r;

	if (!pid) {
		if (ring_open(&r, 0) || (fd = block_worker(&r)) < 0)
			_exit(100);
		raise(SIGSTOP);
		usleep(20000);
		unblock_worker(fd);
		_exit(next_res(&r, 1) >= 0 ? 7 : 1);
	}
	check(waitpid(pid, &status, WUNTRACED) == pid && WIFSTOPPED(status),
	      "SIGSTOP while the worker waits");
	kill(pid, SIGCONT);
	check_res(reap(pid), 7, "SIGCONT, and the operation goes on");
}

static int close_while_blocked(struct ring *r)
{
	int fd = block_worker(r);

	ring_close(r);
	unblock_worker(fd);
	return fd < 0;
}

static int exec_while_blocked(struct ring *r)
{
	if (block_worker(r) >= 0)
		execl("/proc/self/exe", "worker", "exit0", NULL);
	return 1;
}

static int kill_while_blocked(struct ring *r)
{
	if (block_worker(r) >= 0)
		kill(getpid(), SIGKILL);
	return 1;
}

/* exit(2) of the only user thread: no lease is left that the worker could wait for. */
static int exit_while_blocked(struct ring *r)
{
	if (block_worker(r) >= 0)
		syscall(SYS_exit, 7);
	return 1;
}

/* No wake-up but a store: in the active window, in the back-off, and after a sleep. */
static int store_only(struct ring *r)
{
	unsigned int i, bad = 0, asleep = 0;
	struct ring own;

	(void)r;
	if (ring_open(&own, 20000))
		return 64;
	for (i = 0; i < 40; i++) {
		usleep(i * 1000);
		ring_put(&own, 0, &SQE(XSC_OP_NOP, 0));
		__atomic_store_n(&own.sq->tail, own.sq->tail + 1, __ATOMIC_RELEASE);
		__atomic_thread_fence(__ATOMIC_SEQ_CST);
		if (__atomic_load_n(&own.sq->flags, __ATOMIC_RELAXED) & XSC_SQ_NEED_WAKEUP) {
			asleep++;
			ioctl(own.fd, XSC_IOC_WAKE, 0);
		}
		bad += next_res(&own, 0) != 0;
	}
	return bad || !asleep;
}

static int nproc_limit(struct ring *r)
{
	struct rlimit lim = { 1, 1 };
	struct ring own;

	(void)r;
	setrlimit(RLIMIT_NPROC, &lim);
	if (setresuid(1000, 1000, 1000))
		return 64;
	return ring_open(&own, 0) != -1 || errno != EAGAIN;
}

/* A ring of a process that shares the memory of its parent and nothing else. */
static int vfork_owner(struct ring *r)
{
	static struct ring own;
	int status, bad;
	pid_t pid;

	pid = vfork();
	if (!pid) {
		if (ring_open(&own, 0))
			_exit(1);
		_exit(ring_do(&own, SQE(XSC_OP_NOP, 0)) ? 2 : 7);
	}
	bad = waitpid(pid, &status, 0) != pid || !WIFEXITED(status) || WEXITSTATUS(status) != 7;
	/* its ring is mapped here, and dead */
	bad |= !(own.sq->flags & XSC_SQ_DEAD) << 1;
	bad |= (ring_do(r, SQE(XSC_OP_NOP, 0)) != 0) << 2;
	return bad;
}

/* A worker is a thread, and there are things that a process of several threads can't do. */
static int unshare_user(struct ring *r)
{
	if (!unshare(CLONE_NEWUSER) || errno != EINVAL)
		return 1;
	return ring_do(r, SQE(XSC_OP_NOP, 0)) != 0;
}

/* PID 1 of a namespace, with a worker, leaves; the worker has the name of its owner there. */
static void test_pid_namespace(void)
{
	char name[32] = "", path[64];
	pid_t pid = fork();
	struct ring r;
	int i, fd;

	if (!pid && unshare(CLONE_NEWPID))
		_exit(77);
	if (!pid) {
		pid = fork();
		if (pid)
			_exit(reap(pid));
		if (ring_open(&r, 1) || ring_do(&r, SQE(XSC_OP_NOP, 0)))
			_exit(1);
		/* /proc is of the outer namespace; the worker's id follows the owner's */
		i = readlink("/proc/thread-self", path, sizeof(path) - 1);
		fd = i > 0 ? atoi(path) : 0;
		snprintf(path, sizeof(path), "/proc/self/task/%d/comm", fd + 1);
		fd = open(path, O_RDONLY);
		read(fd, name, sizeof(name) - 1);
		_exit(strcmp(name, "xsc-1\n") ? 2 : 7);
	}
	i = reap(pid);
	if (i == 77)
		skip("no PID namespaces", "the owner is PID 1 of a namespace");
	else
		check_res(i, 7, "the owner is PID 1 of a namespace");
}

static int put_file(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY), n = write(fd, text, strlen(text));

	close(fd);
	return n == (int)strlen(text) ? 0 : -1;
}

static bool file_has(const char *path, const char *text)
{
	char buf[512] = "";
	int fd = open(path, O_RDONLY);

	read(fd, buf, sizeof(buf) - 1);
	close(fd);
	return strstr(buf, text);
}

/* A control group: the worker moves with its process, and freezes with it. */
static void test_cgroup(void)
{
	uint64_t end = now_ms() + 10000;
	char text[32], path[64];
	struct ring r;
	pid_t pid;

	mkdir("/tmp/cg", 0755);
	if (mount("cgroup2", "/tmp/cg", "cgroup2", 0, NULL) || mkdir("/tmp/cg/xsc", 0755)) {
		skip("no cgroup2", "control groups");
		return;
	}
	pid = fork();
	if (!pid) {
		if (ring_open(&r, 0) || block_worker(&r) < 0)
			_exit(100);
		pause();
	}
	snprintf(text, sizeof(text), "%d", pid);
	snprintf(path, sizeof(path), "/proc/%d/task/%d/cgroup", pid, pid + 1);
	while (!file_has(path, "/") && now_ms() < end)
		usleep(10000);
	usleep(50000);
	check(!put_file("/tmp/cg/xsc/cgroup.procs", text), "a process with a worker moves");
	check(file_has(path, "/xsc"), "its worker moves along");
	put_file("/tmp/cg/xsc/cgroup.freeze", "1");
	while (!file_has("/tmp/cg/xsc/cgroup.events", "frozen 1") && now_ms() < end)
		usleep(10000);
	check(file_has("/tmp/cg/xsc/cgroup.events", "frozen 1"), "both freeze");
	put_file("/tmp/cg/xsc/cgroup.freeze", "0");
	kill(pid, SIGKILL);
	check_res(reap(pid), 128 + SIGKILL, "and die");
	rmdir("/tmp/cg/xsc");
	umount("/tmp/cg");
}

/* struct elf_prstatus: the signal, the thread, the registers; and which of them is the pc */
#define PR_CURSIG	12
#define PR_PID		32
#define PR_REG		112
#ifdef __x86_64__
#define REG_PC		16
#else
#define REG_PC		32
#endif

static void read_core(const char *path, pid_t pid)
{
	static char core[1 << 16] __attribute__((aligned(8)));
	unsigned int threads = 0, odd = 0, loads = 0, i;
	Elf64_Ehdr *eh = (Elf64_Ehdr *)core;
	Elf64_Phdr *ph = (Elf64_Phdr *)(eh + 1);
	int fd = open(path, O_RDONLY), n = read(fd, core, sizeof(core));
	bool first = false;

	close(fd);
	if (!check(n > (int)sizeof(*eh) && !memcmp(eh->e_ident, ELFMAG, 4) && eh->e_type == ET_CORE,
		   "a core file, %d bytes or more", n))
		return;
	for (i = 0; i < eh->e_phnum; i++) {
		char *note = core + ph[i].p_offset, *end = note + ph[i].p_filesz;

		loads += ph[i].p_type == PT_LOAD;
		if (ph[i].p_type != PT_NOTE || end > core + n)
			continue;
		while (note < end) {
			Elf64_Nhdr *nh = (Elf64_Nhdr *)note;
			char *desc = note + sizeof(*nh) + ((nh->n_namesz + 3) & ~3);

			note = desc + ((nh->n_descsz + 3) & ~3);
			if (nh->n_type != NT_PRSTATUS)
				continue;
			if (!threads++)
				first = *(short *)(desc + PR_CURSIG) == SIGSEGV &&
					*(int *)(desc + PR_PID) == pid &&
					((uint64_t *)(desc + PR_REG))[REG_PC];
			else
				odd += *(int *)(desc + PR_PID) <= pid;
		}
	}
	check(loads > 3 && first && threads == 3 && !odd,
	      "its threads: %u, first is the one that crashed: %d; %u segments", threads, first, loads);
}

static void test_core(void)
{
	static int *volatile nowhere = (int *)8;
	struct rlimit lim = { RLIM_INFINITY, RLIM_INFINITY };
	int status = 0;
	char path[64];
	pid_t pid;

	if (put_file("/proc/sys/kernel/core_pattern", "/tmp/xsc-core.%p")) {
		skip("no core dumps", "core");
		return;
	}
	pid = fork();
	if (!pid) {
		struct ring idle, blocked;

		setrlimit(RLIMIT_CORE, &lim);
		if (ring_open(&idle, 1) || ring_open(&blocked, 0) || block_worker(&blocked) < 0)
			_exit(100);
		*nowhere = 1;
	}
	waitpid(pid, &status, 0);
	check(WIFSIGNALED(status) && WTERMSIG(status) == SIGSEGV && WCOREDUMP(status),
	      "a crash with two workers dumps core: %#x", status);
	snprintf(path, sizeof(path), "/tmp/xsc-core.%d", pid);
	read_core(path, pid);
	unlink(path);
}

static void expect(int code, int want, const char *name)
{
	check(code == want, "%s: %#x", name, code);
}

static void make_file(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0644);

	write(fd, text, strlen(text));
	close(fd);
}

int main(int argc, char **argv)
{
	unsigned int i, bad = 0;
	struct ring r;

	if (argc > 1 && !strcmp(argv[1], "exit0"))
		return 0;
	tap_begin();
	if (!check(!ring_open(&r, 0), "ring"))
		return tap_end();
	test_cancel(&r);
	ring_close(&r);
	expect(in_child(filter_while_blocked), 0, "a filter interrupts what waits");
	expect(in_child(tsync_while_blocked), 0, "the same for all threads");
	make_file(GOOD, "good");
	make_file(EVIL, "an evil file");
	for (i = 0; i < 50; i++)
		bad += in_child(filter_race) != 0;
	check(!bad, "nothing begins once a filter is attached: %u of 50 wrong", bad);
	test_trace();
	test_stop();
	expect(in_child(close_while_blocked), 0, "closed while the worker waits");
	expect(in_child(exec_while_blocked), 0, "exec while the worker waits");
	expect(in_child(kill_while_blocked), 128 + SIGKILL, "SIGKILL while the worker waits");
	expect(in_child(exit_while_blocked), 7, "exit(2) while the worker waits");
	expect(in_child(store_only), 0, "no wake-up is lost, and none needed before a sleep");
	expect(in_child(vfork_owner), 0, "a ring of a vforked child");
	if (getuid()) {
		skip("needs root", "limits, namespaces, control groups, core dumps");
		return tap_end();
	}
	expect(in_child(setuid_while_blocked), 0, "setuid while the worker waits");
	expect(in_child(nproc_limit), 0, "RLIMIT_NPROC: a worker is a thread");
	expect(in_child(unshare_user), 0, "a worker is a thread to unshare");
	test_pid_namespace();
	test_cgroup();
	test_core();
	return tap_end();
}
