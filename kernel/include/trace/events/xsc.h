/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Tracepoints of XSC, emitted by drivers/xsc/{entry,exec}.c. The system calls that the gate
 * makes are also in raw_syscalls and syscalls, as those of a trap instruction.
 */
#undef TRACE_SYSTEM
#define TRACE_SYSTEM xsc

#if !defined(_TRACE_XSC_H) || defined(TRACE_HEADER_MULTI_READ)
#define _TRACE_XSC_H

#include <linux/binfmts.h>
#include <linux/tracepoint.h>

/* The gate rang the doorbell. ring is 0 in register form. */
TRACE_EVENT(xsc_call,
	TP_PROTO(u64 number, unsigned long ring),
	TP_ARGS(number, ring),
	TP_STRUCT__entry(
		__field(u64, number)
		__field(unsigned long, ring)
	),
	TP_fast_assign(
		__entry->number = number;
		__entry->ring = ring;
	),
	TP_printk("nr=%u opcode=%u ring=%lx", (u32)__entry->number,
		  (u32)(__entry->number >> 32) & 0xff, __entry->ring)
);

/* A process is killed: a trap instruction, or a doorbell that is not the gate's. */
TRACE_EVENT(xsc_trap,
	TP_PROTO(unsigned long ip, int nr, const char *reason),
	TP_ARGS(ip, nr, reason),
	TP_STRUCT__entry(
		__field(unsigned long, ip)
		__field(int, nr)
		__string(reason, reason)
	),
	TP_fast_assign(
		__entry->ip = ip;
		__entry->nr = nr;
		__assign_str(reason);
	),
	TP_printk("ip=%lx nr=%d reason=%s", __entry->ip, __entry->nr, __get_str(reason))
);

/* A program is looked at by exec: abi is what AT_XSC_ABI will say, reason why it is refused. */
TRACE_EVENT(xsc_exec,
	TP_PROTO(const char *filename, unsigned int abi, const char *reason),
	TP_ARGS(filename, abi, reason),
	TP_STRUCT__entry(
		__string(filename, filename)
		__field(unsigned int, abi)
		__string(reason, reason ?: "")
	),
	TP_fast_assign(
		__assign_str(filename);
		__entry->abi = abi;
		__assign_str(reason);
	),
	TP_printk("file=%s abi=%x refused=%s", __get_str(filename), __entry->abi,
		  __get_str(reason))
);

#endif /* _TRACE_XSC_H */

#include <trace/define_trace.h>
