// SPDX-License-Identifier: GPL-2.0
/*
 * File operations, for opdef.c's table, and what a worker does for them. Invariant: a worker
 * uses only files whose operations neither wait for another party nor signal or identify the
 * calling task, that is regular files of a page cache file system and directories; pipes,
 * terminals, sockets, devices and the files of /proc and /sys are left to the owner
 * (-XSC_EINLINE). The file looked at is the file used.
 */
#include <linux/backing-dev.h>
#include <linux/fdtable.h>
#include <linux/file.h>
#include <linux/fs.h>
#include <linux/magic.h>
#include <linux/namei.h>
#include <linux/sched/signal.h>
#include <linux/sched/xacct.h>
#include <linux/slab.h>
#include <linux/string.h>
#include <linux/syscalls.h>
#include <linux/uio.h>
#include <uapi/linux/fcntl.h>
#include <uapi/linux/xsc.h>
#include <asm/unistd.h>

#include "../../fs/internal.h"
#include "arch.h"
#include "fs.h"

#define XSC_INLINE	((s64)-XSC_EINLINE)

/*
 * A file whose operations wait for nobody but a disk: of a block device or in memory. The
 * rest are remote (FUSE, even on a block device, asks a process, perhaps the owner), or have
 * "regular" files that block or answer differently to different tasks (procfs, sysfs, ...).
 */
static bool xsc_plain_file(struct inode *inode)
{
	struct super_block *sb = inode->i_sb;

	if (!S_ISREG(inode->i_mode) || sb->s_magic == FUSE_SUPER_MAGIC)
		return false;
	return sb->s_bdev || sb->s_magic == TMPFS_MAGIC || sb->s_magic == RAMFS_MAGIC;
}

/* Whether a file's attributes are at hand: not with a server, nor in a file system below. */
static bool xsc_local_attributes(struct inode *inode)
{
	struct super_block *sb = inode->i_sb;

	if (sb->s_magic == FUSE_SUPER_MAGIC || sb->s_magic == OVERLAYFS_SUPER_MAGIC)
		return false;
	return sb->s_bdev || sb->s_bdi == &noop_backing_dev_info;
}

/*
 * A write beyond RLIMIT_FSIZE sends SIGXFSZ to the task that writes. The limit is the
 * process's; with one in force, what could reach it is the owner's to do.
 */
static bool xsc_may_exceed_fsize(struct file *file, loff_t pos, size_t count)
{
	unsigned long limit = rlimit(RLIMIT_FSIZE);

	if (limit == RLIM_INFINITY)
		return false;
	if (file->f_flags & O_APPEND || file_inode(file)->i_flags & S_APPEND)
		return true;
	return pos < 0 || count > limit || pos > limit - count;
}

/*
 * Whether a file's position can be waited for: 0, -EBADF, or XSC_INLINE for a file whose
 * position another thread may hold for ever, in a blocked read of /proc/kmsg for one.
 */
static s64 xsc_look_at(unsigned int fd)
{
	CLASS(fd, f)(fd);

	if (!fd_file(f))
		return -EBADF;
	return xsc_plain_file(file_inode(fd_file(f))) ? 0 : XSC_INLINE;
}

/* Of a directory: an error, which needs no position. */
static s64 xsc_fs_read_dir(const u64 *args)
{
	CLASS(fd, f)(args[0]);
	loff_t pos = 0;

	if (!fd_file(f))
		return -EBADF;
	if (!S_ISDIR(file_inode(fd_file(f))->i_mode))
		return XSC_INLINE;
	return vfs_read(fd_file(f), u64_to_user_ptr(args[1]), args[2], &pos);
}

static s64 xsc_fs_read(const u64 *args)
{
	s64 ret = xsc_look_at(args[0]);
	struct file *file;
	struct fd f;
	loff_t pos;

	if (ret == XSC_INLINE)
		return xsc_fs_read_dir(args);
	if (ret)
		return ret;
	f = fdget_pos(args[0]);
	file = fd_file(f);
	if (!file)
		return -EBADF;
	ret = XSC_INLINE;
	if (xsc_plain_file(file_inode(file))) {
		pos = file->f_pos;
		ret = vfs_read(file, u64_to_user_ptr(args[1]), args[2], &pos);
		if (ret >= 0)
			file->f_pos = pos;
	}
	fdput_pos(f);
	return ret;
}

