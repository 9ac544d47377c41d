// SPDX-License-Identifier: GPL-2.0
/*
 * The x86_64 half of entry.c: where the gate is, which registers hold what, and how one system
 * call is made of them. Called from the page fault of a user and before a signal frame is
 * written. Invariant: the place of the store decides, never what it stores.
 */
#include <linux/entry-common.h>
#include <linux/mm.h>
#include <linux/nospec.h>
#include <linux/ptrace.h>
#include <linux/randomize_kstack.h>
#include <linux/sched.h>
#include <linux/sched/task_stack.h>
#include <linux/uaccess.h>
#include <linux/xsc.h>
#include <asm/cpufeature.h>
#include <asm/elf.h>
#include <asm/prctl.h>
#include <asm/shstk.h>
#include <asm/syscall.h>
#include <asm/vdso.h>
#include <asm/xsc.h>
#include <uapi/linux/xsc.h>

#include "arch.h"
#include "entry.h"

#define GATE(vdso, label)	((vdso) + vdso_image_64.sym___xsc_##label)

/* The gate fills a struct xsc_sqe: number, opcode and flags, then the arguments. */
static_assert(XSC_CALL_SLOT == XSC_RING_CALL);
static_assert(offsetof(struct xsc_ring_hdr, call) == XSC_RING_CALL);
static_assert(offsetof(struct xsc_sqe, args) == 8);

/* Address of the vDSO with the gate; 0 when there is none (vdso=0, a 32-bit program). */
static unsigned long xsc_vdso(void)
{
	struct mm_struct *mm = current->mm;

	if (!mm || mm->context.vdso_image != &vdso_image_64)
		return 0;
	return (unsigned long)mm->context.vdso;
}

/* Whether a 64-bit program that is about to run will have a vDSO. */
bool xsc_arch_gate_offered(void)
{
	return vdso64_enabled;
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
	if (user_64bit_mode((struct pt_regs *)regs)) {
		if (regs->ip == GATE(vdso, call_regs))
			return XSC_SITE_REGISTERS;
		if (regs->ip == GATE(vdso, call_ring))
			return XSC_SITE_RING;
	}
	return XSC_SITE_FOREIGN;
}

void xsc_arch_land(struct pt_regs *regs)
{
	regs->ip = GATE(xsc_vdso(), land);
}

void xsc_arch_private(struct pt_regs *regs, int nr)
{
	regs->orig_ax = nr;
}

void xsc_arch_result(struct pt_regs *regs, long res)
{
	regs->ax = res;
}

unsigned long xsc_arch_trap_address(const struct pt_regs *regs)
{
	/* syscall, sysenter and int 0x80 are two bytes each. */
	return regs->ip - 2;
}

void xsc_vdso_moved(unsigned long to)
{
	struct pt_regs *regs = current_pt_regs();
	unsigned long vdso = xsc_vdso();

	if (vdso && regs->ip == GATE(vdso, land))
		regs->ip = GATE(to, land);
}

/*
 * A handler is about to run on top of the gate. It may use the gate and the same ring, so the
 * call begins again after it; but not a call that is done.
 */
void xsc_signal_fixup(struct pt_regs *regs)
{
	unsigned long vdso = xsc_vdso();

	if (vdso && regs->ip > GATE(vdso, restart) && regs->ip < GATE(vdso, gate_end) &&
	    regs->ip != GATE(vdso, land))
		regs->ip = GATE(vdso, restart);
}

/* do_syscall_64() with the guard left out; the rest of the way out is that of the fault. */
long xsc_arch_call(struct pt_regs *regs, const struct xsc_call *call)
{
	unsigned long work = READ_ONCE(current_thread_info()->syscall_work);
	long nr = (int)call->nr;

	regs->di = call->args[0];
	regs->si = call->args[1];
	regs->dx = call->args[2];
	regs->r10 = call->args[3];
	regs->r8 = call->args[4];
	regs->r9 = call->args[5];
	regs->orig_ax = nr;
	regs->ax = -ENOSYS;

	if (test_syscall_work(XSC_TRAPPED))
		clear_syscall_work(XSC_TRAPPED);
	add_random_kstack_offset();
	work &= SYSCALL_WORK_ENTER & ~SYSCALL_WORK_XSC_GUARD;
	if (work)
		nr = (int)syscall_trace_enter(regs, nr, work);
	if ((unsigned int)nr < NR_syscalls)
		regs->ax = x64_sys_call(regs, array_index_nospec((unsigned int)nr, NR_syscalls));
	else if (nr != -1)
		regs->ax = __x64_sys_ni_syscall(regs);
	xsc_syscall_exit_work(regs);
	return regs->ax;
}

/* A restart takes ax from orig_ax and goes through the gate again, opcode included. */
void xsc_arch_keep(struct pt_regs *regs, const struct pt_regs *saved)
{
	regs->orig_ax = saved->ax;
	xsc_restore_arguments(regs, saved);
}

void xsc_arch_guard(bool on)
{
	if (on)
		set_syscall_work(XSC_GUARD);
	else
		clear_syscall_work(XSC_GUARD);
}

/*
 * int 0x80 and sysenter of a 64-bit program fault when kernel or processor has no such entry (#GP,
 * AMD's sysenter #UD): for a guarded task they are what they are meant to be, a trap instruction.
 */
bool xsc_fault_trap(struct pt_regs *regs)
{
	u8 insn[2];

	if (!xsc_guarded() || copy_from_user(insn, (void __user *)regs->ip, sizeof(insn)))
		return false;
	if (!(insn[0] == 0xcd && insn[1] == 0x80) && !(insn[0] == 0x0f && insn[1] == 0x34))
		return false;
	xsc_kill(regs->ip, (int)regs->ax, "trap-instruction");
	return true;
}

bool xsc_arch_cfi_supported(void)
{
	return cpu_feature_enabled(X86_FEATURE_USER_SHSTK);
}

/* The shadow stack, on and for good. 6.12 has no indirect branch tracking for user space. */
int xsc_arch_cfi_lock(void)
{
	int ret = shstk_prctl(current, ARCH_SHSTK_ENABLE, ARCH_SHSTK_SHSTK);

	if (ret)
		return ret;
	return shstk_prctl(current, ARCH_SHSTK_LOCK, -1UL);
}
