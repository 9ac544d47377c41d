// SPDX-License-Identifier: GPL-2.0
/*
 * Seccomp's verdicts by trap and by ring. Runs fixtures/seccomp_lines four times: the build with
 * the trap instruction, and the XSC build making its calls in register form, in ring form and as
 * one batch; line N of each must be the same. Invariant: a case counts as passed only if all
 * runs reached it.
 */
#include "xsc_test.h"
#include "../fixtures/seccomp_cases.h"

#define N_WAYS		4
#define MAX_OUTPUT	(4 << 20)

static const char *const ways[N_WAYS] = { "trap", "register", "ring", "batch" };

struct output {
	char *text;
	const char *line[N_CASES];
	unsigned int len[N_CASES];
	unsigned int n;
};

static struct output outputs[N_WAYS];

/* Starts the fixture, its standard output a pipe; the pipe's reading end. */
static long start(const char *path, const char *way, long *pid)
{
	const char *argv[] = { path, way, NULL };
	int p[2];

	if (sys(__NR_pipe2, p, O_CLOEXEC) < 0)
		return -1;
	*pid = do_fork();
	if (!*pid) {
		sys(__NR_dup3, p[1], 1, 0);
		sys(__NR_execve, path, argv, environ);
		do_exit(127);
	}
	sys(__NR_close, p[1]);
	return p[0];
}

static int collect(const char *path, const char *way, struct output *o)
{
	size_t len = 0;
	long pid = 0, fd = start(path, way, &pid), n;
	int status = 0;
	char *p, *line;

	o->text = (char *)sys(__NR_mmap, 0, MAX_OUTPUT, PROT_READ | PROT_WRITE,
			      MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	while (len < MAX_OUTPUT - 1 && (n = sys(__NR_read, fd, o->text + len, MAX_OUTPUT - 1 - len)) > 0)
		len += n;
	sys(__NR_close, fd);
	wait_for(pid, &status, 0);
	for (p = line = o->text; p < o->text + len && o->n < N_CASES; p++) {
		if (*p != '\n')
			continue;
		*p = 0;
		o->line[o->n] = line;
		o->len[o->n++] = p - line;
		line = p + 1;
	}
	return status;
}

static void compare(unsigned int id, struct mcase *c)
{
	const struct output *trap = &outputs[0];
	unsigned int way, differ = 0;

	generate(id, 0, c);
	for (way = 1; way < N_WAYS; way++) {
		const struct output *o = &outputs[way];

		if (way == 3 && result_by_handler(c))
			continue;
		if (id < o->n && id < trap->n && !strcmp(o->line[id], trap->line[id]))
			continue;
		if (!differ++)
			say("# by trap     %.400s\n", id < trap->n ? trap->line[id] : "(no line)");
		say("# by %-8s %.400s\n", ways[way], id < o->n ? o->line[id] : "(no line)");
	}
	check(!differ, "case %u, %s/%d%s%s: %u filters, %u calls equal by register, ring%s", id,
	      kind_names[c->kind], c->way_out, c->thread ? " in a thread" : "",
	      c->tsync ? " with TSYNC" : "", c->n_filters, c->n_calls,
	      result_by_handler(c) ? "" : " and batch");
}

int main(int argc, char **argv)
{
	static struct mcase c;
	char path[256];
	unsigned int i, dir, calls = 0;

	(void)argc;
	tap_begin();
	if (!strncmp(xsc_mode(), "strict", 6)) {
		skip("the trap form does not run in strict mode", "seccomp verdicts");
		return tap_end();
	}
	for (i = dir = 0; argv[0][i]; i++)
		if (argv[0][i] == '/')
			dir = i + 1;
	for (i = 0; i < N_WAYS; i++) {
		int status;

		format(path, sizeof(path), "%.*sfixtures/seccomp_lines.%s", dir, argv[0],
		       i ? "ring" : "trap");
		status = collect(path, ways[i], &outputs[i]);
		check(!status && outputs[i].n == N_CASES, "%u lines by %s, status %x", outputs[i].n,
		      ways[i], status);
	}
	for (i = 0; i < N_CASES; i++) {
		compare(i, &c);
		calls += c.n_calls;
	}
	say("# %u cases, %u calls under filters\n", N_CASES, calls);
	return tap_end();
}
