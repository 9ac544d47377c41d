// SPDX-License-Identifier: GPL-2.0
/*
 * The gate has the contract of the trap instruction: values, errors, processes, threads, signals
 * and restarts, tracing, filters, credentials, in register form and in ring form. Built with
 * FORM=trap it runs on any kernel and says what the contract is. Each case leaves no child.
 */
#include "xsc_test.h"
#include "trace.h"
#include <linux/seccomp.h>
#include <linux/filter.h>
#include <linux/rseq.h>
#include <linux/audit.h>
#include <asm/ucontext.h>

#define FIXTURES "/tests/fixtures/"

static const char *form_name;
static unsigned long form_ring;		/* of the form under test, 0 or a ring */

static int pipe_fds[2];
static volatile long hits, wrong;
static volatile long parent;

static void drop_pipe(void)
{
	sys(__NR_close, pipe_fds[0]);
	sys(__NR_close, pipe_fds[1]);
}

/* Values */

static void test_values(void)
{
	unsigned long map, page = 4096;
	long fd, pid = sys(__NR_getpid);
	char *p;

	check(pid > 0 && pid == sys(__NR_gettid), "%s: getpid",
	      form_name);
	map = sys(__NR_mmap, 0, 2 * page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1,
		  0);
	check(map >> 32 && (long)map > 0, "%s: a result of more than 32 bits", form_name);
	p = (char *)map;
	p[page] = 'x';
	check(!sys(__NR_munmap, map, 2 * page), "%s: munmap of it", form_name);
	fd = sys(__NR_memfd_create, "args", 0);
	sys(__NR_ftruncate, fd, 3 * page);
	sys(__NR_pwrite64, fd, "third", 5, 2 * page);
	map = sys(__NR_mmap, 0, page, PROT_READ, MAP_SHARED, fd, 2 * page);
	check((long)map > 0 && !memcmp((char *)map, "third", 5), "%s: six arguments", form_name);
	sys(__NR_munmap, map, page);
	check_res(sys(__NR_lseek, fd, 0x123456789abL, 0), 0x123456789abL, "lseek beyond 32 bits");
	sys(__NR_close, fd);
	check_res(sys(__NR_write, -1, "x", 1), -EBADF, "write to no file");
	check_res(sys(9999), -ENOSYS, "an unknown number");
	check_res(sys(0xffffffff), -ENOSYS, "number -1");
#ifdef XSC_FORM_RING
	{
		/* in ring form the upper half is opcode and flags, and these are none */
		long r = sys(-1);

		check(r == -ENOSYS || (form_ring && r == -EINVAL), "%s: number -1 of 64 bits: %ld",
		      form_name, r);
	}
#endif
	check_res(sys(__NR_read, 0, -4096L, 1) == -ENOSYS, 0, "a bad address is no bad number");
	check_res(sys(__NR_uname, 8), -EFAULT, "a bad address");
}

/* The registers a call may change and those it may not. */
static void test_registers(void)
{
#ifdef __x86_64__
	unsigned long in[8] = { 0x1111, 0x2222, 0x3333, 0x4444, 0x5555, 0x6666, 0x7777, 0x8888 };
	unsigned long red[2];
	long result;

	/* rbx rbp r12..r15 rdi rsi rdx r8..r10 kept; the red zone below the stack pointer too */
	__asm__ volatile(
		"push %%rbx\n\tpush %%rbp\n\t"
		"mov %[ring], %%r11\n\t"
		"mov %[in], %%rax\n\t"
		"mov 0(%%rax), %%rdi\n\tmov 8(%%rax), %%rsi\n\tmov 16(%%rax), %%rdx\n\t"
		"mov 24(%%rax), %%r10\n\tmov 32(%%rax), %%r8\n\tmov 40(%%rax), %%r9\n\t"
		"mov 48(%%rax), %%r12\n\tmov 56(%%rax), %%r13\n\t"
		"movq $0x5a5a, -8(%%rsp)\n\tmovq $0x6b6b, -128(%%rsp)\n\t"
		"mov %%rax, %%rbp\n\t"
		"mov %[red], %%rbx\n\t"
		"mov %[nr], %%eax\n\t"
		"lea 901f(%%rip), %%rcx\n\tjmp *xsc_gate(%%rip)\n901:\n\t" XSC_LANDING
		"mov %%rdi, 0(%%rbp)\n\tmov %%rsi, 8(%%rbp)\n\tmov %%rdx, 16(%%rbp)\n\t"
		"mov %%r10, 24(%%rbp)\n\tmov %%r8, 32(%%rbp)\n\tmov %%r9, 40(%%rbp)\n\t"
		"mov %%r12, 48(%%rbp)\n\tmov %%r13, 56(%%rbp)\n\t"
		"mov -8(%%rsp), %%rcx\n\tmov %%rcx, 0(%%rbx)\n\t"
		"mov -128(%%rsp), %%rcx\n\tmov %%rcx, 8(%%rbx)\n\t"
		"pop %%rbp\n\tpop %%rbx\n"
		: "=&a"(result)
		: [ring] "r"(form_ring), [in] "r"(in), [red] "r"(red), [nr] "i"(__NR_getpid)
		: "rcx", "rdx", "rsi", "rdi", "r8", "r9", "r10", "r11", "r12", "r13", "memory",
		  "cc");
	check(result == sys(__NR_getpid) && in[0] == 0x1111 && in[1] == 0x2222 &&
	      in[2] == 0x3333 && in[3] == 0x4444 && in[4] == 0x5555 && in[5] == 0x6666 &&
	      in[6] == 0x7777 && in[7] == 0x8888, "%s: the other registers are kept", form_name);
	check(red[0] == 0x5a5a && red[1] == 0x6b6b, "%s: the red zone is kept", form_name);
#else
	skip("x86_64 only", "%s: the other registers are kept", form_name);
#endif
}

