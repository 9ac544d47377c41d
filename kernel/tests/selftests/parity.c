// SPDX-License-Identifier: GPL-2.0
/*
 * Parity: the same program source by trap instruction and by the gate, compared call by
 * call. Runs fixtures/parity_calls three times (trap, register form, ring form) and compares
 * what they write down. Needs a mode in which un-noted programs run. Invariant: a case per call.
 */
#include "xsc_test.h"

#define PROGRAM		"/tests/fixtures/parity_calls."
#define MAX_TEXT	(256 << 10)
#define MIN_CALLS	300

static char by_trap[MAX_TEXT], by_gate[MAX_TEXT];

/* Runs a program and keeps what it prints; its exit code, or -1. */
static int collect(const char *path, const char *form, char *text)
{
	char *argv[] = { (char *)path, (char *)form, NULL };
	size_t len = 0;
	int p[2];
	long pid, n;

	sys(__NR_pipe2, p, O_CLOEXEC);
	pid = do_fork();
	if (!pid) {
		sys(__NR_dup3, p[1], 1, 0);
		sys(__NR_execve, path, argv, environ);
		do_exit(127);
	}
	sys(__NR_close, p[1]);
	while (len < MAX_TEXT - 1 && ((n = sys(__NR_read, p[0], text + len, MAX_TEXT - 1 - len)) > 0 ||
				      n == -EINTR))
		len += n > 0 ? n : 0;
	text[len] = 0;
	sys(__NR_close, p[0]);
	return reap(pid);
}

/* The line at *p without its end, *p moved on; NULL at the end of the text. */
static char *next_line(char **p)
{
	char *line = *p;

	if (!*line)
		return NULL;
	while (**p && **p != '\n')
		(*p)++;
	if (**p)
		*(*p)++ = 0;
	return line;
}

static void compare(const char *form)
{
	static char trap[MAX_TEXT];
	char *a = trap, *b = by_gate, *want, *got;
	unsigned int calls = 0, equal = 0;
	int code = collect(PROGRAM "ring", form, by_gate);

	memcpy(trap, by_trap, sizeof(trap));
	if (!check(!code, "%s form: the program ran (%d)", form, code))
		return;
	while ((want = next_line(&a))) {
		got = next_line(&b);
		calls++;
		if (got && !strcmp(want, got)) {
			equal++;
			check(true, "%s: %s", form, got);
		} else {
			check(false, "%s: %s; by trap: %s", form, got ? got : "nothing", want);
		}
	}
	check(!next_line(&b), "%s form: not a call more", form);
	check(calls >= MIN_CALLS && equal == calls, "%s form: %u of %u verdicts equal", form, equal,
	      calls);
}

int main(void)
{
	int code;

	tap_begin();
	if (!strncmp(xsc_mode(), "strict", 6)) {
		skip("the trap form does not run in strict mode", "parity");
		return tap_end();
	}
	code = collect(PROGRAM "trap", "register", by_trap);
	check(!code, "by trap: the program ran (%d)", code);
	compare("register");
	compare("ring");
	return tap_end();
}
