/* Enter the kernel through the XSC gate.  x86-64 version.
   This file is part of XSC OS and made for the GNU C Library.

   It is free software; you can redistribute it and/or modify it under
   the terms of the GNU Lesser General Public License as published by
   the Free Software Foundation; either version 2.1 of the License, or
   (at your option) any later version.  It comes without any warranty.

   SPDX-License-Identifier: LGPL-2.1-or-later  */

/* Every place that had a syscall instruction uses XSC_SYSCALL, in C and in
   assembly.  Invariant: it has the contract of the instruction: number in
   rax, arguments in rdi rsi rdx r10 r8 r9, result in rax, rcx and r11
   clobbered, no stack used (the red zone is in use).  */

#ifndef _XSC_ENTER_H
#define _XSC_ENTER_H 1

/* Offset of tcbhead_t.sysinfo: the thread's ring, or 0.  */
#define XSC_RING_OFFSET 0x20

/* Bytes of the gate before the landing, where a call has been executed.  */
#define XSC_GATE_LAND 6

/* ld.so and libc.a hold the stub.  The latter runs before it has relocated
   itself (static PIE), so neither goes through the GOT.  */
#if IS_IN (rtld) || (!defined SHARED && IS_IN (libc))
# define XSC_JMP_STUB	jmp __xsc_enter_local
# define XSC_JMP_STUB_STR "jmp __xsc_enter_local\n\t"
#else
# define XSC_JMP_STUB	jmp *__xsc_enter@GOTPCREL(%rip)
# define XSC_JMP_STUB_STR "jmp *__xsc_enter@GOTPCREL(%%rip)\n\t"
#endif

/* The gate comes back by an indirect jump.  */
#if defined __CET__ && (__CET__ & 1) != 0
# define XSC_LANDING	endbr64
# define XSC_LANDING_STR "endbr64\n\t"
#else
# define XSC_LANDING
# define XSC_LANDING_STR
#endif

#ifdef __ASSEMBLER__

# define XSC_SYSCALL	lea 77f(%rip), %rcx; XSC_JMP_STUB; 77: XSC_LANDING

/* A child that runs on this thread's TCB, at the same time or while this
   thread waits (clone with CLONE_VM without CLONE_SETTLS, vfork), must not use its
   ring.  XSC_LEND_TCB keeps the ring in SAVE and takes it away if FLAGS, the
   flags of clone, say so; XSC_LENT_TCB, in the parent after the call, gives
   it back unless the child goes on beside it.  XSC_LENT_TCB expects the
   result in rax and clobbers rcx.  */
# define XSC_LEND_TCB(flags, save, tmp)					\
	movq	%fs:XSC_RING_OFFSET, save;				\
	movl	flags, tmp;						\
	andl	$(XSC_CLONE_VM | XSC_CLONE_SETTLS), tmp;		\
	cmpl	$XSC_CLONE_VM, tmp;					\
	jne	78f;							\
	movq	$0, %fs:XSC_RING_OFFSET;				\
78:

# define XSC_LENT_TCB(flags, save)					\
	movl	flags, %ecx;						\
	andl	$(XSC_CLONE_VM | XSC_CLONE_SETTLS | XSC_CLONE_VFORK), %ecx; \
	cmpl	$XSC_CLONE_VM, %ecx;					\
	jne	78f;							\
	testq	%rax, %rax;						\
	jns	79f;							\
78:	movq	save, %fs:XSC_RING_OFFSET;				\
79:

# define XSC_CLONE_VM		0x00000100
# define XSC_CLONE_VFORK	0x00004000
# define XSC_CLONE_SETTLS	0x00080000

#else

# define XSC_SYSCALL						\
  "lea 77f(%%rip), %%rcx\n\t"					\
  XSC_JMP_STUB_STR						\
  "77:\n\t"							\
  XSC_LANDING_STR

/* For asm statements without operands.  */
# define XSC_SYSCALL_BARE					\
  "lea 77f(%rip), %rcx\n\t"					\
  XSC_JMP_STUB_BARE						\
  "77:\n\t"							\
  XSC_LANDING_STR
# if IS_IN (rtld) || (!defined SHARED && IS_IN (libc))
#  define XSC_JMP_STUB_BARE "jmp __xsc_enter_local\n\t"
# else
#  define XSC_JMP_STUB_BARE "jmp *__xsc_enter@GOTPCREL(%rip)\n\t"
# endif

/* The compat loader keeps the return address on the stack while the
   kernel has rcx.  */
# define XSC_TRAP_LINK(link, sp) (*(sp))

#endif

#endif
