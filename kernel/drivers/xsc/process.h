/* SPDX-License-Identifier: GPL-2.0 */
/* The rows of the operations that make or replace a process. */
#ifndef _DRIVERS_XSC_PROCESS_H
#define _DRIVERS_XSC_PROCESS_H

#include "opdef.h"

extern const struct xsc_op_def xsc_process_ops[];

#endif /* _DRIVERS_XSC_PROCESS_H */
