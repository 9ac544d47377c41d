/* SPDX-License-Identifier: MIT */
/*
 * What a program can see of XSC: whether its process is guarded, which machine's protections are
 * on, and how often a thread entered the kernel. Invariant: on an ordinary kernel everything here
 * says "no", and the caller skips.
 */
#ifndef XSC_SEE_H
#define XSC_SEE_H

#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/syscall.h>
#include <unistd.h>

/* As in <linux/xsc.h>; repeated so that the set compiles with any kernel's headers. */
#define SEE_AT_GATE	32
#define SEE_AT_ABI	0x58530002
#define SEE_GUARD	(1UL << 16)
#define SEE_CFI		(1UL << 17)

static inline bool xsc_gate_offered(void)
{
	return getauxval(SEE_AT_ABI) != 0 && getauxval(SEE_AT_GATE) != 0;
}

static inline bool xsc_guarded(void)
{
	return getauxval(SEE_AT_ABI) & SEE_GUARD;
}

static inline bool xsc_cfi(void)
{
	return getauxval(SEE_AT_ABI) & SEE_CFI;
}

#define NO_XSC "not guarded: another kernel, or a program without the note"

struct counters {
	unsigned long calls_register, calls_ring, batches, batch_entries;
};

/* Counters of the calling thread; false without XSC. Costs four calls or so itself. */
static inline bool read_counters(struct counters *c)
{
	char path[64], text[1024], *p;
	ssize_t n;
	int fd;

	memset(c, 0, sizeof(*c));
	snprintf(path, sizeof(path), "/proc/self/task/%ld/xsc", (long)syscall(SYS_gettid));
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return false;
	n = read(fd, text, sizeof(text) - 1);
	close(fd);
	if (n <= 0)
		return false;
	text[n] = 0;
	for (p = text; p && *p; p = strchr(p, '\n') ? strchr(p, '\n') + 1 : NULL) {
		sscanf(p, "calls_register %lu", &c->calls_register);
		sscanf(p, "calls_ring %lu", &c->calls_ring);
		sscanf(p, "batches %lu", &c->batches);
		sscanf(p, "batch_entries %lu", &c->batch_entries);
	}
	return true;
}

#endif
