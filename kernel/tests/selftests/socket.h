/* SPDX-License-Identifier: GPL-2.0 */
/* The few socket constants that tests without a libc need. */
#ifndef XSC_TEST_SOCKET_H
#define XSC_TEST_SOCKET_H

#define AF_UNIX		1
#define SOCK_STREAM	1
#define SOCK_DGRAM	2

struct unix_address {
	unsigned short family;
	char path[14];
};

/* A name in no file system. */
#define UNIX_ADDRESS(name)	{ AF_UNIX, "\0" name }

#endif /* XSC_TEST_SOCKET_H */
