/* SPDX-License-Identifier: MIT */
/*
 * Pools of buffers, all in user space: one mapping, a bit for each buffer. Programs call it.
 * Invariant: a buffer is with one user at a time; the bit is taken and given back atomically.
 */
#include "internal.h"

#include <stdlib.h>
#include <sys/mman.h>

#define MAX_BUFFERS	4096
#define WORD_BITS	64

struct xsc_pool {
	char *memory;
	size_t size, stride;
	unsigned int count;
	uint64_t in_use[MAX_BUFFERS / WORD_BITS];
};

EXPORT int xsc_pool_open(struct xsc_pool **pool, unsigned int count, size_t size,
			 unsigned int flags)
{
	size_t stride = (size + 4095) & ~(size_t)4095;
	struct xsc_pool *p;
	KEEP_ERRNO;

	if (!pool || !count || count > MAX_BUFFERS || !size || stride < size ||
	    flags & ~XSC_POOL_LOCK)
		return -EINVAL;
	if (stride > SIZE_MAX / count)
		return -ENOMEM;
	p = calloc(1, sizeof(*p));
	if (!p)
		return -ENOMEM;
	p->memory = mmap(NULL, stride * count, PROT_READ | PROT_WRITE,
			 MAP_PRIVATE | MAP_ANONYMOUS | MAP_POPULATE, -1, 0);
	if (p->memory == MAP_FAILED) {
		int error = errno;

		free(p);
		return -error;
	}
	p->size = size;
	p->stride = stride;
	p->count = count;
	if (flags & XSC_POOL_LOCK && mlock(p->memory, stride * count)) {
		int error = errno;

		xsc_pool_close(p);
		return -error;
	}
	*pool = p;
	return 0;
}

EXPORT void xsc_pool_close(struct xsc_pool *p)
{
	KEEP_ERRNO;

	if (!p)
		return;
	munmap(p->memory, p->stride * p->count);
	free(p);
}

EXPORT void *xsc_pool_get(struct xsc_pool *p)
{
	unsigned int i, bit;

	for (i = 0; p && i * WORD_BITS < p->count; i++) {
		uint64_t used = __atomic_load_n(&p->in_use[i], __ATOMIC_RELAXED);

		while (~used) {
			bit = (unsigned int)__builtin_ctzll(~used);
			if (i * WORD_BITS + bit >= p->count)
				break;
			if (__atomic_compare_exchange_n(&p->in_use[i], &used, used | 1ULL << bit,
							false, __ATOMIC_ACQUIRE, __ATOMIC_RELAXED))
				return p->memory + (i * WORD_BITS + bit) * p->stride;
		}
	}
	return NULL;
}

/* -EINVAL for what is no buffer of the pool or is not in use. */
EXPORT int xsc_pool_put(struct xsc_pool *p, void *buffer)
{
	size_t at = (size_t)((char *)buffer - (p ? p->memory : NULL)), n;
	uint64_t bit;

	if (!p || (char *)buffer < p->memory || at % p->stride || at / p->stride >= p->count)
		return -EINVAL;
	n = at / p->stride;
	bit = 1ULL << n % WORD_BITS;
	return __atomic_fetch_and(&p->in_use[n / WORD_BITS], ~bit, __ATOMIC_RELEASE) & bit ?
		0 : -EINVAL;
}

EXPORT size_t xsc_pool_size(const struct xsc_pool *p)
{
	return p ? p->size : 0;
}
