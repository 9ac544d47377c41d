// SPDX-License-Identifier: GPL-2.0
/*
 * What only arm64 has: the registers and flags that the gate keeps, branch targets, signal return
 * without a restorer, the vDSO's own calls in a guarded program, svc with any immediate, and
 * pointer authentication that can be switched off, but not in a CFI program. One skipped
 * case on other machines.
 */
#include "xsc_test.h"

#if defined(__aarch64__) && defined(XSC_FORM_RING)
#include <linux/prctl.h>
#include <elf.h>

#ifndef HWCAP_PACA
#define HWCAP_PACA	(1UL << 30)
#endif
#ifndef HWCAP_SVE
#define HWCAP_SVE	(1UL << 22)
#endif
#ifndef AT_SYSINFO_EHDR
#define AT_SYSINFO_EHDR	33
#endif

/* Numbered values in x0..x30 but x8, x15..x18, x29; getppid through the gate; what is left. */
struct file {
	unsigned long x[31], flags;
};

static void through_gate(struct file *f, unsigned long ring, unsigned long nr)
{
	register struct file *base __asm__("x0") = f;
	register unsigned long x1 __asm__("x1") = ring;
	register unsigned long x2 __asm__("x2") = nr;
	register unsigned long x3 __asm__("x3") = xsc_gate;

	__asm__ volatile(
		"stp x29, x30, [sp, #-32]!\n\t"
		"str x0, [sp, #16]\n\t"
		"mov x15, x1\n\tmov x8, x2\n\tmov x16, x3\n\t"
		"ldp x1, x2, [x0, #8]\n\tldp x3, x4, [x0, #24]\n\tldp x5, x6, [x0, #40]\n\t"
		"ldr x7, [x0, #56]\n\t"
		"ldp x9, x10, [x0, #72]\n\tldp x11, x12, [x0, #88]\n\tldp x13, x14, [x0, #104]\n\t"
		"ldp x19, x20, [x0, #152]\n\tldp x21, x22, [x0, #168]\n\t"
		"ldp x23, x24, [x0, #184]\n\tldp x25, x26, [x0, #200]\n\t"
		"ldp x27, x28, [x0, #216]\n\tldr x30, [x0, #240]\n\t"
		"ldr x0, [x0]\n\t"
		"cmp xzr, x16\n\t"	/* N set; Z, C, V clear */
		"adr x17, 901f\n\tbr x16\n901:\thint #36\n\t"
		"ldr x16, [sp, #16]\n\t"
		"stp x0, x1, [x16]\n\tstp x2, x3, [x16, #16]\n\tstp x4, x5, [x16, #32]\n\t"
		"stp x6, x7, [x16, #48]\n\tstp x8, x9, [x16, #64]\n\tstp x10, x11, [x16, #80]\n\t"
		"stp x12, x13, [x16, #96]\n\tstp x14, x15, [x16, #112]\n\tstr x17, [x16, #136]\n\t"
		"stp x19, x20, [x16, #152]\n\tstp x21, x22, [x16, #168]\n\t"
		"stp x23, x24, [x16, #184]\n\tstp x25, x26, [x16, #200]\n\t"
		"stp x27, x28, [x16, #216]\n\tstr x30, [x16, #240]\n\t"
		"mrs x0, nzcv\n\tstr x0, [x16, #248]\n\t"
		"ldp x29, x30, [sp], #32\n"
		: "+r"(base), "+r"(x1), "+r"(x2), "+r"(x3)
		: : "x4", "x5", "x6", "x7", "x8", "x9", "x10", "x11", "x12", "x13", "x14", "x15",
		  "x16", "x17", "x19", "x20", "x21", "x22", "x23", "x24", "x25", "x26", "x27",
		  "x28", "memory", "cc");
}

/* arg0: of a typed call, whose other arguments are zero. */
static void test_registers(const char *form, unsigned long ring, unsigned long nr,
			   unsigned long arg0, long result)
{
	struct file f;
	int i, wrong = 0;

	for (i = 0; i < 31; i++)
		f.x[i] = nr >> 32 && i < 6 ? 0 : 0x1000 + i;
	if (nr >> 32)
		f.x[0] = arg0;
	through_gate(&f, ring, nr);
	for (i = 1; i < 31; i++) {
		unsigned long want = nr >> 32 && i < 6 ? 0 : 0x1000 + i;

		if (i == 8)
			want = nr;
		else if (i == 15)
			want = ring;
		else if (i >= 16 && (i <= 18 || i == 29))
			continue;
		if (f.x[i] != want && !wrong)
			wrong = i;
	}
	check((long)f.x[0] == result, "%s: the result (%ld)", form, (long)f.x[0]);
	check(!wrong, "%s: every other register is kept (x%d)", form, wrong);
	check(f.flags >> 28 == 8, "%s: the flags are kept (%#lx)", form, f.flags >> 28);
}

