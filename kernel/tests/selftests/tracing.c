// SPDX-License-Identifier: GPL-2.0
/*
 * What watches system calls sees those of the gate: the tracepoints raw_syscalls and xsc in
 * tracefs, and an audit rule set by netlink. Invariant: everything switched on is off again
 * at the end, also when a case fails.
 */
#include "xsc_test.h"
#include "kmsg.h"
#include <linux/audit.h>
#include <linux/netlink.h>

#define TRACING		"/sys/kernel/tracing"
#define MARK		0x7eace

static char text[128 << 10];

static void switch_event(const char *event, const char *on)
{
	char path[128];

	format(path, sizeof(path), TRACING "/events/%s/enable", event);
	write_file(path, on);
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
	char pid[16];

	format(pid, sizeof(pid), "%ld", sys(__NR_getpid));
	write_file(TRACING "/set_event_pid", pid);
	write_file(TRACING "/trace", "");
	switch_event(event, "1");
	gate_call(ring, __NR_lseek, -1, MARK, 0, 0, 0, 0);
	switch_event(event, "0");
	read_file(TRACING "/trace", text, sizeof(text));
	write_file(TRACING "/set_event_pid", "");
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
	switch_event("xsc/xsc_exec", "1");
	switch_event("xsc/xsc_trap", "1");
	check_res(IN_CHILD(exec_program("/tests/fixtures/hello.ring")), 0, "exec under trace");
	check_res(IN_CHILD(exec_program("/tests/fixtures/bad_version.ring")), 99,
		  "refused exec under trace");
	check_res(IN_CHILD(store_to(bell)), 128 + SIGSYS, "foreign doorbell under trace");
	switch_event("xsc/xsc_exec", "0");
	switch_event("xsc/xsc_trap", "0");
	read_file(TRACING "/trace", text, sizeof(text));
	check(find_text(text, "file=/tests/fixtures/hello.ring") != NULL, "xsc:xsc_exec");
	check(find_text(text, "refused=abi-version") != NULL, "xsc:xsc_exec of a refused program");
	check(find_text(text, "reason=foreign-doorbell") != NULL, "xsc:xsc_trap");
}

/* Sends one message to the kernel's audit and reads the acknowledgement: 0 or -errno. */
static long audit_request(long fd, unsigned short type, const void *data, unsigned int size)
{
	static struct {
		struct nlmsghdr h;
		char data[2048];
	} m;
	struct sockaddr_nl to = { .nl_family = 16 };
	long n;

	memset(&m, 0, sizeof(m));
	m.h.nlmsg_len = NLMSG_LENGTH(size);
	m.h.nlmsg_type = type;
	m.h.nlmsg_flags = NLM_F_REQUEST | NLM_F_ACK;
	m.h.nlmsg_seq = type;
	memcpy(m.data, data, size);
	n = sys(__NR_sendto, fd, &m, NLMSG_ALIGN(m.h.nlmsg_len), 0, &to, sizeof(to));
	if (n < 0)
		return n;
	for (;;) {
		n = sys(__NR_recvfrom, fd, &m, sizeof(m), 0, 0, 0);
		if (n < (long)sizeof(m.h))
			return n < 0 ? n : -EIO;
		if (m.h.nlmsg_type == NLMSG_ERROR)
			return ((struct nlmsgerr *)m.data)->error;
	}
}

static void audit_switch(long fd, unsigned int on)
{
	struct audit_status s;

	memset(&s, 0, sizeof(s));
	s.mask = AUDIT_STATUS_ENABLED;
	s.enabled = on;
	audit_request(fd, AUDIT_SET, &s, sizeof(s));
}

static long audited_call(const char *form, unsigned long ring)
{
	char want[96], line[1024];
	long log = kmsg_begin();

	/* from here on: a rule is matched by tasks that are born or enter after it was set */
	gate_call(ring, __NR_lseek, -1, MARK, 0, 0, 0, 0);
	format(want, sizeof(want), "syscall=%d success=no exit=-9 a0=ffffffffffffffff a1=%x",
	       __NR_lseek, MARK);
	check(kmsg_has(log, "type=1300", want, line, sizeof(line)), "%s: audit: %.180s", form, line);
	return 0;
}

static void test_audit(void)
{
	struct audit_rule_data rule;
	long fd, r;

	if (!has_audit()) {
		skip("no audit in this kernel", "audit rule");
		return;
	}
	fd = sys(__NR_socket, 16 /* AF_NETLINK */, 3 /* SOCK_RAW */ | O_CLOEXEC, XSC_NETLINK_AUDIT);
	audit_switch(fd, 1);
	memset(&rule, 0, sizeof(rule));
	rule.flags = AUDIT_FILTER_EXIT;
	rule.action = AUDIT_ALWAYS;
	rule.mask[AUDIT_WORD(__NR_lseek)] = AUDIT_BIT(__NR_lseek);
	r = audit_request(fd, AUDIT_ADD_RULE, &rule, sizeof(rule));
	if (r == -EINVAL || r == -EOPNOTSUPP) {
		skip("no AUDITSYSCALL", "audit rule");
	} else if (check_res(r, 0, "audit rule by netlink")) {
		/* a child, whose audit context was made with auditing on */
		long pid = do_fork();

		if (!pid) {
			tap_failed = 0;
			audited_call("register", 0);
			audited_call("ring", xsc_ring());
			do_exit(tap_failed);
		}
		check_res(reap(pid), 0, "audited calls");
		audit_request(fd, AUDIT_DEL_RULE, &rule, sizeof(rule));
	}
	audit_switch(fd, 0);
	sys(__NR_close, fd);
}

int main(void)
{
	tap_begin();
	if (!xsc_gate) {
		skip("no gate", "tracing");
		return tap_end();
	}
	test_events("register", 0);
	test_events("ring", xsc_ring());
	test_xsc_events();
	test_audit();
	return tap_end();
}
