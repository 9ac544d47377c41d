/* SPDX-License-Identifier: MIT */
/*
 * Processes: fork, vfork, exec, spawn, wait. The child of vfork runs in its parent's memory and must
 * not disturb its ring. Invariant: each child's end arrives exactly once.
 */
#include "tap.h"

#include <fcntl.h>
#include <sched.h>
#include <spawn.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>

extern char **environ;

static char *self[] = { "process", "child", "17", NULL };

static void forks(void)
{
	volatile int mine = 1;
	int status, i, bad = 0, fds[2];
	siginfo_t info;
	pid_t pid;

	check(exited(in_child(mine = 2; _exit(mine)), 2) && mine == 1, "memory is copied");
	check(killed(in_child(raise(SIGKILL)), SIGKILL), "a killed child");
	for (i = 0; i < 100; i++) {
		pid = fork();
		if (!pid)
			_exit(i);
		bad += !exited(wait_status(pid), i);
	}
	check_eq(bad, 0, "100 forks");
	pid = fork();
	if (!pid)
		_exit(4);
	memset(&info, 0, sizeof(info));
	check(!waitid(P_PID, (id_t)pid, &info, WEXITED | WNOWAIT) && info.si_pid == pid &&
	      info.si_code == CLD_EXITED && info.si_status == 4, "waitid looks");
	check(waitpid(pid, &status, 0) == pid && exited(status, 4), "waitpid takes");
	check(waitpid(pid, &status, 0) == -1 && errno == ECHILD, "nothing is left");
	must(!pipe(fds));
	pid = fork();
	if (!pid) {
		char c;

		raise(SIGSTOP);
		_exit(read(fds[0], &c, 1) == 1 ? 6 : 7);
	}
	check(waitpid(pid, &status, WUNTRACED) == pid && WIFSTOPPED(status), "stopped");
	kill(pid, SIGCONT);
	check(waitpid(pid, &status, WCONTINUED) == pid && WIFCONTINUED(status), "continued");
	must(write(fds[1], "x", 1) == 1);
	check(exited(wait_status(pid), 6), "and ended");
	close(fds[0]);
	close(fds[1]);
}

static void execs(void)
{
	char *bad[] = { "nothing", NULL };

	check(exited(in_child(execv("/proc/self/exe", self)), 17), "execv");
	check(exited(in_child(execve("/proc/self/exe", self, environ)), 17), "execve");
	check(exited(in_child(int fd = open("/proc/self/exe", O_RDONLY | O_CLOEXEC);
			      fexecve(fd, self, environ)), 17), "fexecve");
	check(exited(in_child(execv("/there is no such program", bad);
			      _exit(errno == ENOENT ? 8 : 9)), 8), "exec of nothing");
	check(exited(in_child(execv("/proc/self/status", bad);
			      _exit(errno == EACCES || errno == ENOEXEC ? 8 : 9)), 8),
	      "exec of what is no program");
	check(exited(in_child(setenv("XSC_CHILD", "29", 1);
			      execl("/proc/self/exe", "process", "environment", NULL)), 29),
	      "the environment arrives");
}

static void vforks(void)
{
	volatile int seen = 0;
	int i, bad = 0;
	pid_t pid;

	for (i = 0; i < 50; i++) {
		pid = vfork();
		if (!pid) {
			seen++;
			(void)!write(-1, "", 1);
			if (i % 2)
				_exit(3);
			execv("/proc/self/exe", self);
			_exit(99);
		}
		bad += !exited(wait_status(pid), i % 2 ? 3 : 17);
	}
	check_eq(bad, 0, "50 vforks, half of them with exec");
	check_eq(seen, 50, "the child of vfork writes its parent's memory");
	check_eq(getpid(), syscall(SYS_getpid), "the parent is itself again");
}

