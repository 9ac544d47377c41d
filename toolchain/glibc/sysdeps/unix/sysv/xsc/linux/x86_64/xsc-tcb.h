/* Where a thread keeps its ring.  x86-64 version.
   This file is part of XSC OS and made for the GNU C Library.

   It is free software; you can redistribute it and/or modify it under
   the terms of the GNU Lesser General Public License as published by
   the Free Software Foundation; either version 2.1 of the License, or
   (at your option) any later version.  It comes without any warranty.

   SPDX-License-Identifier: LGPL-2.1-or-later  */

#ifndef _XSC_TCB_H
#define _XSC_TCB_H 1

#include <stddef.h>
#include <tls.h>
#include <xsc-enter.h>

_Static_assert (offsetof (tcbhead_t, sysinfo) == XSC_RING_OFFSET,
		"offset of sysinfo != XSC_RING_OFFSET");

/* The ring of the thread whose descriptor is PD.  */
static inline uintptr_t
xsc_get_ring (const struct pthread *pd)
{
  return pd->header.sysinfo;
}

static inline void
xsc_set_ring (struct pthread *pd, uintptr_t ring)
{
  pd->header.sysinfo = ring;
}

#endif
