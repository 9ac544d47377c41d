// SPDX-License-Identifier: GPL-2.0
/*
 * Operations that wait, for opdef.c's table. poll, epoll_wait and select are the calls that
 * every machine has (ppoll, epoll_pwait, pselect6), whose arguments they take. Invariant: none
 * has a worker's function; a wait there would hold up the ring.
 */
#include <asm/unistd.h>

#include "timer.h"

const struct xsc_op_def xsc_timer_ops[XSC_FAMILY_OPS] = {
	[XSC_ROW(XSC_OP_POLL)] = {
		.name	= "poll",
		.nr	= __NR_ppoll,
		.nargs	= 5,
	},
	/* The signal mask and its size stay 0: the mask is not changed. */
	[XSC_ROW(XSC_OP_EPOLL_WAIT)] = {
		.name	= "epoll_wait",
		.nr	= __NR_epoll_pwait,
		.nargs	= 4,
	},
	[XSC_ROW(XSC_OP_SELECT)] = {
		.name	= "select",
		.nr	= __NR_pselect6,
		.nargs	= 6,
	},
	[XSC_ROW(XSC_OP_NANOSLEEP)] = {
		.name	= "nanosleep",
		.nr	= __NR_nanosleep,
		.nargs	= 2,
	},
	[XSC_ROW(XSC_OP_CLOCK_NANOSLEEP)] = {
		.name	= "clock_nanosleep",
		.nr	= __NR_clock_nanosleep,
		.nargs	= 4,
	},
};
