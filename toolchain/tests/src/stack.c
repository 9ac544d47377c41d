/* SPDX-License-Identifier: MIT */
/*
 * Stacks: large frames (built with -fstack-clash-protection), growth, guard pages, the protector.
 * Invariant: overrunning a stack is a fault at once, never a store to something else.
 */
#include "tap.h"

#include <alloca.h>
#include <pthread.h>
#include <sys/mman.h>
#include <sys/resource.h>

__attribute__((noinline)) static int large_frame(int seed)
{
	volatile char here[1 << 20];
	size_t i;
	int sum = 0;

	for (i = 0; i < sizeof(here); i += 4096)
		here[i] = (char)seed;
	for (i = 0; i < sizeof(here); i += 4096)
		sum += here[i] == (char)seed;
	getppid();
	return sum;
}

__attribute__((noinline)) static int dynamic(size_t n)
{
	volatile char *p = alloca(n);

	p[0] = 1;
	p[n - 1] = 2;
	getppid();
	return p[0] + p[n - 1];
}

__attribute__((noinline)) static int deep(int n)
{
	volatile char here[512];

	here[0] = (char)n;
	return n ? deep(n - 1) + (here[0] == (char)n) : 0;
}

static void *in_thread(void *arg)
{
	(void)arg;
	return (void *)(long)(large_frame(3) + dynamic(300000));
}

static void *overrun(void *arg)
{
	return (void *)(long)dynamic(*(size_t *)arg);
}

__attribute__((noinline)) static void smash(volatile char *p, int n)
{
	while (n--)
		p[n] = 'A';
}

__attribute__((noinline)) static int victim(int n)
{
	volatile char here[16];

	smash(here, n);
	return here[0];
}

static void overrun_thread(size_t n)
{
	pthread_attr_t attr;
	pthread_t t;

	pthread_attr_init(&attr);
	pthread_attr_setstacksize(&attr, 262144);
	if (!pthread_create(&t, &attr, overrun, &n))
		pthread_join(t, NULL);
}

int main(void)
{
	struct rlimit limit;
	volatile size_t n = 2000000;
	pthread_attr_t attr;
	void *address, *result;
	pthread_t t;
	size_t size;

	tap_begin();
	must(!getrlimit(RLIMIT_STACK, &limit));
	check(limit.rlim_cur == RLIM_INFINITY || limit.rlim_cur >= 8 << 20, "a limit of 8 MiB");
	check_eq(large_frame(7), 256, "a frame of 1 MiB");
	check_eq(dynamic(n), 3, "alloca of 2 MB");
	check_eq(deep(8000), 8000, "8000 frames");
	must(!pthread_create(&t, NULL, in_thread, NULL) && !pthread_join(t, &result));
	check_eq((long)result, 259, "the same in a thread");
	check(!pthread_getattr_np(pthread_self(), &attr) &&
	      !pthread_attr_getstack(&attr, &address, &size) &&
	      (char *)&t >= (char *)address && (char *)&t < (char *)address + size,
	      "pthread_getattr_np knows the main stack");
	check(killed(in_child(overrun_thread(1 << 20)), SIGSEGV), "a thread over its guard page");
	check(killed(in_child(overrun_thread((size_t)64 << 20)), SIGSEGV),
	      "a frame larger than guard and stack together");
	/* a victim that returns has failed: no protector */
	check(killed(in_child(freopen("/dev/null", "w", stderr); signal(SIGABRT, SIG_DFL);
			      victim((int)n - 2000000 + 200)), SIGABRT),
	      "the stack protector sees an overrun");
	return tap_end();
}
