/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The machine's part of the test runtime, arm64: entering the kernel (through the gate, or by
 * the trap instruction in FORM=trap), thread block, entry point, signal return, thread start.
 * Included by xsc_test.h before nolibc. Invariant: in FORM=ring no instruction of a program is a
 * trap instruction, and nothing is called before the gate's address is known.
 */
#ifndef XSC_TEST_ARCH_H
#define XSC_TEST_ARCH_H

#define XSC_LANDING	"hint #36\n\t"		/* bti j */

/* x16 holds the gate's address. */
#define GATE_ASM	"adr x17, 901f\n\tbr x16\n901:\t" XSC_LANDING

#ifdef XSC_FORM_RING
#define ENTER_ASM	GATE_ASM
#else
#define ENTER_ASM	"svc #0\n\t"
#endif

#define XSC_ARCH_CALL(how)								\
	register long x8 __asm__("x8") = nr;						\
	register long x0 __asm__("x0") = a;						\
	register long x1 __asm__("x1") = b;						\
	register long x2 __asm__("x2") = c;						\
	register long x3 __asm__("x3") = d;						\
	register long x4 __asm__("x4") = e;						\
	register long x5 __asm__("x5") = f;						\
	register unsigned long x15 __asm__("x15") = ring;				\
	register unsigned long x16 __asm__("x16") = xsc_gate;				\
	__asm__ volatile(how								\
		: "+r"(x0), "+r"(x16)							\
		: "r"(x8), "r"(x1), "r"(x2), "r"(x3), "r"(x4), "r"(x5), "r"(x15)	\
		: "x17", "memory", "cc");						\
	return x0

/* The thread block the thread pointer points to: its own address, then the ring in use. */
static inline __attribute__((always_inline)) struct xsc_thread *xsc_self(void)
{
	struct xsc_thread *self;

	__asm__ volatile("mrs %0, tpidr_el0" : "=r"(self));
	return self;
}

static inline __attribute__((always_inline)) unsigned long xsc_current_ring(void)
{
	return *((volatile unsigned long *)xsc_self() + 1);
}

#define XSC_SET_THREAD(t)	__asm__ volatile("msr tpidr_el0, %0" : : "r"(t) : "memory")

/*
 * clone(flags, stack, ptid, tls, ctid): the child calls fn(arg) on its new stack and never
 * comes back. ring is the one of the caller.
 */
#define XSC_CLONE(ret, ring, flags, stack, ptid, ctid, tls, fn, arg) do {		\
	register long x8_ __asm__("x8") = __NR_clone;					\
	register long x0_ __asm__("x0") = (long)(flags);				\
	register long x1_ __asm__("x1") = (long)(stack);				\
	register long x2_ __asm__("x2") = (long)(ptid);					\
	register long x3_ __asm__("x3") = (long)(tls);					\
	register long x4_ __asm__("x4") = (long)(ctid);					\
	register unsigned long x15_ __asm__("x15") = (ring);				\
	register unsigned long x16_ __asm__("x16") = xsc_gate;				\
	register long x20_ __asm__("x20") = (long)(fn);					\
	register long x21_ __asm__("x21") = (long)(arg);				\
	__asm__ volatile(ENTER_ASM							\
		"cbnz x0, 902f\n\t"							\
		"mov x29, xzr\n\t"							\
		"mov x30, xzr\n\t"							\
		"mov x0, x21\n\t"							\
		"blr x20\n\t"								\
		"udf #0\n"								\
		"902:"									\
		: "+r"(x0_), "+r"(x16_)							\
		: "r"(x8_), "r"(x1_), "r"(x2_), "r"(x3_), "r"(x4_), "r"(x15_),		\
		  "r"(x20_), "r"(x21_)							\
		: "x17", "memory", "cc");						\
	(ret) = x0_;									\
} while (0)

__asm__(
	".pushsection .text.xsc_entry, \"ax\", @progbits\n"
	".globl xsc_entry\n"
	".type xsc_entry, @function\n"
	"xsc_entry:\n\t"
	"hint #34\n\t"
	"mov x29, xzr\n\t"
	"mov x30, xzr\n\t"
	"mov x0, sp\n\t"
	"and sp, x0, -16\n\t"
	"bl xsc_start\n\t"
	"udf #0\n"
	".globl xsc_restorer\n"
	".type xsc_restorer, @function\n"
	"xsc_restorer:\n\t"
	"hint #34\n\t"
	"mov x8, #139\n\t"
	"mrs x15, tpidr_el0\n\t"
	"ldr x15, [x15, #8]\n\t"
	"adrp x16, xsc_gate\n\t"
	"ldr x16, [x16, :lo12:xsc_gate]\n\t"
	ENTER_ASM
	"udf #0\n"
	".popsection\n");

#endif /* XSC_TEST_ARCH_H */
