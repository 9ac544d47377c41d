// SPDX-License-Identifier: GPL-2.0
/*
 * What stands between a program and a system call and must not be passed by way of the gate:
 * syscall user dispatch, PTRACE_SYSEMU, a tracer that sends the program elsewhere; and the guard
 * with a tracer at work. Built with FORM=trap it says what the contract is. Invariant: each case
 * is a child of its own.
 */
#include "xsc_test.h"
#include "trace.h"

#ifndef PR_SET_SYSCALL_USER_DISPATCH
#define PR_SET_SYSCALL_USER_DISPATCH	59
#endif
#ifndef PTRACE_SYSEMU
#define PTRACE_SYSEMU			31
#endif
#define DISPATCH_OFF			0
#define DISPATCH_ON			1
#define ALLOW				0
#define BLOCK				1
#define USER_DISPATCH			2	/* si_code SYS_USER_DISPATCH */

static const char *form_name;
static volatile unsigned char selector;
static volatile long hits, hit_nr, hit_code;

/* Returning is a system call as well, so the way has to be opened first. */
static void dispatched(int sig, siginfo_t *info, void *context)
{
	selector = ALLOW;
	(void)sig;
	(void)context;
	hits++;
	hit_nr = info->_sifields._sigsys._syscall;
	hit_code = info->si_code;
}

static long set_dispatch(unsigned long mode, unsigned long from, unsigned long len)
{
	return sys(__NR_prctl, PR_SET_SYSCALL_USER_DISPATCH, mode, from, len,
		   mode ? (unsigned long)&selector : 0);
}

/* 0, or the number of what was wrong. */
static int user_dispatch(void)
{
	long r;

	on_signal(SIGSYS, dispatched, 4 /* SA_SIGINFO */);
	selector = ALLOW;
	if (set_dispatch(DISPATCH_ON, 0, 0))
		return 100;
	if (sys(__NR_getppid) <= 0 || hits)
		return 1;
	selector = BLOCK;
	r = sys(__NR_getppid);
	if (hits != 1 || hit_nr != __NR_getppid || hit_code != USER_DISPATCH)
		return 2;
#if defined(__x86_64__)
	if (r != __NR_getppid)		/* the call was rolled back */
		return 3;
#else
	(void)r;			/* has no user dispatch */
#endif
	if (selector != ALLOW || sys(__NR_getppid) <= 0 || hits != 1)
		return 4;
	selector = 7;			/* neither: fatal */
	sys(__NR_getppid);
	return 5;
}

/* Calls from an address range may pass whatever the selector says. */
static int dispatch_range(void)
{
	selector = ALLOW;
#ifdef XSC_FORM_RING
	if (set_dispatch(DISPATCH_ON, xsc_gate, 0x100))
		return 100;
#else
	if (set_dispatch(DISPATCH_ON, 0x400000, 0x4000000))
		return 100;
#endif
	selector = BLOCK;
	return sys(__NR_getppid) > 0 ? 0 : 1;
}

static void test_user_dispatch(void)
{
	int r = IN_CHILD(user_dispatch());

	if (r == 100) {
		skip("no syscall user dispatch", "%s: user dispatch", form_name);
		return;
	}
	check(r == 128 + SIGSYS, "%s: user dispatch blocks calls and says which (%d)", form_name,
	      r);
	check_res(IN_CHILD(dispatch_range()), 0, "user dispatch: an allowed range");
}

static int emulated(void)
{
	long fd = sys(__NR_memfd_create, "x", 0);

	if (fd != 1234)
		return 1;
	return sys(__NR_getppid) == 4321 ? 9 : 2;
}

/* Each call stops once and is not made; the tracer gives the results. */
static void test_sysemu(void)
{
	long pid = TRACED_CHILD(emulated());
	int status = 0, stops = 0;
	struct regs regs;

	for (;;) {
		if (ptrace_(PTRACE_SYSEMU, pid, 0, 0)) {
			skip("no PTRACE_SYSEMU", "%s: PTRACE_SYSEMU", form_name);
			end_traced(pid);
			return;
		}
		status = wait_stop(pid);
		if (!STOPPED(status) || get_regs(pid, &regs))
			break;
		stops++;
		if (regs.r[REG_NR] == __NR_memfd_create) {
			regs.r[REG_RESULT] = 1234;
		} else if (regs.r[REG_NR] == __NR_getppid) {
			regs.r[REG_RESULT] = 4321;
		} else {
			check(regs.r[REG_NR] == __NR_exit_group, "%s: the third call is exit",
			      form_name);
			break;
		}
		set_regs(pid, &regs);
	}
#if defined(__x86_64__)
	check_res(regs.r[14], 9, "PTRACE_SYSEMU: the program saw the tracer's results");
#else
	check_res(regs.r[0], 9, "PTRACE_SYSEMU: the program saw the tracer's results");
#endif
	check(stops == 3, "%s: PTRACE_SYSEMU: one stop for a call (%d)", form_name, stops);
	end_traced(pid);
}

