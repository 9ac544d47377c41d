/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The XSC gate: makes a system call without `syscall`. The kernel finds the labels by vdso2c
 * and knows a call by the address of the store that faulted.
 *
 * In: rax = number (| opcode << 32 in ring form), rdi rsi rdx r10 r8 r9 = arguments, rcx =
 * return address, r11 = process ring or 0. Out: rax = result. rcx, r11 and the arithmetic
 * flags are clobbered; every other register and the stack are as they were.
 *
 * Invariants: __xsc_restart is two bytes before __xsc_land, so what restarts an interrupted
 * `syscall` (ip - 2) restarts a call. A signal between the two ends of the gate, but not at
 * __xsc_land, goes back to __xsc_restart: so nothing here changes a register that is an input.
 */
#include <linux/linkage.h>
#include <asm/xsc.h>

	.hidden	xsc_doorbell_page

	.text
	.balign	64
SYM_CODE_START(__xsc_gate)
	/* Not a function: a frame of its caller, at the return address in rcx. */
	.cfi_startproc
	.cfi_def_cfa	%rsp, 0
	.cfi_register	%rip, %rcx
	endbr64
SYM_INNER_LABEL(__xsc_restart, SYM_L_GLOBAL)
	jmp	.Lbody
	.org	__xsc_restart + 2
SYM_INNER_LABEL(__xsc_land, SYM_L_GLOBAL)
	jmp	*%rcx
.Lbody:
	test	%r11, %r11
	jnz	.Lring
SYM_INNER_LABEL(__xsc_call_regs, SYM_L_GLOBAL)
	movl	%eax, xsc_doorbell_page(%rip)
	ud2					/* someone mapped memory over the doorbell */
.Lring:
	mov	%rax, XSC_CALL_SLOT(%r11)	/* struct xsc_sqe: nr, opcode, flags */
	mov	%rdi, XSC_CALL_SLOT + 8(%r11)
	mov	%rsi, XSC_CALL_SLOT + 16(%r11)
	mov	%rdx, XSC_CALL_SLOT + 24(%r11)
	mov	%r10, XSC_CALL_SLOT + 32(%r11)
	mov	%r8, XSC_CALL_SLOT + 40(%r11)
	mov	%r9, XSC_CALL_SLOT + 48(%r11)
SYM_INNER_LABEL(__xsc_call_ring, SYM_L_GLOBAL)
	movl	%eax, xsc_doorbell_page(%rip)
	ud2
SYM_INNER_LABEL(__xsc_gate_end, SYM_L_GLOBAL)
	.cfi_endproc
SYM_CODE_END(__xsc_gate)
