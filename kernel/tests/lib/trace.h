/* SPDX-License-Identifier: GPL-2.0 */
/*
 * ptrace for the test programs: registers of a stopped child by name, stepping, stops. Included
 * by tests that need it. Invariant: a tracer's wait ends after XSC_TEST_SECONDS.
 */
#ifndef XSC_TEST_TRACE_H
#define XSC_TEST_TRACE_H

#include <linux/ptrace.h>
#include <linux/elf.h>

struct iovec64 {
	void *base;
	unsigned long len;
};

/* The machine's general registers as NT_PRSTATUS orders them. */
struct regs {
	unsigned long r[40];
};

#if defined(__x86_64__)
#define REG_PC		16
#define REG_NR		15	/* orig_rax */
#define REG_RESULT	10
#define REG_ARG3	12	/* the third argument: a handler's ucontext */
#define REG_COUNT	27
#define UC_PC		(40 + 16 * 8)	/* of the saved pc in struct ucontext */
#else
#define REG_PC		32
#define REG_NR		8
#define REG_RESULT	0
#define REG_ARG3	2
#define REG_COUNT	34
#define UC_PC		(176 + 8 + 31 * 8 + 8)
#endif

static inline long ptrace_(long request, long pid, unsigned long addr, unsigned long data)
{
	return sys(__NR_ptrace, request, pid, addr, data);
}

static inline long get_regs(long pid, struct regs *regs)
{
	struct iovec64 iov = { regs, REG_COUNT * 8 };

	return ptrace_(PTRACE_GETREGSET, pid, NT_PRSTATUS, (unsigned long)&iov);
}

static inline long set_regs(long pid, struct regs *regs)
{
	struct iovec64 iov = { regs, REG_COUNT * 8 };

	return ptrace_(PTRACE_SETREGSET, pid, NT_PRSTATUS, (unsigned long)&iov);
}

/* One word of the child, or -errno. */
static inline long peek(long pid, unsigned long addr, unsigned long *word)
{
	return ptrace_(PTRACE_PEEKDATA, pid, addr, (unsigned long)word);
}

/* Waits for a stop or the end of a traced child: its status, or -1 after the time limit. */
static inline int wait_stop(long pid)
{
	unsigned long end = now_ms() + XSC_TEST_SECONDS * 1000, tries = 0;
	int status;
	long r;

	while ((r = wait_for(pid, &status, WNOHANG | __WALL)) != pid) {
		if (r < 0 || now_ms() > end)
			return -1;
		if (++tries > 20)
			sleep_ms(1);
		else
			sys(__NR_sched_yield);
	}
	return status;
}

#define STOPPED(status)		(((status) & 0xff) == 0x7f)
#define STOP_SIGNAL(status)	((status) >> 8 & 0xff)

/* A child that is traced and stopped before it runs the expression. */
#define TRACED_CHILD(expression) ({						\
	long traced_ = do_fork();						\
	if (!traced_) {								\
		ptrace_(PTRACE_TRACEME, 0, 0, 0);				\
		sys(__NR_kill, sys(__NR_getpid), SIGSTOP);			\
		do_exit(expression);						\
	}									\
	wait_stop(traced_);							\
	traced_; })

static inline void end_traced(long pid)
{
	int status;

	sys(__NR_kill, pid, SIGKILL);
	ptrace_(PTRACE_CONT, pid, 0, 0);	/* out of a stop on its way to the end */
	while (wait_for(pid, &status, __WALL) == pid && STOPPED(status))
		ptrace_(PTRACE_CONT, pid, 0, 0);
}

#endif /* XSC_TEST_TRACE_H */