static s64 xsc_fs_write(const u64 *args)
{
	s64 ret = xsc_look_at(args[0]);
	struct file *file;
	struct fd f;
	loff_t pos;

	if (ret)
		return ret;
	f = fdget_pos(args[0]);
	file = fd_file(f);
	if (!file)
		return -EBADF;
	ret = XSC_INLINE;
	pos = file->f_pos;
	if (xsc_plain_file(file_inode(file)) && !xsc_may_exceed_fsize(file, pos, args[2])) {
		ret = vfs_write(file, u64_to_user_ptr(args[1]), args[2], &pos);
		if (ret >= 0)
			file->f_pos = pos;
	}
	fdput_pos(f);
	return ret;
}

static s64 xsc_fs_pread(const u64 *args)
{
	loff_t pos = args[3];
	CLASS(fd, f)(args[0]);

	if (pos < 0)
		return -EINVAL;
	if (!fd_file(f))
		return -EBADF;
	if (!S_ISDIR(file_inode(fd_file(f))->i_mode) && !xsc_plain_file(file_inode(fd_file(f))))
		return XSC_INLINE;
	if (!(fd_file(f)->f_mode & FMODE_PREAD))
		return -ESPIPE;
	return vfs_read(fd_file(f), u64_to_user_ptr(args[1]), args[2], &pos);
}

static s64 xsc_fs_pwrite(const u64 *args)
{
	loff_t pos = args[3];
	CLASS(fd, f)(args[0]);

	if (pos < 0)
		return -EINVAL;
	if (!fd_file(f))
		return -EBADF;
	if (!xsc_plain_file(file_inode(fd_file(f))) ||
	    xsc_may_exceed_fsize(fd_file(f), pos, args[2]))
		return XSC_INLINE;
	if (!(fd_file(f)->f_mode & FMODE_PWRITE))
		return -ESPIPE;
	return vfs_write(fd_file(f), u64_to_user_ptr(args[1]), args[2], &pos);
}

/* One transfer at *pos; the position and the accounting of vfs_readv() and vfs_writev(). */
static s64 xsc_fs_transfer(struct file *file, struct iov_iter *iter, bool write)
{
	loff_t pos = file->f_pos;
	s64 ret;

	if (!write)
		ret = vfs_iter_read(file, iter, &pos, 0);
	else if (xsc_may_exceed_fsize(file, pos, iov_iter_count(iter)))
		return XSC_INLINE;
	else
		ret = vfs_iter_write(file, iter, &pos, 0);
	if (ret >= 0)
		file->f_pos = pos;
	if (write) {
		if (ret > 0)
			add_wchar(current, ret);
		inc_syscw(current);
	} else {
		if (ret > 0)
			add_rchar(current, ret);
		inc_syscr(current);
	}
	return ret;
}

/*
 * readv(2) and writev(2) of a file with an iterator; its position is the file's own. Checks in
 * the order of vfs_readv(), so errors come in the same order.
 */
static s64 xsc_fs_vector(const u64 *args, bool write)
{
	struct iovec stack[UIO_FASTIOV], *iov = stack;
	s64 ret = xsc_look_at(args[0]);
	struct iov_iter iter;
	struct file *file;
	struct fd f;

	if (ret)
		return ret;
	f = fdget_pos(args[0]);
	file = fd_file(f);
	if (!file)
		return -EBADF;
	ret = XSC_INLINE;
	if (!xsc_plain_file(file_inode(file)) ||
	    !(write ? file->f_op->write_iter : file->f_op->read_iter))
		goto out;
	ret = -EBADF;
	if (!(file->f_mode & (write ? FMODE_WRITE : FMODE_READ)))
		goto out;
	ret = import_iovec(write ? ITER_SOURCE : ITER_DEST, u64_to_user_ptr(args[1]), args[2],
			   ARRAY_SIZE(stack), &iov, &iter);
	if (ret < 0)
		goto out;
	ret = xsc_fs_transfer(file, &iter, write);
	kfree(iov);
out:
	fdput_pos(f);
	return ret;
}

static s64 xsc_fs_readv(const u64 *args)
{
	return xsc_fs_vector(args, false);
}

static s64 xsc_fs_writev(const u64 *args)
{
	return xsc_fs_vector(args, true);
}

