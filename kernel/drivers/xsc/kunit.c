// SPDX-License-Identifier: GPL-2.0
/*
 * KUnit tests of what can be tested without a task: the table of operations, what entries
 * become, malformed entries, and the arithmetic of a ring's indices. Run by a kernel with
 * CONFIG_XSC_KUNIT_TEST at boot. Invariant: every opcode of the interface has a case here.
 */
#include <kunit/test.h>
#include <linux/err.h>
#include <linux/fcntl.h>
#include <linux/limits.h>
#include <linux/sched.h>
#include <linux/signal.h>
#include <linux/string.h>
#include <asm/syscall.h>
#include <asm/unistd.h>
#include <uapi/linux/futex.h>

#include "enter.h"
#include "opdef.h"
#include "xsc.h"

#define FORK_FLAGS	SIGCHLD
#define VFORK_FLAGS	(CLONE_VFORK | CLONE_VM | SIGCHLD)

/* Arguments that can be told apart, as many as the operation takes. */
#define A1	{ 11 }
#define A2	{ 11, 12 }
#define A3	{ 11, 12, 13 }
#define A4	{ 11, 12, 13, 14 }
#define A5	{ 11, 12, 13, 14, 15 }
#define A6	{ 11, 12, 13, 14, 15, 16 }

#define SAME(op, nr, nargs, worker)	{ op, nr, nargs, worker, true, A##nargs, A##nargs }

struct xsc_case {
	u8 opcode;
	unsigned int nr;
	unsigned int nargs;
	bool worker;
	bool batch;
	u64 args[6];
	unsigned long call[6];
};

static const struct xsc_case xsc_cases[] = {
	SAME(XSC_OP_READ, __NR_read, 3, true),
	SAME(XSC_OP_WRITE, __NR_write, 3, true),
	SAME(XSC_OP_PREAD, __NR_pread64, 4, true),
	SAME(XSC_OP_PWRITE, __NR_pwrite64, 4, true),
	SAME(XSC_OP_OPENAT, __NR_openat, 4, true),
	SAME(XSC_OP_CLOSE, __NR_close, 1, true),
	SAME(XSC_OP_FSYNC, __NR_fsync, 1, true),
	SAME(XSC_OP_FSTAT, __NR_fstat, 2, true),
	SAME(XSC_OP_READV, __NR_readv, 3, true),
	SAME(XSC_OP_WRITEV, __NR_writev, 3, true),
	{ XSC_OP_OPEN, __NR_openat, 3, true, true, A3, { AT_FDCWD, 11, 12, 13 } },
	{ XSC_OP_STAT, __NR_newfstatat, 2, true, true, A2, { AT_FDCWD, 11, 12, 0 } },
	{ XSC_OP_LSTAT, __NR_newfstatat, 2, true, true, A2,
	  { AT_FDCWD, 11, 12, AT_SYMLINK_NOFOLLOW } },
	SAME(XSC_OP_SOCKET, __NR_socket, 3, false),
	SAME(XSC_OP_BIND, __NR_bind, 3, false),
	SAME(XSC_OP_LISTEN, __NR_listen, 2, false),
	SAME(XSC_OP_ACCEPT, __NR_accept, 3, false),
	SAME(XSC_OP_CONNECT, __NR_connect, 3, false),
	SAME(XSC_OP_SENDTO, __NR_sendto, 6, false),
	SAME(XSC_OP_RECVFROM, __NR_recvfrom, 6, false),
	SAME(XSC_OP_POLL, __NR_ppoll, 5, false),
	SAME(XSC_OP_EPOLL_WAIT, __NR_epoll_pwait, 4, false),
	SAME(XSC_OP_SELECT, __NR_pselect6, 6, false),
	SAME(XSC_OP_NANOSLEEP, __NR_nanosleep, 2, false),
	SAME(XSC_OP_CLOCK_NANOSLEEP, __NR_clock_nanosleep, 4, false),
	{ XSC_OP_FUTEX_WAIT, __NR_futex, 4, false, true, { 11, 12, 13, 1 },
	  { 11, FUTEX_WAIT_PRIVATE, 12, 13 } },
	{ XSC_OP_FUTEX_WAIT, __NR_futex, 4, false, true, { 11, 12, 13, 0 },
	  { 11, FUTEX_WAIT, 12, 13 } },
	{ XSC_OP_FUTEX_WAKE, __NR_futex, 3, false, true, { 11, 12, 1 },
	  { 11, FUTEX_WAKE_PRIVATE, 12 } },
	{ XSC_OP_FUTEX_WAKE, __NR_futex, 3, false, true, { 11, 12, 0 }, { 11, FUTEX_WAKE, 12 } },
	{ XSC_OP_FORK, __NR_clone, 0, false, false, { 0 }, { FORK_FLAGS } },
	{ XSC_OP_VFORK, __NR_clone, 0, false, false, { 0 }, { VFORK_FLAGS } },
	{ XSC_OP_CLONE, __NR_clone, 5, false, false, A5, A5 },
	{ XSC_OP_EXECVE, __NR_execve, 3, false, false, A3, A3 },
	{ XSC_OP_EXECVEAT, __NR_execveat, 5, false, false, A5, A5 },
};

