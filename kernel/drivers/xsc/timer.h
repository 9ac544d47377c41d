/* SPDX-License-Identifier: GPL-2.0 */
/* The rows of the operations that wait for time or for files. */
#ifndef _DRIVERS_XSC_TIMER_H
#define _DRIVERS_XSC_TIMER_H

#include "opdef.h"

extern const struct xsc_op_def xsc_timer_ops[];

#endif /* _DRIVERS_XSC_TIMER_H */
