/* The XSC ABI note in the linker: one note in the output says what holds of
   all inputs, and an input it does not hold of is refused.  ldelf_after_open
   calls this file before and after it merges the GNU properties.
   An output has the note only if each input with code had it.

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

#include "sysdep.h"
#include "bfd.h"
#include "libiberty.h"
#include "bfdlink.h"
#include "ctf-api.h"
#include "ld.h"
#include "ldmain.h"
#include "ldmisc.h"
#include "ldexp.h"
#include "ldlang.h"
#include "elf-bfd.h"
#include "elf/xsc.h"
#include "ldxsc.h"

/* -z xsc-abi=.  */
static enum
{
  /* Not one of our targets: the notes are sections like others.  */
  xsc_abi_unset,
  /* No note in the output, nothing is refused.  */
  xsc_abi_none,
  xsc_abi_base,
  xsc_abi_cfi
} xsc_abi = xsc_abi_unset;

/* -z xsc-unnoted: instead of refusing inputs without the note, write none.  */
static bool xsc_unnoted = false;

/* What a machine calls the protection that cfi demands.  */
struct xsc_marks
{
  unsigned int property;
  unsigned int mask;
  const char *names;
  const char *option;
};

static const struct xsc_marks x86_marks =
{
  GNU_PROPERTY_X86_FEATURE_1_AND,
  GNU_PROPERTY_X86_FEATURE_1_IBT | GNU_PROPERTY_X86_FEATURE_1_SHSTK,
  "IBT and SHSTK", "-fcf-protection=full"
};

static const struct xsc_marks aarch64_marks =
{
  GNU_PROPERTY_AARCH64_FEATURE_1_AND,
  GNU_PROPERTY_AARCH64_FEATURE_1_BTI | GNU_PROPERTY_AARCH64_FEATURE_1_PAC,
  "BTI and PAC", "-mbranch-protection=standard"
};

/* The note that stays; the others are discarded.  */
static asection *kept_note;

/* Whether the output gets a note of cfi, which ldxsc_check_marks looks at.  */
static bool marks_wanted;

/* The first input that can't have marks.  */
static bfd *markless_input;

/* Whether an input is refused already; more about the output is noise.  */
static bool refused;

/* Handle ARG of -z.  Return false if it is none of ours.  */

bool
ldxsc_handle_z_option (const char *arg)
{
  if (strcmp (arg, "xsc-unnoted") == 0)
    xsc_unnoted = true;
  else if (!startswith (arg, "xsc-abi="))
    return false;
  else if (strcmp (arg + 8, "none") == 0)
    xsc_abi = xsc_abi_none;
  else if (strcmp (arg + 8, "base") == 0)
    xsc_abi = xsc_abi_base;
  else if (strcmp (arg + 8, "cfi") == 0)
    xsc_abi = xsc_abi_cfi;
  else
    einfo (_("%F%P: invalid XSC ABI `%s': base, cfi or none\n"), arg + 8);
  return true;
}

/* Called when the linker is one of *-xsc-linux*.  */

void
ldxsc_set_default (void)
{
  if (xsc_abi == xsc_abi_unset)
    xsc_abi = xsc_abi_base;
}

/* The marks of the output's machine, or NULL.  */

static const struct xsc_marks *
output_marks (void)
{
  switch (get_elf_backend_data (link_info.output_bfd)->elf_machine_code)
    {
    case EM_386:
    case EM_X86_64:
      return &x86_marks;
    case EM_AARCH64:
      return &aarch64_marks;
    default:
      return NULL;
    }
}

/* Look for the note in the SIZE bytes at P of ABFD.  Errors end the link
   where going on makes no sense.  */

static bool
read_notes (bfd *abfd, const bfd_byte *p, size_t size, size_t align,
	    uint32_t *features)
{
  uint32_t mine = 0;

  switch (xsc_note_read (p, size, align,
			 bfd_big_endian (abfd) ? bfd_getb32 : bfd_getl32,
			 &mine))
    {
    case xsc_note_absent:
      return false;
    case xsc_note_good:
      *features &= mine;
      return true;
    case xsc_note_corrupt:
      einfo (_("%X%P: %pB: the XSC ABI note is corrupt\n"), abfd);
      return true;
    case xsc_note_other_version:
      einfo (_("%X%P: %pB: the XSC ABI note is of another version than %d\n"),
	     abfd, XSC_ABI);
      return true;
    case xsc_note_unknown_feature:
      einfo (_("%X%P: %pB: the XSC ABI note has an unknown feature (0x%x)\n"),
	     abfd, (unsigned int) mine);
      return true;
    }
  return false;
}

/* Whether the shared object ABFD has the note, by its segments as at run
   time.  */

