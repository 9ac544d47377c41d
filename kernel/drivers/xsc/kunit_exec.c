// SPDX-License-Identifier: GPL-2.0
/*
 * KUnit tests of what exec decides by: the words of the mode, and the notes of a file, which
 * anybody can write. Run by a kernel with CONFIG_XSC_KUNIT_TEST at boot. Invariant: a note
 * segment under test ends where its allocation ends, so KASAN sees a byte too much.
 */
#include <kunit/test.h>
#include <linux/align.h>
#include <linux/elf.h>
#include <linux/string.h>
#include <uapi/linux/xsc.h>

#include "entry.h"
#include "exec.h"

struct xsc_mode_case {
	const char *text;
	int ret;
	enum xsc_level level;
	bool cfi;
};

static const struct xsc_mode_case xsc_mode_cases[] = {
	{ "off", 0, XSC_OFF, false },
	{ "permissive", 0, XSC_PERMISSIVE, false },
	{ "strict", 0, XSC_STRICT, false },
	{ "strict\n", 0, XSC_STRICT, false },
	{ "permissive,cfi", 0, XSC_PERMISSIVE, true },
	{ "strict,cfi\n", 0, XSC_STRICT, true },
	{ "off,cfi", -EINVAL },
	{ "", -EINVAL },
	{ "\n", -EINVAL },
	{ "stric", -EINVAL },
	{ "stricter", -EINVAL },
	{ "Strict", -EINVAL },
	{ " strict", -EINVAL },
	{ "strict ", -EINVAL },
	{ "strict,", -EINVAL },
	{ "strict,cf", -EINVAL },
	{ "strict,cfis", -EINVAL },
	{ "strict,cfi,cfi", -EINVAL },
	{ "strict\n\n", -EINVAL },
	{ "strict\n,cfi", -EINVAL },
	{ ",cfi", -EINVAL },
	{ "cfi", -EINVAL },
};

static void xsc_test_mode(struct kunit *test)
{
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(xsc_mode_cases); i++) {
		const struct xsc_mode_case *c = &xsc_mode_cases[i];
		struct xsc_mode mode = {};

		KUNIT_EXPECT_EQ_MSG(test, xsc_mode_parse(c->text, &mode), c->ret, "'%s'", c->text);
		if (c->ret)
			continue;
		KUNIT_EXPECT_EQ_MSG(test, mode.level, c->level, "'%s'", c->text);
		KUNIT_EXPECT_EQ_MSG(test, mode.cfi, c->cfi, "'%s'", c->text);
	}
}

/* A segment under construction: a note after the other, each padded to the alignment. */
struct xsc_segment {
	u8 bytes[256];
	size_t size;
	size_t align;
};

static void xsc_pad(struct xsc_segment *s)
{
	s->size = ALIGN(s->size, s->align);
}

/* @desc_words words of the descriptor; @desc_size is what the note says about it. */
static void xsc_add_note(struct xsc_segment *s, const char *name, size_t name_size, u32 type,
			 const u32 *desc, size_t desc_words, size_t desc_size)
{
	struct elf64_note note = {
		.n_namesz = name_size, .n_descsz = desc_size, .n_type = type,
	};

	xsc_pad(s);
	memcpy(s->bytes + s->size, &note, sizeof(note));
	memcpy(s->bytes + s->size + sizeof(note), name, 4);
	s->size += sizeof(note) + 4;
	xsc_pad(s);
	memcpy(s->bytes + s->size, desc, desc_words * sizeof(*desc));
	s->size += desc_words * sizeof(*desc);
}

static void xsc_add_abi(struct xsc_segment *s, u32 abi, u32 features, size_t size)
{
	const u32 desc[] = { abi, features };

	xsc_add_note(s, XSC_NOTE_NAME, 4, XSC_NOTE_TYPE, desc, size / 4, size);
}

static struct xsc_notes xsc_parse(struct kunit *test, const struct xsc_segment *s, size_t size)
{
	struct xsc_notes notes = {};
	void *copy = kunit_kmalloc(test, max(size, 1), GFP_KERNEL);

