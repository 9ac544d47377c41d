/* SPDX-License-Identifier: GPL-2.0 */
/*
 * x86_64 for entry.c: the registers of a call. rax number, rdi rsi rdx r10 r8 r9 arguments,
 * r11 ring, rax result; rcx (where to return) is the program's own business.
 */
#ifndef _DRIVERS_XSC_ARCH_X86_H
#define _DRIVERS_XSC_ARCH_X86_H

#include <linux/bits.h>
#include <linux/elf.h>
#include <linux/ptrace.h>

/* What a program must be marked with to be an XSC_NOTE_CFI program: IBT and SHSTK. */
#define XSC_CFI_PROPERTY	0xc0000002	/* GNU_PROPERTY_X86_FEATURE_1_AND */
#define XSC_CFI_PROPERTY_BITS	(BIT(0) | BIT(1))

static inline u64 xsc_arch_number(const struct pt_regs *regs)
{
	return regs->ax;
}

static inline unsigned long xsc_arch_ring(const struct pt_regs *regs)
{
	return regs->r11;
}

static inline void xsc_arch_arguments(const struct pt_regs *regs, unsigned long *args)
{
	args[0] = regs->di;
	args[1] = regs->si;
	args[2] = regs->dx;
	args[3] = regs->r10;
	args[4] = regs->r8;
	args[5] = regs->r9;
}

#endif /* _DRIVERS_XSC_ARCH_X86_H */
