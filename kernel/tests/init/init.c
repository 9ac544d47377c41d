// SPDX-License-Identifier: GPL-2.0
/*
 * PID 1 of the test image: mounts the pseudo file systems, runs each file of /tests (or those in
 * xsc.tests=a,b), then says one line on the console and on the second channel, a virtio port
 * named xsc.verdict, and powers off. Invariant: the verdict counts test cases and the kernel's
 * own complaints (taint, WARNING, BUG, Oops), so a silent crash can't read as success.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/klog.h>
#include <sys/mount.h>
#include <sys/reboot.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#define TESTS		"/tests"
#define MAX_TESTS	64
#define TEST_SECONDS	120

static unsigned int passed, failed, skipped;
static char cmdline[4096];

static void mount_or_say(const char *type, const char *dir)
{
	mkdir(dir, 0755);
	if (mount(type, dir, type, 0, NULL) && errno != EBUSY)
		printf("init: cannot mount %s on %s: %s\n", type, dir, strerror(errno));
}

/* The value of NAME= on the kernel's command line, or "" for NAME alone, or NULL. */
static const char *option(const char *name, char *value, size_t size)
{
	size_t len = strlen(name);
	char copy[sizeof(cmdline)], *word, *rest = copy;

	strcpy(copy, cmdline);
	while ((word = strsep(&rest, " \n"))) {
		if (strncmp(word, name, len) || (word[len] && word[len] != '='))
			continue;
		snprintf(value, size, "%s", word[len] ? word + len + 1 : "");
		return value;
	}
	return NULL;
}

/* Copies a test's output to the console, counting its result lines. */
static void count_lines(int from, unsigned int *seen)
{
	FILE *in = fdopen(from, "r");
	char line[512];

	while (fgets(line, sizeof(line), in)) {
		fputs(line, stdout);
		fflush(stdout);
		if (!strncmp(line, "ok ", 3)) {
			if (strstr(line, "# SKIP"))
				skipped++;
			else
				passed++;
			++*seen;
		} else if (!strncmp(line, "not ok ", 7)) {
			failed++;
			++*seen;
		}
	}
	fclose(in);
}

static void run_test(const char *name)
{
	unsigned int seen = 0, failed_before = failed;
	char path[512];
	int status, p[2];
	pid_t pid;

	snprintf(path, sizeof(path), TESTS "/%s", name);
	printf("# running %s\n", name);
	fflush(stdout);
	if (pipe2(p, O_CLOEXEC) || (pid = fork()) < 0) {
		printf("not ok - %s: cannot start: %s\n", name, strerror(errno));
		failed++;
		return;
	}
	if (!pid) {
		dup2(p[1], 1);
		dup2(p[1], 2);
		alarm(TEST_SECONDS);
		execl(path, path, NULL);
		printf("not ok 0 %s: cannot run: %s\n", name, strerror(errno));
		fflush(stdout);
		_exit(127);
	}
	close(p[1]);
	count_lines(p[0], &seen);
	while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
		;
	if (!WIFEXITED(status) || (WEXITSTATUS(status) && WEXITSTATUS(status) != 4) || !seen) {
		printf("# %s: status %#x, %u result lines\n", name, status, seen);
		failed += failed == failed_before;
	}
}

static int by_name(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static void run_all(void)
{
	char wanted[1024], *names[MAX_TESTS], *name, *rest = wanted;
	unsigned int n = 0, i;
	struct dirent *entry;
	DIR *dir;

	if (option("xsc.tests", wanted, sizeof(wanted)) && *wanted) {
		while ((name = strsep(&rest, ",")))
			run_test(name);
		return;
	}
	dir = opendir(TESTS);
	while (dir && n < MAX_TESTS && (entry = readdir(dir)))
		if (entry->d_name[0] != '.')
			names[n++] = strdup(entry->d_name);
	qsort(names, n, sizeof(*names), by_name);
	for (i = 0; i < n; i++)
		run_test(names[i]);
	if (!n) {
		printf("init: no tests in " TESTS "\n");
		failed++;
	}
}

/* Lines of the kernel log that no test run may contain. */
static unsigned int kernel_complaints(void)
{
	static const char *const bad[] = {
		"WARNING:", "BUG:", "Oops", "general protection", "KASAN", "INFO: task",
		"possible recursive locking", "inconsistent lock state", "UBSAN",
	};
	static char log[1 << 20];
	int len = klogctl(3, log, sizeof(log) - 1);
	unsigned int found = 0;
	char *line, *rest = log;
	size_t i;

	if (len < 0)
		return 1;
	log[len] = 0;
	while ((line = strsep(&rest, "\n"))) {
		for (i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
			/* a tracepoint of the boot log, not a complaint */
			if (!strstr(line, bad[i]) || strstr(line, "KernelAddressSanitizer initialized"))
				continue;
			printf("# kernel: %s\n", line);
			found++;
			break;
		}
	}
	return found;
}

/* The second channel: by its port name in sysfs, else the first port there is. */
static int open_verdict(void)
{
	char path[300], name[64];
	struct dirent *entry;
	DIR *dir;
	FILE *f;
	int fd = -1;

	dir = opendir("/sys/class/virtio-ports");
	while (dir && fd < 0 && (entry = readdir(dir))) {
		snprintf(path, sizeof(path), "/sys/class/virtio-ports/%s/name", entry->d_name);
		f = fopen(path, "re");
		if (!f)
			continue;
		if (fgets(name, sizeof(name), f) && !strncmp(name, "xsc.verdict", 11)) {
			snprintf(path, sizeof(path), "/dev/%s", entry->d_name);
			fd = open(path, O_WRONLY | O_CLOEXEC);
		}
		fclose(f);
	}
	if (dir)
		closedir(dir);
	return fd;
}

int main(void)
{
	unsigned int complaints;
	long tainted = -1;
	char line[256], value[16];
	FILE *f;
	int fd;

	mount_or_say("devtmpfs", "/dev");
	/* The kernel opened no console for us if the initramfs had none. */
	fd = open("/dev/console", O_RDWR);
	if (fd >= 0) {
		dup2(fd, 0);
		dup2(fd, 1);
		dup2(fd, 2);
	}
	mount_or_say("proc", "/proc");
	mount_or_say("sysfs", "/sys");
	mount_or_say("tmpfs", "/tmp");
	chmod("/tmp", 01777);
	f = fopen("/proc/cmdline", "re");
	if (f) {
		if (!fgets(cmdline, sizeof(cmdline), f))
			cmdline[0] = 0;
		fclose(f);
	}

	run_all();

	f = fopen("/proc/sys/kernel/tainted", "re");
	if (!f || fscanf(f, "%ld", &tainted) != 1)
		tainted = -1;
	complaints = kernel_complaints();
	snprintf(line, sizeof(line), "xsc-verdict: pass=%u fail=%u skip=%u tainted=%ld kernel=%u %s\n",
		 passed, failed, skipped, tainted, complaints,
		 passed && !failed && !tainted && !complaints ? "ok" : "bad");
	fputs(line, stdout);
	fflush(stdout);
	fd = open_verdict();
	if (fd >= 0) {
		if (write(fd, line, strlen(line)) != (ssize_t)strlen(line))
			printf("init: cannot write the verdict: %s\n", strerror(errno));
		close(fd);
	}

	sync();
	while (option("xsc.hold", value, sizeof(value)))
		pause();
	reboot(RB_POWER_OFF);
	printf("init: cannot power off: %s\n", strerror(errno));
	for (;;)
		pause();
}
