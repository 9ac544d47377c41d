// SPDX-License-Identifier: GPL-2.0
/*
 * Prints every size, offset and constant of the uapi header, one a line; the output is
 * pinned in kernel/abi/xsc_abi.txt. Built and run on the host: the layouts use fixed-width
 * types only, so they are the same for every 64-bit target.
 */
#include <stddef.h>
#include <stdio.h>
#include <sys/ioctl.h>
#include <linux/xsc.h>

#define STRUCT(s)	printf("struct %s size %zu align %zu\n", #s, sizeof(struct s), _Alignof(struct s))
#define FIELD(s, f)	printf("struct %s.%s offset %zu size %zu\n", #s, #f, \
			       offsetof(struct s, f), sizeof(((struct s *)0)->f))
#define VALUE(c)	printf("%s 0x%llx\n", #c, (unsigned long long)(c))

int main(void)
{
	STRUCT(xsc_sqe);
	FIELD(xsc_sqe, nr);
	FIELD(xsc_sqe, opcode);
	FIELD(xsc_sqe, flags);
	FIELD(xsc_sqe, ioprio);
	FIELD(xsc_sqe, args);
	FIELD(xsc_sqe, user_data);
	STRUCT(xsc_cqe);
	FIELD(xsc_cqe, user_data);
	FIELD(xsc_cqe, res);
	STRUCT(xsc_sq_ring);
	FIELD(xsc_sq_ring, head);
	FIELD(xsc_sq_ring, tail);
	FIELD(xsc_sq_ring, flags);
	FIELD(xsc_sq_ring, ring_mask);
	FIELD(xsc_sq_ring, ring_entries);
	STRUCT(xsc_cq_ring);
	FIELD(xsc_cq_ring, head);
	FIELD(xsc_cq_ring, tail);
	FIELD(xsc_cq_ring, flags);
	FIELD(xsc_cq_ring, ring_mask);
	FIELD(xsc_cq_ring, ring_entries);
	STRUCT(xsc_ring_hdr);
	FIELD(xsc_ring_hdr, sq_head);
	FIELD(xsc_ring_hdr, sq_tail);
	FIELD(xsc_ring_hdr, cq_head);
	FIELD(xsc_ring_hdr, cq_tail);
	FIELD(xsc_ring_hdr, call);
	STRUCT(xsc_cancel);
	FIELD(xsc_cancel, user_data);
	FIELD(xsc_cancel, flags);
	FIELD(xsc_cancel, __resv);
	STRUCT(xsc_setup);
	FIELD(xsc_setup, size);
	FIELD(xsc_setup, flags);
	FIELD(xsc_setup, sq_entries);
	FIELD(xsc_setup, cq_entries);
	FIELD(xsc_setup, idle_us);
	FIELD(xsc_setup, __resv);
	VALUE(XSC_OFF_SQ_RING);
	VALUE(XSC_OFF_CQ_RING);
	VALUE(XSC_OFF_SQES);
	VALUE(XSC_OFF_CQES);
	VALUE(XSC_RING_ENTRIES);
	VALUE(XSC_EINLINE);
	VALUE(XSC_SQ_NEED_WAKEUP);
	VALUE(XSC_SQ_CQ_FULL);
	VALUE(XSC_SQ_BAD_INDEX);
	VALUE(XSC_SQ_DEAD);
	VALUE(XSC_SETUP_SIZE_VER0);
	VALUE(XSC_IDLE_US_MAX);
	VALUE(XSC_IOC_SETUP);
	VALUE(XSC_IOC_WAKE);
	VALUE(XSC_IOC_CANCEL);
	VALUE(XSC_CANCEL_ANY);
	VALUE(XSC_SQE_LINK);
	VALUE(XSC_SQE_CQE_SKIP);
	VALUE(XSC_SQE_CANCELED);
	VALUE(XSC_RING_SIZE);
	VALUE(XSC_RING_CALL);
	VALUE(XSC_RING_SQES);
	VALUE(XSC_RING_CQES);
	VALUE(XSC_NR_ENTER);
	VALUE(AT_XSC_GATE);
	VALUE(AT_XSC_RING);
	VALUE(AT_XSC_ABI);
	VALUE(XSC_ABI);
	VALUE(XSC_ABI_GUARD);
	VALUE(XSC_ABI_CFI);
	VALUE(XSC_NOTE_TYPE);
	VALUE(XSC_NOTE_CFI);
	VALUE(XSC_OP_SYSCALL);
	VALUE(XSC_OP_NOP);
	VALUE(XSC_OP_CANCEL);
	VALUE(XSC_OP_READ);
	VALUE(XSC_OP_WRITE);
	VALUE(XSC_OP_PREAD);
	VALUE(XSC_OP_PWRITE);
	VALUE(XSC_OP_OPENAT);
	VALUE(XSC_OP_CLOSE);
	VALUE(XSC_OP_FSYNC);
	VALUE(XSC_OP_FSTAT);
	VALUE(XSC_OP_READV);
	VALUE(XSC_OP_WRITEV);
	VALUE(XSC_OP_OPEN);
	VALUE(XSC_OP_STAT);
	VALUE(XSC_OP_LSTAT);
	VALUE(XSC_OP_SOCKET);
	VALUE(XSC_OP_BIND);
	VALUE(XSC_OP_LISTEN);
	VALUE(XSC_OP_ACCEPT);
	VALUE(XSC_OP_CONNECT);
	VALUE(XSC_OP_SENDTO);
	VALUE(XSC_OP_RECVFROM);
	VALUE(XSC_OP_POLL);
	VALUE(XSC_OP_EPOLL_WAIT);
	VALUE(XSC_OP_SELECT);
	VALUE(XSC_OP_NANOSLEEP);
	VALUE(XSC_OP_CLOCK_NANOSLEEP);
	VALUE(XSC_OP_FUTEX_WAIT);
	VALUE(XSC_OP_FUTEX_WAKE);
	VALUE(XSC_OP_FORK);
	VALUE(XSC_OP_VFORK);
	VALUE(XSC_OP_CLONE);
	VALUE(XSC_OP_EXECVE);
	VALUE(XSC_OP_EXECVEAT);
	return 0;
}
