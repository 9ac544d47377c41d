/* SPDX-License-Identifier: MIT */
/*
 * What the C library does by a shell: system, popen, wordexp. In the test image that is lib/sh.c.
 * Invariant: only words that both a real shell and that stand-in understand.
 */
#include "tap.h"

#include <pthread.h>
#include <wordexp.h>

static void *system_in_thread(void *arg)
{
	(void)arg;
	return (void *)(long)WEXITSTATUS(system("exit 9"));
}

int main(void)
{
	char line[64] = "";
	pthread_t t[4];
	void *result;
	wordexp_t w;
	int i, bad = 0;
	FILE *f;

	tap_begin();
	if (access("/bin/sh", X_OK)) {
		skip("there is no /bin/sh", "what is done by a shell");
		return tap_end();
	}
	check(system(NULL) != 0, "there is a shell");
	check(exited(system("exit 5"), 5), "system");
	check(killed(system("kill -9 $$; kill 9"), SIGKILL) || exited(system("kill -9 $$; kill 9"), 137),
	      "system of what kills itself");
	check(exited(system("no-such-command 2>&-"), 127), "system of nothing");
	for (i = 0; i < 4; i++)
		must(!pthread_create(&t[i], NULL, system_in_thread, NULL));
	for (i = 0; i < 4; i++) {
		pthread_join(t[i], &result);
		bad += (long)result != 9;
	}
	check_eq(bad, 0, "system in four threads at once");

	f = popen("echo from the shell; exit 3", "r");
	check(f && fgets(line, sizeof(line), f) && !strcmp(line, "from the shell\n"), "popen to read");
	check(exited(pclose(f), 3), "pclose gives the status");
	f = popen("cat", "we");
	check(f && fputs("# by cat\n", f) >= 0 && exited(pclose(f), 0), "popen to write");

	setenv("XSC_WORD", "two words", 1);
	check(!wordexp("a $XSC_WORD 'b c' ~root/x", &w, 0) && w.we_wordc == 5 &&
	      !strcmp(w.we_wordv[2], "words") && !strcmp(w.we_wordv[3], "b c"), "wordexp");
	wordfree(&w);
	check(!wordexp("x$(echo in there)y", &w, 0) && w.we_wordc == 2 &&
	      !strcmp(w.we_wordv[0], "xin") && !strcmp(w.we_wordv[1], "therey"),
	      "wordexp of a command");
	wordfree(&w);
	check(wordexp("$(echo no)", &w, WRDE_NOCMD) == WRDE_CMDSUB, "a command that is not wanted");
	check(wordexp("'open", &w, 0) == WRDE_SYNTAX, "a quote that is not closed");
	return tap_end();
}
