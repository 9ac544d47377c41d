// SPDX-License-Identifier: GPL-2.0
/*
 * exec of an XSC program: its notes decide whether it is one, the mode whether another may
 * run; then the guard, the ring of the first thread and the auxiliary vector. Called by
 * load_elf_binary(), step by step. Invariant: a program is refused before the old one is
 * gone, or not at all; the one exception (no memory, no shadow stack) kills it.
 */
#define pr_fmt(fmt) "xsc: " fmt

#include <linux/audit.h>
#include <linux/binfmts.h>
#include <linux/elf.h>
#include <linux/fs.h>
#include <linux/init.h>
#include <linux/mman.h>
#include <linux/mm.h>
#include <linux/printk.h>
#include <linux/slab.h>
#include <linux/spinlock.h>
#include <linux/string.h>
#include <linux/xsc.h>
#include <uapi/linux/xsc.h>

#include <trace/events/xsc.h>

#include "entry.h"
#include "exec.h"
#include "stats.h"

/* Notes are small; what is beyond this in a segment is not looked at. */
#define XSC_NOTES_MAX	SZ_4K

static struct xsc_mode xsc_mode = { .level = XSC_PERMISSIVE };
static DEFINE_SPINLOCK(xsc_mode_lock);

/* Somebody asked for permissive mode, so wants to know what strict mode would refuse. */
static bool xsc_log_unguarded __read_mostly;

static const char *const xsc_level_names[] = {
	[XSC_OFF] = "off",
	[XSC_PERMISSIVE] = "permissive",
	[XSC_STRICT] = "strict",
};

/* "LEVEL" or "LEVEL,cfi", perhaps with a newline. */
int xsc_mode_parse(const char *text, struct xsc_mode *mode)
{
	size_t word = strcspn(text, ",\n");
	int level;

	for (level = 0; level < ARRAY_SIZE(xsc_level_names); level++) {
		const char *name = xsc_level_names[level];

		if (strlen(name) != word || strncmp(text, name, word))
			continue;
		text += word;
		mode->level = level;
		mode->cfi = str_has_prefix(text, ",cfi");
		if (mode->cfi)
			text += strlen(",cfi");
		if (mode->cfi && level == XSC_OFF)
			return -EINVAL;
		return !*text || !strcmp(text, "\n") ? 0 : -EINVAL;
	}
	return -EINVAL;
}

/* The mode as text, without a newline; size: XSC_MODE_TEXT. */
void xsc_mode_text(char *text)
{
	struct xsc_mode mode;

	scoped_guard(spinlock, &xsc_mode_lock)
		mode = xsc_mode;
	scnprintf(text, XSC_MODE_TEXT, "%s%s", xsc_level_names[mode.level],
		  mode.cfi ? ",cfi" : "");
}

/* -EPERM for a mode that demands less than the present one in any respect. */
int xsc_mode_tighten(const char *text)
{
	struct xsc_mode mode;
	int ret = xsc_mode_parse(text, &mode);

	if (ret)
		return ret;
	spin_lock(&xsc_mode_lock);
	if (mode.level < xsc_mode.level || mode.cfi < xsc_mode.cfi) {
		ret = -EPERM;
	} else {
		xsc_mode = mode;
		WRITE_ONCE(xsc_log_unguarded, mode.level == XSC_PERMISSIVE);
	}
	spin_unlock(&xsc_mode_lock);
	return ret;
}

static int __init xsc_mode_setup(char *text)
{
	struct xsc_mode mode;

	/* A word that is wrong must not leave a machine open that was meant to be shut. */
	if (xsc_mode_parse(text, &mode)) {
		pr_err("xsc=%s: not one of off, permissive, strict, with ,cfi: strict is used\n",
		       text);
		mode = (struct xsc_mode){ .level = XSC_STRICT };
	}
	xsc_mode = mode;
	xsc_log_unguarded = mode.level == XSC_PERMISSIVE;
	return 1;
}
__setup("xsc=", xsc_mode_setup);

static void xsc_note_abi(const u8 *desc, size_t size, struct xsc_notes *notes)
{
	if (size < sizeof(u32))
		return;
	notes->noted = true;
	notes->abi = *(const u32 *)desc;
	notes->features = size >= 2 * sizeof(u32) ? *(const u32 *)(desc + sizeof(u32)) : 0;
}