static volatile int hits;

static void on_usr1(int sig)
{
	(void)sig;
	hits++;
	sys(__NR_getppid);
}

static void test_sigreturn(void)
{
	struct ksigaction sa = { on_usr1, 0, NULL, 0 };

	sys(__NR_rt_sigaction, SIGUSR1, &sa, 0, 8);
	hits = 0;
	sys(__NR_kill, sys(__NR_getpid), SIGUSR1);
	check(hits == 1, "a handler without a restorer comes back");
	check_res(IN_CHILD((sys(__NR_kill, sys(__NR_getpid), SIGUSR1), hits == 2 ? 5 : 6)), 5,
		  "and in a forked child");
}

/* A function of the vDSO by its name. */
static void *vdso(const char *name)
{
	unsigned long base = getauxval(AT_SYSINFO_EHDR);
	const Elf64_Ehdr *eh = (void *)base;
	const Elf64_Phdr *ph = (void *)(base + eh->e_phoff);
	const Elf64_Dyn *dyn = NULL;
	const Elf64_Sym *syms = NULL;
	const char *names = NULL;
	unsigned int i;

	for (i = 0; i < eh->e_phnum; i++)
		if (ph[i].p_type == PT_DYNAMIC)
			dyn = (void *)(base + ph[i].p_offset);
	for (; dyn && dyn->d_tag; dyn++) {
		if (dyn->d_tag == DT_SYMTAB)
			syms = (void *)(base + dyn->d_un.d_val);
		if (dyn->d_tag == DT_STRTAB)
			names = (void *)(base + dyn->d_un.d_val);
	}
	/* Whatever hash table the linker made: the vDSO's names follow its symbols. */
	for (i = 0; syms && names && (const char *)&syms[i + 1] <= names; i++)
		if (!strcmp(names + syms[i].st_name, name))
			return (void *)(base + syms[i].st_value);
	return NULL;
}

/* A child: without the gate in the vDSO's functions the guard would kill it. */
static int vdso_calls(void)
{
	int (*gettime)(int, void *) = vdso("__kernel_clock_gettime");
	int (*getres)(int, void *) = vdso("__kernel_clock_getres");
	int (*getday)(void *, void *) = vdso("__kernel_gettimeofday");
	long (*getrandom)(void *, unsigned long, unsigned int, void *, unsigned long) =
		vdso("__kernel_getrandom");
	unsigned long t[2] = { -1, -1 };
	char bytes[16] = "";

	if (!gettime || !getres || !getday)
		return 1;
	if (gettime(2 /* of the process: always a system call */, t) || t[0] > 1000)
		return 2;
	if (gettime(99, t) != -EINVAL)
		return 3;
	if (getres(2, t) || t[0])
		return 4;
	if (gettime(1, t) || getday(t, NULL))
		return 5;
	if (getrandom && getrandom(bytes, sizeof(bytes), 0, NULL, 0) != sizeof(bytes))
		return 6;
	return 42;
}

/*
 * For one cache line. Not libgcc's: that has no BTI mark, and the linker then gives none to
 * the program.
 */
static void make_code_visible(void *code)
{
	__asm__ volatile("dc cvau, %0\n\tdsb ish\n\tic ivau, %0\n\tdsb ish\n\tisb"
			 : : "r"(code) : "memory");
}

