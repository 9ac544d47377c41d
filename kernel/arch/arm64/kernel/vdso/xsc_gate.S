/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The XSC gate: makes a system call without svc. The kernel finds the labels by
 * vdso-offsets.h and knows a call by the address of the store that faulted.
 *
 * In: x8 = number (| opcode << 32 in ring form), x0-x5 = arguments, x17 = return address,
 * x15 = process ring or 0. Out: x0 = result. x16 is clobbered; every other register, the
 * flags and the stack are as they were.
 *
 * Entered by br x16, br x17 or blr: all give BTYPE 01 or 10, which "bti c" takes. Left by
 * br x17, BTYPE 01: in a guarded page the return address needs "bti j" (or "bti c").
 *
 * Invariants: __xsc_restart is one instruction before __xsc_land, so what restarts an
 * interrupted svc (pc - 4) restarts a call. A signal between the two ends of the gate,
 * but not at __xsc_land, goes back to __xsc_restart: so nothing here changes a register
 * that is an input.
 */
#include <linux/linkage.h>
#include <asm/assembler.h>
#include <asm/unistd.h>
#include <asm/xsc.h>

	.text
	.hidden	_xsc_doorbell

	.balign	64
SYM_CODE_START(__xsc_gate)
	hint	#34				// bti c
SYM_INNER_LABEL(__xsc_restart, SYM_L_GLOBAL)
	b	.Lbody
SYM_INNER_LABEL(__xsc_land, SYM_L_GLOBAL)
	br	x17
.Lbody:
	adr	x16, _xsc_doorbell
	cbnz	x15, .Lring
SYM_INNER_LABEL(__xsc_call_regs, SYM_L_GLOBAL)
	str	wzr, [x16]
	udf	#0				// someone mapped memory over the doorbell
.Lring:
	stp	x8, x0, [x15, #XSC_CALL_SLOT]	// struct xsc_sqe: nr and flags, args[0]
	stp	x1, x2, [x15, #XSC_CALL_SLOT + 16]
	stp	x3, x4, [x15, #XSC_CALL_SLOT + 32]
	str	x5, [x15, #XSC_CALL_SLOT + 48]
SYM_INNER_LABEL(__xsc_call_ring, SYM_L_GLOBAL)
	str	wzr, [x16]
	udf	#0
SYM_INNER_LABEL(__xsc_gate_end, SYM_L_GLOBAL)
SYM_CODE_END(__xsc_gate)

/*
 * Return of a signal handler in a guarded program without SA_RESTORER. Only reached by a
 * ret, as __kernel_rt_sigreturn, whose two instructions unwinders know by heart; they do
 * not know these, so a libc that wants to unwind brings its own restorer, with CFI.
 */
	nop					// unwinders look up the address before
SYM_CODE_START(__xsc_rt_sigreturn)
	mov	x8, #__NR_rt_sigreturn
	mov	x15, xzr
	b	__xsc_gate
SYM_CODE_END(__xsc_rt_sigreturn)

emit_aarch64_feature_1_and
