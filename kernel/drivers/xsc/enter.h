/* SPDX-License-Identifier: GPL-2.0 */
/* XSC_NR_ENTER, for the gate; and the arithmetic of a ring's indices, for kunit.c. */
#ifndef _DRIVERS_XSC_ENTER_H
#define _DRIVERS_XSC_ENTER_H

#include <linux/types.h>
#include <uapi/linux/xsc.h>

struct pt_regs;

/* Indices run freely and wrap. How many entries there are from head to tail is not negative. */
static inline bool xsc_indices_valid(u32 head, u32 tail)
{
	return tail - head <= XSC_RING_ENTRIES;
}

long xsc_enter(struct pt_regs *regs);
bool xsc_was_trapped(void);

#endif /* _DRIVERS_XSC_ENTER_H */
