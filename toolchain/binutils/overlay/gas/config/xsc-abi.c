/* Rejects trap instructions and marks what holds none.  tc-i386.c and
   tc-aarch64.c include this file; they find the instructions and call
   xsc_trap.  An object has the XSC ABI note only if every instruction in it
   passed here: what data directives spell is for the audit of the output.

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

#include "elf/xsc.h"

/* -mno-syscall and -msyscall.  */
#ifdef TE_XSC
static int xsc_no_syscall = 1;
#else
static int xsc_no_syscall = 0;
#endif

/* -mxsc-abi=.  */
static uint32_t xsc_note_features = 0;

/* Called for each trap instruction while xsc_no_syscall.  */

static void
xsc_trap (const char *insn)
{
  as_bad (_("trap instruction `%s' is not for XSC:"
	    " call the C library, or -msyscall"), insn);
}

/* Handle the argument of -mxsc-abi=.  */

static int
xsc_parse_abi (const char *arg)
{
  if (strcmp (arg, "base") == 0)
    xsc_note_features = 0;
  else if (strcmp (arg, "cfi") == 0)
    xsc_note_features = XSC_NOTE_CFI;
  else
    as_fatal (_("invalid -mxsc-abi= option: `%s'"), arg);
  return 1;
}

/* Called at the end of the input: adds the note, unless the input has one of
   its own.  */

static void
xsc_emit_note (void)
{
  segT seg = now_seg;
  subsegT subseg = now_subseg;
  segT sec;
  char *p;

  if (!xsc_no_syscall
      || bfd_get_section_by_name (stdoutput, XSC_NOTE_SECTION) != NULL)
    return;

  sec = subseg_new (XSC_NOTE_SECTION, 0);
  bfd_set_section_flags (sec, (SEC_ALLOC | SEC_LOAD | SEC_DATA
			       | SEC_HAS_CONTENTS | SEC_READONLY));
  bfd_set_section_alignment (sec, XSC_NOTE_ALIGN_POWER);
  elf_section_type (sec) = SHT_NOTE;

  p = frag_more (XSC_NOTE_SIZE (xsc_note_features));
  md_number_to_chars (p, sizeof XSC_NOTE_NAME, 4);
  md_number_to_chars (p + 4, XSC_NOTE_SIZE (xsc_note_features) - 16, 4);
  md_number_to_chars (p + 8, XSC_NOTE_TYPE, 4);
  memcpy (p + 12, XSC_NOTE_NAME, sizeof XSC_NOTE_NAME);
  md_number_to_chars (p + 16, XSC_ABI, 4);
  if (xsc_note_features != 0)
    md_number_to_chars (p + 20, xsc_note_features, 4);

  if (seg != NULL)
    subseg_set (seg, subseg);
}
