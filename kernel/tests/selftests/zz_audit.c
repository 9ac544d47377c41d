// SPDX-License-Identifier: GPL-2.0
/*
 * An audit rule set by netlink sees the calls of the gate. Runs last of all but strict tests: once
 * auditing was on, Linux watches every later task, and then the ring device's workers do nothing
 * by themselves. Invariant: the rule is gone and auditing off at the end.
 */
#include "xsc_test.h"
#include "kmsg.h"
#include <linux/audit.h>
#include <linux/netlink.h>

#define MARK		0x7eace

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
		skip("no gate", "audit");
		return tap_end();
	}
	test_audit();
	return tap_end();
}
