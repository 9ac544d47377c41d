// SPDX-License-Identifier: GPL-2.0
/*
 * The worker and its owner: fork, exec, exit(2), exit_group, SIGKILL, crash, stop; each with
 * entries under way. The owner must be reaped, and no worker may be left.
 */
#include <dirent.h>
#include <poll.h>
#include <pthread.h>
#include <sys/resource.h>

#include "ring.h"

#define FILE_A	"/tmp/xsc-lifetime"

/* Threads named xsc-* in the whole system. */
static unsigned int count_workers(void)
{
	struct dirent *p, *t;
	unsigned int n = 0;
	char path[600], name[32];
	DIR *procs = opendir("/proc"), *tasks;
	FILE *f;

	while (procs && (p = readdir(procs))) {
		if (p->d_name[0] < '1' || p->d_name[0] > '9')
			continue;
		snprintf(path, sizeof(path), "/proc/%s/task", p->d_name);
		tasks = opendir(path);
		while (tasks && (t = readdir(tasks))) {
			snprintf(path, sizeof(path), "/proc/%s/task/%s/comm", p->d_name, t->d_name);
			f = fopen(path, "r");
			if (!f)
				continue;
			if (fgets(name, sizeof(name), f) && !strncmp(name, "xsc-", 4) &&
			    name[4] >= '0' && name[4] <= '9')
				n++;
			fclose(f);
		}
		if (tasks)
			closedir(tasks);
	}
	if (procs)
		closedir(procs);
	return n;
}

static bool workers_are(unsigned int want)
{
	uint64_t end = now_ms() + 5000;

	while (count_workers() != want) {
		if (now_ms() > end)
			return false;
		usleep(10000);
	}
	return true;
}

/* A ring with entries under way. */
static void busy_ring(struct ring *r)
{
	static char buf[65536];
	int fd = open(FILE_A, O_RDWR | O_CREAT, 0600);
	unsigned int i;

	if (ring_open(r, 0))
		_exit(100);
	for (i = 0; i < XSC_RING_ENTRIES; i++)
		ring_put(r, i, &SQE(XSC_OP_PWRITE, fd, buf, sizeof(buf), 0));
	ring_advance(r, XSC_RING_ENTRIES);
}

static void leave_by_exit(void)
{
	syscall(SYS_exit, 7);
}

static void leave_by_exit_group(void)
{
	_exit(7);
}

static void leave_by_sigkill(void)
{
	kill(getpid(), SIGKILL);
}

static void leave_by_crash(void)
{
	struct rlimit core = { RLIM_INFINITY, RLIM_INFINITY };

	setrlimit(RLIMIT_CORE, &core);
	chdir("/tmp");
	raise(SIGSEGV);
}

static void leave_by_exec(void)
{
	execl("/proc/self/exe", "lifetime", "exit9", NULL);
}

static void *exec_thread(void *arg)
{
	leave_by_exec();
	return arg;
}

/* Another thread than the owner executes; the owner and its worker are killed for it. */
static void leave_by_exec_thread(void)
{
	pthread_t thread;

	pthread_create(&thread, NULL, exec_thread, NULL);
	for (;;)
		pause();
}

static void *own_and_exit(void *arg)
{
	busy_ring(arg);
	return NULL;	/* exit(2) of this thread alone */
}

/* Exit codes: the last user thread's counts, whatever the worker does after it. */
static void *exit_eight(void *arg)
{
	usleep(20000);
	syscall(SYS_exit, 8);
	return arg;
}

static void leave_one_by_one(void)
{
	pthread_t thread;

	pthread_create(&thread, NULL, exit_eight, NULL);
	syscall(SYS_exit, 7);
}

/* The owner is a thread that ends; its process goes on, with a dead ring. */
static void leave_after_owner_thread(void)
{
	struct ring r;
	struct pollfd p;
	pthread_t thread;
	unsigned int i;

	pthread_create(&thread, NULL, own_and_exit, &r);
	pthread_join(thread, NULL);
	for (i = 0; i < 500 && !(r.sq->flags & XSC_SQ_DEAD); i++)
		usleep(10000);
	p = (struct pollfd){ .fd = r.fd, .events = POLLIN };
	if (!(r.sq->flags & XSC_SQ_DEAD))
		_exit(1);
	if (!ioctl(r.fd, XSC_IOC_WAKE, 0) || errno != EOWNERDEAD)
		_exit(2);
	if (poll(&p, 1, 0) != 1 || !(p.revents & POLLHUP))
		_exit(3);
	if (ring_setup(r.fd, 0) != -1 || errno != EBUSY)
		_exit(4);
	_exit(7);
}

