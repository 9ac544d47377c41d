// SPDX-License-Identifier: GPL-2.0
/*
 * The arm64 half of entry.c: where the gate is, which registers hold what, and how one
 * system call is made of them. Called from the write abort of a user (do_page_fault) and
 * from handle_signal(). Invariant: the place of the store decides, never what it stores.
 */
#include <linux/compat.h>
#include <linux/mm.h>
#include <linux/ptrace.h>
#include <linux/sched.h>
#include <linux/sched/task_stack.h>
#include <linux/xsc.h>
#include <asm/cpufeature.h>
#include <asm/insn.h>
#include <asm/syscall.h>
#include <asm/vdso.h>
#include <asm/xsc.h>
#include <uapi/linux/xsc.h>

#include "entry.h"

#define GATE(vdso, label)	((vdso) + vdso_offset_xsc_##label)

/* The gate fills a struct xsc_sqe: number, opcode and flags, then the arguments. */
static_assert(XSC_CALL_SLOT == XSC_RING_CALL);
static_assert(offsetof(struct xsc_ring_hdr, call) == XSC_RING_CALL);
static_assert(offsetof(struct xsc_sqe, args) == 8);
/* The kernel restarts a system call at pc - 4. */
static_assert(vdso_offset_xsc_land - vdso_offset_xsc_restart == AARCH64_INSN_SIZE);

/* Address of the vDSO with the gate; 0 for an AArch32 task, whose vDSO has none. */
static unsigned long xsc_vdso(void)
{
	if (is_compat_task() || !current->mm)
		return 0;
	return (unsigned long)current->mm->context.vdso;
}

/* There is no switch for the vDSO of a 64-bit program. */
bool xsc_arch_gate_offered(void)
{
	return true;
}

unsigned long xsc_arch_gate(void)
{
	unsigned long vdso = xsc_vdso();

	return vdso ? GATE(vdso, gate) : 0;
}

enum xsc_site xsc_arch_site(const struct pt_regs *regs, unsigned long address)
{
	unsigned long vdso = xsc_vdso();

	if (!vdso || (address & PAGE_MASK) != vdso - PAGE_SIZE)
		return XSC_SITE_NONE;
	if (regs->pc == GATE(vdso, call_regs))
		return XSC_SITE_REGISTERS;
	if (regs->pc == GATE(vdso, call_ring))
		return XSC_SITE_RING;
	return XSC_SITE_FOREIGN;
}

void xsc_arch_land(struct pt_regs *regs)
{
	regs->pc = GATE(xsc_vdso(), land);
}

/* What el0_svc_common() does first: a fault leaves orig_x0 as the last system call had it. */
void xsc_arch_private(struct pt_regs *regs, int nr)
{
	regs->orig_x0 = regs->regs[0];
	regs->syscallno = nr;
}

void xsc_arch_result(struct pt_regs *regs, long res)
{
	regs->regs[0] = res;
}

unsigned long xsc_arch_trap_address(const struct pt_regs *regs)
{
	return regs->pc - AARCH64_INSN_SIZE;
}

void xsc_vdso_moved(unsigned long to)
{
	struct pt_regs *regs = current_pt_regs();
	unsigned long vdso = xsc_vdso();

	if (vdso && regs->pc == GATE(vdso, land))
		regs->pc = GATE(to, land);
}

/*
 * A handler is about to run on top of the gate. It may use the gate and the same ring, so
 * the call begins again after it; but not a call that is done.
 */
void xsc_signal_fixup(struct pt_regs *regs)
{
	unsigned long vdso = xsc_vdso();

	if (vdso && regs->pc > GATE(vdso, restart) && regs->pc < GATE(vdso, gate_end) &&
	    regs->pc != GATE(vdso, land))
		regs->pc = GATE(vdso, restart);
}

/* The rest of the way out is that of the fault. */
long xsc_arch_call(struct pt_regs *regs, const struct xsc_call *call)
{
	memcpy(regs->regs, call->args, sizeof(call->args));
	/* As svc leaves it, if it is the program's own. */
	if ((u32)regs->regs[8] != (u32)call->nr)
		regs->regs[8] = call->nr;
	xsc_el0_call(regs, call->nr);
	return regs_return_value(regs);
}

/* After a typed call: everything but the result as the program gave it, for a restart too. */
void xsc_arch_keep(struct pt_regs *regs, const struct pt_regs *saved)
{
	memcpy(&regs->regs[1], &saved->regs[1], 5 * sizeof(regs->regs[0]));
	regs->regs[8] = saved->regs[8];
	regs->orig_x0 = saved->regs[0];
}

/* At exec; a lock of the program before ends here. */
void xsc_arch_guard(bool on)
{
	struct thread_info *ti = current_thread_info();

	update_ti_thread_flag(ti, TIF_XSC_GUARD, on);
	clear_ti_thread_flag(ti, TIF_XSC_CFI);
}

bool xsc_arch_cfi_supported(void)
{
	return system_supports_bti() && system_supports_address_auth();
}

/* exec has enabled all keys; guarded pages are the loader's (ELF property) and cannot be locked. */
int xsc_arch_cfi_lock(void)
{
	set_thread_flag(TIF_XSC_CFI);
	return 0;
}
