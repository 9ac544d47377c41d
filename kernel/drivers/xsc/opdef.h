/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The table of operations: which system call an opcode is, and what a worker does for it.
 * The gate and batches ask xsc_op_prepare(), workers xsc_opdef_find(). Invariant: an
 * operation that has no row is never executed.
 */
#ifndef _DRIVERS_XSC_OPDEF_H
#define _DRIVERS_XSC_OPDEF_H

#include <linux/bits.h>
#include <linux/types.h>
#include <uapi/linux/xsc.h>

/* A system call as the architecture numbers it. */
struct xsc_call {
	unsigned int nr;
	unsigned long args[6];
};

/* xsc_op_def.nr of an operation that is no system call */
#define XSC_NR_NONE		(-1)

struct xsc_op_def {
	const char *name;
	int nr;				/* the system call it stands for, or XSC_NR_NONE */
	unsigned int nargs;		/* arguments after these must be zero */
	bool gate_only;			/* not in a batch: the system call is not either */
	/* From the operation's arguments to the call's; NULL if they are the same. */
	int (*map)(const u64 *args, struct xsc_call *call);
	/* In the worker, with the owner's credentials; NULL: -XSC_EINLINE. */
	s64 (*issue)(const u64 *args);
};

/* Opcodes come in families, so an opcode is two indices that can't be out of range. */
#define XSC_FAMILY_BITS		5
#define XSC_FAMILY_OPS		BIT(XSC_FAMILY_BITS)
#define XSC_FAMILIES		(256U >> XSC_FAMILY_BITS)

/* Index of an opcode's row in its family's table */
#define XSC_ROW(op)		((op) % XSC_FAMILY_OPS)

int xsc_opdef_init(void);
const struct xsc_op_def *xsc_opdef_row(u8 opcode);
const struct xsc_op_def *xsc_opdef_typed(const struct xsc_sqe *sqe);
const struct xsc_op_def *xsc_opdef_find(const struct xsc_sqe *sqe);
int xsc_op_prepare(const struct xsc_sqe *sqe, struct xsc_call *call);
bool xsc_nr_in_batch(unsigned int nr);

#endif /* _DRIVERS_XSC_OPDEF_H */
