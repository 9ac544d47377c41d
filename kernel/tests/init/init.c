// SPDX-License-Identifier: GPL-2.0
/*
 * PID 1 of the test image, an XSC program itself: mounts the pseudo file systems, runs the tests
 * (each file of /tests, or xsc.tests=a,b,dir/), says one line on the console and on a virtio port
 * named xsc.verdict, and powers off. Order: /tests/libc (programs with a libc, skipped in a
 * strict boot), /tests, then NAME.strict with the mode raised to strict. Invariant: the verdict
 * counts test cases and the kernel's own complaints, so a silent crash can't read as success.
 */
#include "xsc_test.h"

#define TESTS		"/tests"
#define MAX_TESTS	96
#define TEST_SECONDS	180		/* xsc.seconds= */

static unsigned int passed, failed, skipped;
static unsigned long test_seconds = TEST_SECONDS;

static void mount_or_say(const char *type, const char *dir, bool needed)
{
	long r;

	sys(__NR_mkdirat, AT_FDCWD, dir, 0755);
	r = sys(__NR_mount, type, dir, type, 0, 0);
	if (r && r != -EBUSY && needed)
		say("init: cannot mount %s on %s: %ld\n", type, dir, r);
}

static bool starts_with(const char *s, const char *start)
{
	return !strncmp(s, start, strlen(start));
}

static bool ends_with(const char *s, const char *end)
{
	size_t n = strlen(s), m = strlen(end);

	return n >= m && !strcmp(s + n - m, end);
}

/* A test's output on its way to the console, a line at a time, result lines counted. */
struct lines {
	char text[1024];
	size_t len;
	unsigned int seen;
};

static void end_line(struct lines *l)
{
	l->text[l->len] = 0;
	say("%s\n", l->text);
	if (starts_with(l->text, "ok ")) {
		if (find_text(l->text, "# SKIP"))
			skipped++;
		else
			passed++;
		l->seen++;
	} else if (starts_with(l->text, "not ok ")) {
		failed++;
		l->seen++;
	}
	l->len = 0;
}

/* Reads once; false at the end of the file. */
static bool take_output(int fd, struct lines *l)
{
	char buf[4096];
	long n = sys(__NR_read, fd, buf, sizeof(buf)), i;

	if (n == -EINTR || n == -EAGAIN)
		return true;
	for (i = 0; i < n; i++) {
		if (buf[i] == '\n')
			end_line(l);
		else if (l->len < sizeof(l->text) - 1)
			l->text[l->len++] = buf[i];
	}
	return n > 0;
}

static bool readable(int fd, unsigned long ms)
{
	struct pollfd p = { fd, POLLIN, 0 };
	struct timespec64 ts = { ms / 1000, ms % 1000 * 1000000 };

	return sys(__NR_ppoll, &p, 1, &ts, 0, 0) > 0;
}

/* Output and end of one test; its status, or -1 if it took too long. */
static int attend(long pid, int fd, struct lines *l)
{
	unsigned long end = now_ms() + test_seconds * 1000;
	bool open = true, ended = false;
	int status = -1, s;
	long r;

	while (!ended) {
		if (open && readable(fd, 100))
			open = take_output(fd, l);
		else if (!open)
			sleep_ms(10);
		/* orphans too: this is PID 1 */
		while ((r = wait_for(-1, &s, WNOHANG)) > 0) {
			if (r == pid) {
				status = s;
				ended = true;
			}
		}
		if (!ended && now_ms() > end) {
			say("# killed after %lu seconds\n", test_seconds);
			sys(__NR_kill, -pid, SIGKILL);
			sys(__NR_kill, pid, SIGKILL);
			wait_for(pid, &s, 0);
			ended = true;
		}
	}
	/* what the test wrote before its end; left-over children may keep the pipe open */
	while (open && readable(fd, 0))
		open = take_output(fd, l);
	sys(__NR_kill, -pid, SIGKILL);
	if (l->len)
		end_line(l);
	return status;
}

