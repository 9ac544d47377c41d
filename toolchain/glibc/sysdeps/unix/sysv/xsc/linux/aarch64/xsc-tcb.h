/* Where a thread keeps its ring.  AArch64 version.
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

_Static_assert (offsetof (tcbhead_t, private) == XSC_RING_OFFSET,
		"offset of private != XSC_RING_OFFSET");

/* The ring of the thread whose descriptor is PD.  */
static inline uintptr_t
xsc_get_ring (const struct pthread *pd)
{
  return (uintptr_t) ((const tcbhead_t *) (pd + 1))->private;
}

static inline void
xsc_set_ring (struct pthread *pd, uintptr_t ring)
{
  ((tcbhead_t *) (pd + 1))->private = (void *) ring;
}

#endif
