/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The kernel's log and audit records for the test programs. Without an auditd records go to the
 * log. Invariant: a search begins where kmsg_begin() was called and ends after two seconds.
 */
#ifndef XSC_TEST_KMSG_H
#define XSC_TEST_KMSG_H

#define XSC_NETLINK_AUDIT	9

/* Opens the log at its end; -errno without permission. */
static inline long kmsg_begin(void)
{
	long fd = sys(__NR_openat, AT_FDCWD, "/dev/kmsg", O_RDONLY | O_NONBLOCK | O_CLOEXEC);

	if (fd >= 0)
		sys(__NR_lseek, fd, 0, SEEK_END);
	/* nothing of what the tests look for may be dropped */
	write_file("/proc/sys/kernel/printk_ratelimit", "0");
	write_file("/proc/sys/kernel/printk_devkmsg", "on");
	return fd;
}

/* Whether a line with both texts appears; the line is left in buf. Ends the search. */
static bool kmsg_has(long fd, const char *one, const char *other, char *buf, size_t size)
{
	unsigned long end = now_ms() + 2000;

	while (now_ms() < end) {
		long n = sys(__NR_read, fd, buf, size - 1);

		if (n == -EPIPE)
			continue;
		if (n <= 0) {
			sleep_ms(10);
			continue;
		}
		buf[n] = 0;
		if (find_text(buf, one) && find_text(buf, other)) {
			sys(__NR_close, fd);
			return true;
		}
	}
	sys(__NR_close, fd);
	buf[0] = 0;
	return false;
}

/* Whether this kernel writes audit records at all. */
static inline bool has_audit(void)
{
	long fd = sys(__NR_socket, 16 /* AF_NETLINK */, 3 /* SOCK_RAW */, XSC_NETLINK_AUDIT);

	if (fd >= 0)
		sys(__NR_close, fd);
	return fd >= 0;
}

#endif /* XSC_TEST_KMSG_H */
