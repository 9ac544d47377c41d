/* SPDX-License-Identifier: GPL-2.0 */
/* What exec demands of a program, and the mode that says how much. For sysfs.c and KUnit. */
#ifndef _DRIVERS_XSC_EXEC_H
#define _DRIVERS_XSC_EXEC_H

#include <linux/types.h>

/* What the notes of a file say. */
struct xsc_notes {
	bool noted;			/* an ABI note was there */
	u32 abi;
	u32 features;
	bool cfi_marks;			/* the GNU property of the machine has every bit */
};

enum xsc_level { XSC_OFF, XSC_PERMISSIVE, XSC_STRICT };

struct xsc_mode {
	enum xsc_level level;
	bool cfi;
};

/* Room for the longest mode, "permissive,cfi". */
#define XSC_MODE_TEXT	16

void xsc_notes_parse(const void *segment, size_t size, size_t align, struct xsc_notes *notes);
int xsc_mode_parse(const char *text, struct xsc_mode *mode);
void xsc_mode_text(char *text);
int xsc_mode_tighten(const char *text);

#endif /* _DRIVERS_XSC_EXEC_H */