/* Processes and threads */

static int exec_child(const char *path, const char *arg)
{
	char *argv[] = { (char *)path, (char *)arg, NULL };

	sys(__NR_execve, path, argv, environ);
	return 99;
}

static long vfork_exec(const char *path)
{
	char *argv[] = { (char *)path, "55", NULL };
	long pid = sys(__NR_clone, CLONE_VM | CLONE_VFORK | SIGCHLD, 0, 0, 0, 0);

	if (!pid) {
		sys(__NR_execve, path, argv, environ);
		sys(__NR_exit, 98);
	}
	return pid;
}

struct thread_result {
	long tid, wide;
};

static void thread_body(void *arg)
{
	struct thread_result *r = arg;
	unsigned long map;

	r->tid = sys(__NR_gettid);
	map = sys(__NR_mmap, 0, 4096, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	r->wide = map >> 32 != 0;
	sys(__NR_munmap, map, 4096);
}

static void test_processes(void)
{
	const char *hello = FIXTURES "hello." XSC_FORM;
	struct thread_result r[4] = { { 0 } };
	struct thread t[4];
	long id[4], me = sys(__NR_getpid);
	char *none[] = { "x", NULL };
	bool good = true;
	int i;

	check_res(IN_CHILD(sys(__NR_getppid) == me ? 42 : 1), 42, "fork: the child's exit code");
	check_res(reap(vfork_exec(hello)), 55, "vfork and execve");
	check_res(IN_CHILD(exec_child(hello, "7")), 7, "execve");
	check_res(sys(__NR_execve, "/nonexistent", none, environ), -ENOENT, "execve of nothing");
	check_res(sys(__NR_execve, "/proc/version", none, environ), -EACCES,
		  "execve of what may not run");
	for (i = 0; i < 4; i++)
		id[i] = thread_start(&t[i], thread_body, &r[i], i & 1);
	for (i = 0; i < 4; i++)
		good = thread_join(&t[i]) && id[i] > 0 && r[i].tid == id[i] && r[i].wide && good;
	check(good, "%s: four threads, half of them with a ring, joined by futex", form_name);
	check_res(sys(__NR_wait4, -1, 0, 0, 0), -ECHILD, "no child left");
}

/* Signals */

static void write_byte(int sig)
{
	(void)sig;
	hits++;
	sys(__NR_write, pipe_fds[1], "Z", 1);
}

static void count_only(int sig)
{
	(void)sig;
	hits++;
}

static void nested_calls(int sig)
{
	(void)sig;
	hits++;
	wrong += sys(__NR_getppid) != parent;
	wrong += sys(__NR_write, -1, 0, 0) != -EBADF;
}

static int sleep_whole(unsigned long ms)
{
	struct timespec64 ts = { 0, ms * 1000000 };
	unsigned long begin = now_ns();
	long r = sys(__NR_nanosleep, &ts, 0);

	return r ? 34 : now_ns() - begin < ms * 1000000 ? 35 : 33;
}

static void test_restarts(void)
{
	struct timespec64 short_time = { 0, 30000000 }, left = { 9, 9 };
	unsigned int word = 0;
	char c = 0;
	long pid, r;

	sys(__NR_pipe2, pipe_fds, 0);
	hits = 0;
	on_signal(SIGALRM, write_byte, SA_RESTART);
	set_timer(50000, 0);
	r = sys(__NR_read, pipe_fds[0], &c, 1);
	check(r == 1 && c == 'Z' && hits == 1, "%s: SA_RESTART: read begins again (%ld, %ld)",
	      form_name, r, hits);
	/* Again and again: on a slow machine the first may come before there is a wait. */
	on_signal(SIGALRM, count_only, 0);
	set_timer(50000, 50000);
	check_res(sys(__NR_read, pipe_fds[0], &c, 1), -EINTR, "without SA_RESTART: EINTR");
	on_signal(SIGALRM, count_only, SA_RESTART);
	check_res(sys(__NR_ppoll, 0, 0, 0, 0, 0), -EINTR, "ppoll does not begin again");
	short_time.tv_nsec = 300000000;
	r = sys(__NR_nanosleep, &short_time, &left);
	check(r == -EINTR && !left.tv_sec && left.tv_nsec > 0 && left.tv_nsec < 300000000,
	      "%s: nanosleep: EINTR and the rest", form_name);
	short_time.tv_nsec = 300000000;
	check_res(sys(__NR_futex, &word, FUTEX_WAIT, 0, &short_time, 0, 0), -EINTR,
		  "futex with a time limit");
	set_timer(0, 0);
	drop_pipe();

	/* a restart block: stop and continue, no handler */
	pid = do_fork();
	if (!pid)
		do_exit(sleep_whole(400));
	sleep_ms(100);
	sys(__NR_kill, pid, SIGSTOP);
	sleep_ms(100);
	sys(__NR_kill, pid, SIGCONT);
	check_res(reap(pid), 33, "nanosleep goes on after stop and continue");
}

#ifndef XSC_FORM_TRAP
#ifdef __x86_64__
#define CONTEXT_PC(c)	((c)->uc_mcontext.rip)
#define GATE_RESTART	4
#define GATE_LAND	6
#else
#define CONTEXT_PC(c)	((c)->uc_mcontext.pc)
#define GATE_RESTART	4
#define GATE_LAND	8
#endif

static volatile unsigned long interrupted_at;

static void note_place(int sig, void *info, struct ucontext *context)
{
	(void)sig;
	(void)info;
	interrupted_at = CONTEXT_PC(context);
	sys(__NR_write, pipe_fds[1], "Z", 1);
}

/* What a handler sees of the call it interrupts is ABI: a libc's cancellation reads it. */
static void test_places(void)
{
	struct timespec64 long_time = { 2, 0 };
	char c = 0;

	sys(__NR_pipe2, pipe_fds, 0);
	on_signal(SIGALRM, note_place, SA_RESTART | SA_SIGINFO);
	set_timer(300000, 0);
	sys(__NR_read, pipe_fds[0], &c, 1);
	check_res(interrupted_at - xsc_gate, GATE_RESTART, "a call that begins again is at the restart");
	set_timer(300000, 0);
	check_res(sys(__NR_nanosleep, &long_time, 0), -EINTR, "a call that was interrupted");
	check_res(interrupted_at - xsc_gate, GATE_LAND, "and has a result is at the landing");
	drop_pipe();
}
#endif

static void test_nested(void)
{
	unsigned long end = now_ms() + 1500, calls = 0;
	long bad = 0, me = sys(__NR_getpid);
	int i;

	parent = sys(__NR_getppid);
	hits = wrong = 0;
	on_signal(SIGALRM, nested_calls, SA_RESTART);
	set_timer(500, 500);
	while (now_ms() < end) {
		for (i = 0; i < 50; i++, calls += 2) {
			bad += sys(__NR_getpid) != me;
			bad += sys(__NR_write, -1, 0, 0) != -EBADF;
		}
	}
	set_timer(0, 0);
	check(!bad && !wrong && hits > 20,
	      "%s: a handler that calls, 2000 times a second: %ld signals, %ld and %ld wrong of %lu",
	      form_name, hits, bad, wrong, calls);
}

static void test_signal_details(void)
{
	unsigned long mask = 0, old = 0;
	int status, fds[2];
	long pid;

	hits = 0;
	on_signal(SIGUSR1, count_only, 0);
	set_signal_mask(SIG_BLOCK, SIGMASK(SIGUSR1), &old);
	sys(__NR_kill, sys(__NR_getpid), SIGUSR1);
	check(!hits && !sys(__NR_rt_sigpending, &mask, 8) && mask & SIGMASK(SIGUSR1),
	      "%s: a blocked signal is pending", form_name);
	set_signal_mask(SIG_SETMASK, old, NULL);
	check_res(hits, 1, "and comes when it is let through, before the call returns");
	mask = 0;
	set_signal_mask(SIG_BLOCK, SIGMASK(SIGUSR1), &old);
	sys(__NR_kill, sys(__NR_getpid), SIGUSR1);
	check_res(sys(__NR_rt_sigsuspend, &mask, 8), -EINTR, "sigsuspend");
	check_res(hits, 2, "sigsuspend: the handler ran");
	set_signal_mask(SIG_SETMASK, old, NULL);

	/* job control; a child that has ended is no longer one that was continued, so it waits for us */
	sys(__NR_pipe2, fds, 0);
	pid = do_fork();
	if (!pid) {
		char byte;

		sys(__NR_close, fds[1]);
		sys(__NR_setpgid, 0, 0);	/* not an orphaned group: it would not stop */
		sys(__NR_kill, sys(__NR_getpid), SIGTSTP);
		sys(__NR_read, fds[0], &byte, 1);
		do_exit(3);
	}
	sys(__NR_close, fds[0]);
	check(wait_for(pid, &status, WUNTRACED) == pid && STOPPED(status) &&
	      STOP_SIGNAL(status) == SIGTSTP, "%s: SIGTSTP stops", form_name);
	sys(__NR_kill, pid, SIGCONT);
	check(wait_for(pid, &status, WCONTINUED) == pid && status == 0xffff,
	      "%s: SIGCONT continues", form_name);
	sys(__NR_close, fds[1]);
	check_res(reap(pid), 3, "and the child ends");
	check_res(IN_CHILD(sys(__NR_kill, sys(__NR_getpid), SIGKILL)), 128 + SIGKILL, "SIGKILL");
}

/* Tracing */

#if defined(__x86_64__)
#define AUDIT_ARCH_OURS AUDIT_ARCH_X86_64
#else
#define AUDIT_ARCH_OURS AUDIT_ARCH_AARCH64
#endif

static int traced_calls(void)
{
	sys(__NR_lseek, -1, 0x1111, 7);
	return sys(__NR_getuid) == 77 ? 5 : 6;
}

static void test_ptrace(void)
{
	int entries = 0, exits = 0, infos = 0, seen_pc = 0, status;
	long pid = TRACED_CHILD(traced_calls());
	struct ptrace_syscall_info info;
	struct regs regs;

	ptrace_(PTRACE_SETOPTIONS, pid, 0, PTRACE_O_TRACESYSGOOD);
	for (;;) {
		ptrace_(PTRACE_SYSCALL, pid, 0, 0);
		status = wait_stop(pid);
		if (status < 0 || !STOPPED(status))
			break;
		if (STOP_SIGNAL(status) != (SIGTRAP | 0x80))
			continue;
		memset(&info, 0, sizeof(info));
		ptrace_(PTRACE_GET_SYSCALL_INFO, pid, sizeof(info), (unsigned long)&info);
		get_regs(pid, &regs);
		if (regs.r[REG_NR] == __NR_getuid) {
			if (info.op == PTRACE_SYSCALL_INFO_ENTRY)
				entries++;
			if (info.op == PTRACE_SYSCALL_INFO_EXIT) {
				exits++;
				regs.r[REG_RESULT] = 77;	/* what strace's inject does */
				set_regs(pid, &regs);
			}
		}
		if (regs.r[REG_NR] != __NR_lseek)
			continue;
		if (info.op == PTRACE_SYSCALL_INFO_ENTRY)
			infos += info.arch == AUDIT_ARCH_OURS && info.entry.nr == __NR_lseek &&
				 (long)info.entry.args[0] == -1 && info.entry.args[1] == 0x1111 &&
				 info.entry.args[2] == 7;
		if (info.op == PTRACE_SYSCALL_INFO_EXIT)
			infos += info.exit.rval == -EBADF && info.exit.is_error;
#ifdef XSC_FORM_RING
		seen_pc += info.instruction_pointer - xsc_gate < 0x100;
#else
		seen_pc++;
#endif
	}
	check(entries == 1 && exits == 1, "%s: ptrace: one stop before, one after (%d, %d)",
	      form_name, entries, exits);
	check(infos == 2, "%s: PTRACE_GET_SYSCALL_INFO: number, arguments, result", form_name);
	check(seen_pc == 2, "%s: the program counter is the gate's at both", form_name);
	check(status == 5 << 8, "%s: a tracer's result is what the program gets (%#x)", form_name,
	      status);
}

static int skipped_call(void)
{
	return sys(__NR_exit_group, 9) == -38 ? 11 : 12;
}

/* A tracer turns a call into none, and into another one. */
static void test_ptrace_change(void)
{
	long pid = TRACED_CHILD(skipped_call());
	struct regs regs;
	int status, done = 0;

	ptrace_(PTRACE_SETOPTIONS, pid, 0, PTRACE_O_TRACESYSGOOD);
	for (;;) {
		ptrace_(PTRACE_SYSCALL, pid, 0, 0);
		status = wait_stop(pid);
		if (status < 0 || !STOPPED(status))
			break;
		get_regs(pid, &regs);
		if (regs.r[REG_NR] != __NR_exit_group || done)
			continue;
		done = 1;
#if defined(__x86_64__)
		regs.r[REG_NR] = -1;
		set_regs(pid, &regs);
#else
		{
			int none = -1;
			struct iovec64 iov = { &none, sizeof(none) };

			ptrace_(PTRACE_SETREGSET, pid, NT_ARM_SYSTEM_CALL, (unsigned long)&iov);
		}
#endif
	}
#if defined(__x86_64__)
	check(status == 11 << 8, "%s: a tracer skips a call (%#x)", form_name, status);
#else
	/* the result register is the first argument then: arm64's own rule */
	check(status == 12 << 8 || status == 11 << 8, "%s: a tracer skips a call (%#x)",
	      form_name, status);
#endif
}

static void test_proc_syscall(void)
{
	char path[64], text[256], want[64];
	long pid, len;
	int i;

	sys(__NR_pipe2, pipe_fds, 0);
	pid = do_fork();
	if (!pid) {
		char c;

		sys(__NR_read, pipe_fds[0], &c, 0x31);
		do_exit(0);
	}
	format(path, sizeof(path), "/proc/%ld/syscall", pid);
	format(want, sizeof(want), "%d 0x%x ", __NR_read, pipe_fds[0]);
	for (i = 0; i < 100; i++) {
		sleep_ms(10);
		len = read_file(path, text, sizeof(text));
		if (len < 0 || !strncmp(text, want, strlen(want)))
			break;
	}
	if (len == -ENOENT)
		skip("no /proc/<pid>/syscall", "%s: /proc/<pid>/syscall", form_name);
	else
		check(!strncmp(text, want, strlen(want)) && find_text(text, " 0x31 "),
		      "%s: /proc/<pid>/syscall of a blocked call: %.40s", form_name, text);
	sys(__NR_kill, pid, SIGKILL);
	reap(pid);
	drop_pipe();
}

/* Filters, credentials */

static long filter(struct sock_filter *f, unsigned short len)
{
	struct sock_fprog prog = { len, f };

	sys(__NR_prctl, 38 /* PR_SET_NO_NEW_PRIVS */, 1, 0, 0, 0);
	return sys(__NR_seccomp, SECCOMP_SET_MODE_FILTER, 0, &prog);
}

static volatile int sys_nr, sys_code;
static void *volatile sys_addr;

static void on_sigsys(int sig, siginfo_t *info, void *context)
{
	(void)sig;
	(void)context;
	hits++;
	sys_nr = info->_sifields._sigsys._syscall;
	sys_addr = info->_sifields._sigsys._call_addr;
	sys_code = info->si_code;
}

static int filtered(void)
{
	struct sock_filter f[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, 4),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, AUDIT_ARCH_OURS, 1, 0),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_KILL_PROCESS),
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, 0),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, __NR_getppid, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EACCES),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, __NR_getgid, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_TRAP),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, __NR_setuid, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_KILL_PROCESS),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	};

	on_signal(SIGSYS, on_sigsys, SA_SIGINFO);
	if (filter(f, sizeof(f) / sizeof(*f)))
		return 90;
	if (sys(__NR_getppid) != -EACCES)
		return 91;
	if (sys(__NR_getpid) <= 0)
		return 92;
	hits = 0;
	sys(__NR_getgid);
	if (hits != 1 || sys_nr != __NR_getgid || sys_code != 1 /* SYS_SECCOMP */)
		return 94;
