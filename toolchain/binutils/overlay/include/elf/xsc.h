/* The XSC ABI note, as gas writes it, ld merges it and readelf and objdump
   print it.  The kernel's Documentation/userspace-api/xsc-abi.rst defines
   it; the constants are those of its <linux/xsc.h>.

   This program is free software; you can redistribute it and/or modify
   it under the terms of the GNU General Public License as published by
   the Free Software Foundation; either version 3 of the License, or
   (at your option) any later version.

   This program is distributed in the hope that it will be useful,
   but WITHOUT ANY WARRANTY; without even the implied warranty of
   MERCHANTABILITY or FITNESS FOR A PARTICULAR PURPOSE.  See the
   GNU General Public License for more details.

   You should have received a copy of the GNU General Public License
   along with this program; see the file COPYING3.  If not,
   see <http://www.gnu.org/licenses/>.  */

#ifndef _ELF_XSC_H
#define _ELF_XSC_H

#include <stdint.h>
#include <string.h>

#define XSC_NOTE_SECTION	".note.XSC-ABI"
#define XSC_NOTE_NAME		"XSC"
#define XSC_NOTE_TYPE		1
#define XSC_NOTE_ALIGN_POWER	2

/* The only version so far, the first word of the descriptor.  */
#define XSC_ABI			1

/* The second word, which a note without features leaves out.  */
#define XSC_NOTE_CFI		(1U << 0)
#define XSC_NOTE_FEATURES	XSC_NOTE_CFI

/* namesz, descsz, type, name, abi, features.  */
#define XSC_NOTE_SIZE(FEATURES)	((FEATURES) != 0 ? 24 : 20)

enum xsc_note_state
{
  xsc_note_absent,
  xsc_note_good,
  xsc_note_corrupt,		/* Not a sequence of notes, or no version.  */
  xsc_note_other_version,	/* abi is not XSC_ABI.  */
  xsc_note_unknown_feature	/* A bit outside of XSC_NOTE_FEATURES.  */
};

/* Look for XSC notes in the SIZE bytes at P, which hold notes padded to
   ALIGN bytes (4 or 8), with GET32 to read a word.  *FEATURES becomes what
   all of them have, or that of the bad one.  */

static inline enum xsc_note_state
xsc_note_read (const unsigned char *p, size_t size, size_t align,
	       uint64_t (*get32) (const void *), uint32_t *features)
{
  enum xsc_note_state state = xsc_note_absent;
  uint32_t all = XSC_NOTE_FEATURES;

  while (size >= 12)
    {
      size_t namesz = get32 (p);
      size_t descsz = get32 (p + 4);
      uint32_t type = get32 (p + 8);
      size_t desc, end;

      if (namesz > size || descsz > size)
	return xsc_note_corrupt;
      desc = (12 + namesz + align - 1) & -align;
      end = desc + descsz;
      if (end > size)
	return xsc_note_corrupt;
      if (namesz == sizeof XSC_NOTE_NAME
	  && memcmp (p + 12, XSC_NOTE_NAME, sizeof XSC_NOTE_NAME) == 0
	  && type == XSC_NOTE_TYPE)
	{
	  uint32_t mine = 0;

	  if (descsz < 4)
	    return xsc_note_corrupt;
	  if (get32 (p + desc) != XSC_ABI)
	    return xsc_note_other_version;
	  if (descsz >= 8)
	    mine = get32 (p + desc + 4);
	  if ((mine & ~XSC_NOTE_FEATURES) != 0)
	    {
	      *features = mine;
	      return xsc_note_unknown_feature;
	    }
	  all &= mine;
	  state = xsc_note_good;
	}
      end = (end + align - 1) & -align;
      if (end > size)
	end = size;
      p += end;
      size -= end;
    }
  if (state == xsc_note_good)
    *features = all;
  return state;
}

#endif /* _ELF_XSC_H */
