/* The way to the kernel.  AArch64 version.
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
	.type	__xsc_enter, %function
	.globl	__xsc_enter_local
	.hidden	__xsc_enter_local
	.type	__xsc_enter_local, %function
	.p2align 5
__xsc_pending_start:
__xsc_enter:
__xsc_enter_local:
	/* No function: a frame of its caller, at the return address in x17,
	   whose x30 is its own.  */
	cfi_startproc
	cfi_return_column (x17)
	hint	#34			/* bti c  */
	adrp	x16, _dl_xsc_tls
	ldr	w15, [x16, #:lo12:_dl_xsc_tls]
	cbz	w15, 1f
	mrs	x15, tpidr_el0
	ldr	x15, [x15, #XSC_RING_OFFSET]
1:	adrp	x16, _dl_xsc_gate
	ldr	x16, [x16, #:lo12:_dl_xsc_gate]
	br	x16
	.size	__xsc_enter, .-__xsc_enter

	.globl	__xsc_fallback
	.hidden	__xsc_fallback
	.type	__xsc_fallback, %function
__xsc_fallback:
	hint	#34			/* bti c  */
#ifndef XSC_COMPAT
	udf	#0
__xsc_pending_end:
#else
	svc	#0
__xsc_pending_end:
	br	x17
#endif
__xsc_trap_start:
__xsc_trap_end:
	cfi_endproc
	.size	__xsc_fallback, .-__xsc_fallback

	/* NB: all zero, so that static PIE programs need no relocation.  */
	.section .data.rel.ro, "aw"
	.globl	_dl_xsc_gate, _dl_xsc_ring, _dl_xsc_abi, _dl_xsc_tls
	.hidden	_dl_xsc_gate, _dl_xsc_ring, _dl_xsc_abi, _dl_xsc_tls
	.type	_dl_xsc_gate, %object
	.type	_dl_xsc_ring, %object
	.type	_dl_xsc_abi, %object
	.type	_dl_xsc_tls, %object
	.p2align 3
_dl_xsc_gate:
	.xword	0
	.size	_dl_xsc_gate, 8
_dl_xsc_ring:
	.xword	0
	.size	_dl_xsc_ring, 8
_dl_xsc_abi:
	.word	0
	.size	_dl_xsc_abi, 4
_dl_xsc_tls:
	.word	0
	.size	_dl_xsc_tls, 4

	/* The kernel's gate for unwinders (xsc-unwind.h): an .eh_frame_hdr without
	   search table, a CIE and one FDE.  The gate is a frame of its caller at
	   the return address in x17, with nothing on the stack.  */
	.globl	_dl_xsc_gate_frame, _dl_xsc_gate_start
	.hidden	_dl_xsc_gate_frame, _dl_xsc_gate_start
	.type	_dl_xsc_gate_frame, %object
	.p2align 3
_dl_xsc_gate_frame:
	.byte	1, 0x1b, 0xff, 0xff	/* version, pcrel | sdata4, no table  */
	.word	1f - .
1:	.word	3f - 2f
2:	.word	0			/* CIE  */
	.byte	1
	.asciz	"zR"
	.uleb128 4
	.sleb128 -8
	.byte	17			/* return address column  */
	.uleb128 1
	.byte	0			/* absolute addresses  */
	.byte	0x0c, 31, 0		/* DW_CFA_def_cfa: sp + 0  */
	.word	0			/* DW_CFA_nop: aligns the next address  */
3:	.word	5f - 4f
4:	.word	4b - 1b
_dl_xsc_gate_start:
	.xword	0
	.xword	64			/* XSC_GATE_SIZE  */
	.uleb128 0
	.p2align 2
5:	.word	0
	.size	_dl_xsc_gate_frame, .-_dl_xsc_gate_frame