	KUNIT_ASSERT_NOT_NULL(test, copy);
	memcpy(copy, s->bytes, size);
	xsc_notes_parse(copy, size, s->align, &notes);
	return notes;
}

static struct xsc_notes xsc_parse_whole(struct kunit *test, const struct xsc_segment *s)
{
	return xsc_parse(test, s, s->size);
}

static void xsc_test_abi_note(struct kunit *test)
{
	static const u32 build_id[] = { 1, 2, 3, 4, 5 };
	size_t align;

	for (align = 4; align <= 8; align += 4) {
		struct xsc_segment s = { .align = align };
		struct xsc_notes notes;

		xsc_add_abi(&s, 1, 0, 4);
		notes = xsc_parse_whole(test, &s);
		KUNIT_EXPECT_TRUE(test, notes.noted);
		KUNIT_EXPECT_EQ(test, notes.abi, 1);
		KUNIT_EXPECT_EQ(test, notes.features, 0);
		KUNIT_EXPECT_FALSE(test, notes.cfi_marks);

		/* After another note, with features. */
		s.size = 0;
		xsc_add_note(&s, "GNU", 4, 3 /* NT_GNU_BUILD_ID */, build_id, 5, 20);
		xsc_add_abi(&s, 7, XSC_NOTE_CFI, 8);
		notes = xsc_parse_whole(test, &s);
		KUNIT_EXPECT_TRUE(test, notes.noted);
		KUNIT_EXPECT_EQ(test, notes.abi, 7);
		KUNIT_EXPECT_EQ(test, notes.features, XSC_NOTE_CFI);
	}
}

static void xsc_test_other_notes(struct kunit *test)
{
	static const u32 one = 1;
	struct xsc_segment s = { .align = 4 };

	KUNIT_EXPECT_FALSE(test, xsc_parse_whole(test, &s).noted);
	xsc_add_note(&s, "XSD", 4, XSC_NOTE_TYPE, &one, 1, 4);
	xsc_add_note(&s, XSC_NOTE_NAME, 4, 2, &one, 1, 4);
	xsc_add_note(&s, "XSCX", 4, XSC_NOTE_TYPE, &one, 1, 4);
	xsc_add_note(&s, XSC_NOTE_NAME, 3, XSC_NOTE_TYPE, &one, 1, 4);
	xsc_add_note(&s, XSC_NOTE_NAME, 4, XSC_NOTE_TYPE, &one, 0, 0);
	KUNIT_EXPECT_FALSE(test, xsc_parse_whole(test, &s).noted);
	/* And one that is ours after all these. */
	xsc_add_abi(&s, 1, 0, 4);
	KUNIT_EXPECT_TRUE(test, xsc_parse_whole(test, &s).noted);
}

static void xsc_test_cut_notes(struct kunit *test)
{
	struct xsc_segment s = { .align = 4 };
	size_t size;

	xsc_add_abi(&s, 1, XSC_NOTE_CFI, 8);
	for (size = 0; size < s.size; size++)
		KUNIT_EXPECT_FALSE_MSG(test, xsc_parse(test, &s, size).noted, "%zu bytes", size);
	KUNIT_EXPECT_TRUE(test, xsc_parse_whole(test, &s).noted);
}

/* Sizes that wrap, alone and together with what is added to them. */
static void xsc_test_huge_notes(struct kunit *test)
{
	static const u32 sizes[] = { 0x7fffffff, 0x80000000, 0xfffffff0, 0xfffffffc, 0xffffffff };
	static const u32 one = 1;
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(sizes); i++) {
		struct xsc_segment s = { .align = i % 2 ? 8 : 4 };

		xsc_add_note(&s, XSC_NOTE_NAME, sizes[i], XSC_NOTE_TYPE, &one, 1, 4);
		xsc_add_abi(&s, 1, 0, 4);
		KUNIT_EXPECT_FALSE(test, xsc_parse_whole(test, &s).noted);
		s.size = 0;
		xsc_add_note(&s, XSC_NOTE_NAME, 4, XSC_NOTE_TYPE, &one, 1, sizes[i]);
		xsc_add_abi(&s, 1, 0, 4);
		KUNIT_EXPECT_FALSE(test, xsc_parse_whole(test, &s).noted);
		s.size = 0;
		xsc_add_note(&s, XSC_NOTE_NAME, sizes[i], XSC_NOTE_TYPE, &one, 1, sizes[i]);
		KUNIT_EXPECT_FALSE(test, xsc_parse_whole(test, &s).noted);
	}
}

