/* SPDX-License-Identifier: GPL-2.0 */
/* XSC_NR_ENTER, for the gate. */
#ifndef _DRIVERS_XSC_ENTER_H
#define _DRIVERS_XSC_ENTER_H

struct pt_regs;

long xsc_enter(struct pt_regs *regs);

#endif /* _DRIVERS_XSC_ENTER_H */
