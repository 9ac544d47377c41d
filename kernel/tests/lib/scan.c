// SPDX-License-Identifier: GPL-2.0
/*
 * Looks for trap instructions in the executable bytes of ELF files, run by the Makefile on the
 * build machine: x86_64 at every byte (0f 05, 0f 34, cd 80), arm64 at every word (svc). Prints
 * file and address of each and exits 1; it reads segments, not symbols, so data between code
 * hides nothing. A pair of bytes inside of another instruction is a hit too.
 */
#include <elf.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int scan_segment(const char *path, int machine, const unsigned char *p, size_t size,
			unsigned long address)
{
	int hits = 0;
	size_t i;

	for (i = 0; i + 1 < size; i++) {
		const char *what = NULL;
		unsigned int word;

		if (machine == EM_X86_64) {
			if (p[i] == 0x0f && p[i + 1] == 0x05)
				what = "syscall";
			else if (p[i] == 0x0f && p[i + 1] == 0x34)
				what = "sysenter";
			else if (p[i] == 0xcd && p[i + 1] == 0x80)
				what = "int 0x80";
		} else if (i % 4 == 0 && i + 4 <= size) {
			memcpy(&word, p + i, 4);
			if ((word & 0xffe0001f) == 0xd4000001)
				what = "svc";
		}
		if (!what)
			continue;
		printf("%s: %#lx: %s\n", path, address + i, what);
		hits++;
	}
	return hits;
}

static int scan_file(const char *path)
{
	FILE *f = fopen(path, "rb");
	unsigned char *image;
	int hits = 0, i;
	Elf64_Ehdr *eh;
	long size;

	if (!f || fseek(f, 0, SEEK_END) || (size = ftell(f)) < (long)sizeof(*eh)) {
		fprintf(stderr, "scan: cannot read %s\n", path);
		exit(2);
	}
	rewind(f);
	image = malloc(size);
	if (!image || fread(image, 1, size, f) != (size_t)size) {
		fprintf(stderr, "scan: cannot read %s\n", path);
		exit(2);
	}
	fclose(f);
	eh = (Elf64_Ehdr *)image;
	if (memcmp(eh->e_ident, ELFMAG, SELFMAG) || eh->e_ident[EI_CLASS] != ELFCLASS64 ||
	    (eh->e_machine != EM_X86_64 && eh->e_machine != EM_AARCH64)) {
		fprintf(stderr, "scan: %s: not an ELF file of a known machine\n", path);
		exit(2);
	}
	for (i = 0; i < eh->e_phnum; i++) {
		Elf64_Phdr *ph = (Elf64_Phdr *)(image + eh->e_phoff + i * eh->e_phentsize);

		if (ph->p_type != PT_LOAD || !(ph->p_flags & PF_X))
			continue;
		if (ph->p_offset + ph->p_filesz > (unsigned long)size) {
			fprintf(stderr, "scan: %s: segment outside of the file\n", path);
			exit(2);
		}
		hits += scan_segment(path, eh->e_machine, image + ph->p_offset, ph->p_filesz,
				     ph->p_vaddr);
	}
	free(image);
	return hits;
}

int main(int argc, char **argv)
{
	int hits = 0, i;

	for (i = 1; i < argc; i++)
		hits += scan_file(argv[i]);
	return hits != 0;
}
