// SPDX-License-Identifier: GPL-2.0
/*
 * Batches that are interrupted, filtered and traced: signals between and in entries, restarts,
 * seccomp's verdicts on single entries, what a tracer sees and changes. Nothing may be lost:
 * an entry is done and posted, or it is still queued.
 */
#include "xsc_test.h"
#include "trace.h"
#include <linux/seccomp.h>
#include <linux/filter.h>

static unsigned long R;
static struct xsc_ring_hdr *H;
static int fds[2];			/* a pipe, empty */
static volatile long hits;

static void fresh(void)
{
	R = new_ring();
	H = batch_header(R);
}

static void put(struct xsc_sqe sqe, unsigned long user_data, unsigned int flags)
{
	sqe.user_data = user_data;
	sqe.flags = flags;
	batch_put(R, &sqe);
}

static void expect(unsigned long user_data, long res, const char *what)
{
	unsigned long got_data = -1UL;
	long got = batch_take(R, &got_data);

	check(got == res && got_data == user_data, "%s: %ld for %lu (want %ld for %lu)", what, got,
	      got_data, res, user_data);
}

static void count(int sig __attribute__((unused)))
{
	hits++;
}

/* The reader waits for this byte after the handler. */
static void feed(int sig __attribute__((unused)))
{
	hits++;
	sys(__NR_write, fds[1], "f", 1);
}

/* SIGALRM again and again: on a slow machine the first comes before there is a wait to interrupt. */
static void ticking(void)
{
	set_timer(20000, 20000);
}

static void test_interrupted(void)
{
	char c;

	/* No SA_RESTART: the entry stays. */
	fresh();
	hits = 0;
	on_signal(SIGALRM, count, 0);
	put(SQE(XSC_OP_READ, fds[0], &c, 1), 1, 0);
	put(SQE(XSC_OP_NOP, 0), 2, 0);
	ticking();
	check_res(batch_enter(R, 2), -EINTR, "the first entry is interrupted");
	set_timer(0, 0);
	check(hits && H->sq_head == 0 && H->cq_tail == 0, "and still queued");
	sys(__NR_write, fds[1], "x", 1);
	check_res(batch_enter(R, 2), 2, "done later");
	expect(1, 1, "its result");
	expect(2, 0, "the next one's");

	/* Something was done before: no error. */
	hits = 0;
	put(SQE(XSC_OP_NOP, 0), 1, 0);
	put(SQE(XSC_OP_READ, fds[0], &c, 1), 2, 0);
	ticking();
	check_res(batch_enter(R, 2), 1, "the second entry is interrupted");
	set_timer(0, 0);
	check(hits && H->sq_tail - H->sq_head == 1, "and still queued");
	sys(__NR_write, fds[1], "x", 1);
	check_res(batch_enter(R, 2), 1, "it is done later");
	expect(1, 0, "first");
	expect(2, 1, "second");

	/* SA_RESTART: the batch goes on by itself. */
	hits = 0;
	on_signal(SIGALRM, feed, SA_RESTART);
	put(SQE(XSC_OP_READ, fds[0], &c, 1), 1, 0);
	put(SQE(XSC_OP_NOP, 0), 2, 0);
	set_timer(20000, 0);
	check_res(batch_enter(R, 2), 2, "restarted");
	check(hits == 1 && c == 'f', "after the handler");
	expect(1, 1, "its read");
	expect(2, 0, "and the rest");

	/* A relative sleep can't be continued. */
	hits = 0;
	on_signal(SIGALRM, count, SA_RESTART);
	put(SQE(XSC_OP_NANOSLEEP, (&(struct timespec64){ 10, 0 }), 0), 1, 0);
	put(SQE(XSC_OP_NOP, 0), 2, 0);
	ticking();
	check_res(batch_enter(R, 2), 1, "an interrupted sleep is done");
	set_timer(0, 0);
	expect(1, -EINTR, "without a restart");
	check(hits && H->sq_tail - H->sq_head == 1, "and ends the batch");
	check_res(batch_enter(R, 1), 1, "the rest");
	expect(2, 0, "of it");
}

