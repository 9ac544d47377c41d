/* Unwinding out of the gate.  AArch64 version.
   This file is part of XSC OS and made for the GNU C Library.

   It is free software; you can redistribute it and/or modify it under
   the terms of the GNU Lesser General Public License as published by
   the Free Software Foundation; either version 2.1 of the License, or
   (at your option) any later version.  It comes without any warranty.

   SPDX-License-Identifier: LGPL-2.1-or-later  */

/* A signal handler interrupts most system calls at the gate's landing, and the
   vDSO of Linux 6.12 for arm64 has no unwind information for its own code.  So
   _dl_find_object, which unwinders ask, answers for the gate with a table of
   xsc-gate.S.  Invariant: the table is complete before the first thread.  */

#ifndef _XSC_UNWIND_H
#define _XSC_UNWIND_H 1

#include <dlfcn.h>
#include <ldsodefs.h>
#include <stdbool.h>
#include <stdint.h>

/* Length of the gate, as in the table.  */
#define XSC_GATE_SIZE 64

extern char _dl_xsc_gate_frame[] attribute_hidden;
extern uintptr_t _dl_xsc_gate_start attribute_hidden;

/* Whether PC is in the gate; if so RESULT says how to leave it.  libc.so has a
   copy of the caller, too, which nobody calls.  */
static inline bool
xsc_find_gate (uintptr_t pc, struct dl_find_object *result)
{
#if IS_IN (rtld) || !defined SHARED
  uintptr_t gate = _dl_xsc_gate_start;
  if (gate == 0 || pc - gate >= XSC_GATE_SIZE)
    return false;

  result->dlfo_flags = 0;
  result->dlfo_map_start = (void *) gate;
  result->dlfo_map_end = (void *) (gate + XSC_GATE_SIZE);
  /* By <link.h> its type has another name if that came before <dlfcn.h>.  */
  result->dlfo_link_map = (void *) GLRO(dl_sysinfo_map);
  result->dlfo_eh_frame = _dl_xsc_gate_frame;
  return true;
#else
  return false;
#endif
}

static inline void __attribute__ ((always_inline))
xsc_describe_gate (uintptr_t gate)
{
  _dl_xsc_gate_start = gate;
}

#endif