static struct xsc_sqe xsc_case_sqe(const struct xsc_case *c)
{
	struct xsc_sqe sqe = { .opcode = c->opcode, .user_data = U64_MAX };

	memcpy(sqe.args, c->args, sizeof(sqe.args));
	return sqe;
}

/* Each opcode's system call and arguments. */
static void xsc_test_prepare(struct kunit *test)
{
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(xsc_cases); i++) {
		const struct xsc_case *c = &xsc_cases[i];
		struct xsc_sqe sqe = xsc_case_sqe(c);
		struct xsc_call call;

		memset(&call, 0xff, sizeof(call));
		KUNIT_EXPECT_EQ_MSG(test, xsc_op_prepare(&sqe, &call), 0, "opcode %u", c->opcode);
		KUNIT_EXPECT_EQ_MSG(test, call.nr, c->nr, "opcode %u", c->opcode);
		KUNIT_EXPECT_EQ_MSG(test, xsc_nr_in_batch(call.nr), c->batch, "opcode %u",
				    c->opcode);
		KUNIT_EXPECT_MEMEQ_MSG(test, call.args, c->call, sizeof(call.args), "opcode %u",
				       c->opcode);
	}
}

/* Any number with any arguments is passed on, also one that no system call has. */
static void xsc_test_prepare_by_number(struct kunit *test)
{
	static const u32 numbers[] = { 0, 1, __NR_execve, NR_syscalls, XSC_NR_ENTER, U32_MAX };
	struct xsc_sqe sqe = { .opcode = XSC_OP_SYSCALL, .args = A6 };
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(numbers); i++) {
		struct xsc_call call = {};

		sqe.nr = numbers[i];
		KUNIT_EXPECT_EQ(test, xsc_op_prepare(&sqe, &call), 0);
		KUNIT_EXPECT_EQ(test, call.nr, numbers[i]);
		KUNIT_EXPECT_MEMEQ(test, call.args, sqe.args, sizeof(call.args));
	}
}

/* What is no system call. */
static void xsc_test_prepare_none(struct kunit *test)
{
	struct xsc_sqe nop = { .opcode = XSC_OP_NOP };
	struct xsc_sqe cancel = { .opcode = XSC_OP_CANCEL, .args = { 7 } };
	struct xsc_call call;

	KUNIT_EXPECT_EQ(test, xsc_op_prepare(&nop, &call), 1);
	KUNIT_EXPECT_EQ(test, xsc_op_prepare(&cancel, &call), -EINVAL);
	KUNIT_EXPECT_NOT_NULL(test, xsc_opdef_find(&nop));
	KUNIT_EXPECT_NULL(test, xsc_opdef_find(&cancel));
}

static void xsc_expect_malformed(struct kunit *test, const struct xsc_sqe *sqe, const char *what)
{
	struct xsc_call call;

	KUNIT_EXPECT_EQ_MSG(test, xsc_op_prepare(sqe, &call), -EINVAL, "opcode %u: %s",
			    sqe->opcode, what);
	KUNIT_EXPECT_EQ_MSG(test, PTR_ERR_OR_ZERO(xsc_opdef_find(sqe)), -EINVAL, "opcode %u: %s",
			    sqe->opcode, what);
}

/* Each opcode with something in what has to be zero. */
static void xsc_test_malformed(struct kunit *test)
{
	unsigned int i, arg;

	for (i = 0; i < ARRAY_SIZE(xsc_cases); i++) {
		const struct xsc_case *c = &xsc_cases[i];
		struct xsc_sqe sqe = xsc_case_sqe(c);

		sqe.flags = XSC_SQE_LINK;
		xsc_expect_malformed(test, &sqe, "flags");
		sqe.flags = 0;
		sqe.ioprio = 1;
		xsc_expect_malformed(test, &sqe, "ioprio");
		sqe.ioprio = 0;
		sqe.nr = c->nr ?: 1;
		xsc_expect_malformed(test, &sqe, "nr");
		sqe.nr = 0;
		for (arg = c->nargs; arg < 6; arg++) {
			sqe.args[arg] = 1ULL << 63;
			xsc_expect_malformed(test, &sqe, "surplus argument");
			sqe.args[arg] = 0;
		}
	}
}

