// SPDX-License-Identifier: GPL-2.0
/*
 * Identity and limits: the worker acts with the credentials its owner has when an operation
 * is executed, and leaves to the owner what a filter, a tracer or a limit would have to see.
 */
#include <pthread.h>
#include <sched.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <linux/filter.h>
#include <linux/seccomp.h>

#include "ring.h"

#define SECRET	"/tmp/xsc-secret"
#define LIMITED	"/tmp/xsc-limited"

static int64_t try_open(struct ring *r)
{
	int64_t fd = ring_do(r, SQE(XSC_OP_OPENAT, AT_FDCWD, SECRET, O_RDONLY, 0));

	if (fd >= 0)
		close(fd);
	return fd >= 0 ? 0 : fd;
}

/* Runs fn in a child with a ring of its own; its return value is a bit set of failures. */
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

static int drop_and_regain(struct ring *r)
{
	int bad = 0;

	bad |= (try_open(r) != 0) << 0;
	setresuid(-1, 1000, -1);
	bad |= (try_open(r) != -EACCES) << 1;
	setresuid(-1, 0, -1);
	bad |= (try_open(r) != 0) << 2;
	setresuid(1000, 1000, 1000);
	bad |= (try_open(r) != -EACCES) << 3;
	return bad;
}

/* Only the owner's credentials count, not those of another thread of its process. */
static void *other_thread(void *arg)
{
	/* the raw call: this thread alone changes */
	syscall(SYS_setresuid, 1000, 1000, 1000);
	return (void *)(intptr_t)try_open(arg);
}

static int thread_creds(struct ring *r)
{
	pthread_t thread;
	void *res;

	pthread_create(&thread, NULL, other_thread, r);
	pthread_join(thread, &res);
	return (intptr_t)res != 0;
}

static int install_filter(void)
{
	struct sock_filter allow = BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW);
	struct sock_fprog prog = { .len = 1, .filter = &allow };

	return prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) ||
	       prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &prog);
}

static int seccomp_punts(struct ring *r)
{
	int bad = (try_open(r) != 0) << 0;

	if (install_filter())
		return 64;
	bad |= (try_open(r) != -XSC_EINLINE) << 1;
	bad |= (ring_do(r, SQE(XSC_OP_NOP, 0)) != -XSC_EINLINE) << 2;
	return bad;
}

static int traced_punts(struct ring *r)
{
	pid_t owner = getpid(), tracer = fork();
	int status;

	if (!tracer) {
		if (ptrace(PTRACE_SEIZE, owner, 0, 0) || ptrace(PTRACE_INTERRUPT, owner, 0, 0))
			_exit(1);
		while (waitpid(owner, &status, __WALL) == owner && WIFSTOPPED(status))
			ptrace(PTRACE_SYSCALL, owner, 0, 0);
		_exit(0);
	}
	usleep(200000);
	return try_open(r) != -XSC_EINLINE;
}

static int unshare_punts(struct ring *r)
{
	int bad = (try_open(r) != 0) << 0;

	if (unshare(CLONE_FILES))
		return 64;
	bad |= (try_open(r) != -XSC_EINLINE) << 1;
	return bad;
}

static int unshare_fs_punts(struct ring *r)
{
	if (unshare(CLONE_FS))
		return 64;
	return try_open(r) != -XSC_EINLINE;
}

static int umask_and_cwd(struct ring *r)
{
	struct stat st;
	int fd, bad = 0;

	umask(077);
	mkdir("/tmp/xsc-cwd", 0755);
	chdir("/tmp/xsc-cwd");
	unlink("here");
	fd = ring_do(r, SQE(XSC_OP_OPENAT, AT_FDCWD, "here", O_CREAT | O_WRONLY, 0666));
	bad |= (fd < 0 || fstat(fd, &st) || (st.st_mode & 0777) != 0600) << 0;
	bad |= (access("/tmp/xsc-cwd/here", F_OK) != 0) << 1;
	return bad;
}

static int fsize_limit(struct ring *r)
{
	struct rlimit lim = { 4096, RLIM_INFINITY };
	int fd = open(LIMITED, O_RDWR | O_CREAT | O_TRUNC, 0600), bad = 0;
	int app = open(LIMITED, O_WRONLY | O_APPEND);
	char buf[100] = "";

	setrlimit(RLIMIT_FSIZE, &lim);
	bad |= (ring_do(r, SQE(XSC_OP_WRITE, fd, buf, 100)) != 100) << 0;
	bad |= (ring_do(r, SQE(XSC_OP_PWRITE, fd, buf, 96, 4000)) != 96) << 1;
	bad |= (ring_do(r, SQE(XSC_OP_PWRITE, fd, buf, 97, 4000)) != -XSC_EINLINE) << 2;
	bad |= (ring_do(r, SQE(XSC_OP_PWRITE, fd, buf, 1, INT64_MAX)) != -XSC_EINLINE) << 3;
	bad |= (ring_do(r, SQE(XSC_OP_WRITE, app, buf, 1)) != -XSC_EINLINE) << 4;
	return bad;
}

static int nofile_limit(struct ring *r)
{
	struct rlimit lim = { 3, 3 };

	setrlimit(RLIMIT_NOFILE, &lim);
	return try_open(r) != -EMFILE;
}

static void expect(int code, const char *name)
{
	check(code == 0, "%s: %#x", name, code);
}

int main(void)
{
	int fd;

	tap_begin();
	fd = open(SECRET, O_WRONLY | O_CREAT | O_TRUNC, 0600);
	fchmod(fd, 0600);
	close(fd);
	if (getuid()) {
		skip("needs root", "credentials");
		tap_end();
		return KSFT_SKIP;
	}
	expect(in_child(drop_and_regain), "after setuid a root-only file is refused, and back");
	expect(in_child(thread_creds), "the owner's credentials, not the submitter's");
	expect(in_child(seccomp_punts), "under seccomp everything is the owner's to do");
	expect(in_child(traced_punts), "the same while system calls are traced");
	expect(in_child(unshare_punts), "the same after unshare(CLONE_FILES)");
	expect(in_child(unshare_fs_punts), "the same after unshare(CLONE_FS)");
	expect(in_child(umask_and_cwd), "umask and working directory are the owner's");
	expect(in_child(fsize_limit), "RLIMIT_FSIZE: what could raise SIGXFSZ is left to the owner");
	expect(in_child(nofile_limit), "RLIMIT_NOFILE counts");
	return tap_end();
}