static bool xsc_marks(struct kunit *test, const u32 *desc, size_t words)
{
	struct xsc_segment s = { .align = 8 };

	xsc_add_note(&s, "GNU", 4, NT_GNU_PROPERTY_TYPE_0, desc, words, words * sizeof(*desc));
	return xsc_parse_whole(test, &s).cfi_marks;
}

static void xsc_test_property(struct kunit *test)
{
	const u32 all[] = { XSC_CFI_PROPERTY, 4, XSC_CFI_PROPERTY_BITS, 0 };
	const u32 more[] = { XSC_CFI_PROPERTY, 4, ~0U, 0 };
	const u32 first[] = { XSC_CFI_PROPERTY, 4, XSC_CFI_PROPERTY_BITS & 1, 0 };
	const u32 second[] = { XSC_CFI_PROPERTY, 4, XSC_CFI_PROPERTY_BITS & ~1U, 0 };
	const u32 none[] = { XSC_CFI_PROPERTY, 4, 0, 0 };
	const u32 other[] = { XSC_CFI_PROPERTY + 1, 4, ~0U, 0 };
	const u32 long_data[] = { XSC_CFI_PROPERTY, 8, ~0U, ~0U };
	const u32 cut[] = { XSC_CFI_PROPERTY, 4 };
	const u32 huge[] = { 1, ~0U, XSC_CFI_PROPERTY, 4, ~0U, 0 };
	const u32 after[] = { 1, 8, 0, 0, XSC_CFI_PROPERTY, 4, XSC_CFI_PROPERTY_BITS, 0 };
	const u32 after_short[] = { 1, 4, 0, 0, XSC_CFI_PROPERTY, 4, XSC_CFI_PROPERTY_BITS, 0 };
	const u32 after_empty[] = { 1, 0, XSC_CFI_PROPERTY, 4, XSC_CFI_PROPERTY_BITS, 0 };

	KUNIT_EXPECT_TRUE(test, xsc_marks(test, all, 4));
	KUNIT_EXPECT_TRUE(test, xsc_marks(test, all, 3));
	KUNIT_EXPECT_TRUE(test, xsc_marks(test, more, 4));
	KUNIT_EXPECT_TRUE(test, xsc_marks(test, after, 8));
	KUNIT_EXPECT_TRUE(test, xsc_marks(test, after_short, 8));
	KUNIT_EXPECT_TRUE(test, xsc_marks(test, after_empty, 6));
	KUNIT_EXPECT_FALSE(test, xsc_marks(test, first, 4));
	KUNIT_EXPECT_FALSE(test, xsc_marks(test, second, 4));
	KUNIT_EXPECT_FALSE(test, xsc_marks(test, none, 4));
	KUNIT_EXPECT_FALSE(test, xsc_marks(test, other, 4));
	KUNIT_EXPECT_FALSE(test, xsc_marks(test, long_data, 4));
	KUNIT_EXPECT_FALSE(test, xsc_marks(test, cut, 2));
	KUNIT_EXPECT_FALSE(test, xsc_marks(test, huge, 6));
	KUNIT_EXPECT_FALSE(test, xsc_marks(test, all, 0));
	KUNIT_EXPECT_FALSE(test, xsc_marks(test, all, 1));
}

static struct kunit_case xsc_kunit_exec_cases[] = {
	KUNIT_CASE(xsc_test_mode),
	KUNIT_CASE(xsc_test_abi_note),
	KUNIT_CASE(xsc_test_other_notes),
	KUNIT_CASE(xsc_test_cut_notes),
	KUNIT_CASE(xsc_test_huge_notes),
	KUNIT_CASE(xsc_test_property),
	{}
};

static struct kunit_suite xsc_kunit_exec_suite = {
	.name = "xsc-exec",
	.test_cases = xsc_kunit_exec_cases,
};

kunit_test_suite(xsc_kunit_exec_suite);
