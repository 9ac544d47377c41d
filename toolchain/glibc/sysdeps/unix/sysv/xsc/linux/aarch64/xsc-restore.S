/* Return from a signal handler.  AArch64 version.
   This file is part of XSC OS and made for the GNU C Library.

   It is free software; you can redistribute it and/or modify it under
   the terms of the GNU Lesser General Public License as published by
   the Free Software Foundation; either version 2.1 of the License, or
   (at your option) any later version.  It comes without any warranty.

   SPDX-License-Identifier: LGPL-2.1-or-later  */

/* libc_sigaction.c passes it as SA_RESTORER; a handler returns to it by ret.
   Unwinders know the two instructions of the kernel's own trampoline by heart
   and no others, so this one has unwind information.  Invariant: a signal
   frame begins at the stack pointer, 128 bytes of siginfo_t before the
   ucontext_t.  */

#include <sysdep.h>
#include <xsc-enter.h>

/* Offsets in the signal frame of regs[n], sp and pc.  */
#define FRAME_REG(n)	(128 + 176 + 8 + 8 * (n))
#define FRAME_SP	FRAME_REG (31)
#define FRAME_PC	FRAME_REG (32)

/* The column of libgcc for a return address that is not x30.  */
#define COLUMN_PC	96

/* Signed LEB128 of two bytes, for 64 to 8191.  */
#define SLEB(n)		(0x80 | ((n) & 0x7f)), ((n) >> 7)

/* DW_CFA_expression: register COLUMN is stored at sp (DW_OP_breg31) + OFFSET.  */
#define STORED(column, offset) \
	.cfi_escape 0x10, column, 3, 0x8f, SLEB (offset)

	.text
	.p2align 4
	cfi_startproc
	.cfi_signal_frame
	cfi_return_column (COLUMN_PC)
	/* DW_CFA_def_cfa_expression: the interrupted stack pointer.  */
	.cfi_escape 0x0f, 4, 0x8f, SLEB (FRAME_SP), 0x06
	.irp	n, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, \
		17, 18, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 29, 30
	STORED (\n, FRAME_REG (\n))
	.endr
	STORED (COLUMN_PC, FRAME_PC)
	/* Unwinders look up the address before a return address.  */
	nop
	.globl	__xsc_restore_rt
	.hidden	__xsc_restore_rt
	.type	__xsc_restore_rt, %function
__xsc_restore_rt:
	mov	x8, #__NR_rt_sigreturn
	XSC_SYSCALL
	udf	#0
	cfi_endproc
	.size	__xsc_restore_rt, .-__xsc_restore_rt
