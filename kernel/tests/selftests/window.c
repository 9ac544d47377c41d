// SPDX-License-Identifier: GPL-2.0
/*
 * A signal at every instruction of the gate. A tracer steps a child to one instruction of
 * the gate and injects a signal whose handler uses the gate and the same ring; the child compares
 * results. The control undoes the kernel's fix-up (the saved program counter is set back to
 * the instruction interrupted): then it must go wrong, or this test shows nothing. Invariant:
 * nothing is left to chance, no timer is involved.
 */
#include "xsc_test.h"
#include "trace.h"

#define GATE_MAX	0x100
#define ROUND_BEGIN	0x5ca1e
#define GOOD		SIGURG
#define BAD		SIGUSR2

static volatile long handled, handler_wrong;

static void handler(int sig)
{
	(void)sig;
	handled++;
	handler_wrong += sys(__NR_getppid, 1, 2, 3, 4, 5, 6) <= 0;
	handler_wrong += sys(__NR_write, -1, 0x51, 0x52) != -EBADF;
}

/* Rounds of calls whose results say which number and arguments arrived. Never ends. */
static int rounds(unsigned long ring)
{
	unsigned long memory = sys(__NR_mmap, 0, 4096, PROT_READ | PROT_WRITE,
				   MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	long file = sys(__NR_memfd_create, "window", 0);
	unsigned char *p = (unsigned char *)memory;

	sys(__NR_write, file, "0123456789", 10);
	on_signal(SIGUSR1, handler, SA_RESTART | SA_SIGINFO);	/* arm64: the context */
	for (;;) {
		bool good = true;

		handled = handler_wrong = 0;
		memset(p, 0, 8);
		gate_call(0, __NR_lseek, -1, ROUND_BEGIN, 0, 0, 0, 0);
		/* six arguments: number, fd, address, length, offset are all needed */
		good &= gate_call(ring, __NR_pread64, file, memory, 3, 4, 0x55, 0x66) == 3;
		good &= p[0] == '4' && p[2] == '6' && !p[3];
		good &= gate_call(0, __NR_lseek, -1, ROUND_BEGIN + 1, 0, 0, 0, 0) == -EBADF;
		good &= !handler_wrong;
		gate_call(0, __NR_kill, sys(__NR_getpid), good ? (handled ? GOOD : SIGWINCH) : BAD,
			  0, 0, 0, 0);
	}
	return 0;
}

/* Continues to the end of the round: GOOD, BAD, SIGWINCH (no signal was handled) or 0. */
static int finish_round(long pid, int sig)
{
	for (;;) {
		int status;

		ptrace_(PTRACE_CONT, pid, 0, sig);
		status = wait_stop(pid);
		if (status < 0 || !STOPPED(status))
			return 0;
		sig = STOP_SIGNAL(status);
		if (sig == GOOD || sig == BAD || sig == SIGWINCH)
			return sig;
		if (sig == SIGSEGV || sig == SIGILL || sig == SIGBUS || sig == SIGSYS)
			return 0;
		if (sig == SIGTRAP || sig == SIGSTOP)
			sig = 0;
	}
}

/* One instruction on; its address, or 0 if the child is gone or has a signal. */
static unsigned long step(long pid, struct regs *regs)
{
	int status;

	if (ptrace_(PTRACE_SINGLESTEP, pid, 0, 0))
		return 0;
	status = wait_stop(pid);
	if (status < 0 || !STOPPED(status) || STOP_SIGNAL(status) != SIGTRAP)
		return 0;
	get_regs(pid, regs);
	return regs->r[REG_PC];
}

static bool in_gate(unsigned long pc)
{
	return pc >= xsc_gate && pc < xsc_gate + GATE_MAX;
}

/*
 * From the end of a round to the first instruction after the call that marks the next one.
 * Runs to the mark by syscall stops, then steps.
 */
static bool to_mark(long pid)
{
	struct regs regs;
	int i, status;

	for (i = 0; i < 64; i++) {
		ptrace_(PTRACE_SYSCALL, pid, 0, 0);
		status = wait_stop(pid);
		if (status < 0 || !STOPPED(status))
			return false;
		if (STOP_SIGNAL(status) != (SIGTRAP | 0x80))
			continue;
		get_regs(pid, &regs);
		if (regs.r[REG_NR] != __NR_lseek)
			continue;
#if defined(__x86_64__)
		if (regs.r[13] != ROUND_BEGIN)
			continue;
#else
		if (regs.r[1] != ROUND_BEGIN)
			continue;
#endif
		/* the entry; now the exit */
		ptrace_(PTRACE_SYSCALL, pid, 0, 0);
		status = wait_stop(pid);
		return STOPPED(status);
	}
	return false;
}

/* The control: the handler is about to run, its frame says where to go back to. */
static bool undo_fixup(long pid, unsigned long pc, bool *had_fixup)
{
	unsigned long saved = 0;
	struct regs regs;
	int status;

	ptrace_(PTRACE_SINGLESTEP, pid, 0, SIGUSR1);
	status = wait_stop(pid);
	if (status < 0 || !STOPPED(status) || STOP_SIGNAL(status) != SIGTRAP ||
	    get_regs(pid, &regs))
		return false;
	peek(pid, regs.r[REG_ARG3] + UC_PC, &saved);
	*had_fixup = saved != pc;
	return !ptrace_(PTRACE_POKEDATA, pid, regs.r[REG_ARG3] + UC_PC, pc);
}

struct outcome {
	unsigned int tested, good, bad, crashed, moved;
};

static long start_child(unsigned long ring)
{
	long pid = TRACED_CHILD(rounds(ring));

	ptrace_(PTRACE_SETOPTIONS, pid, 0, PTRACE_O_TRACESYSGOOD | PTRACE_O_EXITKILL);
	return pid;
}

/* The n-th instruction of the gate that one call executes, counted from its first; 0: no more. */
static unsigned long go_to(long pid, unsigned int n)
{
	bool inside = false, left_mark = false;
	unsigned long pc;
	struct regs regs;
	int i;

	for (i = 0; i < 2000; i++) {
		pc = step(pid, &regs);
		if (!pc)
			return 0;
		/* the mark's own way out of the gate comes first */
		if (!left_mark) {
			left_mark = !in_gate(pc);
			continue;
		}
		if (in_gate(pc)) {
			inside = true;
			if (!n--)
				return pc;
		} else if (inside) {
			return 0;
		}
	}
	return 0;
}

static struct outcome try_all(unsigned long ring, bool control, const char *name)
{
	struct outcome o = { 0 };
	long pid = start_child(ring);
	unsigned int n;

	for (n = 0; n < 64; n++) {
		unsigned long pc;
		bool moved = false;
		int end;

		if (!to_mark(pid)) {
			say("# %s: the child does not begin a round\n", name);
			o.crashed++;
			break;
		}
		pc = go_to(pid, n);
		if (!pc)
			break;
		o.tested++;
		if (control)
			end = undo_fixup(pid, pc, &moved) ? finish_round(pid, 0) : 0;
		else
			end = finish_round(pid, SIGUSR1);
		o.moved += moved;
		if (end == GOOD) {
			o.good++;
			continue;
		}
		o.bad++;
		if (!control)
			say("# %s: instruction %u at gate+%#lx: %s\n", name, n, pc - xsc_gate,
			    end == BAD ? "wrong result" : end ? "no signal" : "crash");
		if (end)
			continue;
		o.crashed++;
		end_traced(pid);
		pid = start_child(ring);
	}
	end_traced(pid);
	return o;
}

int main(void)
{
	unsigned long ring = xsc_ring();
	struct outcome o;

	tap_begin();
	if (!xsc_gate) {
		skip("no gate", "window");
		return tap_end();
	}
	/* the child's ring is wiped by fork: it needs nothing in it */
	o = try_all(0, false, "register");
	check(o.tested >= 4 && o.good == o.tested,
	      "register form: a signal at each of %u instructions: %u good", o.tested, o.good);
	o = try_all(ring, false, "ring");
	check(o.tested >= 8 && o.good == o.tested,
	      "ring form: a signal at each of %u instructions: %u good", o.tested, o.good);
	o = try_all(ring, true, "control");
	check(o.moved >= 5, "control: the fix-up moved %u of %u interrupted calls", o.moved,
	      o.tested);
	check(o.bad >= 4, "control: without the fix-up %u of %u go wrong", o.bad, o.tested);
	return tap_end();
}