static void test_between(void)
{
	long pid = sys(__NR_getpid), tid = sys(__NR_gettid);
	unsigned long mask = SIGMASK(SIGUSR1);

	on_signal(SIGUSR1, count, 0);
	fresh();
	hits = 0;
	put(SQE(XSC_OP_NOP, 0), 1, 0);
	put(SQE_NR(__NR_tgkill, pid, tid, SIGUSR1), 2, 0);
	put(SQE(XSC_OP_NOP, 0), 3, 0);
	check_res(batch_enter(R, 3), 2, "a signal ends the batch after its entry");
	check(hits == 1 && H->sq_tail - H->sq_head == 1, "the handler ran, one is left");
	check_res(batch_enter(R, 3), 1, "which is done next");
	H->cq_head = H->cq_tail;

	/* A blocked signal does not end anything, until an entry unblocks it. */
	hits = 0;
	put(SQE_NR(__NR_rt_sigprocmask, SIG_BLOCK, &mask, 0, 8), 1, 0);
	put(SQE_NR(__NR_tgkill, pid, tid, SIGUSR1), 2, 0);
	put(SQE(XSC_OP_NOP, 0), 3, 0);
	put(SQE_NR(__NR_rt_sigprocmask, SIG_UNBLOCK, &mask, 0, 8), 4, 0);
	put(SQE(XSC_OP_NOP, 0), 5, 0);
	check_res(batch_enter(R, 5), 4, "blocked in the batch, and unblocked");
	check_res(hits, 1, "handlers run");

	/* A chain that failed, and a batch that ended meanwhile. */
	fresh();
	put(SQE_NR(__NR_tgkill, pid, tid, SIGUSR1), 1, XSC_SQE_LINK);
	put(SQE_NR(__NR_close, -1), 2, XSC_SQE_LINK);
	put(SQE_NR(__NR_getpid, 0), 3, 0);
	check_res(batch_enter(R, 3), 1, "a chain is interrupted");
	check_res(batch_enter(R, 3), 2, "and goes on");
	expect(1, 0, "first");
	expect(2, -EBADF, "second");
	expect(3, -ECANCELED, "third");
}

static int killed(void)
{
	fresh();
	put(SQE_NR(__NR_kill, sys(__NR_getpid), SIGKILL), 1, 0);
	put(SQE(XSC_OP_WRITE, fds[1], "k", 1), 2, 0);
	batch_enter(R, 2);
	return 1;
}

static void test_killed(void)
{
	char c;

	check_res(IN_CHILD(killed()), 128 + SIGKILL, "a batch that kills its process");
	sys(__NR_fcntl, fds[0], 4, O_NONBLOCK);
	check_res(sys(__NR_read, fds[0], &c, 1), -EAGAIN, "goes no further");
	sys(__NR_fcntl, fds[0], 4, 0);
}

/* Filters */

static long install(unsigned int nr, unsigned int action)
{
	struct sock_filter code[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, 0),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, nr, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, action),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	};
	struct sock_fprog prog = { 4, code };

	sys(__NR_prctl, 38 /* PR_SET_NO_NEW_PRIVS */, 1, 0, 0, 0);
	return sys(__NR_seccomp, SECCOMP_SET_MODE_FILTER, 0, &prog);
}

static int filtered(unsigned int action, long want_done, long want)
{
	long ppid = sys(__NR_getppid);

	fresh();
	put(SQE_NR(__NR_getppid, 0), 1, 0);
	if (batch_enter(R, 1) != 1 || batch_take(R, NULL) != ppid)
		return 1;
	if (install(__NR_getppid, action))
		return 2;
	put(SQE(XSC_OP_NOP, 0), 1, 0);
	put(SQE_NR(__NR_getppid, 0), 2, 0);
	put(SQE_NR(__NR_getpid, 0), 3, 0);
	if (batch_enter(R, 3) != want_done || batch_take(R, NULL) != 0)
		return 3;
	if (batch_take(R, NULL) != want)
		return 4;
	if (want_done == 2 && batch_enter(R, 1) != 1)
		return 5;
	return batch_take(R, NULL) == sys(__NR_getpid) ? 0 : 6;
}