/* The instruction is made here, so that this file holds none. */
static int far_svc(void)
{
	unsigned int *code = (void *)sys(__NR_mmap, 0, 4096, PROT_READ | PROT_WRITE | PROT_EXEC,
					 MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	code[0] = 0xd4000000 | 0x7b << 5 | 1;	/* svc #123 */
	code[1] = 0xd65f03c0;							/* ret */
	make_code_visible(code);
	((void (*)(void))code)();
	return 1;
}

static int no_landing(void)
{
	unsigned long (*gate)(void) = (void *)xsc_gate;

	/* br x9 sets a BTYPE that "bti c" refuses, where the vDSO is guarded; else it is a call */
	__asm__ volatile("mov x8, #93\n\tmov x0, #42\n\tmov x15, xzr\n\tadr x17, 901f\n\t"
			 "mov x9, %0\n\tbr x9\n901:\thint #36" : : "r"(gate)
			 : "x0", "x8", "x9", "x15", "x16", "x17", "memory");
	return 1;
}

static int foreign_doorbell(void)
{
	unsigned long base = getauxval(AT_SYSINFO_EHDR);

	*(volatile unsigned int *)(base - 4096) = 0;
	return 1;
}

static int read_doorbell(void)
{
	return *(volatile unsigned char *)(getauxval(AT_SYSINFO_EHDR) - 4096);
}

static void test_guard(void)
{
	int status;

	if (!(xsc_abi & XSC_ABI_GUARD)) {
		skip("not guarded", "svc #123");
	} else {
		check_res(IN_CHILD(far_svc()), 128 + SIGSYS, "svc #123 is fatal");
		check_res(IN_CHILD(vdso_calls()), 42, "the vDSO's functions call through the gate");
	}
	check_res(IN_CHILD(foreign_doorbell()), 128 + (xsc_abi & XSC_ABI_GUARD ? SIGSYS : SIGSEGV),
		  "a store to the doorbell is fatal");
	status = IN_CHILD(read_doorbell());
	check(status == 128 + SIGBUS || !status, "a load from the doorbell is nothing (%d)", status);
	check(sys(__NR_mprotect, getauxval(AT_SYSINFO_EHDR) - 4096, 4096, PROT_READ | PROT_WRITE) ==
	      -EACCES, "the doorbell cannot be made writable");
	status = IN_CHILD(no_landing());
	check(status == 42 || status == 128 + SIGILL, "the gate by another branch (%d)", status);
}

/* The lowest 64 bits of z8, a register that functions keep, in a child made by the gate. */
static unsigned long __attribute__((noinline)) z8_in_child(unsigned long value)
{
	unsigned long got;
	long pid;

	__asm__ volatile(".arch_extension sve\n\tdup z8.d, %0" : : "r"(value) : "v8");
	pid = do_fork();
	__asm__ volatile("fmov %0, d8" : "=r"(got));
	if (!pid)
		do_exit(got == value ? 21 : 22);
	return got == value ? reap(pid) : 23;
}

static void test_sve(void)
{
	if (!(getauxval(AT_HWCAP) & HWCAP_SVE)) {
		skip("no SVE", "vector registers over fork");
		return;
	}
	/* Twice: what was saved for the first is not what the second has. */
	check_res(z8_in_child(0x1122334455667788), 21, "fork keeps the vector registers of SVE");
	check_res(z8_in_child(0x99aabbccddeeff00), 21, "and again");
}

static void test_pac(void)
{
	long r;

	if (!(getauxval(AT_HWCAP) & HWCAP_PACA)) {
		skip("no PAC", "PR_PAC_SET_ENABLED_KEYS");
		return;
	}
	r = sys(__NR_prctl, PR_PAC_SET_ENABLED_KEYS, PR_PAC_APIBKEY, 0, 0, 0);
	if (xsc_abi & XSC_ABI_CFI)
		check_res(r, -EPERM, "a CFI program can't switch a key off");
	else
		check_res(r, 0, "a program can switch a key off");
	check_res(sys(__NR_prctl, PR_PAC_SET_ENABLED_KEYS, PR_PAC_APIBKEY, PR_PAC_APIBKEY, 0, 0), 0,
		  "and on");
}

int main(void)
{
	tap_begin();
	test_registers("register form", 0, __NR_getppid, 0, sys(__NR_getppid));
	test_registers("ring form", xsc_ring(), __NR_getppid, 0, sys(__NR_getppid));
	test_registers("typed nop", xsc_ring(), (unsigned long)XSC_OP_NOP << 32, 0, 0);
	test_registers("typed open", xsc_ring(), (unsigned long)XSC_OP_OPEN << 32,
		       (unsigned long)"/nonexistent", -ENOENT);
	test_sigreturn();
	xsc_use_ring(0);
	test_sigreturn();
	test_guard();
	test_sve();
	test_pac();
	return tap_end();
}
#else
int main(void)
{
	tap_begin();
	skip("arm64, ring form", "arm64");
	return tap_end();
}
#endif