static void spawns(void)
{
	char path[] = "/tmp/xsc-spawn-XXXXXX", text[64] = "";
	posix_spawn_file_actions_t actions;
	posix_spawnattr_t attr;
	sigset_t set;
	pid_t pid;
	int r, fd, i, bad = 0;

	for (i = 0; i < 30; i++) {
		r = posix_spawn(&pid, "/proc/self/exe", NULL, NULL, self, environ);
		bad += r || !exited(wait_status(pid), 17);
	}
	check_eq(bad, 0, "30 times posix_spawn");
	check_eq(posix_spawn(&pid, "/there is no such program", NULL, NULL, self, environ), ENOENT,
		 "posix_spawn of nothing");
	check_eq(posix_spawnp(&pid, "no such program", NULL, NULL, self, environ), ENOENT,
		 "posix_spawnp of nothing");

	fd = mkstemp(path);
	must(fd >= 0);
	posix_spawn_file_actions_init(&actions);
	posix_spawn_file_actions_adddup2(&actions, fd, 1);
	posix_spawn_file_actions_addclose(&actions, fd);
	posix_spawn_file_actions_addchdir_np(&actions, "/proc");
	posix_spawnattr_init(&attr);
	sigemptyset(&set);
	sigaddset(&set, SIGUSR2);
	posix_spawnattr_setsigmask(&attr, &set);
	posix_spawnattr_setflags(&attr, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETPGROUP);
	r = posix_spawn(&pid, "/proc/self/exe", &actions, &attr,
			(char *[]){ "process", "state", NULL }, environ);
	check(!r && exited(wait_status(pid), 0), "file actions and attributes");
	check(pread(fd, text, sizeof(text) - 1, 0) > 0 && !strcmp(text, "/proc 1 1"),
	      "directory, mask and group of the child: %s", text);
	unlink(path);
	close(fd);
}

/* The child's end of spawns(): directory, whether SIGUSR2 is blocked, whether it leads its group. */
static int print_state(void)
{
	char dir[32] = "";
	sigset_t set;

	sigprocmask(SIG_BLOCK, NULL, &set);
	printf("%s %d %d", getcwd(dir, sizeof(dir)) ? dir : "?", sigismember(&set, SIGUSR2),
	       getpgrp() == getpid());
	return 0;
}

static int clone_child(void *arg)
{
	*(volatile int *)arg = getpid() != 0;
	return 12;
}

static void clones(void)
{
	static char stack[65536] __attribute__((aligned(16)));
	volatile int flag = 0;
	pid_t pid;

	pid = clone(clone_child, stack + sizeof(stack), SIGCHLD, (void *)&flag);
	check(pid > 0 && exited(wait_status(pid), 12) && flag == 0, "clone without CLONE_VM");
	pid = clone(clone_child, stack + sizeof(stack), SIGCHLD | CLONE_VM, (void *)&flag);
	check(pid > 0 && exited(wait_status(pid), 12) && flag == 1, "clone with CLONE_VM");
	flag = 0;
	pid = clone(clone_child, stack + sizeof(stack), SIGCHLD | CLONE_VM | CLONE_VFORK,
		    (void *)&flag);
	check(pid > 0 && flag == 1 && exited(wait_status(pid), 12),
	      "clone with CLONE_VM and CLONE_VFORK");
}

static void accounts(void)
{
	struct rusage usage;
	struct rlimit limit;
	int status;
	pid_t pid = fork();

	if (!pid)
		_exit(0);
	check(wait4(pid, &status, 0, &usage) == pid && exited(status, 0) && usage.ru_maxrss >= 0, "wait4 with usage");
	check(!getrlimit(RLIMIT_NOFILE, &limit) && limit.rlim_cur > 3, "getrlimit");
	check(getpriority(PRIO_PROCESS, 0) >= -20, "getpriority");
	check(!prctl(PR_SET_NAME, "xsc-process"), "prctl");
	check(exited(in_child(prctl(PR_SET_PDEATHSIG, SIGKILL); _exit(setsid() > 0 ? 0 : 1)), 0),
	      "setsid");
}

int main(int argc, char **argv)
{
	if (argc > 2 && !strcmp(argv[1], "child"))
		return atoi(argv[2]);
	if (argc > 1 && !strcmp(argv[1], "environment"))
		return getenv("XSC_CHILD") ? atoi(getenv("XSC_CHILD")) : 1;
	if (argc > 1 && !strcmp(argv[1], "state"))
		return print_state();
	tap_begin();
	forks();
	execs();
	vforks();
	spawns();
	clones();
	accounts();
	return tap_end();
}