static void run_test(const char *name)
{
	static char *env[] = { "PATH=/tests", "HOME=/tmp", NULL };
	unsigned int failed_before = failed;
	struct lines lines = { .len = 0 };
	char path[256], *argv[] = { path, NULL };
	int status, p[2];
	long pid;

	format(path, sizeof(path), TESTS "/%s", name);
	say("# running %s\n", name);
	if (sys(__NR_pipe2, p, O_CLOEXEC) || (pid = do_fork()) < 0) {
		say("not ok - %s: cannot start\n", name);
		failed++;
		return;
	}
	if (!pid) {
		long r;

		sys(__NR_setpgid, 0, 0);
		sys(__NR_dup3, p[1], 1, 0);
		sys(__NR_dup3, p[1], 2, 0);
		r = sys(__NR_execve, path, argv, env);
		say("not ok 0 %s: cannot run: %ld\n", name, r);
		do_exit(127);
	}
	sys(__NR_close, p[1]);
	status = attend(pid, p[0], &lines);
	sys(__NR_close, p[0]);
	if (status & 0x7f || (status >> 8 && status >> 8 != KSFT_SKIP) || !lines.seen) {
		say("# %s: status %#x, %u result lines\n", name, status, lines.seen);
		failed += failed == failed_before;
	}
}

