/* Unwinding out of the gate: the kernel's vDSO says how.
   This file is part of XSC OS and made for the GNU C Library.

   It is free software; you can redistribute it and/or modify it under
   the terms of the GNU Lesser General Public License as published by
   the Free Software Foundation; either version 2.1 of the License, or
   (at your option) any later version.  It comes without any warranty.

   SPDX-License-Identifier: LGPL-2.1-or-later  */

/* Included by elf/dl-find_object.c and dl-auxv.h; machines whose gate has no
   unwind information replace it.  */

#ifndef _XSC_UNWIND_H
#define _XSC_UNWIND_H 1

#include <stdbool.h>
#include <stdint.h>

struct dl_find_object;

static inline bool
xsc_find_gate (uintptr_t pc, struct dl_find_object *result)
{
  return false;
}

static inline void __attribute__ ((always_inline))
xsc_describe_gate (uintptr_t gate)
{
}

#endif