static int filter_in_batch(void)
{
	struct sock_filter code[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, 0),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, __NR_getppid, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | 77),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	};
	struct sock_fprog prog = { 4, code };

	fresh();
	put(SQE_NR(__NR_getppid, 0), 1, 0);
	put(SQE_NR(__NR_prctl, 38, 1, 0, 0, 0), 2, 0);
	put(SQE_NR(__NR_seccomp, SECCOMP_SET_MODE_FILTER, 0, &prog), 3, 0);
	put(SQE_NR(__NR_getppid, 0), 4, 0);
	if (batch_enter(R, 4) != 4 || batch_take(R, NULL) <= 0)
		return 1;
	if (batch_take(R, NULL) || batch_take(R, NULL))
		return 2;
	return batch_take(R, NULL) == -77 ? 0 : 3;
}

struct siginfo_sys {
	int signo, err, code, pad;
	void *addr;
	int nr;
	unsigned int arch;
};

static volatile int trapped_nr;

static void trapped(int sig __attribute__((unused)), struct siginfo_sys *info)
{
	trapped_nr = info->nr;
	hits++;
}

static int filter_traps(void)
{
	int ret;

	on_signal(SIGSYS, trapped, 4 /* SA_SIGINFO */);
	hits = 0;
	ret = filtered(SECCOMP_RET_TRAP, 2, -ENOSYS);
	if (ret)
		return ret;
	return hits == 1 && trapped_nr == __NR_getppid ? 0 : 10;
}

static void test_filters(void)
{
	check_res(IN_CHILD(filtered(SECCOMP_RET_ERRNO | 55, 3, -55)), 0, "errno of a filter");
	check_res(IN_CHILD(filtered(SECCOMP_RET_ERRNO | 512, 3, -512)), 0,
		  "an errno that looks like a restart");
	check_res(IN_CHILD(filtered(SECCOMP_RET_TRACE, 3, -ENOSYS)), 0, "trace without a tracer");
	check_res(IN_CHILD(filter_traps()), 0, "a trap is done, reported and posted");
	check_res(IN_CHILD(filtered(SECCOMP_RET_KILL_PROCESS, 0, 0)), 128 + SIGSYS, "kill");
	check_res(IN_CHILD(filter_in_batch()), 0, "a filter that the batch installs");
}

/* Tracers */

static int traced_batch(void)
{
	fresh();
	put(SQE_NR(__NR_getppid, 0), 1, 0);
	put(SQE_NR(__NR_close, -1), 2, 0);
	put(SQE(XSC_OP_NOP, 0), 3, 0);
	put(SQE_NR(__NR_getpgid, 0), 4, 0);
	if (batch_enter(R, 4) != 4)
		return 1;
	/* The tracer made this 4242, and the last one a getpid. */
	if (batch_take(R, NULL) != 4242 || batch_take(R, NULL) != -EBADF)
		return 2;
	if (batch_take(R, NULL) != 0 || batch_take(R, NULL) != sys(__NR_getpid))
		return 3;
	return 0;
}

/* The child's next system call stop; false when it is none. */
static bool next_stop(long pid, struct regs *regs)
{
	int status;

	if (ptrace_(PTRACE_SYSCALL, pid, 0, 0))
		return false;
	status = wait_stop(pid);
	return status >= 0 && STOPPED(status) && STOP_SIGNAL(status) == (SIGTRAP | 0x80) &&
	       !get_regs(pid, regs);
}

/* Runs to the entry of system call nr. */
static bool until(long pid, long nr, struct regs *regs)
{
	for (int i = 0; i < 64; i++) {
		if (!next_stop(pid, regs))
			return false;
		if ((long)regs->r[REG_NR] == nr)
			return true;
		if (!next_stop(pid, regs))
			return false;
	}
	return false;
}

static void set_number(long pid, struct regs *regs, long nr)
{
#ifdef __aarch64__
	int number = nr;
	struct iovec64 iov = { &number, 4 };

	ptrace_(PTRACE_SETREGSET, pid, 0x404 /* NT_ARM_SYSTEM_CALL */, (unsigned long)&iov);
#endif
	regs->r[REG_NR] = nr;
	set_regs(pid, regs);
}

