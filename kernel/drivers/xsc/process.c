// SPDX-License-Identifier: GPL-2.0
/*
 * Operations that make or replace a process, for opdef.c's table. fork and vfork are clone(2)
 * with their flags, as on machines without calls of that name. Invariant: by the gate only;
 * they return twice, or to another program, so neither a batch nor a worker can make them.
 */
#include <linux/sched.h>
#include <linux/signal.h>
#include <linux/string.h>
#include <asm/unistd.h>

#include "process.h"

static int xsc_clone_flags(struct xsc_call *call, unsigned long flags)
{
	memset(call->args, 0, sizeof(call->args));
	call->args[0] = flags;
	return 0;
}

static int xsc_fork(const u64 *args, struct xsc_call *call)
{
	return xsc_clone_flags(call, SIGCHLD);
}

static int xsc_vfork(const u64 *args, struct xsc_call *call)
{
	return xsc_clone_flags(call, CLONE_VFORK | CLONE_VM | SIGCHLD);
}

const struct xsc_op_def xsc_process_ops[XSC_FAMILY_OPS] = {
	[XSC_ROW(XSC_OP_FORK)] = {
		.name		= "fork",
		.nr		= __NR_clone,
		.gate_only	= true,
		.map		= xsc_fork,
	},
	[XSC_ROW(XSC_OP_VFORK)] = {
		.name		= "vfork",
		.nr		= __NR_clone,
		.gate_only	= true,
		.map		= xsc_vfork,
	},
	[XSC_ROW(XSC_OP_CLONE)] = {
		.name		= "clone",
		.nr		= __NR_clone,
		.nargs		= 5,
		.gate_only	= true,
	},
	[XSC_ROW(XSC_OP_EXECVE)] = {
		.name		= "execve",
		.nr		= __NR_execve,
		.nargs		= 3,
		.gate_only	= true,
	},
	[XSC_ROW(XSC_OP_EXECVEAT)] = {
		.name		= "execveat",
		.nr		= __NR_execveat,
		.nargs		= 5,
		.gate_only	= true,
	},
};
