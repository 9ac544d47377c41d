/* Has a cancellable system call been interrupted before it had an effect?
   This file is part of XSC OS and made for the GNU C Library.

   It is free software; you can redistribute it and/or modify it under
   the terms of the GNU Lesser General Public License as published by
   the Free Software Foundation; either version 2.1 of the License, or
   (at your option) any later version.  It comes without any warranty.

   SPDX-License-Identifier: LGPL-2.1-or-later  */

/* Replaces sysdeps/nptl/cancellation-pc-check.h, whose comment says what is
   decided here: between __syscall_cancel_arch_start and _end nothing has
   happened yet.  The stub in ld.so and the gate, left for that end, belong to
   the stretch.  */

#ifndef _NPTL_CANCELLATION_PC_CHECK
#define _NPTL_CANCELLATION_PC_CHECK

#include <sigcontextinfo.h>
#include <xsc-context.h>
#include <xsc-pending.h>

static __always_inline bool
cancellation_pc_check (void *ctx)
{
  /* Both are defined in syscall_cancel.S.  */
  extern const char __syscall_cancel_arch_start[1];
  extern const char __syscall_cancel_arch_end[1];

  uintptr_t pc = sigcontext_get_pc (ctx);
  if (pc >= (uintptr_t) __syscall_cancel_arch_start
      && pc < (uintptr_t) __syscall_cancel_arch_end)
    return true;
  return __xsc_pending (pc, xsc_context_link (ctx), xsc_context_sp (ctx))
	 == (uintptr_t) __syscall_cancel_arch_end;
}

#endif