static void test_tracer(void)
{
	long pid = TRACED_CHILD(traced_batch());
	struct regs regs;
	int status;

	ptrace_(PTRACE_SETOPTIONS, pid, 0, PTRACE_O_TRACESYSGOOD);
	check(until(pid, __NR_getppid, &regs), "a tracer sees the first entry");
	check(next_stop(pid, &regs) && regs.r[REG_RESULT] == (unsigned long)sys(__NR_getpid),
	      "and its result");
	regs.r[REG_RESULT] = 4242;
	set_regs(pid, &regs);
	check(next_stop(pid, &regs) && regs.r[REG_NR] == __NR_close, "the second");
	check(next_stop(pid, &regs) && (long)regs.r[REG_RESULT] == -EBADF, "and its result");
	check(next_stop(pid, &regs) && regs.r[REG_NR] == __NR_getpgid, "the last, a nop is none");
	set_number(pid, &regs, __NR_getpid);
	check(next_stop(pid, &regs) && (long)regs.r[REG_RESULT] == pid, "changed by the tracer");
	ptrace_(PTRACE_CONT, pid, 0, 0);
	status = wait_stop(pid);
	check(status == 0, "the child saw all that: %#x", status);
	if (STOPPED(status))
		end_traced(pid);
}

static int two_entries(void)
{
	fresh();
	put(SQE_NR(__NR_getppid, 0), 1, 0);
	put(SQE_NR(__NR_getpgid, 0), 2, 0);
	batch_enter(R, 2);
	return 5;
}

static int moved(void)
{
	do_exit(33);
}

/* A tracer that sends the task elsewhere, or into another program, in the middle of a batch. */
static void test_tracer_moves(void)
{
	static char *argv[] = { "hello", NULL };
	long pid = TRACED_CHILD(two_entries());
	struct regs regs;
	int status;

	ptrace_(PTRACE_SETOPTIONS, pid, 0, PTRACE_O_TRACESYSGOOD);
	check(until(pid, __NR_getppid, &regs) && next_stop(pid, &regs), "before a move");
	regs.r[REG_PC] = (unsigned long)moved;
#ifdef __x86_64__
	regs.r[19] = (regs.r[19] & ~15UL) - 8 - 256;	/* rsp, as after a call */
#endif
	set_number(pid, &regs, -1);
	ptrace_(PTRACE_CONT, pid, 0, 0);
	status = wait_stop(pid);
	check(status == 33 << 8, "a tracer moves the task: %#x", status);
	if (STOPPED(status))
		end_traced(pid);

	pid = TRACED_CHILD(two_entries());
	ptrace_(PTRACE_SETOPTIONS, pid, 0, PTRACE_O_TRACESYSGOOD);
	check(until(pid, __NR_getppid, &regs), "before an exec");
#ifdef __x86_64__
	regs.r[14] = (unsigned long)"/tests/fixtures/hello.ring";
	regs.r[13] = (unsigned long)argv;
	regs.r[12] = 0;
#else
	regs.r[0] = (unsigned long)"/tests/fixtures/hello.ring";
	regs.r[1] = (unsigned long)argv;
	regs.r[2] = 0;
#endif
	set_number(pid, &regs, __NR_execve);
	ptrace_(PTRACE_CONT, pid, 0, 0);
	status = wait_stop(pid);
	if (STOPPED(status)) {			/* SIGTRAP of exec */
		ptrace_(PTRACE_CONT, pid, 0, 0);
		status = wait_stop(pid);
	}
	check(status == 42 << 8, "a tracer makes an entry an exec: %#x", status);
	if (STOPPED(status))
		end_traced(pid);
}

int main(void)
{
	tap_begin();
	if (!xsc_gate || sys(__NR_pipe2, fds, 0)) {
		skip("no gate", "interrupted batches");
		return tap_end();
	}
	test_interrupted();
	test_between();
	test_killed();
	test_filters();
	test_tracer();
	test_tracer_moves();
	return tap_end();
}
