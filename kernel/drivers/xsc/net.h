/* SPDX-License-Identifier: GPL-2.0 */
/* The rows of the network operations. */
#ifndef _DRIVERS_XSC_NET_H
#define _DRIVERS_XSC_NET_H

#include "opdef.h"

extern const struct xsc_op_def xsc_net_ops[];

#endif /* _DRIVERS_XSC_NET_H */
