// SPDX-License-Identifier: GPL-2.0
/*
 * What watches system calls sees those of the gate: the tracepoints raw_syscalls, syscalls and
 * xsc in tracefs. Invariants: every event switched on is off again at the end; no tracepoint of
 * the scheduler is, because that patches code which the other processor runs all the time, and
 * emulators fall over it (kernel/config/base.config says more).
 */
#include "xsc_test.h"

#define TRACING		"/sys/kernel/tracing"
#define MARK		0x7eace

static char text[128 << 10];

static void set_event(const char *event, const char *file, const char *value)
{
	char path[128];

	format(path, sizeof(path), TRACING "/events/%s/%s", event, file);
	write_file(path, value);
}

static bool has_event(const char *event)
{
	char path[128];

	format(path, sizeof(path), TRACING "/events/%s/enable", event);
	return read_file(path, text, 8) > 0;
}

/* The trace of one marked call, of this process only. */
static void trace_of_call(const char *event, unsigned long ring)
{
	char mine[32];

	/* Not set_event_pid: that watches the scheduler. */
	format(mine, sizeof(mine), "common_pid == %ld", sys(__NR_getpid));
	set_event(event, "filter", mine);
	write_file(TRACING "/trace", "");
	set_event(event, "enable", "1");
	gate_call(ring, __NR_lseek, -1, MARK, 0, 0, 0, 0);
	set_event(event, "enable", "0");
	read_file(TRACING "/trace", text, sizeof(text));
	set_event(event, "filter", "0");
}

static void test_events(const char *form, unsigned long ring)
{
	char want[64];

	if (!has_event("raw_syscalls/sys_enter")) {
		skip("no raw_syscalls in tracefs", "%s: raw_syscalls", form);
	} else {
		format(want, sizeof(want), "sys_enter: NR %d (ffffffffffffffff, %x,", __NR_lseek, MARK);
		trace_of_call("raw_syscalls/sys_enter", ring);
		check(find_text(text, want) != NULL, "%s: raw_syscalls:sys_enter", form);
		format(want, sizeof(want), "sys_exit: NR %d = -9", __NR_lseek);
		trace_of_call("raw_syscalls/sys_exit", ring);
		check(find_text(text, want) != NULL, "%s: raw_syscalls:sys_exit", form);
	}
	if (has_event("syscalls/sys_enter_lseek")) {
		trace_of_call("syscalls/sys_enter_lseek", ring);
		check(find_text(text, "sys_lseek(fd: ") != NULL, "%s: syscalls:sys_enter_lseek", form);
	} else {
		skip("no FTRACE_SYSCALLS", "%s: syscalls:sys_enter_lseek", form);
	}
	if (!has_event("xsc/xsc_call")) {
		skip("no xsc events in tracefs", "%s: xsc:xsc_call", form);
		return;
	}
	format(want, sizeof(want), "xsc_call: nr=%d opcode=0 ring=%lx", __NR_lseek, ring);
	trace_of_call("xsc/xsc_call", ring);
	check(find_text(text, want) != NULL, "%s: xsc:xsc_call", form);
}

static int exec_program(const char *path)
{
	char *argv[] = { (char *)path, "0", NULL };

	sys(__NR_execve, path, argv, environ);
	return 99;
}

static int store_to(unsigned long address)
{
	*(volatile unsigned int *)address = 1;
	return 7;
}

static void test_xsc_events(void)
{
	unsigned long bell = getauxval(33 /* AT_SYSINFO_EHDR */) - 4096;

	if (!has_event("xsc/xsc_exec") || !has_event("xsc/xsc_trap")) {
		skip("no xsc events in tracefs", "xsc:xsc_exec and xsc:xsc_trap");
		return;
	}
	write_file(TRACING "/trace", "");
	set_event("xsc/xsc_exec", "enable", "1");
	set_event("xsc/xsc_trap", "enable", "1");
	check_res(IN_CHILD(exec_program("/tests/fixtures/hello.ring")), 0, "exec under trace");
	check_res(IN_CHILD(exec_program("/tests/fixtures/bad_version.ring")), 99,
		  "refused exec under trace");
	check_res(IN_CHILD(store_to(bell)), 128 + SIGSYS, "foreign doorbell under trace");
	set_event("xsc/xsc_exec", "enable", "0");
	set_event("xsc/xsc_trap", "enable", "0");
	read_file(TRACING "/trace", text, sizeof(text));
	check(find_text(text, "file=/tests/fixtures/hello.ring") != NULL, "xsc:xsc_exec");
	check(find_text(text, "refused=abi-version") != NULL, "xsc:xsc_exec of a refused program");
	check(find_text(text, "reason=foreign-doorbell") != NULL, "xsc:xsc_trap");
}

int main(void)
{
	tap_begin();
	if (!xsc_gate) {
		skip("no gate", "tracing");
		return tap_end();
	}
	write_file(TRACING "/options/record-cmd", "0");	/* names of tasks: by the scheduler's */
	test_events("register", 0);
	test_events("ring", xsc_ring());
	test_xsc_events();
	write_file(TRACING "/options/record-cmd", "1");
	return tap_end();
}
