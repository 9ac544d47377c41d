/* SPDX-License-Identifier: GPL-2.0 */
/* The rows of the synchronisation operations. */
#ifndef _DRIVERS_XSC_SYNC_H
#define _DRIVERS_XSC_SYNC_H

#include "opdef.h"

extern const struct xsc_op_def xsc_sync_ops[];

#endif /* _DRIVERS_XSC_SYNC_H */
