// SPDX-License-Identifier: MIT
/*
 * What firmware starts of a unified kernel image: hands the kernel of the section .linux to the firmware, with .cmdline
 * as its options and .initrd as the file that it asks the firmware for. ./package.nix builds it; images/uki makes
 * the image. Invariant: kernel, initramfs and command line are those of the file itself, whoever starts it with
 * whatever options.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define EFIAPI __attribute__((ms_abi))
#define ERROR(code) (1ULL << 63 | (code))

typedef uint64_t status;
typedef void *handle;
typedef uint16_t char16;

enum { BUFFER_TOO_SMALL = 5, NOT_FOUND = 14 };

struct guid {
	uint32_t a;
	uint16_t b, c;
	uint8_t d[8];
};

struct text_output {
	void *reset;
	status(EFIAPI *output)(struct text_output *self, const char16 *text);
};

struct boot_services {
	uint8_t header[24];
	void *unused1[5];
	status(EFIAPI *allocate_pool)(uint32_t type, uint64_t size, void **buffer);
	void *unused2[7];
	status(EFIAPI *install_protocol)(handle *where, const struct guid *, uint32_t, void *);
	void *unused3[2];
	status(EFIAPI *handle_protocol)(handle, const struct guid *, void **);
	void *unused4[5];
	status(EFIAPI *load_image)(uint8_t policy, handle parent, const void *path, const void *source,
				   uint64_t size, handle *image);
	status(EFIAPI *start_image)(handle image, uint64_t *, char16 **);
};

struct system_table {
	uint8_t header[24];
	char16 *vendor;
	uint32_t revision;
	handle console_in;
	void *in;
	handle console_out;
	struct text_output *out;
	handle console_error;
	struct text_output *error;
	void *runtime;
	struct boot_services *boot;
};

struct loaded_image {
	uint32_t revision;
	handle parent;
	struct system_table *system;
	handle device;
	void *path;
	void *reserved;
	uint32_t options_size;
	void *options;
	const uint8_t *base;
	uint64_t size;
};

struct load_file {
	status(EFIAPI *load)(struct load_file *, const void *path, uint8_t policy, uint64_t *size,
			     void *buffer);
	const uint8_t *bytes;
	uint64_t length;
};

struct section {
	char name[8];
	uint32_t size, address, raw_size, raw;
	uint8_t rest[16];
};

static const struct guid LOADED_IMAGE = {
	0x5b1b31a1, 0x9562, 0x11d2, { 0x8e, 0x3f, 0x00, 0xa0, 0xc9, 0x69, 0x72, 0x3b } };
static const struct guid LOAD_FILE2 = {
	0x4006c0c1, 0xfcb3, 0x403e, { 0x99, 0x6d, 0x4a, 0x6c, 0x87, 0x24, 0xe0, 0x6d } };
static const struct guid DEVICE_PATH = {
	0x09576e91, 0x6d3f, 0x11d2, { 0x8e, 0x39, 0x00, 0xa0, 0xc9, 0x69, 0x72, 0x3b } };

/* A node that names a vendor, and the end: under this one Linux looks for its initramfs. */
static const struct {
	uint8_t type, subtype;
	uint16_t length;
	struct guid vendor;
	uint8_t end[4];
} __attribute__((packed)) INITRD_PATH = {
	4, 3, 20,
	{ 0x5568e427, 0x68fc, 0x4f3d, { 0xac, 0x74, 0xca, 0x55, 0x52, 0x31, 0xcc, 0x68 } },
	{ 0x7f, 0xff, 4, 0 } };

/* Where the kernel is: in memory. */
struct memory_path {
	uint8_t type, subtype;
	uint16_t length;
	uint32_t memory;
	uint64_t first, last;
	uint8_t end[4];
} __attribute__((packed));

/* Nothing here has to be moved, and firmware loads only what says how to: one block that moves nothing. */
__asm__(".pushsection .reloc, \"a\"\n"
	".long 0, 12\n"
	".short 0, 0\n"
	".popsection\n");