static void xsc_test_malformed_number(struct kunit *test)
{
	struct xsc_sqe sqe = { .opcode = XSC_OP_SYSCALL, .nr = __NR_read, .flags = 0x80 };

	xsc_expect_malformed(test, &sqe, "flags");
	sqe.flags = 0;
	sqe.ioprio = 0x8000;
	xsc_expect_malformed(test, &sqe, "ioprio");
}

static void xsc_test_futex_private(struct kunit *test)
{
	struct xsc_sqe wait = { .opcode = XSC_OP_FUTEX_WAIT, .args = { 8, 0, 0, 2 } };
	struct xsc_sqe wake = { .opcode = XSC_OP_FUTEX_WAKE, .args = { 8, 1, FUTEX_PRIVATE_FLAG } };
	struct xsc_call call;

	KUNIT_EXPECT_EQ(test, xsc_op_prepare(&wait, &call), -EINVAL);
	KUNIT_EXPECT_EQ(test, xsc_op_prepare(&wake, &call), -EINVAL);
}

/* Opcodes with a row are those of the cases, and the two that are no system call. */
static void xsc_test_opcodes(struct kunit *test)
{
	unsigned int op, i;

	for (op = 0; op <= U8_MAX; op++) {
		const struct xsc_op_def *def = xsc_opdef_row(op);
		struct xsc_sqe sqe = { .opcode = op };
		bool known = op == XSC_OP_NOP || op == XSC_OP_CANCEL;

		for (i = 0; i < ARRAY_SIZE(xsc_cases); i++)
			known |= xsc_cases[i].opcode == op;
		KUNIT_EXPECT_EQ_MSG(test, !!def, known, "opcode %u", op);
		if (!def && op != XSC_OP_SYSCALL)
			xsc_expect_malformed(test, &sqe, "unknown");
	}
}

/* What a worker executes, by opcode and, where the arguments are the same, by number. */
static void xsc_test_worker(struct kunit *test)
{
	struct xsc_sqe by_nr = { .opcode = XSC_OP_SYSCALL, .args = A6 };
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(xsc_cases); i++) {
		const struct xsc_case *c = &xsc_cases[i];
		struct xsc_sqe sqe = xsc_case_sqe(c);
		const struct xsc_op_def *def = xsc_opdef_find(&sqe);

		KUNIT_EXPECT_EQ_MSG(test, !!def, c->worker, "opcode %u", c->opcode);
		if (!def)
			continue;
		KUNIT_EXPECT_PTR_EQ(test, def, xsc_opdef_row(c->opcode));
		by_nr.nr = c->nr;
		if (!def->map)
			KUNIT_EXPECT_PTR_EQ(test, def, xsc_opdef_find(&by_nr));
	}
	by_nr.nr = __NR_getppid;
	KUNIT_EXPECT_NULL(test, xsc_opdef_find(&by_nr));
	by_nr.nr = __NR_newfstatat;
	KUNIT_EXPECT_NULL(test, xsc_opdef_find(&by_nr));
	by_nr.nr = NR_syscalls;
	KUNIT_EXPECT_EQ(test, PTR_ERR_OR_ZERO(xsc_opdef_find(&by_nr)), -ENOSYS);
	by_nr.nr = U32_MAX;
	KUNIT_EXPECT_EQ(test, PTR_ERR_OR_ZERO(xsc_opdef_find(&by_nr)), -ENOSYS);
}

static void xsc_test_not_in_batch(struct kunit *test)
{
	static const unsigned int refused[] = {
		__NR_clone, __NR_clone3, __NR_execve, __NR_execveat, __NR_exit, __NR_exit_group,
		__NR_rt_sigreturn, __NR_rt_sigsuspend, __NR_restart_syscall, XSC_NR_ENTER,
#ifdef __NR_fork
		__NR_fork, __NR_vfork, __NR_pause,
#endif
	};
	unsigned int nr, i, count = 0;

	for (i = 0; i < ARRAY_SIZE(refused); i++)
		KUNIT_EXPECT_FALSE_MSG(test, xsc_nr_in_batch(refused[i]), "number %u", refused[i]);
	for (nr = 0; nr < NR_syscalls; nr++)
		count += !xsc_nr_in_batch(nr);
#ifdef __NR_uretprobe
	count--;
#endif
	KUNIT_EXPECT_EQ(test, count, ARRAY_SIZE(refused) - 1);
}

