/* Enter the kernel through the XSC gate.  AArch64 version.
   This file is part of XSC OS and made for the GNU C Library.

   It is free software; you can redistribute it and/or modify it under
   the terms of the GNU Lesser General Public License as published by
   the Free Software Foundation; either version 2.1 of the License, or
   (at your option) any later version.  It comes without any warranty.

   SPDX-License-Identifier: LGPL-2.1-or-later  */

/* Every place that had an svc instruction uses XSC_SYSCALL, in C and in
   assembly.  Invariant: it has the contract of the instruction: number in x8,
   arguments in x0 to x5, result in x0, no stack used; in addition x15, x16
   and x17 are clobbered, which C code must say (XSC_CLOBBERS).  */

#ifndef _XSC_ENTER_H
#define _XSC_ENTER_H 1

/* Offset of tcbhead_t.private: the thread's ring, or 0.  */
#define XSC_RING_OFFSET 8

/* Bytes of the gate before the landing, where a call has been executed.  */
#define XSC_GATE_LAND 8

/* ld.so and libc.a hold the stub.  The latter runs before it has relocated
   itself (static PIE), so neither goes through the GOT.  */
#if IS_IN (rtld) || (!defined SHARED && IS_IN (libc))
# define XSC_JMP_STUB	b __xsc_enter_local
# define XSC_JMP_STUB_STR "b __xsc_enter_local\n\t"
#else
# define XSC_JMP_STUB						\
	adrp	x16, :got:__xsc_enter;				\
	ldr	x16, [x16, #:got_lo12:__xsc_enter];		\
	br	x16
# define XSC_JMP_STUB_STR					\
  "adrp x16, :got:__xsc_enter\n\t"				\
  "ldr x16, [x16, #:got_lo12:__xsc_enter]\n\t"			\
  "br x16\n\t"
#endif

/* The gate comes back by br x17: bti j, as a hint for old assemblers.  */
#if HAVE_AARCH64_BTI
# define XSC_LANDING	hint #36
# define XSC_LANDING_STR "hint #36\n\t"
#else
# define XSC_LANDING
# define XSC_LANDING_STR
#endif

#ifdef __ASSEMBLER__

# define XSC_SYSCALL	adr x17, 77f; XSC_JMP_STUB; 77: XSC_LANDING

/* A child that runs on this thread's TCB, at the same time or while this
   thread waits (clone with CLONE_VM without CLONE_SETTLS), must not use its
   ring.  XSC_LEND_TCB keeps the ring in SAVE and the thread pointer in TP,
   registers that a system call keeps, and takes the ring away if FLAGS, the
   flags of clone, say so; XSC_LENT_TCB, in the parent after the call, gives
   it back unless the child goes on beside it.  XSC_LENT_TCB expects the
   result in x0.  */
# define XSC_LEND_TCB(flags, save, tp)				\
	mrs	tp, tpidr_el0;					\
	ldr	save, [tp, #XSC_RING_OFFSET];			\
	tbz	flags, #XSC_CLONE_VM_BIT, 78f;			\
	tbnz	flags, #XSC_CLONE_SETTLS_BIT, 78f;		\
	str	xzr, [tp, #XSC_RING_OFFSET];			\
78:

# define XSC_LENT_TCB(flags, save, tp)				\
	tbnz	x0, #63, 78f;					\
	tbz	flags, #XSC_CLONE_VM_BIT, 78f;			\
	tbnz	flags, #XSC_CLONE_SETTLS_BIT, 78f;		\
	tbz	flags, #XSC_CLONE_VFORK_BIT, 79f;		\
78:	str	save, [tp, #XSC_RING_OFFSET];			\
79:

# define XSC_CLONE_VM_BIT	8
# define XSC_CLONE_VFORK_BIT	14
# define XSC_CLONE_SETTLS_BIT	19

#else

# define XSC_SYSCALL						\
  "adr x17, 77f\n\t"						\
  XSC_JMP_STUB_STR						\
  "77:\n\t"							\
  XSC_LANDING_STR

# define XSC_CLOBBERS "x15", "x16", "x17"

/* The trap instruction of the compat loader keeps the register.  */
# define XSC_TRAP_LINK(link, sp) (link)

#endif

#endif
