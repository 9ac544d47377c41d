/* Is a system call under way?
   This file is part of XSC OS and made for the GNU C Library.

   It is free software; you can redistribute it and/or modify it under
   the terms of the GNU Lesser General Public License as published by
   the Free Software Foundation; either version 2.1 of the License, or
   (at your option) any later version.  It comes without any warranty.

   SPDX-License-Identifier: LGPL-2.1-or-later  */

/* Exported by ld.so to libc.so (GLIBC_PRIVATE), which handles SIGCANCEL.
   Async-signal-safe.  Invariant: the layout of code that it knows is that of
   xsc-gate.S beside it and the first instructions of the kernel's gate.  */

#include <dl-xsc.h>
#include <xsc-enter.h>
#include <xsc-pending.h>

extern const char __xsc_pending_start[] attribute_hidden;
extern const char __xsc_pending_end[] attribute_hidden;
extern const char __xsc_trap_start[] attribute_hidden;
extern const char __xsc_trap_end[] attribute_hidden;

/* The address that a system call will return to which was interrupted at PC
   before the kernel executed it or which will be executed again; 0 if there
   is none.  LINK is the register with the return address, SP the stack
   pointer.  A signal moves the program counter from the middle of the gate
   to its restart, so of the gate only what is before the landing counts.  */
uintptr_t
__xsc_pending (uintptr_t pc, uintptr_t link, const uintptr_t *sp)
{
  if (pc - _dl_xsc_gate < XSC_GATE_LAND
      || (pc >= (uintptr_t) __xsc_pending_start
	  && pc < (uintptr_t) __xsc_pending_end))
    return link;
  if (pc >= (uintptr_t) __xsc_trap_start && pc < (uintptr_t) __xsc_trap_end)
    return XSC_TRAP_LINK (link, sp);
  return 0;
}
