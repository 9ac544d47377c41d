/* The registers of an interrupted system call.  AArch64 version.
   This file is part of XSC OS and made for the GNU C Library.

   It is free software; you can redistribute it and/or modify it under
   the terms of the GNU Lesser General Public License as published by
   the Free Software Foundation; either version 2.1 of the License, or
   (at your option) any later version.  It comes without any warranty.

   SPDX-License-Identifier: LGPL-2.1-or-later  */

#ifndef _XSC_CONTEXT_H
#define _XSC_CONTEXT_H 1

#include <stdint.h>
#include <ucontext.h>

/* The register that holds the return address of XSC_SYSCALL.  */
static inline uintptr_t
xsc_context_link (const ucontext_t *ctx)
{
  return ctx->uc_mcontext.regs[17];
}

static inline const uintptr_t *
xsc_context_sp (const ucontext_t *ctx)
{
  return (const uintptr_t *) ctx->uc_mcontext.sp;
}

#endif
