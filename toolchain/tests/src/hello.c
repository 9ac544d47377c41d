/* SPDX-License-Identifier: MIT */
/*
 * The smallest things: start, arguments, environment, heap, output, exit handlers. Run first; the
 * invariant is that what the kernel gave to the program (auxiliary vector, argv) reached main.
 */
#include "tap.h"
#include "xsc.h"

#include <fcntl.h>
#include <sys/auxv.h>

extern char **environ;

static int from_constructor;
static int pipe_of_exit[2];

__attribute__((constructor)) static void construct(void)
{
	from_constructor = 42;
}

static void at_exit_first(void) { (void)!write(pipe_of_exit[1], "1", 1); }
static void at_exit_second(void) { (void)!write(pipe_of_exit[1], "2", 1); }

static void exit_order(void)
{
	char text[8] = "";
	pid_t pid;

	must(!pipe(pipe_of_exit));
	fflush(stdout);
	pid = fork();
	if (!pid) {
		atexit(at_exit_first);
		atexit(at_exit_second);
		printf("# left in the buffer, flushed by exit\n");
		exit(7);
	}
	check(exited(wait_status(pid), 7), "exit gives its status");
	check_eq(read(pipe_of_exit[0], text, 8), 2, "both exit handlers ran");
	check(!strcmp(text, "21"), "last registered, first called");
	check(exited(in_child(at_quick_exit(at_exit_first); quick_exit(3)), 3), "quick_exit");
	check_eq(read(pipe_of_exit[0], text, 8), 1, "at_quick_exit's handler ran");
	check(killed(in_child(freopen("/dev/null", "w", stderr); abort()), SIGABRT), "abort");
}

int main(int argc, char **argv)
{
	char *heap[64];
	int i, bad = 0;

	tap_begin();
	printf("# Hello from C: %s\n", xsc_guarded() ? "guarded" : "not guarded");
	check(argc >= 1 && argv[0] && !argv[argc], "argc and argv");
	check_eq(from_constructor, 42, "constructor ran before main");
	check(environ != NULL, "environ");
	check(!setenv("XSC_TEST", "value", 1) && !strcmp(getenv("XSC_TEST"), "value"), "setenv");
	check_eq(getauxval(AT_PAGESZ), sysconf(_SC_PAGESIZE), "AT_PAGESZ");
	check(getauxval(AT_RANDOM) != 0, "AT_RANDOM");
	check(!access("/proc/self/exe", F_OK), "access");
	check(getpid() > 0 && getppid() >= 0 && getuid() == (uid_t)getauxval(AT_UID), "identity");

	for (i = 0; i < 64; i++) {
		size_t n = (size_t)16 << (i % 20);

		heap[i] = malloc(n);
		if (!heap[i])
			bad++;
		else
			memset(heap[i], i, n);
	}
	for (i = 0; i < 64; i += 2)
		free(heap[i]);
	for (i = 1; i < 64; i += 2)
		bad += heap[i][0] != i, free(heap[i]);
	check_eq(bad, 0, "malloc from 16 bytes to 8 MiB");

	errno = 0;
	check(open("/there is no such file", O_RDONLY) == -1 && errno == ENOENT, "errno");
	check(write(-1, "", 1) == -1 && errno == EBADF, "errno of write");
	exit_order();
	return tap_end();
}
