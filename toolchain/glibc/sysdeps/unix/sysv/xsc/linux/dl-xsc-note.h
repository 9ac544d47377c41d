/* Has a shared object the XSC ABI note?
   This file is part of XSC OS and made for the GNU C Library.

   It is free software; you can redistribute it and/or modify it under
   the terms of the GNU Lesser General Public License as published by
   the Free Software Foundation; either version 2.1 of the License, or
   (at your option) any later version.  It comes without any warranty.

   SPDX-License-Identifier: LGPL-2.1-or-later  */

/* Included by elf/dl-load.c, whose open_verify asks before it maps a file.
   Invariant: only a guarded process asks, because there an object with a trap
   instruction would be killed when it is reached; in a cfi process the note
   must say cfi too.  */

#ifndef _DL_XSC_NOTE_H
#define _DL_XSC_NOTE_H 1

#include <dl-xsc.h>
#include <not-cancel.h>

#define XSC_NOTE_LARGEST 4096

/* Whether the notes of SIZE bytes at NOTES, aligned to ALIGN, hold ours.  */
static bool
xsc_find_note (const char *notes, size_t size, size_t align)
{
  const ElfW(Nhdr) *note = (const void *) notes;

  while (size >= sizeof *note)
    {
      size_t desc = ALIGN_UP (sizeof *note + note->n_namesz, align);
      size_t next = ALIGN_UP (desc + note->n_descsz, align);
      if (note->n_namesz > size || note->n_descsz > size
	  || desc + note->n_descsz > size)
	return false;

      if (note->n_type == 1 && note->n_namesz == 4 && note->n_descsz >= 4
	  && memcmp (note + 1, "XSC", 4) == 0)
	{
	  const uint32_t *word = (const void *) ((const char *) note + desc);
	  uint32_t features = note->n_descsz >= 8 ? word[1] : 0;
	  return (word[0] == (_dl_xsc_abi & 0xffff)
		  && ((_dl_xsc_abi & XSC_ABI_CFI) == 0
		      || (features & XSC_NOTE_CFI) != 0));
	}

      if (next >= size)
	return false;
      size -= next;
      note = (const void *) ((const char *) note + next);
    }
  return false;
}

/* NULL, or why this process does not load the file FD with program headers
   PHDR, whose first LEN bytes are at BUF.  */
static const char *
xsc_refuse_object (const ElfW(Phdr) *phdr, size_t phnum, const char *buf,
		   size_t len, int fd)
{
  if ((_dl_xsc_abi & XSC_ABI_GUARD) == 0)
    return NULL;

  for (const ElfW(Phdr) *ph = phdr; ph < &phdr[phnum]; ph++)
    {
      size_t align = ph->p_align == 8 ? 8 : 4;
      char copy[XSC_NOTE_LARGEST] __attribute__ ((aligned (8)));
      const char *notes = buf + ph->p_offset;

      if (ph->p_type != PT_NOTE || ph->p_filesz > sizeof copy)
	continue;
      if (ph->p_offset > len || ph->p_filesz > len - ph->p_offset
	  || ph->p_offset % align != 0)
	{
	  if ((size_t) __pread64_nocancel (fd, copy, ph->p_filesz,
					   ph->p_offset) != ph->p_filesz)
	    continue;
	  notes = copy;
	}
      if (xsc_find_note (notes, ph->p_filesz, align))
	return NULL;
    }

  return ((_dl_xsc_abi & XSC_ABI_CFI) == 0
	  ? N_("has no XSC ABI note") : N_("has no XSC ABI note for cfi"));
}

#endif
