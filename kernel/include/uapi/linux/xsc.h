/* SPDX-License-Identifier: GPL-2.0 WITH Linux-syscall-note */
/*
 * XSC, system calls without a trap instruction: what user space and the kernel agree on.
 *
 * Three interfaces share struct xsc_sqe and the opcodes: the gate of the vDSO (one call at a
 * time, XSC_NR_* for batches of a process ring), the ring device /dev/xsc (a worker thread)
 * and the ELF note and auxiliary vector that make a program an XSC program. Layouts are
 * pinned by kernel/abi/xsc_abi.txt; kernel/docs/xsc-abi.rst is the specification.
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
 * arguments. Any other opcode: nr and the arguments it does not take are zero. flags are
 * XSC_SQE_*, ioprio is zero (reserved).
 */
struct xsc_sqe {
	__u32 nr;
	__u8  opcode;
	__u8  flags;
	__u16 ioprio;
	__u64 args[6];
	__u64 user_data;
};

/* xsc_sqe.flags */
#define XSC_SQE_LINK		(1U << 0)	/* if this one fails, the next gets -ECANCELED */
#define XSC_SQE_CQE_SKIP	(1U << 1)	/* no result is posted if it is not negative */
#define XSC_SQE_CANCELED	(1U << 7)	/* the kernel's mark in a batch: it gets -ECANCELED */

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

/* Argument of XSC_IOC_CANCEL: entries of the SQ not yet executed, and the one under way. */
struct xsc_cancel {
	__u64 user_data;	/* in: of the entries meant */
	__u32 flags;		/* in: XSC_CANCEL_* */
	__u32 __resv[5];	/* in: 0 */
};

#define XSC_CANCEL_ANY		(1U << 0)	/* whatever their user_data */

#define XSC_IOC_CANCEL		_IOC(_IOC_WRITE, XSC_IOC_MAGIC, 2, sizeof(struct xsc_cancel))

/*
 * A process ring: XSC_RING_SIZE bytes of ordinary memory of the process, aligned to their
 * size. All zero is an empty ring. One thread uses a ring at a time. The header comes first,
 * the entries at XSC_RING_SQES, the results at XSC_RING_CQES.
 */
#define XSC_RING_SIZE		0x4000
#define XSC_RING_CALL		0x0040		/* offsetof(struct xsc_ring_hdr, call) */
#define XSC_RING_SQES		0x1000
#define XSC_RING_CQES		0x3000

struct xsc_ring_hdr {
	__u32 sq_head;		/* entries consumed, written by the kernel */
	__u32 sq_tail;		/* entries filled, written by user space */
	__u32 cq_head;		/* results taken, written by user space */
	__u32 cq_tail;		/* results posted, written by the kernel */
	__u32 __resv[12];
	struct xsc_sqe call;	/* the gate's own entry: one synchronous call */
};

/*
 * Numbers that the gate takes in place of a system call's, register form only.
 * XSC_NR_ENTER(ring, to_submit, flags): executes up to to_submit entries of the process ring
 * in the calling thread; the number of entries consumed, or -errno if none was.
 */
#define XSC_NR_ENTER		0x58530001

/* Auxiliary vector. The gate's address is AT_SYSINFO, as on i386. */
#define AT_XSC_GATE		32
#define AT_XSC_RING		0x58530001	/* address of the first thread's process ring */
#define AT_XSC_ABI		0x58530002	/* version, bits 0..15; XSC_ABI_* above */

#define XSC_ABI			1
#define XSC_ABI_GUARD		(1U << 16)	/* a trap instruction kills this process */
#define XSC_ABI_CFI		(1U << 17)	/* control-flow integrity is on and locked */

/* ELF note, section .note.XSC-ABI: __u32 abi (XSC_ABI), then optionally __u32 features */
#define XSC_NOTE_NAME		"XSC"
#define XSC_NOTE_TYPE		1
#define XSC_NOTE_CFI		(1U << 0)	/* built for cfi-compat: demand the hardware's help */

/* Opcodes. A family of operations starts at a multiple of 32. */
enum xsc_opcode {
	XSC_OP_SYSCALL		= 0,	/* as nr says */
	XSC_OP_NOP		= 1,	/* () */
	XSC_OP_CANCEL		= 2,	/* (user_data): later entries of the same batch */

	/* files */
	XSC_OP_READ		= 32,	/* (fd, buf, count) */
	XSC_OP_WRITE		= 33,	/* (fd, buf, count) */
	XSC_OP_PREAD		= 34,	/* (fd, buf, count, pos) */
	XSC_OP_PWRITE		= 35,	/* (fd, buf, count, pos) */
	XSC_OP_OPENAT		= 36,	/* (dirfd, path, flags, mode) */
	XSC_OP_CLOSE		= 37,	/* (fd) */
	XSC_OP_FSYNC		= 38,	/* (fd) */
	XSC_OP_FSTAT		= 39,	/* (fd, struct stat *) */
	XSC_OP_READV		= 40,	/* (fd, iov, iovcnt) */
	XSC_OP_WRITEV		= 41,	/* (fd, iov, iovcnt) */
	XSC_OP_OPEN		= 42,	/* (path, flags, mode) */
	XSC_OP_STAT		= 43,	/* (path, struct stat *) */
	XSC_OP_LSTAT		= 44,	/* (path, struct stat *) */

	/* network */
	XSC_OP_SOCKET		= 64,	/* (domain, type, protocol) */
	XSC_OP_BIND		= 65,	/* (fd, addr, addrlen) */
	XSC_OP_LISTEN		= 66,	/* (fd, backlog) */
	XSC_OP_ACCEPT		= 67,	/* (fd, addr, addrlen *) */
	XSC_OP_CONNECT		= 68,	/* (fd, addr, addrlen) */
	XSC_OP_SENDTO		= 69,	/* (fd, buf, len, flags, addr, addrlen) */
	XSC_OP_RECVFROM		= 70,	/* (fd, buf, len, flags, addr, addrlen *) */

	/* timers and waits */
	XSC_OP_POLL		= 96,	/* (fds, nfds, timespec *, sigset *, sigsetsize) */
	XSC_OP_EPOLL_WAIT	= 97,	/* (epfd, events, maxevents, timeout in ms) */
	XSC_OP_SELECT		= 98,	/* (nfds, r, w, e, timespec *, struct { sigset *, size } *) */
	XSC_OP_NANOSLEEP	= 99,	/* (timespec *, remaining *) */
	XSC_OP_CLOCK_NANOSLEEP	= 100,	/* (clock, flags, timespec *, remaining *) */

	/* synchronisation */
	XSC_OP_FUTEX_WAIT	= 128,	/* (addr, value, timespec *, private) */
	XSC_OP_FUTEX_WAKE	= 129,	/* (addr, count, private) */

	/* processes; by the gate only, never in a batch or a worker */
	XSC_OP_FORK		= 160,	/* () */
	XSC_OP_VFORK		= 161,	/* () */
	XSC_OP_CLONE		= 162,	/* (flags, stack, parent_tid *, ...) as clone(2) of the machine */
	XSC_OP_EXECVE		= 163,	/* (path, argv, envp) */
	XSC_OP_EXECVEAT		= 164,	/* (dirfd, path, argv, envp, flags) */

	XSC_OP_LAST		/* one past the highest; not part of the ABI */
};

#endif /* _UAPI_LINUX_XSC_H */