static bool
shared_object_noted (bfd *abfd, uint32_t *features)
{
  unsigned int i;
  bool noted = false;

  for (i = 0; i < elf_elfheader (abfd)->e_phnum; i++)
    {
      Elf_Internal_Phdr *phdr = elf_tdata (abfd)->phdr + i;
      bfd_byte *contents;

      if (phdr->p_type != PT_NOTE || phdr->p_filesz == 0)
	continue;
      if (phdr->p_filesz > bfd_get_file_size (abfd))
	einfo (_("%F%P: %pB: a note segment is beyond the end\n"), abfd);
      contents = xmalloc (phdr->p_filesz);
      if (bfd_seek (abfd, phdr->p_offset, SEEK_SET) != 0
	  || bfd_read (contents, phdr->p_filesz, abfd) != phdr->p_filesz)
	einfo (_("%F%P: %pB: can't read the notes: %E\n"), abfd);
      noted |= read_notes (abfd, contents, phdr->p_filesz,
			   phdr->p_align == 8 ? 8 : 4, features);
      free (contents);
    }
  return noted;
}

/* Whether the relocatable file ABFD has the note.  */

static bool
object_noted (bfd *abfd, uint32_t *features)
{
  asection *sec;
  bool noted = false;

  for (sec = bfd_get_section_by_name (abfd, XSC_NOTE_SECTION);
       sec != NULL;
       sec = bfd_get_next_section_by_name (NULL, sec))
    {
      bfd_byte *contents;

      if (!bfd_malloc_and_get_section (abfd, sec, &contents))
	einfo (_("%F%P: %pB: can't read %pA: %E\n"), abfd, sec);
      noted |= read_notes (abfd, contents, sec->size, 4, features);
      free (contents);

      if (kept_note == NULL && bfd_get_flavour (abfd) == bfd_target_elf_flavour)
	kept_note = sec;
      else
	/* As with .note.gnu.property.  */
	sec->output_section = bfd_abs_section_ptr;
    }
  return noted;
}

static bool
has_code (bfd *abfd)
{
  asection *sec;

  for (sec = abfd->sections; sec != NULL; sec = sec->next)
    if ((sec->flags & (SEC_ALLOC | SEC_CODE)) == (SEC_ALLOC | SEC_CODE)
	&& sec->size != 0)
      return true;
  return false;
}

/* See that ABFD, an input of a cfi program, does not take its marks.  */

static void
check_input_marks (bfd *abfd)
{
  const struct xsc_marks *marks = output_marks ();
  elf_property *prop;

  if (marks == NULL)
    return;
  if (bfd_get_flavour (abfd) != bfd_target_elf_flavour)
    {
      if (markless_input == NULL)
	markless_input = abfd;
      return;
    }

  prop = _bfd_elf_get_property (abfd, marks->property, 4);
  if ((prop->u.number & marks->mask) == marks->mask)
    return;
  if (has_code (abfd))
    {
      einfo (_("%X%P: %pB: not marked for %s, which -z xsc-abi=cfi demands:"
	       " compile it with %s\n"), abfd, marks->names, marks->option);
      refused = true;
    }
  else
    /* Nothing to protect: data doesn't take the marks away from code.  */
    prop->u.number |= marks->mask;
  prop->pr_kind = property_number;
}

/* Make the section NAME in the first object: what no input had, as they are
   data alone.  */

static asection *
create_note_section (const char *name, unsigned int align_power)
{
  bfd *abfd;
  asection *sec;

  for (abfd = link_info.input_bfds; abfd != NULL; abfd = abfd->link.next)
    if (bfd_get_flavour (abfd) == bfd_target_elf_flavour
	&& (abfd->flags & (DYNAMIC | BFD_LINKER_CREATED | BFD_PLUGIN)) == 0
	&& bfd_count_sections (abfd) != 0
	&& !bfd_input_just_syms (abfd))
      break;
  if (abfd == NULL)
    return NULL;

  sec = bfd_make_section_anyway_with_flags (abfd, name,
					    (SEC_ALLOC | SEC_LOAD
					     | SEC_IN_MEMORY | SEC_READONLY
					     | SEC_HAS_CONTENTS | SEC_DATA));
  if (sec == NULL || !bfd_set_section_alignment (sec, align_power))
    einfo (_("%F%P: can't create %s: %E\n"), name);
  elf_section_type (sec) = SHT_NOTE;
  return sec;
}

/* Data alone has marks, too, but maybe no section to keep them in.  */

static void
create_marks_section (void)
{
  int elfclass = get_elf_backend_data (link_info.output_bfd)->s->elfclass;
  bfd *abfd;

  for (abfd = link_info.input_bfds; abfd != NULL; abfd = abfd->link.next)
    if ((abfd->flags & DYNAMIC) == 0
	&& bfd_get_section_by_name (abfd, NOTE_GNU_PROPERTY_SECTION_NAME) != NULL)
      return;
  create_note_section (NOTE_GNU_PROPERTY_SECTION_NAME,
		       elfclass == ELFCLASS64 ? 3 : 2);
}

