/* Is a system call under way?
   This file is part of XSC OS and made for the GNU C Library.

   It is free software; you can redistribute it and/or modify it under
   the terms of the GNU Lesser General Public License as published by
   the Free Software Foundation; either version 2.1 of the License, or
   (at your option) any later version.  It comes without any warranty.

   SPDX-License-Identifier: LGPL-2.1-or-later  */

#ifndef _XSC_PENDING_H
#define _XSC_PENDING_H 1

#include <stdint.h>

extern uintptr_t __xsc_pending (uintptr_t pc, uintptr_t link,
				const uintptr_t *sp);

#endif
