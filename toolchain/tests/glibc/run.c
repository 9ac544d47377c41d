/* SPDX-License-Identifier: MIT */
/*
 * Runs glibc's own tests in the VM: each line of /tests/glibc/list is one command as upstream's
 * makefiles would run it (record.sh); a line "at PATH" puts /glibc there first. kernel/tests/init starts this as /tests/glibc/run. Options on
 * the kernel's command line: glibc.only=TEXT, glibc.jobs=N, glibc.seconds=N, and glibc.libs=DIR,
 * which runs the tests with loader and libraries of DIR in place of the build's (/stock). Invariant: one result line a test, named by
 * its program below the build directory, so two runs can be compared line by line.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define LIST		"/tests/glibc/list"
#define WORDS		256
#define JOBS		16
#define UNSUPPORTED	77

struct job {
	pid_t pid;
	time_t end;
	bool late;
	char name[128];
	char output[64];
};

static struct job jobs[JOBS];
static char cmdline[4096];
static int count, failures, seconds = 300;
static char libs[256];		/* glibc.libs= */

/* An option's value up to the next blank; NULL without it. */
static const char *option(const char *name)
{
	static char value[256];
	size_t n = strlen(name);
	const char *p = cmdline;

	for (; (p = strstr(p, name)); p += n) {
		if (p != cmdline && p[-1] != ' ')
			continue;
		snprintf(value, sizeof(value), "%.*s", (int)strcspn(p + n, " \n"), p + n);
		return value;
	}
	return NULL;
}

static char *replaced(char *word, bool path)
{
	const char *base = strrchr(word, '/');
	char *new = NULL;

	if (path && asprintf(&new, "%s:%s", libs, word) > 0)
		return new;
	if (base && !strncmp(base, "/ld-linux-", 10) && asprintf(&new, "%s%s", libs, base) > 0)
		return new;
	return word;
}

/* The program under test: the first word with a folder that is neither loader nor option's value. */
static void name_of(char **words, struct job *j)
{
	const char *name = "?";
	size_t i;

	for (i = 0; words[i]; i++) {
		if (!strcmp(words[i], "--library-path")) {
			i++;
			continue;
		}
		if (words[i][0] != '/' || strstr(words[i], "/ld-linux-") || strchr(words[i], '='))
			continue;
		name = words[i];
		break;
	}
	while (strchr(name, '/') && strchr(strchr(name, '/') + 1, '/'))
		name = strchr(name, '/') + 1;
	snprintf(j->name, sizeof(j->name), "%s", name);
}

static void start(struct job *j, char *line)
{
	static int serial;
	char *words[WORDS], *save = NULL, *dir = strtok_r(line, "\t\n", &save), **w = words;
	int n = 0, fd;

	while (n < WORDS - 1 && (words[n] = strtok_r(NULL, "\t\n", &save)))
		n++;
	words[n] = NULL;
	for (n = 0; *libs && words[n]; n++)
		words[n] = replaced(words[n], n && !strcmp(words[n - 1], "--library-path"));
	name_of(words, j);
	snprintf(j->output, sizeof(j->output), "/tmp/glibc-%d.out", serial++);
	j->late = false;
	j->end = time(NULL) + seconds;
	fflush(stdout);
	j->pid = fork();
	if (j->pid)
		return;
	setpgid(0, 0);
	signal(SIGPIPE, SIG_DFL);
	fd = open("/dev/null", O_RDONLY);
	dup2(fd, 0);
	fd = open(j->output, O_RDWR | O_CREAT | O_TRUNC, 0600);
	dup2(fd, 1);
	dup2(fd, 2);
	closefrom(3);
	setenv("TIMEOUTFACTOR", "20", 1);
	if (chdir(dir) && chdir("/tmp"))
		_exit(126);
	if (*w && !strcmp(*w, "env"))
		for (w++; *w && strchr(*w, '=') && **w != '/'; w++)
			putenv(*w);
	if (*w)
		execv(*w, w);
	fprintf(stderr, "cannot run %s: %s\n", *w ? *w : "nothing", strerror(errno));
	_exit(127);
}

