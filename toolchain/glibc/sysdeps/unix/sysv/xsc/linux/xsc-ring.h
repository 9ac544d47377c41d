/* The process ring of a thread.
   This file is part of XSC OS and made for the GNU C Library.

   It is free software; you can redistribute it and/or modify it under
   the terms of the GNU Lesser General Public License as published by
   the Free Software Foundation; either version 2.1 of the License, or
   (at your option) any later version.  It comes without any warranty.

   SPDX-License-Identifier: LGPL-2.1-or-later  */

/* nptl/allocatestack.c and nptl/nptl-stack.c include this.  Invariant: the
   ring of a thread lies in the mapping of its stack, above the stack block,
   and so lives exactly as long as the thread descriptor does: the mapping is
   reused or unmapped only after the kernel has cleared the thread's tid.
   Threads on stacks of their creator have no ring and use the register
   form.  */

#ifndef _XSC_RING_H
#define _XSC_RING_H 1

#include <stdint.h>
#include <string.h>
#include <libc-pointer-arith.h>
#include <xsc-tcb.h>

#define XSC_RING_SIZE 0x4000

/* Room for an aligned ring at any page address.  */
#define XSC_RING_SPACE (2 * XSC_RING_SIZE - 0x1000)

/* Give PD the fresh, zeroed memory at or above BASE as its ring.  */
static inline void
xsc_ring_place (struct pthread *pd, char *base)
{
  xsc_set_ring (pd, (uintptr_t) PTR_ALIGN_UP (base, XSC_RING_SIZE));
}

/* PD is about to serve another thread: its ring must be empty again, and there
   even if the thread before gave it up (XSC_LEND_TCB).  All zero indices are an
   empty ring, whatever the entries hold.  */
static inline void
xsc_ring_reset (struct pthread *pd)
{
  xsc_ring_place (pd, (char *) pd->stackblock + pd->stackblock_size);
  memset ((void *) xsc_get_ring (pd), 0, 64);
}

static inline void
xsc_ring_none (struct pthread *pd)
{
  xsc_set_ring (pd, 0);
}

#endif