/* The plain files of a directory below /tests, sorted; how many. */
static unsigned int list(const char *dir, char (*names)[64])
{
	static char buf[8192];
	char path[128];
	unsigned int n = 0, i;
	long fd, len, at;

	format(path, sizeof(path), TESTS "/%s", dir);
	fd = sys(__NR_openat, AT_FDCWD, path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		return 0;
	while ((len = sys(__NR_getdents64, fd, buf, sizeof(buf))) > 0) {
		for (at = 0; at < len;) {
			struct linux_dirent64 *e = (void *)(buf + at);
			char name[64], moved[64];

			at += e->d_reclen;
			if (e->d_type != 8 /* a regular file */ || n == MAX_TESTS)
				continue;
			format(name, sizeof(name), "%s%s", dir, e->d_name);
			for (i = n++; i && strcmp(names[i - 1], name) > 0; i--) {
				memcpy(moved, names[i - 1], 64);
				memcpy(names[i], moved, 64);
			}
			memcpy(names[i], name, 64);
		}
	}
	sys(__NR_close, fd);
	return n;
}

static bool strict(void)
{
	return starts_with(xsc_mode(), "strict");
}

/* Before a test that wants it: the mode, which only goes up. */
static void raise_mode(const char *name)
{
	if (ends_with(name, ".strict") && !strict()) {
		write_file("/sys/kernel/xsc/mode", "strict");
		say("# mode: %s\n", xsc_mode());
	}
}

static void run_list(char (*names)[64], unsigned int n, bool last)
{
	unsigned int i;

	for (i = 0; i < n; i++) {
		if (ends_with(names[i], ".strict") != last)
			continue;
		raise_mode(names[i]);
		run_test(names[i]);
	}
}

static void run_all(void)
{
	static char wanted[1024], names[MAX_TESTS][64];
	char *name = wanted, *p;
	unsigned int n;

	if (boot_option("xsc.tests", wanted, sizeof(wanted)) && *wanted) {
		for (p = wanted;; p++) {
			bool more = *p;

			if (more && *p != ',')
				continue;
			*p = 0;
			if (ends_with(name, "/")) {
				n = list(name, names);
				run_list(names, n, false);
				run_list(names, n, true);
			} else {
				raise_mode(name);
				run_test(name);
			}
			if (!more)
				return;
			name = p + 1;
		}
	}
	n = list("libc/", names);
	if (strict())
		say("# mode strict: %u programs with a libc are not run\n", n);
	else
		run_list(names, n, false);
	n = list("", names);
	run_list(names, n, false);
	run_list(names, n, true);
	if (!n) {
		say("init: no tests in " TESTS "\n");
		failed++;
	}
}

/* Lines of the kernel log that no test run may contain. */
static unsigned int kernel_complaints(void)
{
	static const char *const bad[] = {
		"WARNING:", "BUG:", "Oops", "general protection", "KASAN", "INFO: task",
		"possible recursive locking", "inconsistent lock state", "UBSAN",
		"new suspected memory leaks",
	};
	static char log[1 << 20];
	long len = sys(__NR_syslog, 3, log, sizeof(log) - 1);
	char *line = log, *end;
	unsigned int found = 0;
	size_t i;

	if (len < 0)
		return 1;
	log[len] = 0;
	for (; *line; line = end) {
		for (end = line; *end && *end != '\n'; end++)
			;
		if (*end)
			*end++ = 0;
		for (i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
			/* a line of the boot, not a complaint */
			if (!find_text(line, bad[i]) ||
			    find_text(line, "KernelAddressSanitizer initialized"))
				continue;
			say("# kernel: %s\n", line);
			found++;
			break;
		}
	}
	return found;
}

/* A kernel with kmemleak is asked for what was lost; it says so in its log. */
static void look_for_leaks(void)
{
	static char report[8192];

	if (write_file("/sys/kernel/debug/kmemleak", "scan") < 0)
		return;
	sleep_ms(6000);			/* it reports what is older than five seconds */
	write_file("/sys/kernel/debug/kmemleak", "scan");
	if (read_file("/sys/kernel/debug/kmemleak", report, sizeof(report)) > 0)
		say("# kmemleak:\n%.900s\n", report);
}

/* The second channel: by its port name in sysfs. */
static long open_verdict(void)
{
	char path[128], name[64];
	int port;

	for (port = 0; port < 16; port++) {
		format(path, sizeof(path), "/sys/class/virtio-ports/vport%dp%d/name", port / 8,
		       port % 8);
		if (read_file(path, name, sizeof(name)) <= 0 || !starts_with(name, "xsc.verdict"))
			continue;
		format(path, sizeof(path), "/dev/vport%dp%d", port / 8, port % 8);
		return sys(__NR_openat, AT_FDCWD, path, O_WRONLY | O_CLOEXEC);
	}
	return -ENOENT;
}

static void set_up(void)
{
	char value[16];
	long fd;

	mount_or_say("devtmpfs", "/dev", true);
	/* The kernel opened no console for us if the initramfs had none. */
	fd = sys(__NR_openat, AT_FDCWD, "/dev/console", O_RDWR);
	if (fd >= 0) {
		sys(__NR_dup3, fd, 0, 0);
		sys(__NR_dup3, fd, 1, 0);
		sys(__NR_dup3, fd, 2, 0);
		if (fd > 2)
			sys(__NR_close, fd);
	}
	mount_or_say("proc", "/proc", true);
	mount_or_say("sysfs", "/sys", true);
	mount_or_say("tmpfs", "/tmp", true);
	sys(__NR_fchmodat, AT_FDCWD, "/tmp", 01777);
	mount_or_say("devpts", "/dev/pts", false);
	mount_or_say("debugfs", "/sys/kernel/debug", false);
	mount_or_say("tracefs", "/sys/kernel/tracing", false);
	if (boot_option("xsc.seconds", value, sizeof(value)) && atoi(value) > 0)
		test_seconds = atoi(value);
	if (boot_option("xsc.fuzz_seconds", value, sizeof(value)) &&
	    atoi(value) + 120UL > test_seconds)
		test_seconds = atoi(value) + 120;
}

int main(void)
{
	unsigned int complaints;
	char line[256], value[16];
	long tainted = -1, fd;

	set_up();
	say("# init: form %s, gate %p, ring %#lx, mode %s\n", XSC_FORM, (void *)xsc_gate,
	    xsc_exec_ring, xsc_mode());
	run_all();
	look_for_leaks();

	if (read_file("/proc/sys/kernel/tainted", value, sizeof(value)) > 0)
		tainted = atol(value);
	complaints = kernel_complaints();
	format(line, sizeof(line),
	       "xsc-verdict: pass=%u fail=%u skip=%u tainted=%ld kernel=%u %s\n", passed, failed,
	       skipped, tainted, complaints,
	       passed && !failed && !tainted && !complaints ? "ok" : "bad");
	say("%s", line);
	fd = open_verdict();
	if (fd >= 0) {
		write_all(fd, line, strlen(line));
		sys(__NR_close, fd);
	}

	sys(__NR_sync);
	/* a slow serial port still has some of it: TCSBRK with 1 waits for that */
	sys(__NR_ioctl, 1, 0x5409, 1);
	while (boot_option("xsc.hold", value, sizeof(value)))
		sleep_ms(1000000);
	sys(__NR_reboot, LINUX_REBOOT_MAGIC1, LINUX_REBOOT_MAGIC2, LINUX_REBOOT_CMD_POWER_OFF, 0);
	say("init: cannot power off\n");
	for (;;)
		sleep_ms(1000000);
}
