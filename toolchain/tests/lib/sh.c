/* SPDX-License-Identifier: MIT */
/*
 * A stand-in for /bin/sh where the test image has no shell: `sh -c "words; words"` with echo, exit,
 * exec, cat, kill and true, and $$. Enough for what system(), popen() and wordexp() are tested with; not a shell.
 */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static void cat(void)
{
	char buf[4096];
	ssize_t n;

	while ((n = read(0, buf, sizeof(buf))) > 0)
		if (write(1, buf, (size_t)n) != n)
			exit(1);
}

/* One command; its status. */
static int run(char *text)
{
	char *save = NULL, *word = strtok_r(text, " \t\n", &save), *arg;
	const char *between = "";

	if (!word || !strcmp(word, "true"))
		return 0;
	arg = strtok_r(NULL, " \t\n", &save);
	if (!strcmp(word, "exit"))
		exit(arg ? atoi(arg) : 0);
	if (!strcmp(word, "exec") && arg) {
		char *args[64] = { arg };
		int n = 1;

		while (n < 63 && (args[n] = strtok_r(NULL, " \t\n", &save)))
			n++;
		execvp(*args, args);
		return 127;
	}
	if (!strcmp(word, "kill")) {
		raise(arg ? atoi(arg) : SIGTERM);
		return 1;
	}
	if (!strcmp(word, "cat")) {
		cat();
		return 0;
	}
	if (strcmp(word, "echo")) {
		fprintf(stderr, "sh: %s: not found\n", word);
		return 127;
	}
	for (; arg; arg = strtok_r(NULL, " \t\n", &save)) {
		if (!strcmp(arg, "$$"))
			printf("%s%d", between, (int)getpid());
		else
			printf("%s%s", between, arg);
		between = " ";
	}
	printf("\n");
	fflush(stdout);
	return 0;
}

int main(int argc, char **argv)
{
	char *text, *save = NULL, *one;
	int status = 0, i = 1;

	while (i < argc && argv[i][0] == '-' && strcmp(argv[i], "--"))
		i++;
	if (i < argc && !strcmp(argv[i], "--"))
		i++;
	if (i >= argc)
		return 2;
	text = strdup(argv[i]);
	for (one = strtok_r(text, ";", &save); one; one = strtok_r(NULL, ";", &save))
		status = run(one);
	return status;
}