/* A tracer replaces a call by another, number and arguments. */
static int replaced(void)
{
	return sys(__NR_lseek, 0, 0, 0) == -EBADF ? 3 : 4;
}

static void test_replace(void)
{
	long pid = TRACED_CHILD(replaced());
	int status, done = 0;
	struct regs regs;

	ptrace_(PTRACE_SETOPTIONS, pid, 0, PTRACE_O_TRACESYSGOOD);
	for (;;) {
		ptrace_(PTRACE_SYSCALL, pid, 0, 0);
		status = wait_stop(pid);
		if (status < 0 || !STOPPED(status))
			break;
		get_regs(pid, &regs);
		if (regs.r[REG_NR] != __NR_lseek || done++)
			continue;
#if defined(__x86_64__)
		regs.r[14] = -1;	/* rdi */
		regs.r[REG_NR] = __NR_close;
#else
		int nr = __NR_close;
		struct iovec64 iov = { &nr, sizeof(nr) };

		regs.r[0] = -1;
		ptrace_(PTRACE_SETREGSET, pid, NT_ARM_SYSTEM_CALL, (unsigned long)&iov);
#endif
		set_regs(pid, &regs);
	}
	check(status == 3 << 8, "%s: a tracer replaces a call (%#x)", form_name, status);
}

#if defined(__x86_64__) && defined(XSC_FORM_RING)
/* What this file must not hold: made at run time. */
static unsigned long make_syscall(void)
{
	unsigned long map = sys(__NR_mmap, 0, 4096, PROT_READ | PROT_WRITE,
				MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	volatile unsigned char *p = (unsigned char *)map;

	p[0] = 0x0f;
	p[1] = 0x06 - 1;
	p[2] = 0xc3;
	return sys(__NR_mprotect, map, 4096, PROT_READ | PROT_EXEC) ? 0 : map;
}

/*
 * A tracer sends the program to a trap instruction, or has it watched or emulated meanwhile: the
 * guard comes first, nothing is stopped at and nothing is executed.
 */
static void test_guard_traced(unsigned long code, int request, const char *name)
{
	long pid = TRACED_CHILD(5);
	struct regs regs;
	int status;

	get_regs(pid, &regs);
	regs.r[REG_PC] = code;
	regs.r[REG_RESULT] = __NR_exit_group;
	regs.r[14] = 5;
	regs.r[REG_NR] = -1;
	set_regs(pid, &regs);
	ptrace_(PTRACE_SETOPTIONS, pid, 0, PTRACE_O_TRACESYSGOOD);
	ptrace_(request, pid, 0, 0);
	status = wait_stop(pid);
	check((STOPPED(status) && STOP_SIGNAL(status) == SIGSYS) || status == SIGSYS,
	      "guard: %s: no stop but SIGSYS's (%#x)", name, status);
	if (STOPPED(status)) {
		ptrace_(PTRACE_CONT, pid, 0, SIGSYS);
		status = wait_stop(pid);
	}
	check((status & 0x7f) == SIGSYS, "guard: %s: the end (%#x)", name, status);
	if (STOPPED(status))
		end_traced(pid);
}

static void test_guard(void)
{
	unsigned long code;

	if (!(xsc_abi & XSC_ABI_GUARD)) {
		skip("not guarded", "the guard with a tracer");
		return;
	}
	code = make_syscall();
	test_guard_traced(code, PTRACE_CONT, "PTRACE_CONT");
	test_guard_traced(code, PTRACE_SYSCALL, "PTRACE_SYSCALL");
	test_guard_traced(code, PTRACE_SYSEMU, "PTRACE_SYSEMU");
	test_guard_traced(code, PTRACE_SINGLESTEP, "PTRACE_SINGLESTEP");
}
#else
static void test_guard(void)
{
}
#endif

static void test_form(const char *name, unsigned long ring)
{
	form_name = name;
	xsc_use_ring(ring);
	test_user_dispatch();
	test_sysemu();
	test_replace();
}

int main(void)
{
	unsigned long ring = xsc_ring();

	tap_begin();
	test_form("register", 0);
	if (ring)
		test_form("ring", ring);
	test_guard();
	return tap_end();
}
