// SPDX-License-Identifier: GPL-2.0
/*
 * The guard: a trap instruction ends an XSC program with SIGSYS, whatever it does about the
 * signal, and leaves records; so does a doorbell rung from elsewhere; nobody can write to the
 * doorbell's page. The instructions are made at run time: this file holds none. Invariant:
 * each forbidden thing is done by a child of its own.
 */
#include "xsc_test.h"
#include "trace.h"
#include "kmsg.h"

struct trap {
	const char *name;
	unsigned char code[16];		/* inverted */
	unsigned int at;		/* offset of the trap instruction */
};

#define INV(x)	((unsigned char)~(x))

static const struct trap traps[] = {
#if defined(__x86_64__)
	/* endbr64; mov $39, %eax; TRAP; ret */
	{ "syscall", { INV(0xf3), INV(0x0f), INV(0x1e), INV(0xfa), INV(0xb8), INV(39), INV(0),
		       INV(0), INV(0), INV(0x0f), INV(0x05), INV(0xc3) }, 9 },
	{ "sysenter", { INV(0xf3), INV(0x0f), INV(0x1e), INV(0xfa), INV(0xb8), INV(39), INV(0),
			INV(0), INV(0), INV(0x0f), INV(0x34), INV(0xc3) }, 9 },
	{ "int 0x80", { INV(0xf3), INV(0x0f), INV(0x1e), INV(0xfa), INV(0xb8), INV(39), INV(0),
			INV(0), INV(0), INV(0xcd), INV(0x80), INV(0xc3) }, 9 },
#define TRAP_NR 39
#else
	/* hint #34; mov x8, #172; svc; ret */
	{ "svc #0", { INV(0x5f), INV(0x24), INV(0x03), INV(0xd5), INV(0x88), INV(0x15), INV(0x80),
		      INV(0xd2), INV(0x01), INV(0x00), INV(0x00), INV(0xd4), INV(0xc0), INV(0x03),
		      INV(0x5f), INV(0xd6) }, 8 },
	{ "svc #1", { INV(0x5f), INV(0x24), INV(0x03), INV(0xd5), INV(0x88), INV(0x15), INV(0x80),
		      INV(0xd2), INV(0x21), INV(0x00), INV(0x00), INV(0xd4), INV(0xc0), INV(0x03),
		      INV(0x5f), INV(0xd6) }, 8 },
#define TRAP_NR 172
#endif
};

#define NR_TRAPS	(sizeof(traps) / sizeof(traps[0]))

