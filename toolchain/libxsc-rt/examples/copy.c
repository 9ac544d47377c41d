/* SPDX-License-Identifier: MIT */
/*
 * copy FROM TO: by the worker of the ring device if there is one, else by batches. Reads of a window
 * are under way while the window before is written. Invariant: a block is written where it was read.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <xsc/rt.h>

#define BLOCKS	16
#define BLOCK	131072
#define WRITES	(1ULL << 63)

struct block { void *buffer; uint64_t position; };

static int copy(struct xsc_queue *q, struct xsc_pool *pool, int from, int to, uint64_t size)
{
	struct block block[BLOCKS];
	uint64_t next = 0;
	int under_way = 0, i;

	for (i = 0; i < BLOCKS; i++)
		block[i].buffer = xsc_pool_get(pool);
	for (i = 0; i < BLOCKS && next < size; i++, next += BLOCK, under_way++) {
		struct xsc_sqe *e = xsc_queue_entry(q);

		block[i].position = next;
		xsc_prep_pread(e, from, block[i].buffer, BLOCK, next);
		xsc_entry_set_data(e, (uint64_t)i);
	}
	while (under_way) {
		struct xsc_sqe *e;
		struct xsc_cqe c;
		int r = xsc_queue_wait(q, &c, NULL);

		if (r == -EINTR)
			continue;
		if (r || c.res < 0)
			return r ? r : (int)c.res;
		i = (int)(c.user_data & ~WRITES);
		under_way--;
		if (!(c.user_data & WRITES)) {
			e = xsc_queue_entry(q);
			xsc_prep_pwrite(e, to, block[i].buffer, (size_t)c.res, block[i].position);
			xsc_entry_set_data(e, (uint64_t)i | WRITES);
			under_way++;
		} else if (next < size) {
			e = xsc_queue_entry(q);
			block[i].position = next;
			xsc_prep_pread(e, from, block[i].buffer, BLOCK, next);
			xsc_entry_set_data(e, (uint64_t)i);
			next += BLOCK;
			under_way++;
		}
	}
	return 0;
}

int main(int argc, char **argv)
{
	unsigned int kinds = xsc_rt_probe();
	enum xsc_queue_kind kind = kinds & 1U << XSC_QUEUE_DEVICE ? XSC_QUEUE_DEVICE : XSC_QUEUE_BATCH;
	struct xsc_queue *q;
	struct xsc_pool *pool;
	struct stat st;
	int from, to, r;

	if (argc != 3) {
		fprintf(stderr, "usage: copy FROM TO\n");
		return 2;
	}
	r = xsc_queue_open(&q, kind, NULL);
	if (r || (r = xsc_pool_open(&pool, BLOCKS, BLOCK, 0))) {
		fprintf(stderr, "copy: no queue: %s\n", strerror(-r));
		return 1;
	}
	from = open(argv[1], O_RDONLY | O_CLOEXEC);
	to = from < 0 ? -1 : open(argv[2], O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
	if (from < 0 || to < 0 || fstat(from, &st)) {
		perror(from < 0 ? argv[1] : argv[2]);
		return 1;
	}
	r = copy(q, pool, from, to, (uint64_t)st.st_size);
	if (r)
		fprintf(stderr, "copy: %s\n", strerror(-r));
	xsc_pool_close(pool);
	xsc_queue_close(q);
	return r != 0;
}
