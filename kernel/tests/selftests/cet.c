// SPDX-License-Identifier: GPL-2.0
/*
 * Control-flow integrity: a program that demands it (fixtures/cfi.ring) lives and its attacks on
 * itself die, where the processor can; where it cannot, the program is refused with a record. Invariant:
 * a machine without the hardware skips the cases that need it and still checks the refusals.
 */
#include "xsc_test.h"
#include "kmsg.h"

#define PROGRAM		"/tests/fixtures/cfi.ring"
#define COPY		"/tmp/cfi.unmarked"
#define REFUSED		200

#if defined(__x86_64__)
#define PROPERTY	0xc0000002U
#else
#define PROPERTY	0xc0000000U
#endif

/* Runs the program; wait status, or REFUSED << 8. Its output, if wanted, is cut to the buffer. */
static int run(const char *path, const char *what, char *text, size_t size)
{
	const char *argv[] = { path, what, NULL };
	size_t len = 0;
	int p[2], status;
	long pid, n;

	sys(__NR_pipe2, p, O_CLOEXEC);
	pid = do_fork();
	if (!pid) {
		if (text)
			sys(__NR_dup3, p[1], 1, 0);
		n = sys(__NR_execve, path, argv, environ);
		do_exit(n == -ENOEXEC ? REFUSED : 201);
	}
	sys(__NR_close, p[1]);
	while (text && len < size - 1 && (n = sys(__NR_read, p[0], text + len, size - 1 - len)) > 0)
		len += n;
	if (text)
		text[len] = 0;
	sys(__NR_close, p[0]);
	status = wait_status(pid);
	return status < 0 ? status : status & ~0x80;
}

/* Each line of the program is a case. */
static void run_told(const char *what)
{
	char text[4096], *line, *p;
	int status = run(PROGRAM, what, text, sizeof(text));

	for (line = p = text; *p; p++) {
		if (*p != '\n')
			continue;
		*p = 0;
		check(!strncmp(line, "good ", 5), "%s: %s", what, strchr(line, ' ') + 1);
		line = p + 1;
	}
	check(!status, "%s: status %x", what, status);
}

/* A copy whose mark says that no code is marked. */
static bool write_unmarked(void)
{
	static unsigned char file[1 << 17];
	long fd = sys(__NR_openat, AT_FDCWD, PROGRAM, O_RDONLY), n, i;
	bool found = false;
	unsigned int word;

	n = sys(__NR_read, fd, file, sizeof(file));
	sys(__NR_close, fd);
	for (i = 0; i + 12 <= n; i += 4) {
		memcpy(&word, file + i, 4);
		if (word == PROPERTY && file[i + 4] == 4 && !file[i + 5] && file[i + 8]) {
			file[i + 8] = 0;
			found = true;
		}
	}
	fd = sys(__NR_openat, AT_FDCWD, COPY, O_WRONLY | O_CREAT | O_TRUNC, 0755);
	if (!found || fd < 0)
		return false;
	write_all(fd, (char *)file, n);
	sys(__NR_close, fd);
	return true;
}

static void check_refused(const char *path, const char *reason)
{
	char text[1024] = "";
	long log = kmsg_begin();
	int status = run(path, "hello", NULL, 0);

	check(status == REFUSED << 8, "refused for %s: status %x", reason, status);
	check(kmsg_has(log, "refused", reason, text, sizeof(text)), "with a record: %.160s", text);
}

static void check_dies(const char *what, int sig, int other)
{
	int status = run(PROGRAM, what, NULL, 0);

	check((status & 0x7f) == sig || (status & 0x7f) == other, "%s dies: status %x", what, status);
}

int main(void)
{
	int status;

	tap_begin();
	if (!strcmp(xsc_mode(), "off") || !*xsc_mode()) {
		skip("no XSC modes here", "control-flow integrity");
		return tap_end();
	}
	if (check(write_unmarked(), "a copy without the mark"))
		check_refused(COPY, "no-cfi-marks");
	status = run(PROGRAM, "hello", NULL, 0);
	if (status == REFUSED << 8) {
		check_refused(PROGRAM, "no-cfi-hardware");
		skip("no shadow stack, or no PAC and BTI, in this processor or kernel",
		     "life and attacks of a program that demands control-flow integrity");
		return tap_end();
	}
	check(status == 42 << 8, "a marked program runs: status %x", status);
	run_told("life");
	run_told("locked");
#if defined(__x86_64__)
	check_dies("smash", SIGSEGV, SIGSEGV);
#else
	/* without FPAC a wrong signature gives an address that faults, with it SIGILL */
	check_dies("smash", SIGSEGV, SIGILL);
	check_dies("jump", SIGILL, SIGILL);
#endif
	status = run(PROGRAM, "smash-handled", NULL, 0);
	check(status == 55 << 8, "a handler sees what it was: status %x", status);
	return tap_end();
}
