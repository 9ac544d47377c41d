/* SPDX-License-Identifier: MIT */
/*
 * Entries as the functions make them, against what <linux/xsc.h> says they are. Included by rt.c;
 * runs on any kernel. Invariant: arguments beyond those listed are zero, as the kernel demands.
 */
#define P ((void *)0x1234567890UL)
#define PU 0x1234567890UL
#define N1 0xffffffffffffffffUL

static void is(const char *name, const struct xsc_sqe *e, int opcode, uint64_t a, uint64_t b,
	       uint64_t c, uint64_t d, uint64_t f, uint64_t g)
{
	const uint64_t args[6] = { a, b, c, d, f, g };

	check(e->opcode == opcode && !e->nr && !e->flags && !e->ioprio && !e->user_data &&
	      !memcmp(e->args, args, sizeof(args)), "%s", name);
}

#define IS(op, call, ...) do {								\
	memset(&e, 0xee, sizeof(e));							\
	xsc_prep_##call;								\
	is(#op, &e, XSC_OP_##op, __VA_ARGS__);						\
} while (0)

static void entries(void)
{
	struct xsc_sqe e;

	IS(NOP, nop(&e), 0, 0, 0, 0, 0, 0);
	IS(CANCEL, cancel(&e, 7), 7, 0, 0, 0, 0, 0);
	IS(READ, read(&e, 3, P, 10), 3, PU, 10, 0, 0, 0);
	IS(WRITE, write(&e, -1, P, 10), N1, PU, 10, 0, 0, 0);
	IS(PREAD, pread(&e, 3, P, 10, 99), 3, PU, 10, 99, 0, 0);
	IS(PWRITE, pwrite(&e, 3, P, 10, 99), 3, PU, 10, 99, 0, 0);
	IS(READV, readv(&e, 3, P, 2), 3, PU, 2, 0, 0, 0);
	IS(WRITEV, writev(&e, 3, P, 2), 3, PU, 2, 0, 0, 0);
	IS(OPEN, open(&e, P, 2, 0600), PU, 2, 0600, 0, 0, 0);
	IS(OPENAT, openat(&e, -100, P, 2, 0600), -100UL, PU, 2, 0600, 0, 0);
	IS(CLOSE, close(&e, 3), 3, 0, 0, 0, 0, 0);
	IS(FSYNC, fsync(&e, 3), 3, 0, 0, 0, 0, 0);
	IS(FSTAT, fstat(&e, 3, P), 3, PU, 0, 0, 0, 0);
	IS(STAT, stat(&e, P, P), PU, PU, 0, 0, 0, 0);
	IS(LSTAT, lstat(&e, P, P), PU, PU, 0, 0, 0, 0);
	IS(SOCKET, socket(&e, 1, 2, 3), 1, 2, 3, 0, 0, 0);
	IS(BIND, bind(&e, 3, P, 16), 3, PU, 16, 0, 0, 0);
	IS(LISTEN, listen(&e, 3, 5), 3, 5, 0, 0, 0, 0);
	IS(ACCEPT, accept(&e, 3, P, P), 3, PU, PU, 0, 0, 0);
	IS(CONNECT, connect(&e, 3, P, 16), 3, PU, 16, 0, 0, 0);
	IS(SENDTO, sendto(&e, 3, P, 10, 1, P, 16), 3, PU, 10, 1, PU, 16);
	IS(RECVFROM, recvfrom(&e, 3, P, 10, 1, P, P), 3, PU, 10, 1, PU, PU);
	IS(POLL, poll(&e, P, 2, P, NULL), PU, 2, PU, 0, 8, 0);
	IS(EPOLL_WAIT, epoll_wait(&e, 3, P, 4, -1), 3, PU, 4, N1, 0, 0);
	IS(SELECT, select(&e, 9, P, P, P, P, P), 9, PU, PU, PU, PU, PU);
	IS(NANOSLEEP, nanosleep(&e, P, P), PU, PU, 0, 0, 0, 0);
	IS(CLOCK_NANOSLEEP, clock_nanosleep(&e, 1, 1, P, P), 1, 1, PU, PU, 0, 0);
	IS(FUTEX_WAIT, futex_wait(&e, P, 5, P, 1), PU, 5, PU, 1, 0, 0);
	IS(FUTEX_WAKE, futex_wake(&e, P, 5, 0), PU, 5, 0, 0, 0, 0);
	xsc_prep_syscall(&e, 39, 1, 2, 3, 4, 5, 6);
	check(e.nr == 39 && e.opcode == XSC_OP_SYSCALL && e.args[5] == 6, "SYSCALL");
}