/* The array of properties: u32 type, u32 size, data, padded to 8 bytes. */
static void xsc_note_property(const u8 *desc, size_t size, struct xsc_notes *notes)
{
	while (size >= 2 * sizeof(u32)) {
		u32 type = *(const u32 *)desc, len = *(const u32 *)(desc + sizeof(u32));
		size_t step;

		desc += 2 * sizeof(u32);
		size -= 2 * sizeof(u32);
		if (len > size)
			return;
		if (type == XSC_CFI_PROPERTY && len == sizeof(u32))
			notes->cfi_marks = (*(const u32 *)desc & XSC_CFI_PROPERTY_BITS) ==
					   XSC_CFI_PROPERTY_BITS;
		step = min(size, ALIGN((size_t)len, 8));
		desc += step;
		size -= step;
	}
}

/*
 * Adds what the notes of one segment say; @segment is aligned to 8 bytes, @align is the
 * segment's own. Whatever is malformed ends the walk.
 */
void xsc_notes_parse(const void *segment, size_t size, size_t align, struct xsc_notes *notes)
{
	const u8 *p = segment;

	align = align == 8 ? 8 : 4;
	while (size >= sizeof(struct elf64_note)) {
		const struct elf64_note *note = (const void *)p;
		size_t desc = ALIGN(sizeof(*note) + (size_t)note->n_namesz, align);
		size_t next = ALIGN(desc + (size_t)note->n_descsz, align);

		if (desc > size || note->n_descsz > size - desc)
			return;
		if (note->n_namesz == 4 && note->n_type == XSC_NOTE_TYPE &&
		    !memcmp(note + 1, XSC_NOTE_NAME, 4))
			xsc_note_abi(p + desc, note->n_descsz, notes);
		else if (note->n_namesz == 4 && note->n_type == NT_GNU_PROPERTY_TYPE_0 &&
			 !memcmp(note + 1, "GNU", 4))
			xsc_note_property(p + desc, note->n_descsz, notes);
		if (next >= size)
			return;
		p += next;
		size -= next;
	}
}

/* 0 or -errno; a file without notes is no error. */
static int xsc_notes_read(struct file *file, const struct elf64_phdr *phdr, unsigned int phnum,
			  struct xsc_notes *notes)
{
	u8 *buf __free(kfree) = NULL;
	unsigned int i;

	for (i = 0; i < phnum; i++, phdr++) {
		size_t size = min_t(u64, phdr->p_filesz, XSC_NOTES_MAX);
		loff_t pos = phdr->p_offset;
		ssize_t got;

		if (phdr->p_type != PT_NOTE)
			continue;
		if (!buf)
			buf = kmalloc(XSC_NOTES_MAX, GFP_KERNEL);
		if (!buf)
			return -ENOMEM;
		got = kernel_read(file, buf, size, &pos);
		if (got < 0)
			return got;
		xsc_notes_parse(buf, got, phdr->p_align, notes);
	}
	return 0;
}

/* Why this file can't be what the mode and the other file demand; NULL if it can. */
static const char *xsc_notes_wrong(const struct xsc_notes *notes, bool cfi)
{
	if (notes->abi != XSC_ABI)
		return "abi-version";
	if (notes->features & ~XSC_NOTE_CFI)
		return "unknown-features";
	if (cfi && !(notes->features & XSC_NOTE_CFI))
		return "no-cfi";
	if (cfi && !notes->cfi_marks)
		return "no-cfi-marks";
	return NULL;
}

/* What the program gets, as bits of AT_XSC_ABI; 0 for a program that is none of ours. */
static const char *xsc_exec_judge(const struct xsc_mode *mode, const struct xsc_notes *exe,
				  const struct xsc_notes *interp, unsigned int *abi)
{
	const char *wrong;
	bool cfi;

	*abi = 0;
	if (mode->level == XSC_OFF)
		return NULL;
	if (!exe->noted)
		return mode->level == XSC_STRICT ? "no-note" : NULL;
	cfi = mode->cfi || exe->features & XSC_NOTE_CFI;
	if (interp && !interp->noted)
		return mode->level == XSC_STRICT || cfi ? "interpreter-no-note" : NULL;
	wrong = xsc_notes_wrong(exe, cfi);
	if (wrong)
		return wrong;
	if (interp && xsc_notes_wrong(interp, cfi))
		return "interpreter-notes";
	if (cfi && !xsc_arch_cfi_supported())
		return "no-cfi-hardware";
	if (!xsc_arch_gate_offered())
		return "no-gate";
	*abi = XSC_ABI | XSC_ABI_GUARD | (cfi ? XSC_ABI_CFI : 0);
	return NULL;
}