/*
 * Looks at what an open would open, without opening it: a FIFO or a device could block, and
 * a terminal could become the controlling one. If the name is replaced in between, the
 * open may block this worker, and nobody else, until the ring's owner exits.
 */
static s64 xsc_fs_probe(int dfd, struct filename *name, const struct open_how *how)
{
	unsigned int lookup = LOOKUP_FOLLOW;
	struct inode *inode;
	struct path path;
	s64 ret = 0;

	if (how->flags & O_NOFOLLOW || (how->flags & (O_CREAT | O_EXCL)) == (O_CREAT | O_EXCL))
		lookup = 0;
	if (filename_lookup(dfd, name, lookup, &path, NULL))
		return 0;	/* the open itself gives the right error, or creates */
	inode = d_backing_inode(path.dentry);
	if (!S_ISDIR(inode->i_mode) && !S_ISLNK(inode->i_mode) && !xsc_plain_file(inode))
		ret = XSC_INLINE;
	path_put(&path);
	return ret;
}

/* openat(2), in the order of do_sys_openat2(), so errors come in the same order. */
static s64 xsc_fs_openat(const u64 *args)
{
	struct open_how how = build_open_how((int)args[2] | O_LARGEFILE, args[3]);
	struct open_flags op;
	struct filename *name;
	struct file *file;
	s64 ret;
	int fd;

	ret = build_open_flags(&how, &op);
	if (ret)
		return ret;
	name = getname(u64_to_user_ptr(args[1]));
	if (IS_ERR(name))
		return PTR_ERR(name);
	fd = get_unused_fd_flags(how.flags);
	if (fd < 0) {
		ret = fd;
		goto out_name;
	}
	ret = how.flags & O_PATH ? 0 : xsc_fs_probe(args[0], name, &how);
	if (ret)
		goto out_fd;
	file = do_filp_open(args[0], name, &op);
	if (IS_ERR(file)) {
		ret = PTR_ERR(file);
		goto out_fd;
	}
	fd_install(fd, file);
	putname(name);
	return fd;

out_fd:
	put_unused_fd(fd);
out_name:
	putname(name);
	return ret;
}

/*
 * close(2) of what closes without waiting: plain files, directories, pipes, and anything
 * opened with O_PATH. The final release runs as task work before the result is posted.
 */
static s64 xsc_fs_close(const u64 *args)
{
	struct file *file;
	umode_t mode;
	bool ours;

	file = fget_raw(args[0]);
	if (!file)
		return -EBADF;
	mode = file_inode(file)->i_mode;
	ours = file->f_mode & FMODE_PATH || S_ISDIR(mode) || S_ISFIFO(mode) ||
	       xsc_plain_file(file_inode(file));
	fput(file);
	return ours ? close_fd(args[0]) : XSC_INLINE;
}

static s64 xsc_fs_fsync(const u64 *args)
{
	CLASS(fd, f)(args[0]);

	if (!fd_file(f))
		return -EBADF;
	if (!S_ISDIR(file_inode(fd_file(f))->i_mode) && !xsc_plain_file(file_inode(fd_file(f))))
		return XSC_INLINE;
	return vfs_fsync(fd_file(f), 0);
}

/* Any kind of file: its attributes don't depend on who asks. */
static s64 xsc_fs_fstat(const u64 *args)
{
	CLASS(fd_raw, f)(args[0]);

	if (!fd_file(f))
		return -EBADF;
	if (!xsc_local_attributes(file_inode(fd_file(f))))
		return XSC_INLINE;
	return xsc_sys_call(__NR_fstat, args[0], args[1], 0, 0);
}

static void xsc_fs_open_args(const u64 *args, u64 *openat)
{
	openat[0] = AT_FDCWD;
	memcpy(openat + 1, args, 3 * sizeof(u64));
}

static int xsc_fs_map_open(const u64 *args, struct xsc_call *call)
{
	u64 openat[4];

	xsc_fs_open_args(args, openat);
	memcpy(call->args, openat, sizeof(openat));
	return 0;
}

static s64 xsc_fs_open(const u64 *args)
{
	u64 openat[4];

	xsc_fs_open_args(args, openat);
	return xsc_fs_openat(openat);
}

static int xsc_fs_stat_args(const u64 *args, unsigned long flags, struct xsc_call *call)
{
	call->args[0] = AT_FDCWD;
	call->args[1] = args[0];
	call->args[2] = args[1];
	call->args[3] = flags;
	return 0;
}

