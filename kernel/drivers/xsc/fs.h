/* SPDX-License-Identifier: GPL-2.0 */
/* The file operations of the table in opdef.c; they run in the worker only. */
#ifndef _DRIVERS_XSC_FS_H
#define _DRIVERS_XSC_FS_H

#include <linux/types.h>

s64 xsc_fs_read(const u64 *args);
s64 xsc_fs_write(const u64 *args);
s64 xsc_fs_pread(const u64 *args);
s64 xsc_fs_pwrite(const u64 *args);
s64 xsc_fs_openat(const u64 *args);
s64 xsc_fs_close(const u64 *args);
s64 xsc_fs_fsync(const u64 *args);
s64 xsc_fs_fstat(const u64 *args);

#endif /* _DRIVERS_XSC_FS_H */
