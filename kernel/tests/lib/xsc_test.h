/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The test runtime: nolibc (from the Linux source, NOLIBC=) with the kernel entered through the
 * vDSO gate. Each program is one .c file that includes this first and has a main. FORM=ring
 * makes an XSC program (note, no trap instruction), FORM=trap the same program with the trap
 * instruction. Invariant: sys() and nolibc's functions enter by the calling thread's way, see
 * xsc_use_ring(); nothing else differs between the forms.
 */
#ifndef XSC_TEST_H
#define XSC_TEST_H

#include <asm/unistd.h>
#include <linux/xsc.h>

/* The gate's address, 0 on a kernel without one. Set before anything else runs. */
unsigned long xsc_gate __attribute__((used));

/* What the thread pointer points to; the machine's part knows the first two fields. */
struct xsc_thread {
	struct xsc_thread *self;
	unsigned long ring;		/* 0: register form */
	unsigned long pad[14];		/* fs:0x28 is the stack protector's, should it be on */
};

#if defined(__x86_64__)
#include "arch_x86_64.h"
#elif defined(__aarch64__)
#include "arch_aarch64.h"
#else
#error "no runtime for this machine"
#endif

/* One call through the gate in either form of program: 0 or a ring, number, six arguments. */
static inline __attribute__((always_inline, unused))
long gate_call(unsigned long ring, long nr, long a, long b, long c, long d, long e, long f)
{
	XSC_ARCH_CALL(GATE_ASM);
}

/* One call by the program's own way in. */
static inline __attribute__((always_inline, unused))
long xsc_enter(unsigned long ring, long nr, long a, long b, long c, long d, long e, long f)
{
	XSC_ARCH_CALL(ENTER_ASM);
}

#define XSC_ARG(x)	((long)(x))
#define XSC_SYS(nr, a, b, c, d, e, f)						\
	xsc_enter(xsc_current_ring(), (long)(nr), XSC_ARG(a), XSC_ARG(b), XSC_ARG(c),	\
		  XSC_ARG(d), XSC_ARG(e), XSC_ARG(f))

#ifdef XSC_FORM_RING
#define my_syscall0(nr)				XSC_SYS(nr, 0, 0, 0, 0, 0, 0)
#define my_syscall1(nr, a)			XSC_SYS(nr, a, 0, 0, 0, 0, 0)
#define my_syscall2(nr, a, b)			XSC_SYS(nr, a, b, 0, 0, 0, 0)
#define my_syscall3(nr, a, b, c)		XSC_SYS(nr, a, b, c, 0, 0, 0)
#define my_syscall4(nr, a, b, c, d)		XSC_SYS(nr, a, b, c, d, 0, 0)
#define my_syscall5(nr, a, b, c, d, e)		XSC_SYS(nr, a, b, c, d, e, 0)
#define my_syscall6(nr, a, b, c, d, e, f)	XSC_SYS(nr, a, b, c, d, e, f)
/* In place of nolibc's own architecture headers, which hold the trap instruction. */
#define _NOLIBC_ARCH_H
#include "crt.h"
#endif

#include "nolibc.h"

/*
 * sys(number, up to six arguments): the kernel's own answer, -errno for an error. An argument may
 * itself be a call, which nolibc's macros do not allow.
 */
#define SYS_ARGS(nr, a, b, c, d, e, f, ...)	XSC_SYS(nr, a, b, c, d, e, f)
#define sys(...)	SYS_ARGS(__VA_ARGS__, 0, 0, 0, 0, 0, 0, 0)

#ifdef XSC_FORM_RING
#ifndef XSC_NOTE_FEATURES
#define XSC_NOTE_FEATURES 0
#endif
#ifndef XSC_NOTE_VERSION
#define XSC_NOTE_VERSION XSC_ABI
#endif
#define XSC_STR_(x)	#x
#define XSC_STR(x)	XSC_STR_(x)
__asm__(".pushsection .note.XSC-ABI, \"a\", %note\n"
	".balign 4\n"
	".long 4, 8, " XSC_STR(XSC_NOTE_TYPE) "\n"
	".asciz \"" XSC_NOTE_NAME "\"\n"
	".long " XSC_STR(XSC_NOTE_VERSION) ", " XSC_STR(XSC_NOTE_FEATURES) "\n"
	".popsection\n");
#endif

static struct xsc_thread xsc_main_thread __attribute__((unused));
/* The ring the kernel mapped at exec, or 0; and one of our own for kernels that map none. */
static unsigned long xsc_exec_ring __attribute__((unused));
static unsigned char xsc_own_ring[XSC_RING_SIZE] __attribute__((aligned(XSC_RING_SIZE), unused));
/* AT_XSC_ABI, or 0. */
static unsigned long xsc_abi __attribute__((unused));

/* How this thread enters from now on: 0 for the register form, else a ring. */
static inline __attribute__((unused)) void xsc_use_ring(unsigned long ring)
{
	((volatile struct xsc_thread *)xsc_self())->ring = ring;
}

/* A ring for the main thread: the one from exec, or our own. */
static inline __attribute__((unused)) unsigned long xsc_ring(void)
{
	return xsc_exec_ring ? xsc_exec_ring : (unsigned long)xsc_own_ring;
}

#ifdef XSC_FORM_RING
#define XSC_FORM	"ring"
#else
#define XSC_FORM	"trap"
#endif

__attribute__((used)) void xsc_start(long *sp)
{
	const unsigned long *p = (const unsigned long *)(sp + 1 + *sp + 1);

	while (*p++)
		;
	for (; p[0]; p += 2) {
		if (p[0] == AT_XSC_GATE)
			xsc_gate = p[1];
		else if (p[0] == AT_XSC_RING)
			xsc_exec_ring = p[1];
		else if (p[0] == AT_XSC_ABI)
			xsc_abi = p[1];
	}
#ifdef XSC_FORM_RING
	if (!xsc_gate)		/* not even a way to say so */
		__builtin_trap();
#endif
	xsc_main_thread.self = &xsc_main_thread;
	XSC_SET_THREAD(&xsc_main_thread);
	xsc_use_ring(xsc_ring());
	_start_c(sp);
}

#include <stdbool.h>
#include "print.h"
#include "tap.h"
#include "process.h"
#include "batch.h"

#endif /* XSC_TEST_H */
