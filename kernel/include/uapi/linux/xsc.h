/* SPDX-License-Identifier: GPL-2.0 WITH Linux-syscall-note */
/*
 * The XSC ring device, /dev/xsc: what user space and the kernel agree on.
 *
 * A ring is set up once (XSC_IOC_SETUP), mapped in four regions and then used by memory
 * writes: fill an entry, advance the SQ tail, read the result at the CQ head. Layouts are
 * pinned by kernel/abi/xsc_abi.txt; kernel/docs/xsc.rst says what each field means.
 */
#ifndef _UAPI_LINUX_XSC_H
#define _UAPI_LINUX_XSC_H

#include <linux/types.h>

/* mmap offsets on the ring's file descriptor; MAP_SHARED, whole regions only */
#define XSC_OFF_SQ_RING		0x00000000ULL
#define XSC_OFF_CQ_RING		0x10000000ULL
#define XSC_OFF_SQES		0x20000000ULL
#define XSC_OFF_CQES		0x30000000ULL

#define XSC_RING_ENTRIES	128

/*
 * One operation. opcode XSC_OP_SYSCALL: nr is the number of a system call, args are its
 * arguments. Any other opcode: nr and the arguments it does not take are zero. flags and
 * ioprio are zero (reserved).
 */
struct xsc_sqe {
	__u32 nr;
	__u8  opcode;
	__u8  flags;
	__u16 ioprio;
	__u64 args[6];
	__u64 user_data;
};

/* One result: the value the system call returns, -errno for an error. */
struct xsc_cqe {
	__u64 user_data;
	__s64 res;
};

/*
 * Not executed, and would have to be executed by the owner itself: res is -XSC_EINLINE.
 * Outside of the range of errno values, so no system call's own error looks like it.
 */
#define XSC_EINLINE		4096

/* Region at XSC_OFF_SQ_RING. The kernel reads tail and nothing else of it. */
struct xsc_sq_ring {
	__u32 head;		/* written by the kernel */
	__u32 __pad0[15];
	__u32 tail;		/* written by user space */
	__u32 __pad1[15];
	__u32 flags;		/* XSC_SQ_*, written by the kernel */
	__u32 ring_mask;
	__u32 ring_entries;
	__u32 __pad2[13];
};

/* Region at XSC_OFF_CQ_RING. The kernel reads head and nothing else of it. */
struct xsc_cq_ring {
	__u32 head;		/* written by user space */
	__u32 __pad0[15];
	__u32 tail;		/* written by the kernel */
	__u32 __pad1[15];
	__u32 flags;		/* none so far */
	__u32 ring_mask;
	__u32 ring_entries;
	__u32 __pad2[13];
};

/* xsc_sq_ring.flags */
#define XSC_SQ_NEED_WAKEUP	(1U << 0)	/* the worker sleeps: XSC_IOC_WAKE */
#define XSC_SQ_CQ_FULL		(1U << 1)	/* held up until CQ entries are read */
#define XSC_SQ_BAD_INDEX	(1U << 2)	/* SQ tail or CQ head out of range */
#define XSC_SQ_DEAD		(1U << 3)	/* the worker is gone for good */

/* Argument of XSC_IOC_SETUP. size tells the version of the structure the caller knows. */
struct xsc_setup {
	__u32 size;		/* in: sizeof(struct xsc_setup) */
	__u32 flags;		/* in: 0 */
	__u32 sq_entries;	/* in: 0 or XSC_RING_ENTRIES; out: entries */
	__u32 cq_entries;	/* in: 0 or XSC_RING_ENTRIES; out: entries */
	__u32 idle_us;		/* in: spin time before sleeping, 0 = default; out: in use */
	__u32 __resv[3];	/* in: 0 */
};

#define XSC_SETUP_SIZE_VER0	32
#define XSC_IDLE_US_MAX		100000

/* The size is in the structure, not in the number, which so stays what it is. */
#define XSC_IOC_MAGIC		0xBC
#define XSC_IOC_SETUP		_IOC(_IOC_READ | _IOC_WRITE, XSC_IOC_MAGIC, 0, 0)
#define XSC_IOC_WAKE		_IOC(_IOC_NONE, XSC_IOC_MAGIC, 1, 0)

/* Opcodes. A family of operations starts at a multiple of 32. */
enum xsc_opcode {
	XSC_OP_NOP		= 0,	/* () */
	XSC_OP_SYSCALL		= 1,	/* as nr says */

	/* files */
	XSC_OP_READ		= 32,	/* (fd, buf, count) */
	XSC_OP_WRITE		= 33,	/* (fd, buf, count) */
	XSC_OP_PREAD		= 34,	/* (fd, buf, count, pos) */
	XSC_OP_PWRITE		= 35,	/* (fd, buf, count, pos) */
	XSC_OP_OPENAT		= 36,	/* (dirfd, path, flags, mode) */
	XSC_OP_CLOSE		= 37,	/* (fd) */
	XSC_OP_FSYNC		= 38,	/* (fd) */
	XSC_OP_FSTAT		= 39,	/* (fd, struct stat *) */

	/* 64 network, 96 timers and waits, 128 synchronisation, 160 processes */
	XSC_OP_LAST		/* one past the highest; not part of the ABI */
};

#endif /* _UAPI_LINUX_XSC_H */