/* The end of what a failed test wrote, as comments. */
static void show(const char *path)
{
	char text[1200], *p, *save = NULL;
	FILE *f = fopen(path, "r");
	size_t n;

	if (!f)
		return;
	fseek(f, 0, SEEK_END);
	fseek(f, ftell(f) > 1100 ? -1100L : -ftell(f), SEEK_END);
	n = fread(text, 1, sizeof(text) - 1, f);
	fclose(f);
	text[n] = 0;
	for (p = strtok_r(text, "\n", &save); p; p = strtok_r(NULL, "\n", &save))
		printf("#   %s\n", p);
}

static void finish(struct job *j, int status)
{
	kill(-j->pid, SIGKILL);
	count++;
	if (WIFEXITED(status) && !WEXITSTATUS(status)) {
		printf("ok %d %s\n", count, j->name);
	} else if (WIFEXITED(status) && WEXITSTATUS(status) == UNSUPPORTED) {
		printf("ok %d %s # SKIP unsupported\n", count, j->name);
	} else {
		failures++;
		printf("not ok %d %s\n", count, j->name);
		if (j->late)
			printf("#   killed after %d seconds\n", seconds);
		else if (WIFSIGNALED(status))
			printf("#   signal %d\n", WTERMSIG(status));
		else
			printf("#   status %d\n", WEXITSTATUS(status));
		show(j->output);
	}
	unlink(j->output);
	j->pid = 0;
}

/* The tree /glibc at the place that the list and the programs name, which may be below a mount of init. */
static void place(char *at)
{
	char *p;

	at[strcspn(at, "\n")] = 0;
	for (p = at + 1; (p = strchr(p, '/')); p++) {
		*p = 0;
		mkdir(at, 0755);
		*p = '/';
	}
	mkdir(at, 0755);
	if (mount("/glibc", at, NULL, MS_BIND, NULL))
		printf("# /glibc cannot be at %s: %s\n", at, strerror(errno));
}

/* Waits for any of our jobs, and kills those that take too long. */
static void attend(int limit)
{
	for (;;) {
		int status, i, running = 0;
		pid_t pid = waitpid(-1, &status, WNOHANG);

		for (i = 0; i < JOBS; i++) {
			struct job *j = &jobs[i];

			if (!j->pid)
				continue;
			if (j->pid == pid) {
				finish(j, status);
				continue;
			}
			running++;
			if (time(NULL) > j->end) {
				j->late = true;
				kill(-j->pid, SIGKILL);
				kill(j->pid, SIGKILL);
			}
		}
		if (running < limit)
			return;
		if (pid <= 0)
			usleep(10000);
	}
}

int main(void)
{
	static char line[32768], only[256];
	int fd = open("/proc/cmdline", O_RDONLY), width = 2, i;
	struct rlimit core = { 0, RLIM_INFINITY };
	FILE *f = fopen(LIST, "re");

	setvbuf(stdout, NULL, _IOLBF, 0);
	if (!f || fd < 0 || read(fd, cmdline, sizeof(cmdline) - 1) <= 0) {
		printf("not ok 1 no " LIST "\n");
		return 1;
	}
	close(fd);
	/* as a system has them */
	mkdir("/dev/shm", 01777);
	mount("shm", "/dev/shm", "tmpfs", 0, NULL);
	if (option("glibc.libs="))
		strcpy(libs, option("glibc.libs="));
	if (option("glibc.only="))
		strcpy(only, option("glibc.only="));
	if (option("glibc.jobs=") && atoi(option("glibc.jobs=")) > 0)
		width = atoi(option("glibc.jobs="));
	if (option("glibc.seconds=") && atoi(option("glibc.seconds=")) > 0)
		seconds = atoi(option("glibc.seconds="));
	if (width > JOBS)
		width = JOBS;
	setrlimit(RLIMIT_CORE, &core);
	printf("# glibc's tests with the libraries of %s\n", *libs ? libs : "the build");
	while (fgets(line, sizeof(line), f)) {
		if (!strncmp(line, "at ", 3)) {
			place(line + 3);
			continue;
		}
		if (*only && !strstr(line, only))
			continue;
		attend(width);
		for (i = 0; jobs[i].pid; i++)
			;
		start(&jobs[i], line);
	}
	attend(1);
	printf("1..%d\n# %d failed\n", count, failures);
	return failures ? 1 : 0;
}
