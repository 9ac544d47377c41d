// SPDX-License-Identifier: GPL-2.0
/*
 * strict,cfi: a program with the note but without XSC_NOTE_CFI is refused. Run by init as the last
 * one, because nothing else can be started afterwards. Invariant: the mode only went up.
 */
#include "xsc_test.h"
#include "kmsg.h"

static int run(const char *path)
{
	const char *argv[] = { path, "17", NULL };
	long pid = do_fork();

	if (!pid) {
		long r = sys(__NR_execve, path, argv, environ);

		do_exit(r == -ENOEXEC ? 200 : 201);
	}
	return reap(pid);
}

int main(void)
{
	char text[1024] = "";
	long log;
	int got;

	tap_begin();
	if (strcmp(xsc_mode(), "strict")) {
		skip("the mode is not strict", "strict,cfi");
		return tap_end();
	}
	check_res(run("/tests/fixtures/hello.ring"), 17, "a noted program runs");
	check(write_file("/sys/kernel/xsc/mode", "strict,cfi") > 0, "the mode goes up");
	check(!strcmp(xsc_mode(), "strict,cfi"), "and says so: %s", xsc_mode());
	check(write_file("/sys/kernel/xsc/mode", "strict") == -EPERM, "and does not go down");
	log = kmsg_begin();
	check_res(run("/tests/fixtures/hello.ring"), 200, "the noted program is refused");
	check(kmsg_has(log, "refused", "no-cfi", text, sizeof(text)), "with a record: %.160s", text);
	got = run("/tests/fixtures/cfi.ring");
	check(got == 42 || got == 200, "a program with XSC_NOTE_CFI runs, or the hardware is missing: %d",
	      got);
	return tap_end();
}
