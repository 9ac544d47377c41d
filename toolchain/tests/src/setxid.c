/* SPDX-License-Identifier: MIT */
/*
 * Changes of identity with threads: the C library makes the call in each thread by a signal.
 * Invariant: done in a child, so the set goes on as before; without root it skips.
 */
#include "tap.h"

#include <fcntl.h>
#include <grp.h>
#include <pthread.h>
#include <sys/fsuid.h>
#include <sys/syscall.h>

#define THREADS 8

static pthread_barrier_t ready, changed;
static int bad;

static void *watch(void *arg)
{
	(void)arg;
	pthread_barrier_wait(&ready);
	pthread_barrier_wait(&changed);
	/* the kernel's view of this very thread, not a value that libc keeps */
	if (syscall(SYS_getuid) != 1234 || syscall(SYS_geteuid) != 1234 || syscall(SYS_getgid) != 1235)
		__atomic_add_fetch(&bad, 1, __ATOMIC_SEQ_CST);
	if (open("/proc/1/mem", O_RDONLY) >= 0)
		__atomic_add_fetch(&bad, 1, __ATOMIC_SEQ_CST);
	return NULL;
}

static void *busy(void *arg)
{
	int *stop = arg;

	while (!__atomic_load_n(stop, __ATOMIC_SEQ_CST))
		sleep_ms(1);
	return NULL;
}

static int in_threads(void)
{
	gid_t groups[2] = { 7, 8 };
	pthread_t t[THREADS], b;
	int i, stop = 0;

	pthread_barrier_init(&ready, NULL, THREADS + 1);
	pthread_barrier_init(&changed, NULL, THREADS + 1);
	for (i = 0; i < THREADS; i++)
		must(!pthread_create(&t[i], NULL, watch, NULL));
	must(!pthread_create(&b, NULL, busy, &stop));
	pthread_barrier_wait(&ready);
	if (setgroups(2, groups) || setresgid(1235, 1235, 1235) || setresuid(1234, 1234, 1234))
		return 1;
	pthread_barrier_wait(&changed);
	for (i = 0; i < THREADS; i++)
		pthread_join(t[i], NULL);
	__atomic_store_n(&stop, 1, __ATOMIC_SEQ_CST);
	pthread_join(b, NULL);
	return bad ? 2 : setuid(0) == -1 && errno == EPERM ? 0 : 3;
}

static int effective(void)
{
	if (seteuid(1234) || geteuid() != 1234 || getuid() != 0)
		return 1;
	if (seteuid(0) || setegid(5) || getegid() != 5 || setegid(0))
		return 2;
	setfsuid(1234);
	if (setfsuid(0) != 1234)
		return 3;
	return setreuid(0, 1234) || geteuid() != 1234 ? 4 : 0;
}

int main(void)
{
	gid_t groups[64];

	tap_begin();
	check(getgroups(64, groups) >= 0, "getgroups");
	if (geteuid()) {
		skip("not root", "changes of identity");
		return tap_end();
	}
	check_eq(WEXITSTATUS(in_child(_exit(in_threads()))), 0, "setresuid in nine threads");
	check_eq(WEXITSTATUS(in_child(_exit(effective()))), 0, "effective identities");
	check(getuid() == 0 && geteuid() == 0, "this process is as before");
	return tap_end();
}
