/* SPDX-License-Identifier: MIT */
/*
 * Runs glibc's own tests in the VM: each line of /tests/glibc/list is one command as upstream's makefiles would run it
 * (record.sh); a line "at PATH" puts /glibc there first. kernel/tests/init starts this as /tests/glibc/run.
 * /tests/glibc/expected says of tests what they are known to do (file expected beside this one). Options on the
 * kernel's command line: glibc.only=TEXT, glibc.jobs=N, glibc.seconds=N, glibc.all (runs what is expected to be slow).
 * Invariant: one result line a test, "not ok" exactly if its verdict is not the expected one, also alone on the machine.
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
#define EXPECTED	"/tests/glibc/expected"
#define WORDS		256
#define JOBS		16
#define TESTS		4096
#define UNSUPPORTED	77

/* What a test is known to do, or did. */
enum verdict { PASS, FAIL, SKIP, EITHER, SLOW };

static const char *const verdicts[] = { "pass", "fail", "unsupported", "either", "slow" };

struct test {
	char *line;
	char name[96];
	enum verdict expected;
	const char *reason;
	bool again;		/* alone, because of what it did among others */
};

struct job {
	pid_t pid;
	time_t end;
	bool late;
	struct test *test;
	char output[64];
};

static struct test tests[TESTS];
static struct job jobs[JOBS];
static char cmdline[4096];
static int known, count, totals[3], seconds = 300;
static bool alone;

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

/* The program under test: the first word with a folder that is neither loader nor option's value. */
static void name_of(struct test *t)
{
	char *line = strdup(t->line), *save = NULL, *word = strtok_r(line, "\t\n", &save);
	const char *name = "?";

	while ((word = strtok_r(NULL, "\t\n", &save))) {
		if (!strcmp(word, "--library-path")) {
			strtok_r(NULL, "\t\n", &save);
			continue;
		}
		if (word[0] != '/' || strstr(word, "/ld-linux-") || strchr(word, '='))
			continue;
		name = word;
		break;
	}
	while (strchr(name, '/') && strchr(strchr(name, '/') + 1, '/'))
		name = strchr(name, '/') + 1;
	snprintf(t->name, sizeof(t->name), "%s", name);
	free(line);
}

/* In the child: environment and command. */
static void become(char **w)
{
	if (*w && !strcmp(*w, "env")) {
		w++;
		if (*w && !strcmp(*w, "-i")) {
			clearenv();
			w++;
		}
		for (; *w && strchr(*w, '=') && **w != '/'; w++)
			putenv(*w);
	}
	setenv("TIMEOUTFACTOR", "20", 1);
	setenv("PATH", "/usr/bin:/bin", 1);
	if (*w)
		execv(*w, w);
	fprintf(stderr, "cannot run %s: %s\n", *w ? *w : "nothing", strerror(errno));
	_exit(127);
}

static void start(struct job *j, struct test *t)
{
	static int serial;
	char *words[WORDS], *save = NULL, *dir = strtok_r(strdup(t->line), "\t\n", &save);
	int n = 0, fd;

	while (n < WORDS - 1 && (words[n] = strtok_r(NULL, "\t\n", &save)))
		n++;
	words[n] = NULL;
	j->test = t;
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
	if (chdir(dir) && chdir("/tmp"))
		_exit(126);
	become(words);
}

/* The end of what a test wrote, as comments. */
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

static bool is_expected(const struct test *t, enum verdict is)
{
	return is == t->expected || (t->expected == EITHER && is != SKIP) || (t->expected == SLOW && is == PASS);
}