static status EFIAPI load_initrd(struct load_file *self, const void *path, uint8_t policy, uint64_t *size,
				 void *buffer)
{
	uint64_t room = *size, i;

	(void)path, (void)policy;
	*size = self->length;
	if (!buffer || room < self->length)
		return ERROR(BUFFER_TOO_SMALL);
	for (i = 0; i + 8 <= self->length; i += 8)
		__builtin_memcpy((uint8_t *)buffer + i, self->bytes + i, 8);
	for (; i < self->length; i++)
		((uint8_t *)buffer)[i] = self->bytes[i];
	return 0;
}

/* A section of the file that runs; its length, or 0. */
static uint64_t find(const uint8_t *base, const char *name, const uint8_t **bytes)
{
	uint32_t pe;
	uint16_t count, optional, i;
	size_t n;

	__builtin_memcpy(&pe, base + 0x3c, sizeof(pe));
	__builtin_memcpy(&count, base + pe + 6, sizeof(count));
	__builtin_memcpy(&optional, base + pe + 20, sizeof(optional));
	for (i = 0; i < count; i++) {
		const struct section *s = (const void *)(base + pe + 24 + optional + 40 * i);

		for (n = 0; n < 8 && s->name[n] == name[n] && name[n]; n++)
			;
		if (n == 8 || s->name[n] == name[n]) {
			*bytes = base + s->address;
			return s->size;
		}
	}
	return 0;
}

static status fail(struct system_table *system, const char16 *what, status code)
{
	system->out->output(system->out, u"uki: ");
	system->out->output(system->out, what);
	system->out->output(system->out, u"\r\n");
	return code;
}

status EFIAPI efi_main(handle self, struct system_table *system)
{
	struct boot_services *boot = system->boot;
	struct loaded_image *own, *image;
	const uint8_t *linux, *cmdline = NULL, *initrd = NULL;
	uint64_t linux_size, cmdline_size, initrd_size, i;
	struct memory_path path = { 1, 3, 24, 2, 0, 0, { 0x7f, 0xff, 4, 0 } };
	struct load_file *file;
	handle where = NULL, kernel = NULL;
	char16 *options;
	status r;

	r = boot->handle_protocol(self, &LOADED_IMAGE, (void **)&own);
	if (r)
		return fail(system, u"the firmware does not say where this file is in memory", r);
	linux_size = find(own->base, ".linux", &linux);
	if (!linux_size)
		return fail(system, u"this file has no section .linux", ERROR(NOT_FOUND));
	cmdline_size = find(own->base, ".cmdline", &cmdline);
	initrd_size = find(own->base, ".initrd", &initrd);

	if (initrd_size) {
		r = boot->allocate_pool(2, sizeof(*file), (void **)&file);
		if (r)
			return fail(system, u"no memory", r);
		file->load = load_initrd;
		file->bytes = initrd;
		file->length = initrd_size;
		r = boot->install_protocol(&where, &DEVICE_PATH, 0, (void *)&INITRD_PATH);
		if (!r)
			r = boot->install_protocol(&where, &LOAD_FILE2, 0, file);
		if (r)
			return fail(system, u"the initramfs cannot be offered to the kernel", r);
	}

	path.first = (uint64_t)linux;
	path.last = path.first + linux_size;
	r = boot->load_image(false, self, &path, linux, linux_size, &kernel);
	if (r)
		return fail(system, u"the firmware does not take the kernel", r);
	r = boot->handle_protocol(kernel, &LOADED_IMAGE, (void **)&image);
	if (!r)
		r = boot->allocate_pool(2, (cmdline_size + 1) * sizeof(*options), (void **)&options);
	if (r)
		return fail(system, u"the kernel cannot be given its command line", r);
	for (i = 0; i < cmdline_size && cmdline[i] && cmdline[i] != '\n'; i++)
		options[i] = cmdline[i];
	options[i] = 0;
	image->options = options;
	image->options_size = (i + 1) * sizeof(*options);
	r = boot->start_image(kernel, NULL, NULL);
	return fail(system, u"the kernel did not start", r);
}
