/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The machine's part of the test runtime, x86_64: entering the kernel (through the gate, or by
 * the trap instruction in FORM=trap), thread block, entry point, signal return, thread start.
 * Included by xsc_test.h before nolibc. Invariant: in FORM=ring no instruction of a program is a
 * trap instruction, and nothing is called before the gate's address is known.
 */
#ifndef XSC_TEST_ARCH_H
#define XSC_TEST_ARCH_H

/* Where an indirect jump may land. */
#ifdef __CET__
#define XSC_LANDING	"endbr64\n\t"
#else
#define XSC_LANDING	""
#endif

#define GATE_ASM	"lea 901f(%%rip), %%rcx\n\tjmp *xsc_gate(%%rip)\n901:\t" XSC_LANDING
#define GATE_ASM_TOP	"lea 901f(%rip), %rcx\n\tjmp *xsc_gate(%rip)\n901:\t" XSC_LANDING

#ifdef XSC_FORM_RING
#define ENTER_ASM	GATE_ASM
#define ENTER_ASM_TOP	GATE_ASM_TOP
#else
#define ENTER_ASM	"syscall\n\t"
#define ENTER_ASM_TOP	"syscall\n\t"
#endif

#define XSC_ARCH_CALL(how)								\
	long ret;									\
	register long r10 __asm__("r10") = d;						\
	register long r8 __asm__("r8") = e;						\
	register long r9 __asm__("r9") = f;						\
	register unsigned long r11 __asm__("r11") = ring;				\
	__asm__ volatile(how								\
		: "=a"(ret), "+r"(r11)							\
		: "0"(nr), "D"(a), "S"(b), "d"(c), "r"(r10), "r"(r8), "r"(r9)		\
		: "rcx", "memory", "cc");						\
	return ret

/* The thread block the fs base points to: its own address, then the ring in use. */
static inline __attribute__((always_inline)) struct xsc_thread *xsc_self(void)
{
	struct xsc_thread *self;

	__asm__ volatile("mov %%fs:0, %0" : "=r"(self));
	return self;
}

static inline __attribute__((always_inline)) unsigned long xsc_current_ring(void)
{
	unsigned long ring;

	__asm__ volatile("mov %%fs:8, %0" : "=r"(ring));
	return ring;
}

#define XSC_ARCH_SET_FS		0x1002
#define XSC_SET_THREAD(t)	xsc_enter(0, __NR_arch_prctl, XSC_ARCH_SET_FS, (long)(t), 0, 0, 0, 0)

/*
 * clone(flags, stack, ptid, ctid, tls): the child calls fn(arg) on its new stack and never
 * comes back. ring is the one of the caller.
 */
#define XSC_CLONE(ret, ring, flags, stack, ptid, ctid, tls, fn, arg) do {		\
	register long r10_ __asm__("r10") = (long)(ctid);				\
	register long r8_ __asm__("r8") = (long)(tls);					\
	register unsigned long r11_ __asm__("r11") = (ring);				\
	register long r12_ __asm__("r12") = (long)(fn);					\
	register long r13_ __asm__("r13") = (long)(arg);				\
	__asm__ volatile(ENTER_ASM							\
		"test %%rax, %%rax\n\t"							\
		"jnz 902f\n\t"								\
		"xor %%ebp, %%ebp\n\t"							\
		"mov %%r13, %%rdi\n\t"							\
		"call *%%r12\n\t"							\
		"ud2\n"									\
		"902:"									\
		: "=a"(ret), "+r"(r11_)							\
		: "0"((long)__NR_clone), "D"(flags), "S"(stack), "d"(ptid), "r"(r10_),	\
		  "r"(r8_), "r"(r12_), "r"(r13_)					\
		: "rcx", "r9", "memory", "cc");						\
} while (0)

__asm__(
	".pushsection .text.xsc_entry, \"ax\", @progbits\n"
	".globl xsc_entry\n"
	".type xsc_entry, @function\n"
	"xsc_entry:\n\t"
	XSC_LANDING
	"xor %ebp, %ebp\n\t"
	"mov %rsp, %rdi\n\t"
	"and $-16, %rsp\n\t"
	"call xsc_start\n\t"
	"ud2\n"
	".globl xsc_restorer\n"
	".type xsc_restorer, @function\n"
	"xsc_restorer:\n\t"
	"mov $15, %eax\n\t"
	"mov %fs:8, %r11\n\t"
	ENTER_ASM_TOP
	"ud2\n"
	".popsection\n");

#endif /* XSC_TEST_ARCH_H */
