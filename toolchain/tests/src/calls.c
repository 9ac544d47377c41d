/* SPDX-License-Identifier: MIT */
/*
 * How calls are made: syscall(), its edges, and, on XSC, that the C library uses the ring of each
 * thread and reads the clock without a call. Invariant: counts are the kernel's, of this thread.
 */
#include "tap.h"
#include "xsc.h"

#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <sys/mman.h>
#include <sys/random.h>
#include <sys/resource.h>
#include <sys/time.h>
#include <sys/utsname.h>

static void any_kernel(void)
{
	unsigned char bytes[32] = { 0 }, zero[32] = { 0 };
	struct utsname name;
	cpu_set_t cpus;
	void *p;

	check_eq(syscall(SYS_getpid), getpid(), "syscall without arguments");
	p = (void *)syscall(SYS_mmap, NULL, 4096L, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS,
			    -1L, 0L);
	check(p != MAP_FAILED && *(char *)p == 0 && !syscall(SYS_munmap, p, 4096L),
	      "syscall with six arguments and a pointer as result");
	check(syscall(SYS_close, -1) == -1 && errno == EBADF, "its error");
	check(syscall(-1) == -1 && errno == ENOSYS, "syscall(-1)");
	check(syscall(100000) == -1 && errno == ENOSYS, "a number that no call has");
	check(syscall(SYS_lseek, -1, 0, 0) == -1 && errno == EBADF, "no state is left behind");
	check(getrandom(bytes, sizeof(bytes), 0) == 32 && memcmp(bytes, zero, 32), "getrandom");
	check(!getentropy(bytes, 16), "getentropy");
	check(!uname(&name) && *name.release, "uname: %s %s", name.release, name.machine);
	check(!sched_getaffinity(0, sizeof(cpus), &cpus) && CPU_COUNT(&cpus) > 0 &&
	      sched_getcpu() >= 0, "sched_getaffinity, sched_getcpu");
	check(sysconf(_SC_NPROCESSORS_ONLN) > 0 && sysconf(_SC_OPEN_MAX) > 0, "sysconf");
}

static void by_ring(const char *who)
{
	struct counters before, after;
	int i;

	must(read_counters(&before));
	for (i = 0; i < 1000; i++)
		getppid();
	must(read_counters(&after));
	printf("# %s: 1000 calls, by ring %lu, by register %lu\n", who,
	       after.calls_ring - before.calls_ring, after.calls_register - before.calls_register);
	check(after.calls_ring - before.calls_ring >= 1000, "%s calls by its ring", who);
	check(after.calls_register - before.calls_register <= 5, "and seldom by registers");
}

static void *in_thread(void *arg)
{
	by_ring("another thread");
	return arg;
}

static void *count_spawned(void *arg)
{
	struct counters c;

	*(unsigned long *)arg = read_counters(&c) ? c.calls_register : ~0UL;
	return NULL;
}

/* Reading the clock costs no call if the kernel's clock source can be read by programs. */
static void clocks(void)
{
	struct counters before, after;
	unsigned long calls;
	char source[32] = "";
	struct timespec ts;
	struct timeval tv;
	int i, fd;

	fd = open("/sys/devices/system/clocksource/clocksource0/current_clocksource", O_RDONLY);
	if (fd < 0 || read(fd, source, sizeof(source) - 1) <= 0 ||
	    !(strstr(source, "tsc") || strstr(source, "kvm-clock") || strstr(source, "arch_sys"))) {
		skip("the clock source is not for programs", "clocks without calls");
		return;
	}
	close(fd);
	must(read_counters(&before));
	for (i = 0; i < 1000; i++) {
		clock_gettime(CLOCK_MONOTONIC, &ts);
		clock_gettime(CLOCK_REALTIME, &ts);
		gettimeofday(&tv, NULL);
		time(NULL);
	}
	must(read_counters(&after));
	calls = after.calls_ring + after.calls_register - before.calls_ring - before.calls_register;
	printf("# 4000 looks at the clock: %lu calls\n", calls);
	check(calls <= 20, "clocks are read without calls");
}

int main(void)
{
	unsigned long by_register = 0;
	pthread_t t;

	tap_begin();
	any_kernel();
	if (!xsc_guarded()) {
		skip(NO_XSC, "calls by the ring");
		skip(NO_XSC, "clocks without calls");
		return tap_end();
	}
	by_ring("the first thread");
	must(!pthread_create(&t, NULL, in_thread, NULL) && !pthread_join(t, NULL));
	must(!pthread_create(&t, NULL, count_spawned, &by_register) && !pthread_join(t, NULL));
	printf("# calls by registers of a fresh thread: %lu\n", by_register);
	check(by_register <= 10, "a new thread has its ring soon");
	check_eq(WEXITSTATUS(in_child(tap_failures = 0; by_ring("a forked child");
				      _exit(tap_failures))), 0, "so does a child");
	clocks();
	return tap_end();
}
