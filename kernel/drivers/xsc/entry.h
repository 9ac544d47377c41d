/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The entry path inside the driver: entry.c and enter.c make calls by it, arch_*.c is the
 * machine's half. Invariant: once a call's arguments are in the task's saved registers,
 * nothing reads them from memory again.
 */
#ifndef _DRIVERS_XSC_ENTRY_H
#define _DRIVERS_XSC_ENTRY_H

#include <linux/types.h>

#include "opdef.h"

#if defined(CONFIG_X86_64)
#include "arch_x86.h"
#elif defined(CONFIG_ARM64)
#include "arch_arm64.h"
#endif

struct pt_regs;

/* Where the store came from that hit a page. */
enum xsc_site {
	XSC_SITE_NONE,			/* it is not the doorbell page */
	XSC_SITE_REGISTERS,		/* the gate, register form */
	XSC_SITE_RING,			/* the gate, ring form */
	XSC_SITE_FOREIGN,		/* anywhere else */
};

/* entry.c: kills the current task with SIGSYS, for what the instruction at @ip did. */
void xsc_kill(unsigned long ip, int nr, const char *reason);

/*
 * arch_*.c; arch_*.h has xsc_arch_number(), xsc_arch_arguments() and xsc_arch_ring(), the
 * gate's inputs as the fault saved them. land: where to go on after the call. private: makes
 * the registers look like a system call with a number of XSC_NR_*, for its restart. call: one
 * system call with the whole of entry and exit work but the guard; returns the result. keep:
 * after a typed call, all of its registers but the result's are as they were.
 */
bool xsc_arch_gate_offered(void);
unsigned long xsc_arch_gate(void);
enum xsc_site xsc_arch_site(const struct pt_regs *regs, unsigned long address);
void xsc_arch_land(struct pt_regs *regs);
void xsc_arch_private(struct pt_regs *regs, int nr);
long xsc_arch_call(struct pt_regs *regs, const struct xsc_call *call);
void xsc_arch_keep(struct pt_regs *regs, const struct pt_regs *saved);
void xsc_arch_result(struct pt_regs *regs, long res);
unsigned long xsc_arch_trap_address(const struct pt_regs *regs);
void xsc_arch_guard(bool on);
bool xsc_arch_cfi_supported(void);
int xsc_arch_cfi_lock(void);

#endif /* _DRIVERS_XSC_ENTRY_H */