static void xsc_test_indices(struct kunit *test)
{
	static const u32 heads[] = { 0, 1, 127, 128, 0x7fffffff, 0x80000000, 0xffffff81, U32_MAX };
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(heads); i++) {
		KUNIT_EXPECT_TRUE(test, xsc_indices_valid(heads[i], heads[i]));
		KUNIT_EXPECT_TRUE(test, xsc_indices_valid(heads[i], heads[i] + 128));
		KUNIT_EXPECT_FALSE(test, xsc_indices_valid(heads[i], heads[i] + 129));
		KUNIT_EXPECT_FALSE(test, xsc_indices_valid(heads[i], heads[i] - 1));
	}
}

/* The device's ring from an index on that wraps: filled, drained, and what user space made up. */
static void xsc_test_ring(struct kunit *test)
{
	struct xsc_ring *ring = kunit_kzalloc(test, sizeof(*ring), GFP_KERNEL);
	const u32 start = U32_MAX - 60;
	struct xsc_sqe sqe;
	unsigned int i;

	KUNIT_ASSERT_NOT_NULL(test, ring);
	KUNIT_ASSERT_EQ(test, xsc_ring_alloc(ring), 0);
	ring->sq_head = start;
	ring->cq_tail = start;
	ring->sq->tail = start;
	ring->cq->head = start;
	KUNIT_EXPECT_EQ(test, xsc_ring_check(ring), XSC_RING_EMPTY);
	ring->sq->tail = start + XSC_RING_ENTRIES + 1;
	KUNIT_EXPECT_EQ(test, xsc_ring_check(ring), XSC_RING_BLOCKED);
	KUNIT_EXPECT_TRUE(test, ring->flags & XSC_SQ_BAD_INDEX);

	for (i = 0; i < XSC_RING_ENTRIES; i++)
		ring->sqes[(start + i) % XSC_RING_ENTRIES].user_data = i;
	ring->sq->tail = start + XSC_RING_ENTRIES;
	for (i = 0; i < XSC_RING_ENTRIES; i++) {
		KUNIT_ASSERT_EQ(test, xsc_ring_check(ring), XSC_RING_WORK);
		KUNIT_ASSERT_TRUE(test, xsc_ring_fetch(ring, &sqe));
		KUNIT_EXPECT_EQ(test, sqe.user_data, i);
		xsc_ring_post(ring, sqe.user_data, -(s64)i);
	}
	KUNIT_EXPECT_EQ(test, xsc_ring_check(ring), XSC_RING_EMPTY);
	KUNIT_EXPECT_EQ(test, ring->cq->tail, start + XSC_RING_ENTRIES);
	ring->sq->tail++;
	KUNIT_EXPECT_EQ(test, xsc_ring_check(ring), XSC_RING_BLOCKED);
	KUNIT_EXPECT_TRUE(test, ring->flags & XSC_SQ_CQ_FULL);
	ring->cq->head++;
	KUNIT_EXPECT_EQ(test, xsc_ring_check(ring), XSC_RING_WORK);
	ring->cq->head = ring->cq_tail + 1;
	KUNIT_EXPECT_EQ(test, xsc_ring_check(ring), XSC_RING_BLOCKED);
	xsc_ring_free(ring);
}

static struct kunit_case xsc_kunit_cases[] = {
	KUNIT_CASE(xsc_test_prepare),
	KUNIT_CASE(xsc_test_prepare_by_number),
	KUNIT_CASE(xsc_test_prepare_none),
	KUNIT_CASE(xsc_test_malformed),
	KUNIT_CASE(xsc_test_malformed_number),
	KUNIT_CASE(xsc_test_futex_private),
	KUNIT_CASE(xsc_test_opcodes),
	KUNIT_CASE(xsc_test_worker),
	KUNIT_CASE(xsc_test_not_in_batch),
	KUNIT_CASE(xsc_test_indices),
	KUNIT_CASE(xsc_test_ring),
	{}
};

static struct kunit_suite xsc_kunit_suite = {
	.name = "xsc",
	.test_cases = xsc_kunit_cases,
};

kunit_test_suite(xsc_kunit_suite);
