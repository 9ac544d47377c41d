/* SPDX-License-Identifier: MIT */
/*
 * What every program of the set is written with: results as TAP lines, children whose end is
 * judged, limits. Works in C and C++. Invariant: a case is one line "ok" or "not ok", and a
 * program that dies before tap_end() has printed no plan, so a crash can't read as success.
 */
#ifndef XSC_TAP_H
#define XSC_TAP_H

#include <errno.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/types.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static int tap_cases, tap_failures;

static inline void tap_begin(void)
{
	setvbuf(stdout, NULL, _IOLBF, 0);
}

__attribute__((format(printf, 5, 6)))
static inline bool tap_result(bool good, const char *file, int line, const char *text,
			      const char *name, ...)
{
	int error = errno;
	va_list ap;

	tap_cases++;
	printf("%sok %d ", good ? "" : "not ", tap_cases);
	va_start(ap, name);
	vprintf(name, ap);
	va_end(ap);
	printf("\n");
	if (!good) {
		tap_failures++;
		printf("# %s:%d: %s (errno %d, %s)\n", file, line, text, error,
		       strerror(error));
	}
	return good;
}

/* A case: one line, whatever cond is. Gives cond back. */
#define check(cond, ...) tap_result(!!(cond), __FILE__, __LINE__, #cond, __VA_ARGS__)

/* A case that compares two integers and says what it found. */
#define check_eq(found, wanted, ...) do {						\
	long long found_ = (long long)(found), wanted_ = (long long)(wanted);		\
	if (!tap_result(found_ == wanted_, __FILE__, __LINE__, #found " == " #wanted,	\
			__VA_ARGS__))							\
		printf("# found %lld, wanted %lld\n", found_, wanted_);			\
} while (0)

__attribute__((format(printf, 2, 3)))
static inline void skip(const char *reason, const char *name, ...)
{
	va_list ap;

	tap_cases++;
	printf("ok %d ", tap_cases);
	va_start(ap, name);
	vprintf(name, ap);
	va_end(ap);
	printf(" # SKIP %s\n", reason);
}

static inline int tap_end(void)
{
	printf("1..%d\n", tap_cases);
	fflush(stdout);
	return tap_failures ? 1 : 0;
}

/* What nothing works without: says so and ends. */
#define must(cond) do {									\
	if (!(cond)) {									\
		printf("not ok %d %s:%d: needs %s (errno %d, %s)\n", tap_cases + 1,	\
		       __FILE__, __LINE__, #cond, errno, strerror(errno));		\
		fflush(stdout);								\
		_exit(1);								\
	}										\
} while (0)

static inline void sleep_ms(long ms)
{
	struct timespec ts = { ms / 1000, ms % 1000 * 1000000 };

	while (nanosleep(&ts, &ts) && errno == EINTR)
		;
}

static inline long long now_ns(clockid_t clock)
{
	struct timespec ts;

	clock_gettime(clock, &ts);
	return ts.tv_sec * 1000000000LL + ts.tv_nsec;
}

/* Waits for a condition that another thread or a signal makes true; false after ten seconds. */
#define eventually(cond) ({								\
	int left_ = 2000;								\
	while (!(cond) && left_--)							\
		sleep_ms(5);								\
	!!(cond); })

static inline int wait_status(pid_t pid)
{
	int status = -1;

	while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
		;
	return status;
}

/* Runs code in a child that ends by _exit(0) unless it ends otherwise; its wait status. */
#define in_child(...) ({								\
	pid_t pid_;									\
	fflush(stdout);									\
	pid_ = fork();									\
	if (!pid_) {									\
		alarm(60);								\
		__VA_ARGS__;								\
		_exit(0);								\
	}										\
	wait_status(pid_); })

static inline bool exited(int status, int code)
{
	return WIFEXITED(status) && WEXITSTATUS(status) == code;
}

static inline bool killed(int status, int signo)
{
	return WIFSIGNALED(status) && WTERMSIG(status) == signo;
}

#endif