/* The address of a function that executes the trap, or 0. */
static unsigned long make_trap(const struct trap *t)
{
	unsigned long map = sys(__NR_mmap, 0, 4096, PROT_READ | PROT_WRITE,
				MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	unsigned char *p = (unsigned char *)map;
	size_t i;

	if (map > -4096UL)
		return 0;
	for (i = 0; i < sizeof(t->code); i++)
		p[i] = ~t->code[i];
	if (sys(__NR_mprotect, map, 4096, PROT_READ | PROT_EXEC))
		return 0;
	__builtin___clear_cache((char *)p, (char *)p + sizeof(t->code));
	return map;
}

static int call_trap(unsigned long fn)
{
	((long (*)(void))fn)();
	return 7;
}

static void ignore_it(int sig)
{
	(void)sig;
}

static int call_handled(unsigned long fn)
{
	on_signal(SIGSYS, ignore_it, SA_RESTART);
	return call_trap(fn);
}

static int call_blocked(unsigned long fn)
{
	struct ksigaction ign = { (void *)1 /* SIG_IGN */, 0, 0, 0 };

	sys(__NR_rt_sigaction, SIGSYS, &ign, 0, 8);
	set_signal_mask(SIG_BLOCK, SIGMASK(SIGSYS), NULL);
	return call_trap(fn);
}

/* With a SIGSYS of its own making queued, which must not take the place of the kernel's. */
static int call_pending(unsigned long fn)
{
	set_signal_mask(SIG_BLOCK, SIGMASK(SIGSYS), NULL);
	sys(__NR_tgkill, sys(__NR_getpid), sys(__NR_gettid), SIGSYS);
	return call_trap(fn);
}

static void trap_thread(void *arg)
{
	call_trap((unsigned long)arg);
}

static int call_in_thread(unsigned long fn)
{
	struct thread t;

	thread_start(&t, trap_thread, (void *)fn, true);
	thread_join(&t);
	return 7;
}

/* The line of the log that tells of it, and the audit record. */
static void check_records(long log, const char *what, const char *reason)
{
	char text[1024], comm[64];
	long again = kmsg_begin();

	sys(__NR_close, again);
	format(comm, sizeof(comm), "reason=%s", reason);
	if (!has_audit()) {
		skip("no audit in this kernel", "%s: audit record", what);
		sys(__NR_close, log);
		return;
	}
	check(kmsg_has(log, "op=xsc-trap", comm, text, sizeof(text)), "%s: audit record: %.160s",
	      what, text);
}

/* The siginfo in the core file of a child, or false without a file. */
static bool core_siginfo(const char *path, siginfo_t *info)
{
	static char core[256 << 10];
	long fd = sys(__NR_openat, AT_FDCWD, path, O_RDONLY | O_CLOEXEC), len = 0, n, i;
	Elf64_Ehdr *eh = (Elf64_Ehdr *)core;

	if (fd < 0)
		return false;
	while (len < (long)sizeof(core) &&
	       (n = sys(__NR_read, fd, core + len, sizeof(core) - len)) > 0)
		len += n;
	sys(__NR_close, fd);
	if (len < (long)sizeof(*eh) || memcmp(core, "\177ELF", 4))
		return false;
	for (i = 0; i < eh->e_phnum; i++) {
		Elf64_Phdr *ph = (Elf64_Phdr *)(core + eh->e_phoff) + i;
		unsigned long at = ph->p_offset, end = at + ph->p_filesz;

		while (ph->p_type == PT_NOTE && at + sizeof(Elf64_Nhdr) < end &&
		       end <= (unsigned long)len) {
			Elf64_Nhdr *note = (Elf64_Nhdr *)(core + at);
			unsigned long desc = at + sizeof(*note) + ((note->n_namesz + 3) & ~3U);

			if (note->n_type == 0x53494749 /* NT_SIGINFO */) {
				memcpy(info, core + desc, sizeof(*info));
				return true;
			}
			at = desc + ((note->n_descsz + 3) & ~3U);
		}
	}
	return false;
}

#define CORE_DIR	"/tmp/guard-core"
#define CORE_PATTERN	"/proc/sys/kernel/core_pattern"

static int dump_core(int (*call)(unsigned long), unsigned long fn)
{
	unsigned long limit[2] = { 64 << 20, 64 << 20 };

	sys(__NR_chdir, CORE_DIR);
	sys(__NR_prlimit64, 0, 4 /* RLIMIT_CORE */, limit, 0);
	return call(fn);
}

static void test_core(const struct trap *t, int (*call)(unsigned long), unsigned long fn)
{
	siginfo_t info;
	long pid;
	int status;

	memset(&info, 0, sizeof(info));
	sys(__NR_mkdirat, AT_FDCWD, CORE_DIR, 0700);
	pid = do_fork();
	if (!pid)
		do_exit(dump_core(call, fn));
	status = wait_status(pid);
	check((status & 0xff) == (SIGSYS | 0x80), "%s: a core is dumped (%#x)", t->name, status);
	check(core_siginfo(CORE_DIR "/core", &info) && info.si_signo == SIGSYS &&
	      info.si_code == 2 /* SYS_USER_DISPATCH */, "%s: the core's siginfo: signal %d code %d",
	      t->name, info.si_signo, info.si_code);
	check((unsigned long)info._sifields._sigsys._call_addr == fn + t->at,
	      "%s: si_call_addr %p (want %#lx)", t->name, info._sifields._sigsys._call_addr,
	      fn + t->at);
	check_res(info._sifields._sigsys._syscall, TRAP_NR, "si_syscall");
	sys(__NR_unlinkat, AT_FDCWD, CORE_DIR "/core", 0);
	sys(__NR_unlinkat, AT_FDCWD, CORE_DIR, 0x200 /* AT_REMOVEDIR */);
}

/* A tracer sees the end, and perhaps (if the kernel asks it) the signal before that. */
static void test_traced(const struct trap *t, unsigned long fn)
{
	long pid = TRACED_CHILD(call_trap(fn));
	unsigned long message = 0;
	struct regs regs = { 0 };
	int status;

	ptrace_(PTRACE_SETOPTIONS, pid, 0, PTRACE_O_TRACEEXIT);
	ptrace_(PTRACE_CONT, pid, 0, 0);
	status = wait_stop(pid);
	if (STOPPED(status) && status >> 8 == SIGSYS) {
		siginfo_t info;

		memset(&info, 0, sizeof(info));
		ptrace_(PTRACE_GETSIGINFO, pid, 0, (unsigned long)&info);
		check((unsigned long)info._sifields._sigsys._call_addr == fn + t->at,
		      "%s: the tracer's si_call_addr", t->name);
		ptrace_(PTRACE_CONT, pid, 0, SIGSYS);
		status = wait_stop(pid);
	}
	ptrace_(PTRACE_GETEVENTMSG, pid, 0, (unsigned long)&message);
	get_regs(pid, &regs);
	check(status >> 8 == (SIGTRAP | PTRACE_EVENT_EXIT << 8) && (message & 0x7f) == SIGSYS,
	      "%s: a tracer sees the end by SIGSYS (%#x, %#lx)", t->name, status, message);
	check(regs.r[REG_PC] - (fn + t->at) <= 4, "%s: the program counter is at it: %#lx", t->name,
	      regs.r[REG_PC]);
	ptrace_(PTRACE_CONT, pid, 0, 0);
	status = wait_stop(pid);
	check((status & 0x7f) == SIGSYS, "%s: and it ends (%#x)", t->name, status);
	if (STOPPED(status))
		end_traced(pid);
}

static void test_trap(const struct trap *t)
{
	unsigned long fn = make_trap(t);
	long log = kmsg_begin();

	int end;

	if (!check(fn != 0, "%s: the instruction is in memory", t->name))
		return;
	end = IN_CHILD(call_trap(fn));
	if (end == 128 + SIGILL) {
		/* sysenter in a 64-bit program on a processor by AMD */
		skip("no such instruction on this processor", "%s: SIGILL", t->name);
		sys(__NR_close, log);
		return;
	}
	check(end == 128 + SIGSYS, "%s: SIGSYS", t->name);
	check_records(log, t->name, "trap-instruction");
	check(IN_CHILD(call_handled(fn)) == 128 + SIGSYS, "%s: a handler does not save it",
	      t->name);
	check(IN_CHILD(call_blocked(fn)) == 128 + SIGSYS,
	      "%s: ignoring and blocking do not save it", t->name);
	check(IN_CHILD(call_in_thread(fn)) == 128 + SIGSYS, "%s: in a thread: the process ends",
	      t->name);
	check(IN_CHILD(IN_CHILD(call_trap(fn))) == 128 + SIGSYS, "%s: a grandchild is guarded",
	      t->name);
	test_core(t, call_trap, fn);
	test_core(t, call_pending, fn);
	test_traced(t, fn);
}

/* The doorbell's page: the one before the vDSO. */
static unsigned long doorbell(void)
{
	unsigned long vdso = getauxval(33 /* AT_SYSINFO_EHDR */);

	return vdso ? vdso - 4096 : 0;
}

static int ring_it(unsigned long address)
{
	*(volatile unsigned int *)address = TRAP_NR;
	return 7;
}

/* Linux splits no special map, so this fails; were it to succeed, the gate would stop at ud2. */
static int cover_it(unsigned long address)
{
	sys(__NR_mmap, address, 4096, PROT_READ | PROT_WRITE,
	    MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED | 0x8000 /* MAP_POPULATE */, -1, 0);
	return sys(__NR_getpid) > 0 ? 7 : 8;
}

/* By the gate, which is in what moves: the call lands where the vDSO is then. */
static int move_vdso(void)
{
	unsigned long from = getauxval(33 /* AT_SYSINFO_EHDR */), size = 4096;
	unsigned long to = 0x3000000000;

	/* Two pages and more need all of it. */
	while (sys(__NR_mremap, from, size, size, 3 /* MAYMOVE | FIXED */, to) != (long)to)
		if ((size += 4096) > 64 << 10)
			return 5;
	xsc_gate += to - from;
	return sys(__NR_getpid) > 0 ? 3 : 4;
}

static void test_doorbell(void)
{
	unsigned long bell = doorbell(), r;
	struct iovec64 local, remote;
	long log = kmsg_begin(), fd, pid;
	int p[2], value = 1;

	check(IN_CHILD(ring_it(bell)) == 128 + SIGSYS, "doorbell: a store from elsewhere: SIGSYS");
	check_records(log, "doorbell", "foreign-doorbell");
	check(IN_CHILD(ring_it(bell + 4092)) == 128 + SIGSYS, "doorbell: anywhere in the page");
	check(sys(__NR_mprotect, bell, 4096, PROT_READ | PROT_WRITE) < 0,
	      "doorbell: mprotect does not make it writable");
	r = sys(__NR_mremap, bell, 4096, 4096, 1 /* MREMAP_MAYMOVE */, 0);
	check(r > -4096UL || r == bell, "doorbell: mremap does not move it (%ld)", (long)r);
	check(gate_call(0, __NR_getpid, 0, 0, 0, 0, 0, 0) == sys(__NR_gettid),
	      "doorbell: the gate still works");
	sys(__NR_pipe2, p, 0);
	sys(__NR_write, p[1], "x", 1);
	check_res(sys(__NR_read, p[0], bell, 1), -EFAULT, "doorbell: read() into it");
	sys(__NR_close, p[0]);
	sys(__NR_close, p[1]);
	local.base = &value;
	local.len = 4;
	remote.base = (void *)bell;
	remote.len = 4;
	r = sys(__NR_process_vm_writev, sys(__NR_getpid), &local, 1, &remote, 1, 0);
	check_res(r, -EFAULT, "doorbell: process_vm_writev");
	fd = sys(__NR_openat, AT_FDCWD, "/proc/self/mem", O_RDWR | O_CLOEXEC);
	check(fd >= 0 && sys(__NR_pwrite64, fd, &value, 4, bell) < 0, "doorbell: /proc/self/mem");
	sys(__NR_close, fd);
	pid = TRACED_CHILD(0);
	check(ptrace_(PTRACE_POKEDATA, pid, bell, 1) < 0, "doorbell: PTRACE_POKEDATA");
	end_traced(pid);
	check_res(IN_CHILD((sys(__NR_munmap, bell, 4096), sys(__NR_getpid) > 0 ? 3 : 4)), 3,
		  "doorbell: munmap does not stop the gate");
	check_res(IN_CHILD(cover_it(bell)), 7, "doorbell: nor is memory put in its place");
	check_res(IN_CHILD(move_vdso()), 3, "doorbell: the vDSO moved by the gate, and the gate with it");
}

static int exec_of(const char *path)
{
	char *argv[] = { (char *)path, "31", NULL };
	long r = sys(__NR_execve, path, argv, environ);

	return r == -ENOEXEC ? 98 : 99;
}

/* What others may do below a vDSO is theirs; what the note demands is refused, not dropped. */
static void test_others(void)
{
	if (!strcmp(xsc_mode(), "strict"))
		skip("the mode is strict", "memory at the doorbell of an un-noted program");
	else
		check_res(IN_CHILD(exec_of("/tests/fixtures/doorbell_memory.trap")), 7,
			  "doorbell: an un-noted program may have memory there");
	check_res(IN_CHILD(exec_of("/tests/fixtures/doorbell_memory.ring")), 128 + SIGSYS,
		  "doorbell: a store to memory in its place: SIGSYS");
	check_res(IN_CHILD(exec_of("/tests/fixtures/interp_cfi.ring")), 98,
		  "cfi: refused with an interpreter without the note");
}

/* What a program may know of another through its ring. */
static void test_ring_memory(void)
{
	char *argv[] = { "/tests/fixtures/exec_state.ring", NULL };
	unsigned long ring = xsc_exec_ring;
	long pid;

	if (!check(ring && ring % XSC_RING_SIZE == 0, "ring: mapped at exec, aligned: %#lx", ring))
		return;
	check((xsc_abi & 0xffff) == XSC_ABI && xsc_abi & XSC_ABI_GUARD, "ring: AT_XSC_ABI %#lx",
	      xsc_abi);
	memset((void *)(ring + XSC_RING_SQES), 0x5a, XSC_RING_SIZE - XSC_RING_SQES);
	pid = do_fork();
	if (!pid) {
		unsigned long *p = (unsigned long *)(ring + XSC_RING_SQES), bits = 0;
		size_t i;

		for (i = 0; i < (XSC_RING_SIZE - XSC_RING_SQES) / 8; i++)
			bits |= p[i];
		do_exit(bits ? 1 : 0);
	}
	check_res(reap(pid), 0, "ring: empty in a forked child");
	check(*(unsigned char *)(ring + XSC_RING_SQES) == 0x5a, "ring: the parent's is as it was");
	pid = do_fork();
	if (!pid) {
		memset((void *)(ring + XSC_RING_SQES), 0x5a, XSC_RING_SIZE - XSC_RING_SQES);
		sys(__NR_execve, argv[0], argv, environ);
		do_exit(99);
	}
	check_res(reap(pid), 0, "ring: empty after exec");
	memset((void *)(ring + XSC_RING_SQES), 0, XSC_RING_SIZE - XSC_RING_SQES);
}

int main(void)
{
	char pattern[128];
	size_t i;

	tap_begin();
	if (!(xsc_abi & XSC_ABI_GUARD)) {
		skip("this program is not guarded (xsc=off?)", "guard");
		return tap_end();
	}
	/* no line of the log for a fault that is meant: init counts these */
	write_file("/proc/sys/debug/exception-trace", "0");
	read_file(CORE_PATTERN, pattern, sizeof(pattern));
	write_file(CORE_PATTERN, "core");
	for (i = 0; i < NR_TRAPS; i++)
		test_trap(&traps[i]);
	test_doorbell();
	test_others();
	test_ring_memory();
	if (!strcmp(xsc_mode(), "permissive"))
		check_res(IN_CHILD(exec_of("/tests/fixtures/hello.trap")), 31, "permissive: an un-noted program runs unguarded");
	else
		skip(xsc_mode(), "permissive: an un-noted program runs unguarded");
	write_file(CORE_PATTERN, pattern);
	write_file("/proc/sys/debug/exception-trace", "1");
	return tap_end();
}