static void check_leave(void (*leave)(void), bool busy, int want, const char *name)
{
	unsigned int before = count_workers();
	pid_t pid = fork();
	struct ring r;
	int code;

	if (!pid) {
		if (busy) {
			busy_ring(&r);
		} else if (leave != leave_after_owner_thread) {
			if (ring_open(&r, 1))
				_exit(100);
			usleep(50000);	/* the worker sleeps */
		}
		leave();
		_exit(101);
	}
	code = reap(pid);
	check(code == want && workers_are(before), "%s, worker %s: %d (want %d), workers %u", name,
	      busy ? "busy" : "idle", code, want, count_workers());
}

/* The child has the file, but neither the maps nor a right to the ring. */
static void test_fork(void)
{
	struct ring r;
	pid_t pid;

	if (!check(!ring_open(&r, 0), "ring"))
		return;
	pid = fork();
	if (!pid) {
		struct pollfd p = { .fd = r.fd, .events = POLLIN };

		if (ring_map(r.fd, 4096, XSC_OFF_SQ_RING) != MAP_FAILED || errno != EPERM)
			_exit(1);
		if (!ioctl(r.fd, XSC_IOC_WAKE, 0) || errno != EPERM)
			_exit(2);
		if (ring_setup(r.fd, 0) != -1 || errno != EBUSY)
			_exit(3);
		if (poll(&p, 1, 0) != 1 || !(p.revents & POLLERR))
			_exit(4);
		r.sq->tail++;	/* not mapped here: SIGSEGV */
		_exit(5);
	}
	check_res(reap(pid), 128 + SIGSEGV, "a forked child can't touch the ring");
	check_res(ring_do(&r, SQE(XSC_OP_NOP, 0)), 0, "the parent's ring works after fork");
	ring_close(&r);
}

/* close of the ring's own file by the ring: its answer can still be read from the maps. */
static void test_close_self(void)
{
	unsigned int before = count_workers();
	struct ring r;

	if (!check(!ring_open(&r, 0), "ring"))
		return;
	check_res(ring_do(&r, SQE(XSC_OP_CLOSE, r.fd)), -XSC_EINLINE, "the ring can't close itself");
	ring_put(&r, 0, &(struct xsc_sqe){ .user_data = 9 });
	ring_advance(&r, 1);
	close(r.fd);
	check(ring_wait(&r) && ring_take(&r).user_data == 9, "maps keep a closed ring alive");
	ring_close(&r);
	check(workers_are(before), "the last unmap ends the worker");
}

static void test_stop_continue(void)
{
	int status = 0;
	pid_t pid = fork();
	struct ring r;

	if (!pid) {
		if (ring_open(&r, 0))
			_exit(100);
		raise(SIGSTOP);
		_exit(ring_do(&r, SQE(XSC_OP_NOP, 0)) == 0 ? 7 : 1);
	}
	check(waitpid(pid, &status, WUNTRACED) == pid && WIFSTOPPED(status), "SIGSTOP");
	kill(pid, SIGCONT);
	check_res(reap(pid), 7, "SIGCONT, and the ring works");
}

static void test_many(void)
{
	static struct ring rings[32];
	unsigned int before = count_workers(), i, bad = 0;

	for (i = 0; i < 32; i++)
		bad += ring_open(&rings[i], 1) != 0;
	for (i = 0; i < 32 && !bad; i++)
		bad += ring_do(&rings[i], SQE(XSC_OP_READ, 999, 0, 1)) != -EBADF;
	check(!bad && workers_are(before + 32), "32 rings of one task");
	for (i = 0; i < 32 && !bad; i++)
		ring_close(&rings[i]);
	check(workers_are(before), "32 workers gone");
}

int main(int argc, char **argv)
{
	unsigned int i, bad = 0;

	if (argc > 1 && !strcmp(argv[1], "exit9"))
		return 9;
	tap_begin();
	test_fork();
	test_close_self();
	test_stop_continue();
	test_many();
	for (i = 0; i < 2; i++) {
		check_leave(leave_by_exit, i, 7, "exit(2) as the last user thread");
		check_leave(leave_one_by_one, i, 8, "exit(2) of the owner, then of another");
		check_leave(leave_by_exit_group, i, 7, "exit_group");
		check_leave(leave_by_sigkill, i, 128 + SIGKILL, "SIGKILL");
		check_leave(leave_by_crash, i, 128 + SIGSEGV, "crash with a core dump");
		check_leave(leave_by_exec, i, 9, "exec");
		check_leave(leave_by_exec_thread, i, 9, "exec by another thread");
	}
	check_leave(leave_after_owner_thread, false, 7, "exit(2) of the owner, not the last thread");
	for (i = 0; i < 100; i++) {
		struct ring r;
		pid_t pid = fork();

		if (!pid) {
			busy_ring(&r);
			for (;;)
				pause();
		}
		usleep(i * 100);
		kill(pid, SIGKILL);
		bad += reap(pid) != 128 + SIGKILL;
	}
	check(!bad && workers_are(0), "SIGKILL at 100 different times: %u bad", bad);
	unlink(FILE_A);
	return tap_end();
}
