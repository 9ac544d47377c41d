// SPDX-License-Identifier: GPL-2.0
/*
 * Futex operations, for opdef.c's table: two operations of futex(2) with arguments of their
 * own. Invariant: none has a worker's function; a wait would hold up the ring.
 */
#include <linux/errno.h>
#include <linux/string.h>
#include <uapi/linux/futex.h>
#include <asm/unistd.h>

#include "sync.h"

/* futex(2) of an operation; private is 0 or 1. */
static int xsc_futex(struct xsc_call *call, u64 addr, int op, u64 value, u64 timeout, u64 private)
{
	if (private > 1)
		return -EINVAL;
	memset(call->args, 0, sizeof(call->args));
	call->args[0] = addr;
	call->args[1] = private ? op | FUTEX_PRIVATE_FLAG : op;
	call->args[2] = value;
	call->args[3] = timeout;
	return 0;
}

static int xsc_futex_wait(const u64 *args, struct xsc_call *call)
{
	return xsc_futex(call, args[0], FUTEX_WAIT, args[1], args[2], args[3]);
}

static int xsc_futex_wake(const u64 *args, struct xsc_call *call)
{
	return xsc_futex(call, args[0], FUTEX_WAKE, args[1], 0, args[2]);
}

const struct xsc_op_def xsc_sync_ops[XSC_FAMILY_OPS] = {
	[XSC_ROW(XSC_OP_FUTEX_WAIT)] = {
		.name	= "futex_wait",
		.nr	= __NR_futex,
		.nargs	= 4,
		.map	= xsc_futex_wait,
	},
	[XSC_ROW(XSC_OP_FUTEX_WAKE)] = {
		.name	= "futex_wake",
		.nr	= __NR_futex,
		.nargs	= 3,
		.map	= xsc_futex_wake,
	},
};
