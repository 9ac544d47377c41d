/* The way to the kernel.  x86-64 version.
   This file is part of XSC OS and made for the GNU C Library.

   It is free software; you can redistribute it and/or modify it under
   the terms of the GNU Lesser General Public License as published by
   the Free Software Foundation; either version 2.1 of the License, or
   (at your option) any later version.  It comes without any warranty.

   SPDX-License-Identifier: LGPL-2.1-or-later  */

/* The only place of the C library that knows where the kernel is; part of
   ld.so and of libc.a.  XSC_SYSCALL (xsc-enter.h) jumps to __xsc_enter, which
   chooses between register form and ring form.  Invariant: without XSC_COMPAT
   there is no trap instruction here; with it there is nothing else
   different.  */

#include <sysdep.h>
#include <xsc-enter.h>

	.text
	.hidden	__xsc_pending_start, __xsc_pending_end
	.hidden	__xsc_trap_start, __xsc_trap_end
	.globl	__xsc_pending_start, __xsc_pending_end
	.globl	__xsc_trap_start, __xsc_trap_end
	.globl	__xsc_enter
	.type	__xsc_enter, @function
	.globl	__xsc_enter_local
	.hidden	__xsc_enter_local
	.type	__xsc_enter_local, @function
	.p2align 5
__xsc_pending_start:
__xsc_enter:
__xsc_enter_local:
	/* No function: a frame of its caller, at the return address in rcx.  */
	cfi_startproc
	cfi_def_cfa (%rsp, 0)
	cfi_register (%rip, %rcx)
	XSC_LANDING
	xorl	%r11d, %r11d
	cmpl	$0, _dl_xsc_tls(%rip)
	je	1f
	movq	%fs:XSC_RING_OFFSET, %r11
1:	jmp	*_dl_xsc_gate(%rip)
	.size	__xsc_enter, .-__xsc_enter

	.globl	__xsc_fallback
	.hidden	__xsc_fallback
	.type	__xsc_fallback, @function
__xsc_fallback:
#ifndef XSC_COMPAT
	XSC_LANDING
	ud2
__xsc_pending_end:
__xsc_trap_start:
__xsc_trap_end:
	cfi_endproc
#else
	XSC_LANDING
	/* The instruction destroys rcx.  Calls after which two tasks come
	   back, or one on another stack, keep it in r9, which the callers of
	   vfork, clone and clone3 do not need; rt_sigreturn must not
	   touch the stack; all others keep it below the red zone.  */
	cmpl	$__NR_rt_sigreturn, %eax
	je	3f
	cmpl	$__NR_vfork, %eax
	je	2f
	cmpl	$__NR_clone3, %eax
	je	2f
	cmpl	$__NR_clone, %eax
	jne	1f
	testq	%rsi, %rsi
	jne	2f
	testl	$XSC_CLONE_VM, %edi
	jne	2f
1:	lea	-128(%rsp), %rsp
	cfi_adjust_cfa_offset (128)
	pushq	%rcx
	cfi_adjust_cfa_offset (8)
	cfi_offset (%rip, -136)
__xsc_pending_end:
__xsc_trap_start:
	syscall
__xsc_trap_end:
	popq	%rcx
	cfi_adjust_cfa_offset (-8)
	cfi_register (%rip, %rcx)
	lea	128(%rsp), %rsp
	cfi_adjust_cfa_offset (-128)
	jmp	*%rcx
2:	movq	%rcx, %r9
	cfi_register (%rip, %r9)
	syscall
	jmp	*%r9
3:	syscall
	ud2
	cfi_endproc
#endif
	.size	__xsc_fallback, .-__xsc_fallback

	/* NB: all zero, so that static PIE programs need no relocation.  */
	.section .data.rel.ro, "aw"
	.globl	_dl_xsc_gate, _dl_xsc_ring, _dl_xsc_abi, _dl_xsc_tls
	.hidden	_dl_xsc_gate, _dl_xsc_ring, _dl_xsc_abi, _dl_xsc_tls
	.type	_dl_xsc_gate, @object
	.type	_dl_xsc_ring, @object
	.type	_dl_xsc_abi, @object
	.type	_dl_xsc_tls, @object
	.p2align 3
_dl_xsc_gate:
	.quad	0
	.size	_dl_xsc_gate, 8
_dl_xsc_ring:
	.quad	0
	.size	_dl_xsc_ring, 8
_dl_xsc_abi:
	.long	0
	.size	_dl_xsc_abi, 4
_dl_xsc_tls:
	.long	0
	.size	_dl_xsc_tls, 4
