/* SPDX-License-Identifier: GPL-2.0 */
/* The rows of the file operations. */
#ifndef _DRIVERS_XSC_FS_H
#define _DRIVERS_XSC_FS_H

#include "opdef.h"

extern const struct xsc_op_def xsc_fs_ops[];

#endif /* _DRIVERS_XSC_FS_H */
