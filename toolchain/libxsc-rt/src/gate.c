/* SPDX-License-Identifier: MIT */
/*
 * The way into the kernel for a batch: XSC_NR_ENTER by the gate of the vDSO, register form. libc's
 * syscall() makes calls in ring form, which has no such numbers. batch.c calls it. Invariant: the gate
 * needs no stack, so a signal may come at any of these instructions.
 */
#include "internal.h"

#include <sys/auxv.h>

#if defined __x86_64__
static long enter(unsigned long gate, long ring, long count)
{
	register unsigned long r11 __asm__("r11") = 0;
	long result;

	__asm__ volatile("lea 1f(%%rip), %%rcx\n\t"
			 "jmp *%[gate]\n"
			 "1:\tendbr64"
			 : "=a"(result), "+r"(r11)
			 : "0"((long)XSC_NR_ENTER), "D"(ring), "S"(count), "d"(0L), [gate] "r"(gate)
			 : "rcx", "memory", "cc");
	return result;
}
#elif defined __aarch64__
static long enter(unsigned long gate, long ring, long count)
{
	register unsigned long x16 __asm__("x16") = gate;
	register long x15 __asm__("x15") = 0;
	register long x8 __asm__("x8") = XSC_NR_ENTER;
	register long x0 __asm__("x0") = ring;
	register long x1 __asm__("x1") = count;
	register long x2 __asm__("x2") = 0;

	__asm__ volatile("adr x17, 1f\n\t"
			 "br x16\n"
			 "1:\thint #36"			/* bti j */
			 : "+r"(x0), "+r"(x16)
			 : "r"(x8), "r"(x1), "r"(x2), "r"(x15)
			 : "x17", "memory", "cc");
	return x0;
}
#else
#error "XSC is for x86_64 and aarch64"
#endif

bool gate_offered(void)
{
	KEEP_ERRNO;

	return getauxval(AT_XSC_GATE) != 0;
}

long gate_enter(struct xsc_ring_hdr *ring, unsigned int count)
{
	KEEP_ERRNO;

	return enter(getauxval(AT_XSC_GATE), (long)ring, (long)count);
}
