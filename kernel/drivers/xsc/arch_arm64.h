/* SPDX-License-Identifier: GPL-2.0 */
/*
 * arm64 for entry.c: the registers of a call. x8 number, x0-x5 arguments, x15 ring,
 * x0 result; x17 (where to return) is the program's own business.
 */
#ifndef _DRIVERS_XSC_ARCH_ARM64_H
#define _DRIVERS_XSC_ARCH_ARM64_H

#include <linux/elf.h>
#include <linux/ptrace.h>
#include <linux/string.h>

/* What a program must be marked with to be an XSC_NOTE_CFI program: BTI and PAC. */
#define XSC_CFI_PROPERTY	GNU_PROPERTY_AARCH64_FEATURE_1_AND
#define XSC_CFI_PROPERTY_BITS	(GNU_PROPERTY_AARCH64_FEATURE_1_BTI | 1U << 1)

static inline u64 xsc_arch_number(const struct pt_regs *regs)
{
	return regs->regs[8];
}

/* Not syscall_get_arguments(): orig_x0 is not set on entry by a fault. */
static inline void xsc_arch_arguments(const struct pt_regs *regs, unsigned long *args)
{
	memcpy(args, regs->regs, 6 * sizeof(args[0]));
}

static inline unsigned long xsc_arch_ring(const struct pt_regs *regs)
{
	return regs->regs[15];
}

#endif /* _DRIVERS_XSC_ARCH_ARM64_H */
