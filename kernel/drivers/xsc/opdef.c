// SPDX-License-Identifier: GPL-2.0
/*
 * The families of operations, and what of an entry is checked before one is executed. The rows
 * are in the families' own files. To add one: an opcode in the uapi header, a row there, a
 * test, a line in docs/xsc-abi.rst. xsc_opdef_init() refuses a table that contradicts itself.
 */
#define pr_fmt(fmt) "xsc: " fmt

#include <linux/err.h>
#include <linux/init.h>
#include <linux/kernel.h>
#include <linux/nospec.h>
#include <linux/printk.h>
#include <linux/string.h>
#include <asm/syscall.h>
#include <asm/unistd.h>

#include "fs.h"
#include "net.h"
#include "opdef.h"
#include "process.h"
#include "sync.h"
#include "timer.h"

static s64 xsc_nop(const u64 *args)
{
	return 0;
}

static const struct xsc_op_def xsc_basic_ops[XSC_FAMILY_OPS] = {
	[XSC_OP_NOP] = {
		.name	= "nop",
		.nr	= XSC_NR_NONE,
		.issue	= xsc_nop,
	},
	/* enter.c does it; anywhere else there is nothing to cancel. */
	[XSC_OP_CANCEL] = {
		.name	= "cancel",
		.nr	= XSC_NR_NONE,
		.nargs	= 1,
	},
};

static const struct xsc_op_def *const xsc_families[XSC_FAMILIES] = {
	xsc_basic_ops,
	xsc_fs_ops,
	xsc_net_ops,
	xsc_timer_ops,
	xsc_sync_ops,
	xsc_process_ops,
};

/*
 * Calls that make, replace or end the task, or that replace its registers, which a batch
 * needs afterwards; and those that end by a signal only, so would stay queued for ever.
 */
static const u16 xsc_not_in_batch[] = {
	__NR_clone,
	__NR_clone3,
#ifdef __NR_fork
	__NR_fork,
	__NR_vfork,
	__NR_pause,
#endif
#ifdef __NR_uretprobe
	__NR_uretprobe,
#endif
	__NR_execve,
	__NR_execveat,
	__NR_exit,
	__NR_exit_group,
	__NR_rt_sigreturn,
	__NR_rt_sigsuspend,
	__NR_restart_syscall,
};

/* Opcode by system call number, of operations that a worker executes; else 0. */
static u8 xsc_op_by_nr[NR_syscalls] __ro_after_init;

/* The row of an opcode, or NULL. XSC_OP_SYSCALL has none. */
const struct xsc_op_def *xsc_opdef_row(u8 opcode)
{
	const struct xsc_op_def *family = xsc_families[opcode >> XSC_FAMILY_BITS];

	if (!family || !family[XSC_ROW(opcode)].name)
		return NULL;
	return &family[XSC_ROW(opcode)];
}

/* Whether a batch may make this system call; the number may be any. */
bool xsc_nr_in_batch(unsigned int nr)
{
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(xsc_not_in_batch); i++)
		if (nr == xsc_not_in_batch[i])
			return false;
	return nr != XSC_NR_ENTER;
}

static bool __init xsc_row_is_good(u8 opcode, const struct xsc_op_def *def)
{
	if (opcode == XSC_OP_SYSCALL || def->nargs > 6)
		return false;
	if (def->nr == XSC_NR_NONE)
		return !def->map && !def->gate_only;
	return def->nr >= 0 && def->nr < NR_syscalls && def->gate_only == !xsc_nr_in_batch(def->nr);
}

int __init xsc_opdef_init(void)
{
	unsigned int op;

	for (op = 0; op < XSC_FAMILIES * XSC_FAMILY_OPS; op++) {
		const struct xsc_op_def *def = xsc_opdef_row(op);

		if (!def)
			continue;
		if (!xsc_row_is_good(op, def))
			goto bad;
		/* By number a worker finds only what takes the system call's own arguments. */
		if (def->nr == XSC_NR_NONE || def->map || !def->issue)
			continue;
		if (xsc_op_by_nr[def->nr])
			goto bad;
		xsc_op_by_nr[def->nr] = op;
	}
	return 0;

bad:
	pr_err("bad row for opcode %u\n", op);
	return -EINVAL;
}

/* The row for an entry with a typed opcode, or -EINVAL for an entry that is malformed. */
const struct xsc_op_def *xsc_opdef_typed(const struct xsc_sqe *sqe)
{
	const struct xsc_op_def *def = xsc_opdef_row(sqe->opcode);

	if (!def || sqe->nr)
		return ERR_PTR(-EINVAL);
	if (memchr_inv(sqe->args + def->nargs, 0, (6 - def->nargs) * sizeof(u64)))
		return ERR_PTR(-EINVAL);
	return def;
}

/*
 * What a worker does for an entry (the kernel's copy of it), or an error pointer: -EINVAL for
 * an entry that is malformed or of an unknown opcode, -ENOSYS for a number no system call has.
 * NULL for what a worker does not execute.
 */
const struct xsc_op_def *xsc_opdef_find(const struct xsc_sqe *sqe)
{
	const struct xsc_op_def *def;
	unsigned int op;

	if (sqe->flags || sqe->ioprio)
		return ERR_PTR(-EINVAL);
	if (sqe->opcode == XSC_OP_SYSCALL) {
		if (sqe->nr >= NR_syscalls)
			return ERR_PTR(-ENOSYS);
		op = xsc_op_by_nr[array_index_nospec(sqe->nr, NR_syscalls)];
		return op ? xsc_opdef_row(op) : NULL;
	}
	def = xsc_opdef_typed(sqe);
	return IS_ERR(def) || def->issue ? def : NULL;
}

/*
 * The system call an entry (the kernel's copy of it) asks for. 0: call it. 1: there is nothing
 * to call and the result is 0. Negative: the entry is malformed, and this is its result. A
 * number that no system call has is passed on, so that filters and tracers see it.
 */
int xsc_op_prepare(const struct xsc_sqe *sqe, struct xsc_call *call)
{
	const struct xsc_op_def *def;

	if (sqe->flags || sqe->ioprio)
		return -EINVAL;
	memcpy(call->args, sqe->args, sizeof(call->args));
	if (sqe->opcode == XSC_OP_SYSCALL) {
		call->nr = sqe->nr;
		return 0;
	}
	def = xsc_opdef_typed(sqe);
	if (IS_ERR(def))
		return PTR_ERR(def);
	if (def->nr == XSC_NR_NONE)
		return sqe->opcode == XSC_OP_NOP ? 1 : -EINVAL;
	call->nr = def->nr;
	return def->map ? def->map(sqe->args, call) : 0;
}
