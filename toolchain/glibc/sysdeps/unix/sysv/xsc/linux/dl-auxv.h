/* Find the gate, the first thread's ring and the XSC ABI at start-up.
   This file is part of XSC OS and made for the GNU C Library.

   It is free software; you can redistribute it and/or modify it under
   the terms of the GNU Lesser General Public License as published by
   the Free Software Foundation; either version 2.1 of the License, or
   (at your option) any later version.  It comes without any warranty.

   SPDX-License-Identifier: LGPL-2.1-or-later  */

/* _dl_parse_auxv runs DL_PLATFORM_AUXV, in ld.so and in static programs,
   before the first system call.  Invariant: nothing here needs a relocation
   or makes a system call.  */

#ifndef _XSC_DL_AUXV_H
#define _XSC_DL_AUXV_H 1

#include <link.h>
#include <dl-xsc.h>
#include <xsc-unwind.h>

/* linux/xsc.h has these; AT_XSC_GATE is AT_SYSINFO.  */
#define XSC_AT_RING 0x58530001
#define XSC_AT_ABI 0x58530002

#define DL_PLATFORM_AUXV \
  xsc_parse_auxv (GLRO(dl_auxv), auxv_values[AT_SYSINFO]);

static inline void __attribute__ ((always_inline))
xsc_parse_auxv (const ElfW(auxv_t) *av, uintptr_t gate)
{
  /* Without a gate: the trap instruction of the compat loader, or the end of
     a strict program (SIGILL at its first system call).  */
  _dl_xsc_gate = gate != 0 ? gate : (uintptr_t) __xsc_fallback;
  xsc_describe_gate (gate);

  for (; av->a_type != AT_NULL; av++)
    if (av->a_type == XSC_AT_RING)
      _dl_xsc_ring = av->a_un.a_val;
    else if (av->a_type == XSC_AT_ABI)
      _dl_xsc_abi = av->a_un.a_val;
}

#endif
