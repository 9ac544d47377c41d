/* SPDX-License-Identifier: MIT */
/*
 * Timers and sleeps. Invariant: what is asserted is that time does not run backwards or too early;
 * never that something happened soon.
 */
#include "tap.h"

#include <poll.h>
#include <pthread.h>
#include <stdint.h>
#include <sys/time.h>
#include <sys/timerfd.h>
#include <sys/times.h>

static int fired, alarms;
static volatile sig_atomic_t profile_ticks;

static void fire(union sigval v) { __atomic_add_fetch(&fired, v.sival_int, __ATOMIC_SEQ_CST); }
static void on_alarm(int signo) { (void)signo; alarms++; }
static void on_profile(int signo) { (void)signo; profile_ticks++; }
static int fired_now(void) { return __atomic_load_n(&fired, __ATOMIC_SEQ_CST); }

static void posix_timers(void)
{
	struct itimerspec once = { .it_value = { 0, 10000000 } }, off = { 0 }, left;
	struct itimerspec often = { { 0, 5000000 }, { 0, 5000000 } };
	struct sigevent ev = { .sigev_notify = SIGEV_THREAD, .sigev_value.sival_int = 1 };
	siginfo_t info;
	sigset_t set;
	timer_t t;

	ev.sigev_notify_function = fire;
	must(!timer_create(CLOCK_MONOTONIC, &ev, &t));
	check(!timer_settime(t, 0, &once, NULL) && eventually(fired_now() == 1),
	      "SIGEV_THREAD runs a thread");
	timer_settime(t, 0, &often, NULL);
	check(eventually(fired_now() >= 6), "and again and again");
	check(!timer_gettime(t, &left) && left.it_interval.tv_nsec == 5000000, "timer_gettime");
	check(!timer_settime(t, 0, &off, NULL) && !timer_delete(t), "timer_delete");

	sigemptyset(&set);
	sigaddset(&set, SIGRTMIN + 3);
	sigprocmask(SIG_BLOCK, &set, NULL);
	ev = (struct sigevent){ .sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGRTMIN + 3,
				.sigev_value.sival_int = 88 };
	must(!timer_create(CLOCK_REALTIME, &ev, &t));
	timer_settime(t, 0, &once, NULL);
	check(sigwaitinfo(&set, &info) == SIGRTMIN + 3 && info.si_code == SI_TIMER &&
	      info.si_value.sival_int == 88, "SIGEV_SIGNAL");
	check(timer_getoverrun(t) >= 0 && !timer_delete(t), "timer_getoverrun");
	sigprocmask(SIG_UNBLOCK, &set, NULL);
	check(timer_create(1234, &ev, &t) == -1 && errno == EINVAL, "a clock that is none");
}

static void *cpu_clock_of(void *arg)
{
	struct timespec ts;
	clockid_t id;

	*(int *)arg = !pthread_getcpuclockid(pthread_self(), &id) && !clock_gettime(id, &ts);
	return NULL;
}

static void clocks(void)
{
	static const clockid_t all[] = { CLOCK_REALTIME, CLOCK_MONOTONIC, CLOCK_MONOTONIC_RAW,
		CLOCK_REALTIME_COARSE, CLOCK_MONOTONIC_COARSE, CLOCK_BOOTTIME, CLOCK_TAI,
		CLOCK_PROCESS_CPUTIME_ID, CLOCK_THREAD_CPUTIME_ID };
	struct timespec ts, at;
	long long before, after, last = 0;
	struct timeval tv;
	struct tms tms;
	pthread_t t;
	size_t i;
	int bad = 0, good = 0;

	for (i = 0; i < sizeof(all) / sizeof(*all); i++)
		bad += clock_gettime(all[i], &ts) || clock_getres(all[i], &at);
	check_eq(bad, 0, "clock_gettime and clock_getres of all clocks");
	for (i = 0; i < 100000; i++) {
		long long n = now_ns(CLOCK_MONOTONIC);

		bad += n < last;
		last = n;
	}
	check_eq(bad, 0, "the monotonic clock is");
	/* time() may lag a tick behind the others */
	check(!gettimeofday(&tv, NULL) && time(NULL) >= tv.tv_sec - 1 && times(&tms) != -1,
	      "gettimeofday, time, times");
	must(!pthread_create(&t, NULL, cpu_clock_of, &good) && !pthread_join(t, NULL));
	check(good, "the processor time of a thread");

	before = now_ns(CLOCK_MONOTONIC);
	ts = (struct timespec){ 0, 30000000 };
	check(!clock_nanosleep(CLOCK_MONOTONIC, 0, &ts, NULL), "clock_nanosleep");
	after = now_ns(CLOCK_MONOTONIC);
	check(after - before >= 30000000, "not too short");
	clock_gettime(CLOCK_MONOTONIC, &ts);
	ts.tv_sec -= 1;
	check(!clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &ts, NULL), "to a time that was");
	ts.tv_nsec = -1;
	check_eq(clock_nanosleep(CLOCK_MONOTONIC, 0, &ts, NULL), EINVAL, "a time that is none");
	check(!usleep(1000), "usleep");
}

static void interval_timers(void)
{
	struct itimerval once = { { 0, 0 }, { 0, 10000 } }, tick = { { 0, 1000 }, { 0, 1000 } };
	struct itimerval off = { { 0, 0 }, { 0, 0 } };
	volatile unsigned long n = 0;

	signal(SIGALRM, on_alarm);
	setitimer(ITIMER_REAL, &once, NULL);
	check(eventually(alarms == 1), "setitimer");
	check(alarm(50) == 0 && alarm(0) > 40, "alarm says what was left");
	signal(SIGPROF, on_profile);
	setitimer(ITIMER_PROF, &tick, NULL);
	while (!profile_ticks && n < 20000000000UL)
		n++;
	setitimer(ITIMER_PROF, &off, NULL);
	check(profile_ticks > 0, "ITIMER_PROF");
}

static void timer_fds(void)
{
	struct itimerspec often = { { 0, 2000000 }, { 0, 2000000 } };
	int fd = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC);
	struct pollfd p = { fd, POLLIN, 0 };
	uint64_t n = 0;

	must(fd >= 0);
	check(!timerfd_settime(fd, 0, &often, NULL) && poll(&p, 1, 20000) == 1, "timerfd and poll");
	sleep_ms(20);
	check(read(fd, &n, sizeof(n)) == sizeof(n) && n >= 2, "its count");
	close(fd);
}

int main(void)
{
	tap_begin();
	posix_timers();
	clocks();
	interval_timers();
	timer_fds();
	return tap_end();
}