static void finish(struct job *j, int status)
{
	struct test *t = j->test;
	enum verdict is = FAIL;

	kill(-j->pid, SIGKILL);
	j->pid = 0;
	if (WIFEXITED(status) && !WEXITSTATUS(status))
		is = PASS;
	else if (WIFEXITED(status) && WEXITSTATUS(status) == UNSUPPORTED)
		is = SKIP;
	/* a busy machine can fail a test about time */
	if (!is_expected(t, is) && !alone) {
		t->again = true;
		printf("# again, alone: %s (%s)\n", t->name, verdicts[is]);
		unlink(j->output);
		return;
	}
	count++;
	totals[is]++;
	if (!is_expected(t, is))
		printf("not ok %d %s # %s, expected: %s\n", count, t->name, verdicts[is], verdicts[t->expected]);
	else if (is == PASS)
		printf("ok %d %s\n", count, t->name);
	else
		printf("ok %d %s # SKIP %s as expected: %s\n", count, t->name, verdicts[is], t->reason);
	if (is == FAIL && j->late)
		printf("#   killed after %d seconds\n", seconds);
	else if (is == FAIL && WIFSIGNALED(status))
		printf("#   signal %d\n", WTERMSIG(status));
	else if (is == FAIL)
		printf("#   status %d\n", WEXITSTATUS(status));
	if (is != PASS)
		show(j->output);
	unlink(j->output);
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

/* Waits until fewer than `limit` jobs run, and kills those that take too long. */
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

/* All tests, or those that are to be run again. */
static void run(int width, bool all)
{
	struct test *t;
	int i;

	for (t = tests; t < tests + known; t++) {
		if (all && t->expected == SLOW) {
			printf("ok %d %s # SKIP not run: %s\n", ++count, t->name, t->reason);
			continue;
		}
		if (!all && !t->again)
			continue;
		attend(width);
		for (i = 0; jobs[i].pid; i++)
			;
		start(&jobs[i], t);
	}
	attend(1);
}

static void read_list(FILE *f, const char *only)
{
	static char line[32768];

	while (fgets(line, sizeof(line), f)) {
		if (!strncmp(line, "at ", 3)) {
			place(line + 3);
			continue;
		}
		if ((*only && !strstr(line, only)) || known == TESTS)
			continue;
		tests[known].line = strdup(line);
		tests[known].reason = "";
		name_of(&tests[known++]);
	}
	fclose(f);
}

/* Lines of a test, whose C library it is about (image.sh chose them), its verdict and the reason. */
static bool read_expected(bool slow_too)
{
	char line[1024], name[96], word[32];
	FILE *f = fopen(EXPECTED, "re");
	bool good = true;
	int end, v, i;

	while (f && fgets(line, sizeof(line), f)) {
		line[strcspn(line, "\n")] = 0;
		end = 0;
		if (sscanf(line, "%95s %*s %31s %n", name, word, &end) != 2 || !end)
			v = SLOW + 1;
		else
			for (v = FAIL; v <= SLOW && strcmp(word, verdicts[v]); v++)
				;
		if (v > SLOW || !line[end]) {
			printf("not ok 0 " EXPECTED " # not understood: %s\n", line);
			good = false;
			continue;
		}
		for (i = 0; i < known; i++) {
			if (strcmp(tests[i].name, name))
				continue;
			tests[i].expected = v == SLOW && slow_too ? PASS : (enum verdict)v;
			tests[i].reason = strdup(line + end);
		}
	}
	if (f)
		fclose(f);
	return good;
}

int main(void)
{
	static char only[256];
	int fd = open("/proc/cmdline", O_RDONLY), width = 2;
	struct rlimit core = { 0, RLIM_INFINITY };
	FILE *f = fopen(LIST, "re");
	bool good;

	setvbuf(stdout, NULL, _IOLBF, 0);
	if (!f || fd < 0 || read(fd, cmdline, sizeof(cmdline) - 1) <= 0) {
		printf("not ok 1 no " LIST "\n");
		return 1;
	}
	close(fd);
	/* as a system has them */
	mkdir("/dev/shm", 01777);
	mount("shm", "/dev/shm", "tmpfs", 0, NULL);
	mkdir("/dev/mqueue", 01777);
	mount("mqueue", "/dev/mqueue", "mqueue", 0, NULL);
	if (option("glibc.only="))
		strcpy(only, option("glibc.only="));
	if (option("glibc.jobs=") && atoi(option("glibc.jobs=")) > 0)
		width = atoi(option("glibc.jobs="));
	if (option("glibc.seconds=") && atoi(option("glibc.seconds=")) > 0)
		seconds = atoi(option("glibc.seconds="));
	if (width > JOBS)
		width = JOBS;
	setrlimit(RLIMIT_CORE, &core);
	read_list(f, only);
	good = read_expected(option("glibc.all"));
	run(width, true);
	alone = true;
	run(1, false);
	printf("1..%d\n# %d passed, %d failed, %d unsupported, %d not run\n", count, totals[PASS], totals[FAIL],
	       totals[SKIP], count - totals[PASS] - totals[FAIL] - totals[SKIP]);
	return !good;
}
