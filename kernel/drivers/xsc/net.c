// SPDX-License-Identifier: GPL-2.0
/*
 * Socket operations, for opdef.c's table. They are the system calls themselves, with the same
 * arguments on every machine. Invariant: none has a worker's function. A socket waits, raises
 * SIGPIPE and asks who the calling task is (SO_PEERCRED, cgroup, LSM labels).
 */
#include <asm/unistd.h>

#include "net.h"

const struct xsc_op_def xsc_net_ops[XSC_FAMILY_OPS] = {
	[XSC_ROW(XSC_OP_SOCKET)] = {
		.name	= "socket",
		.nr	= __NR_socket,
		.nargs	= 3,
	},
	[XSC_ROW(XSC_OP_BIND)] = {
		.name	= "bind",
		.nr	= __NR_bind,
		.nargs	= 3,
	},
	[XSC_ROW(XSC_OP_LISTEN)] = {
		.name	= "listen",
		.nr	= __NR_listen,
		.nargs	= 2,
	},
	[XSC_ROW(XSC_OP_ACCEPT)] = {
		.name	= "accept",
		.nr	= __NR_accept,
		.nargs	= 3,
	},
	[XSC_ROW(XSC_OP_CONNECT)] = {
		.name	= "connect",
		.nr	= __NR_connect,
		.nargs	= 3,
	},
	[XSC_ROW(XSC_OP_SENDTO)] = {
		.name	= "sendto",
		.nr	= __NR_sendto,
		.nargs	= 6,
	},
	[XSC_ROW(XSC_OP_RECVFROM)] = {
		.name	= "recvfrom",
		.nr	= __NR_recvfrom,
		.nargs	= 6,
	},
};
