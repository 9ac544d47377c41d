/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The table of operations. One row per opcode; the worker looks a row up for each entry it
 * fetched. Invariant: an operation that is not in the table is never executed.
 */
#ifndef _DRIVERS_XSC_OPDEF_H
#define _DRIVERS_XSC_OPDEF_H

#include <uapi/linux/xsc.h>

struct xsc_op_def {
	const char *name;
	int nr;				/* the system call it stands for, -1 for none */
	unsigned int nargs;		/* arguments after these must be zero */
	s64 (*issue)(const u64 *args);	/* in the worker, with the owner's credentials */
};

int xsc_opdef_init(void);
const struct xsc_op_def *xsc_opdef_find(const struct xsc_sqe *sqe);

#endif /* _DRIVERS_XSC_OPDEF_H */
