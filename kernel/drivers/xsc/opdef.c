// SPDX-License-Identifier: GPL-2.0
/*
 * The operations a ring knows, and what of an entry is checked before one is executed.
 * To add one: an opcode in the uapi header, a row here, a function in its family's file,
 * a test, a line in docs/xsc-abi.rst. xsc_opdef_init() refuses a table that contradicts itself.
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
#include "opdef.h"

static s64 xsc_nop(const u64 *args)
{
	return 0;
}

static const struct xsc_op_def xsc_op_defs[XSC_OP_LAST] = {
	[XSC_OP_NOP] = {
		.name	= "nop",
		.nr	= -1,
		.nargs	= 0,
		.issue	= xsc_nop,
	},
	[XSC_OP_READ] = {
		.name	= "read",
		.nr	= __NR_read,
		.nargs	= 3,
		.issue	= xsc_fs_read,
	},
	[XSC_OP_WRITE] = {
		.name	= "write",
		.nr	= __NR_write,
		.nargs	= 3,
		.issue	= xsc_fs_write,
	},
	[XSC_OP_PREAD] = {
		.name	= "pread",
		.nr	= __NR_pread64,
		.nargs	= 4,
		.issue	= xsc_fs_pread,
	},
	[XSC_OP_PWRITE] = {
		.name	= "pwrite",
		.nr	= __NR_pwrite64,
		.nargs	= 4,
		.issue	= xsc_fs_pwrite,
	},
	[XSC_OP_OPENAT] = {
		.name	= "openat",
		.nr	= __NR_openat,
		.nargs	= 4,
		.issue	= xsc_fs_openat,
	},
	[XSC_OP_CLOSE] = {
		.name	= "close",
		.nr	= __NR_close,
		.nargs	= 1,
		.issue	= xsc_fs_close,
	},
	[XSC_OP_FSYNC] = {
		.name	= "fsync",
		.nr	= __NR_fsync,
		.nargs	= 1,
		.issue	= xsc_fs_fsync,
	},
	[XSC_OP_FSTAT] = {
		.name	= "fstat",
		.nr	= __NR_fstat,
		.nargs	= 2,
		.issue	= xsc_fs_fstat,
	},
};

/* Opcode by system call number; 0 (XSC_OP_NOP, which has none) where there is none. */
static u8 xsc_op_by_nr[NR_syscalls] __ro_after_init;

int __init xsc_opdef_init(void)
{
	unsigned int op;

	for (op = 0; op < XSC_OP_LAST; op++) {
		const struct xsc_op_def *def = &xsc_op_defs[op];

		if (!def->name && !def->issue)
			continue;
		if (!def->name || !def->issue || def->nargs > 6 || op == XSC_OP_SYSCALL ||
		    def->nr >= NR_syscalls || (def->nr >= 0 && xsc_op_by_nr[def->nr])) {
			pr_err("bad row for opcode %u\n", op);
			return -EINVAL;
		}
		if (def->nr >= 0)
			xsc_op_by_nr[def->nr] = op;
	}
	return 0;
}

/*
 * The row for an entry (the kernel's copy of it), or an error pointer: -EINVAL for an entry that
 * is malformed or of an unknown opcode, -ENOSYS for a number no system call has. NULL for a
 * system call that a worker does not execute.
 */
const struct xsc_op_def *xsc_opdef_find(const struct xsc_sqe *sqe)
{
	const struct xsc_op_def *def;
	unsigned int op = sqe->opcode;

	if (sqe->flags || sqe->ioprio)
		return ERR_PTR(-EINVAL);
	if (op == XSC_OP_SYSCALL) {
		if (sqe->nr >= NR_syscalls)
			return ERR_PTR(-ENOSYS);
		op = xsc_op_by_nr[array_index_nospec(sqe->nr, NR_syscalls)];
		return op ? &xsc_op_defs[op] : NULL;
	}
	if (op >= XSC_OP_LAST)
		return ERR_PTR(-EINVAL);
	def = &xsc_op_defs[array_index_nospec(op, XSC_OP_LAST)];
	if (!def->issue || sqe->nr)
		return ERR_PTR(-EINVAL);
	if (memchr_inv(sqe->args + def->nargs, 0, (6 - def->nargs) * sizeof(u64)))
		return ERR_PTR(-EINVAL);
	return def;
}