static int xsc_fs_map_stat(const u64 *args, struct xsc_call *call)
{
	return xsc_fs_stat_args(args, 0, call);
}

static int xsc_fs_map_lstat(const u64 *args, struct xsc_call *call)
{
	return xsc_fs_stat_args(args, AT_SYMLINK_NOFOLLOW, call);
}

/*
 * As for fstat. Looking the name up waits where an open would wait; if it is replaced in between,
 * the worker may wait for a file system, interruptibly if that does.
 */
static s64 xsc_fs_stat_path(const u64 *args, unsigned int lookup, int flags)
{
	struct filename *name = getname(u64_to_user_ptr(args[0]));
	struct path path;
	bool local;
	int ret;

	ret = filename_lookup(AT_FDCWD, name, lookup, &path, NULL);
	putname(name);
	if (ret)
		return ret;
	local = xsc_local_attributes(d_backing_inode(path.dentry));
	path_put(&path);
	return local ? xsc_sys_call(__NR_newfstatat, AT_FDCWD, args[0], args[1], flags) :
		       XSC_INLINE;
}

static s64 xsc_fs_stat(const u64 *args)
{
	return xsc_fs_stat_path(args, LOOKUP_FOLLOW, 0);
}

static s64 xsc_fs_lstat(const u64 *args)
{
	return xsc_fs_stat_path(args, 0, AT_SYMLINK_NOFOLLOW);
}

const struct xsc_op_def xsc_fs_ops[XSC_FAMILY_OPS] = {
	[XSC_ROW(XSC_OP_READ)] = {
		.name	= "read",
		.nr	= __NR_read,
		.nargs	= 3,
		.issue	= xsc_fs_read,
	},
	[XSC_ROW(XSC_OP_WRITE)] = {
		.name	= "write",
		.nr	= __NR_write,
		.nargs	= 3,
		.issue	= xsc_fs_write,
	},
	[XSC_ROW(XSC_OP_PREAD)] = {
		.name	= "pread",
		.nr	= __NR_pread64,
		.nargs	= 4,
		.issue	= xsc_fs_pread,
	},
	[XSC_ROW(XSC_OP_PWRITE)] = {
		.name	= "pwrite",
		.nr	= __NR_pwrite64,
		.nargs	= 4,
		.issue	= xsc_fs_pwrite,
	},
	[XSC_ROW(XSC_OP_OPENAT)] = {
		.name	= "openat",
		.nr	= __NR_openat,
		.nargs	= 4,
		.issue	= xsc_fs_openat,
	},
	[XSC_ROW(XSC_OP_CLOSE)] = {
		.name	= "close",
		.nr	= __NR_close,
		.nargs	= 1,
		.issue	= xsc_fs_close,
	},
	[XSC_ROW(XSC_OP_FSYNC)] = {
		.name	= "fsync",
		.nr	= __NR_fsync,
		.nargs	= 1,
		.issue	= xsc_fs_fsync,
	},
	[XSC_ROW(XSC_OP_FSTAT)] = {
		.name	= "fstat",
		.nr	= __NR_fstat,
		.nargs	= 2,
		.issue	= xsc_fs_fstat,
	},
	[XSC_ROW(XSC_OP_READV)] = {
		.name	= "readv",
		.nr	= __NR_readv,
		.nargs	= 3,
		.issue	= xsc_fs_readv,
	},
	[XSC_ROW(XSC_OP_WRITEV)] = {
		.name	= "writev",
		.nr	= __NR_writev,
		.nargs	= 3,
		.issue	= xsc_fs_writev,
	},
	[XSC_ROW(XSC_OP_OPEN)] = {
		.name	= "open",
		.nr	= __NR_openat,
		.nargs	= 3,
		.map	= xsc_fs_map_open,
		.issue	= xsc_fs_open,
	},
	[XSC_ROW(XSC_OP_STAT)] = {
		.name	= "stat",
		.nr	= __NR_newfstatat,
		.nargs	= 2,
		.map	= xsc_fs_map_stat,
		.issue	= xsc_fs_stat,
	},
	[XSC_ROW(XSC_OP_LSTAT)] = {
		.name	= "lstat",
		.nr	= __NR_newfstatat,
		.nargs	= 2,
		.map	= xsc_fs_map_lstat,
		.issue	= xsc_fs_lstat,
	},
};