static void
write_note (asection *sec, uint32_t features)
{
  bfd *abfd = sec->owner;
  bfd_byte *contents;

  sec->size = XSC_NOTE_SIZE (features);
  sec->flags |= SEC_KEEP;
  bfd_set_section_alignment (sec, XSC_NOTE_ALIGN_POWER);
  contents = (bfd_byte *) bfd_zalloc (abfd, sec->size);
  if (contents == NULL)
    einfo (_("%F%P: can't write %s: %E\n"), XSC_NOTE_SECTION);
  bfd_h_put_32 (abfd, sizeof XSC_NOTE_NAME, contents);
  bfd_h_put_32 (abfd, sec->size - 16, contents + 4);
  bfd_h_put_32 (abfd, XSC_NOTE_TYPE, contents + 8);
  memcpy (contents + 12, XSC_NOTE_NAME, sizeof XSC_NOTE_NAME);
  bfd_h_put_32 (abfd, XSC_ABI, contents + 16);
  if (features != 0)
    bfd_h_put_32 (abfd, features, contents + 20);

  /* Cache the section contents for elf_link_input_bfd.  */
  elf_section_data (sec)->this_hdr.contents = contents;
}

/* Called when all inputs are open, before their GNU properties are merged.  */

void
ldxsc_merge_notes (void)
{
  bool relocatable = bfd_link_relocatable (&link_info);
  bool write = xsc_abi != xsc_abi_none;
  bool code_seen = false;
  uint32_t all = XSC_NOTE_FEATURES;
  bfd *abfd;

  if (xsc_abi == xsc_abi_unset)
    return;

  if (xsc_abi == xsc_abi_cfi && output_marks () == NULL)
    einfo (_("%F%P: -z xsc-abi=cfi: not on this machine\n"));

  for (abfd = link_info.input_bfds; abfd != NULL; abfd = abfd->link.next)
    {
      uint32_t features = XSC_NOTE_FEATURES;
      bool shared = (abfd->flags & DYNAMIC) != 0;
      bool noted;

      if ((abfd->flags & (BFD_LINKER_CREATED | BFD_PLUGIN)) != 0
	  || bfd_input_just_syms (abfd))
	continue;

      if (xsc_abi == xsc_abi_none)
	{
	  asection *sec = NULL;

	  if (!shared)
	    sec = bfd_get_section_by_name (abfd, XSC_NOTE_SECTION);
	  for (; sec != NULL; sec = bfd_get_next_section_by_name (NULL, sec))
	    sec->output_section = bfd_abs_section_ptr;
	  continue;
	}

      if (!shared)
	noted = object_noted (abfd, &features);
      else
	noted = (bfd_get_flavour (abfd) == bfd_target_elf_flavour
		 && shared_object_noted (abfd, &features));

      if (!shared && has_code (abfd))
	code_seen = true;

      if (noted)
	{
	  if (!shared)
	    all &= features;
	}
      else if (!shared && !has_code (abfd))
	/* Data takes nothing away.  */
	;
      else if (relocatable || xsc_unnoted)
	{
	  write = false;
	  continue;
	}
      else
	{
	  einfo (_("%X%P: %pB: no XSC ABI note, so it may hold trap"
		   " instructions: rebuild it without -msyscall, or link"
		   " with -z xsc-unnoted for a program that is not XSC\n"),
		 abfd);
	  refused = true;
	  continue;
	}

      if (xsc_abi == xsc_abi_cfi && !relocatable)
	{
	  if (noted && (features & XSC_NOTE_CFI) == 0)
	    einfo (_("%X%P: %pB: its XSC ABI is base, that of the output"
		     " cfi: variants can't be mixed\n"), abfd);
	  else if (!shared)
	    check_input_marks (abfd);
	}
    }

  /* A relocatable file says what its inputs are, an output what was asked
     for.  */
  if (!relocatable && xsc_abi == xsc_abi_base)
    all = 0;

  if (write && kept_note == NULL && !relocatable)
    kept_note = create_note_section (XSC_NOTE_SECTION, XSC_NOTE_ALIGN_POWER);
  if (kept_note == NULL)
    return;
  if (!write)
    kept_note->output_section = bfd_abs_section_ptr;
  else
    {
      write_note (kept_note, all);
      marks_wanted = !relocatable && (all & XSC_NOTE_CFI) != 0;
      if (marks_wanted && !code_seen)
	create_marks_section ();
    }
}

/* Called when the GNU properties are merged, with those of the output in
   PBFD (NULL if it has none).  */

void
ldxsc_check_marks (bfd *pbfd)
{
  const struct xsc_marks *marks = output_marks ();
  elf_property_list *p;

  if (!marks_wanted || refused || marks == NULL)
    return;

  for (p = pbfd != NULL ? elf_properties (pbfd) : NULL; p != NULL; p = p->next)
    if (p->property.pr_type == marks->property
	&& (p->property.u.number & marks->mask) == marks->mask)
      return;

  if (markless_input != NULL)
    einfo (_("%X%P: %pB: no ELF file, so not marked for %s, which -z xsc-abi=cfi"
	     " demands: link it with -r first\n"), markless_input, marks->names);
  else
    einfo (_("%X%P: no input marks the output for %s, which -z xsc-abi=cfi"
	     " demands\n"), marks->names);
}