static void xsc_refuse(const struct linux_binprm *bprm, const char *reason)
{
	struct audit_buffer *ab;

	xsc_count(XSC_STAT_REFUSED_EXECS);
	pr_warn_ratelimited("%s[%d]: exec of %s refused: %s\n", current->comm,
			    task_pid_nr(current), bprm->filename, reason);
	ab = audit_log_start(audit_context(), GFP_KERNEL, AUDIT_KERNEL_OTHER);
	if (!ab)
		return;
	audit_log_format(ab, "op=xsc-exec reason=%s res=0 file=", reason);
	audit_log_untrustedstring(ab, bprm->filename);
	audit_log_task_info(ab);
	audit_log_end(ab);
}

int xsc_exec_check(struct linux_binprm *bprm, int class, const void *phdrs, unsigned int phnum,
		   struct file *interpreter, const void *interp_phdrs, unsigned int interp_phnum)
{
	struct xsc_notes exe = {}, interp = {};
	struct xsc_mode mode;
	const char *reason;
	int ret = 0;

	scoped_guard(spinlock, &xsc_mode_lock)
		mode = xsc_mode;
	/* A 32-bit program has no gate, so it is not one of ours whatever it says. */
	if (class == ELFCLASS64 && mode.level != XSC_OFF) {
		ret = xsc_notes_read(bprm->file, phdrs, phnum, &exe);
		if (!ret && interpreter)
			ret = xsc_notes_read(interpreter, interp_phdrs, interp_phnum, &interp);
		if (ret)
			return ret;
	}

	reason = xsc_exec_judge(&mode, &exe, interpreter ? &interp : NULL, &bprm->xsc_abi);
	trace_xsc_exec(bprm->filename, bprm->xsc_abi, reason);
	if (!reason) {
		if (!bprm->xsc_abi && READ_ONCE(xsc_log_unguarded))
			pr_info_ratelimited("%s[%d]: %s runs unguarded: no note\n", current->comm,
					    task_pid_nr(current), bprm->filename);
		return 0;
	}
	xsc_refuse(bprm, reason);
	return -ENOEXEC;
}

void xsc_exec_commit(const struct linux_binprm *bprm)
{
	xsc_arch_guard(bprm->xsc_abi & XSC_ABI_GUARD);
}

/* The ring of the first thread: aligned to its size, and new in a forked child. */
int xsc_exec_map(struct linux_binprm *bprm)
{
	const unsigned long room = 2 * XSC_RING_SIZE - PAGE_SIZE;
	unsigned long area, ring, end;

	if (!bprm->xsc_abi)
		return 0;
	if (!xsc_arch_gate()) {
		xsc_refuse(bprm, "no-gate");
		return -ENOEXEC;
	}
	area = vm_mmap(NULL, 0, room, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, 0);
	if (IS_ERR_VALUE(area))
		return area;
	ring = ALIGN(area, XSC_RING_SIZE);
	end = ring + XSC_RING_SIZE;
	if (ring > area)
		vm_munmap(area, ring - area);
	if (end < area + room)
		vm_munmap(end, area + room - end);
	bprm->xsc_ring = ring;
	return do_madvise(current->mm, ring, XSC_RING_SIZE, MADV_WIPEONFORK);
}

unsigned int xsc_exec_auxv(const struct linux_binprm *bprm, unsigned long pairs[][2])
{
	unsigned long gate = xsc_arch_gate();
	unsigned int n = 0;

	if (gate) {
		pairs[n][0] = AT_XSC_GATE;
		pairs[n++][1] = gate;
	}
	if (bprm->xsc_abi) {
		pairs[n][0] = AT_XSC_RING;
		pairs[n++][1] = bprm->xsc_ring;
		pairs[n][0] = AT_XSC_ABI;
		pairs[n++][1] = bprm->xsc_abi;
	}
	return n;
}

int xsc_exec_start(const struct linux_binprm *bprm)
{
	return bprm->xsc_abi & XSC_ABI_CFI ? xsc_arch_cfi_lock() : 0;
}
