/* The XSC ABI note in the linker; see ldxsc.c.

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

#ifndef LDXSC_H
#define LDXSC_H

extern bool ldxsc_handle_z_option (const char *);
extern void ldxsc_set_default (void);
extern void ldxsc_merge_notes (void);
extern void ldxsc_check_marks (bfd *);

#endif /* LDXSC_H */
