/* What ld.so and static programs know of the XSC kernel interface.
   This file is part of XSC OS and made for the GNU C Library.

   It is free software; you can redistribute it and/or modify it under
   the terms of the GNU Lesser General Public License as published by
   the Free Software Foundation; either version 2.1 of the License, or
   (at your option) any later version.  It comes without any warranty.

   SPDX-License-Identifier: LGPL-2.1-or-later  */

/* Defined in xsc-gate.S.  Invariant: the variables are written at start-up
   only, by one thread, and are read-only after relocation.  */

#ifndef _DL_XSC_H
#define _DL_XSC_H 1

#include <stdint.h>

/* The address system calls jump to: the kernel's gate or __xsc_fallback.  */
extern uintptr_t _dl_xsc_gate attribute_hidden;

/* The ring that the kernel made for the first thread, or 0.  */
extern uintptr_t _dl_xsc_ring attribute_hidden;

/* AT_XSC_ABI, 0 on other kernels and in programs without the note.  */
extern uint32_t _dl_xsc_abi attribute_hidden;
#define XSC_ABI_GUARD 0x10000
#define XSC_ABI_CFI 0x20000

/* Bit of the note's feature word.  */
#define XSC_NOTE_CFI 1

/* Not 0: the thread pointer is set, so there is a TCB to find a ring in.  */
extern uint32_t _dl_xsc_tls attribute_hidden;

/* Where calls go without a gate.  In the strict loader an undefined
   instruction, in the compat loader (XSC_COMPAT) a trap instruction.  */
extern const char __xsc_fallback[] attribute_hidden;

#endif
