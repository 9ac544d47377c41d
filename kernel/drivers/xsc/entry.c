// SPDX-License-Identifier: GPL-2.0
/*
 * The doorbell: a faulting store of the gate becomes one system call of the current task, on
 * the registers the fault saved. And the guard: any other way into the kernel is fatal for a
 * guarded task. Called by the page fault handlers and the system call entries of the
 * machines. Invariant: what a call is, is read once; seccomp, ptrace, audit and the call
 * itself see the same registers.
 */
#define pr_fmt(fmt) "xsc: " fmt

#include <linux/audit.h>
#include <linux/printk.h>
#include <linux/ptrace.h>
#include <linux/ratelimit.h>
#include <linux/sched.h>
#include <linux/sched/signal.h>
#include <linux/signal.h>
#include <linux/uaccess.h>
#include <linux/xsc.h>
#include <asm/syscall.h>
#include <asm/xsc.h>
#include <uapi/linux/xsc.h>

#include "enter.h"
#include "entry.h"
#include "stats.h"

#define CREATE_TRACE_POINTS
#include <trace/events/xsc.h>

void xsc_kill(unsigned long ip, int nr, const char *reason)
{
	struct audit_buffer *ab;

	trace_xsc_trap(ip, nr, reason);
	xsc_count(XSC_STAT_TRAPS);
	pr_warn_ratelimited("%s[%d]: %s at %lx, number %d: killed\n", current->comm,
			    task_pid_nr(current), reason, ip, nr);
	ab = audit_log_start(audit_context(), GFP_KERNEL, AUDIT_KERNEL_OTHER);
	if (ab) {
		audit_log_format(ab, "op=xsc-trap reason=%s syscall=%d ip=0x%lx sig=%d", reason,
				 nr, ip, SIGSYS);
		audit_log_task_info(ab);
		audit_log_end(ab);
	}
	force_sig_syscall_fatal((void __user *)ip, nr);
}

bool xsc_trap(struct pt_regs *regs, long nr)
{
	xsc_kill(xsc_arch_trap_address(regs), nr, "trap-instruction");
	return true;
}

/* The only look at the call slot, which other threads can write to. */
static int xsc_ring_read(unsigned long ring, struct xsc_sqe *sqe)
{
	void __user *slot = (void __user *)(ring + XSC_RING_CALL);

	if (IS_ALIGNED(ring, XSC_RING_SIZE) && !copy_from_user(sqe, slot, sizeof(*sqe))) {
		/* A negative number, sign-extended by the program as a trap's may be. */
		if (sqe->opcode == U8_MAX && sqe->flags == U8_MAX && sqe->ioprio == U16_MAX) {
			sqe->opcode = XSC_OP_SYSCALL;
			sqe->flags = 0;
			sqe->ioprio = 0;
		}
		return 0;
	}
	/* The gate has just written there: it is no ring, or somebody took the memory away. */
	force_sig_fault(SIGSEGV, SEGV_MAPERR, slot);
	return -EFAULT;
}

/*
 * A call whose registers are not those of a system call: they hold the system call's while it
 * is made, for tracers and filters, and the program's own again after it, also for its restart.
 * Not if somebody put others there: exec, a tracer, a SIGSYS that shows what was asked for.
 */
static void xsc_call_typed(struct pt_regs *regs, const struct xsc_call *call)
{
	u32 exec_id = current->self_exec_id;
	struct pt_regs saved = *regs;

	xsc_arch_call(regs, call);
	if (current->self_exec_id == exec_id &&
	    instruction_pointer(regs) == instruction_pointer(&saved) &&
	    user_stack_pointer(regs) == user_stack_pointer(&saved) &&
	    !(signal_pending(current) && xsc_was_trapped()))
		xsc_arch_keep(regs, &saved);
}

static void xsc_call_registers(struct pt_regs *regs)
{
	struct xsc_call call = { .nr = xsc_arch_number(regs) };

	xsc_count_call(XSC_STAT_CALLS_REGISTER);
	if (call.nr == XSC_NR_ENTER) {
		xsc_arch_private(regs, call.nr);
		xsc_arch_result(regs, xsc_enter(regs));
		return;
	}
	xsc_arch_arguments(regs, call.args);
	xsc_arch_call(regs, &call);
}

static void xsc_call_ring(struct pt_regs *regs, unsigned long ring)
{
	struct xsc_call call;
	struct xsc_sqe sqe;
	int ret;

	xsc_count_call(XSC_STAT_CALLS_RING);
	ret = xsc_ring_read(ring, &sqe);
	if (!ret)
		ret = xsc_op_prepare(&sqe, &call);
	if (ret)
		xsc_arch_result(regs, min(ret, 0));
	else if (sqe.opcode == XSC_OP_SYSCALL)
		xsc_arch_call(regs, &call);
	else
		xsc_call_typed(regs, &call);
}

bool xsc_doorbell(struct pt_regs *regs, unsigned long address)
{
	enum xsc_site site = xsc_arch_site(regs, address);
	unsigned long ring;

	switch (site) {
	case XSC_SITE_NONE:
		return false;
	case XSC_SITE_FOREIGN:
		/* A program that is none of ours may have memory there, or faults as ever. */
		if (!xsc_guarded())
			return false;
		xsc_kill(instruction_pointer(regs), -1, "foreign-doorbell");
		return true;
	case XSC_SITE_REGISTERS:
	case XSC_SITE_RING:
		break;
	}

	ring = site == XSC_SITE_RING ? xsc_arch_ring(regs) : 0;
	trace_xsc_call(xsc_arch_number(regs), ring);
	/*
	 * Before the call: a forked child begins here, a restart goes back from here, and exec
	 * and sigreturn put another address in its place.
	 */
	xsc_arch_land(regs);
	if (site == XSC_SITE_RING)
		xsc_call_ring(regs, ring);
	else
		xsc_call_registers(regs);
	return true;
}