#ifdef XSC_FORM_RING
	if ((unsigned long)sys_addr - xsc_gate >= 0x100)
		return 95;
#endif
	sys(__NR_setuid, 0);
	return 93;
}

static void test_seccomp_credentials(void)
{
	check_res(IN_CHILD(filtered()), 128 + SIGSYS, "seccomp: errno, trap, then kill");
	if (sys(__NR_getuid)) {
		skip("not root", "%s: setuid in the own task", form_name);
		return;
	}
	check_res(IN_CHILD((sys(__NR_setuid, 1000), sys(__NR_getuid) == 1000 &&
			    sys(__NR_setuid, 0) == -EPERM ? 61 : 1)), 61, "setuid in the own task");
}

/* What the kernel keeps for a task */

static struct rseq rseq_area __attribute__((aligned(32)));

static void test_registered(void)
{
	struct {
		struct { void *next; } list;
		long offset;
		void *pending;
	} *head;
	unsigned int *lock;
	unsigned long shared;
	long pid, r;

	rseq_area.cpu_id = (unsigned int)-1;
	r = sys(__NR_rseq, &rseq_area, 32, 0, 0x53053053);
	sys(__NR_sched_yield);
	check(!r && (int)rseq_area.cpu_id >= 0, "%s: rseq is registered and kept (%ld, cpu %d)",
	      form_name, r, (int)rseq_area.cpu_id);
	sys(__NR_rseq, &rseq_area, 32, 1, 0x53053053);

	shared = sys(__NR_mmap, 0, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	head = (void *)shared;
	lock = (unsigned int *)(shared + 256 + 16);
	pid = do_fork();
	if (!pid) {
		*(void **)(shared + 256) = head;	/* one entry, then the head again */
		head->list.next = (void *)(shared + 256);
		head->offset = 16;
		head->pending = NULL;
		sys(__NR_set_robust_list, head, sizeof(*head));
		*lock = sys(__NR_gettid);
		do_exit(0);
	}
	reap(pid);
	check(*lock & FUTEX_OWNER_DIED, "%s: a robust futex of a dead owner: %#x", form_name,
	      *lock);
	sys(__NR_munmap, shared, 4096);
}

static void test_core(void)
{
	unsigned long limit[2] = { 64 << 20, 64 << 20 };
	char magic[8] = "";
	int status;
	long pid, fd;

	if (sys(__NR_getpid) != 1 && sys(__NR_getuid)) {
		skip("not root", "%s: core dump", form_name);
		return;
	}
	sys(__NR_mkdirat, AT_FDCWD, "/tmp/core-dir", 0700);
	pid = do_fork();
	if (!pid) {
		sys(__NR_chdir, "/tmp/core-dir");
		sys(__NR_prlimit64, 0, 4 /* RLIMIT_CORE */, limit, 0);
		sys(__NR_kill, sys(__NR_getpid), SIGSEGV);
		do_exit(1);
	}
	status = wait_status(pid);
	fd = sys(__NR_openat, AT_FDCWD, "/tmp/core-dir/core", O_RDONLY);
	if (fd >= 0)
		sys(__NR_read, fd, magic, 4);
	if (read_file("/proc/sys/kernel/core_pattern", (char[64]){ 0 }, 64) < 0)
		skip("no core dumps in this kernel", "%s: core dump", form_name);
	else
		check((status & 0xff) == (SIGSEGV | 0x80) && (fd < 0 || !memcmp(magic, "\177ELF", 4)),
		      "%s: core dump (%#x)", form_name, status);
	sys(__NR_close, fd);
	sys(__NR_unlinkat, AT_FDCWD, "/tmp/core-dir/core", 0);
	sys(__NR_unlinkat, AT_FDCWD, "/tmp/core-dir", 0x200 /* AT_REMOVEDIR */);
}

static void all_tests(const char *name, unsigned long ring)
{
	form_name = name;
	form_ring = ring;
	xsc_use_ring(ring);
	test_values();
	if (xsc_gate)
		test_registers();
	test_processes();
	test_restarts();
#ifndef XSC_FORM_TRAP
	test_places();
#endif
	test_nested();
	test_signal_details();
	test_ptrace();
	test_ptrace_change();
	test_proc_syscall();
	test_seccomp_credentials();
	test_registered();
	test_core();
}

int main(void)
{
	tap_begin();
	all_tests("register", 0);
	all_tests("ring", xsc_ring());
	return tap_end();
}
