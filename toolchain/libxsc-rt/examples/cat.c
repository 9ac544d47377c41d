/* SPDX-License-Identifier: MIT */
/*
 * cat FILE...: each file by batches of eight reads at consecutive positions, so one visit to the kernel
 * brings up to 512 KiB. Shows open, submit, results in order. Invariant: a short read ends the file.
 */
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>
#include <xsc/rt.h>

#define BLOCKS	8
#define BLOCK	65536

static int show(struct xsc_queue *q, struct xsc_pool *pool, int fd)
{
	void *buffer[BLOCKS];
	uint64_t position = 0;
	int i, more = 1, status = 0;

	for (i = 0; i < BLOCKS; i++)
		buffer[i] = xsc_pool_get(pool);
	while (more) {
		for (i = 0; i < BLOCKS; i++) {
			struct xsc_sqe *e = xsc_queue_entry(q);

			xsc_prep_pread(e, fd, buffer[i], BLOCK, position + (uint64_t)i * BLOCK);
			xsc_entry_set_data(e, (uint64_t)i);
		}
		for (i = 0; i < BLOCKS; i++) {
			struct xsc_cqe c;
			int r = xsc_queue_wait(q, &c, NULL);

			if (r || c.res < 0) {
				fprintf(stderr, "cat: %s\n", strerror(r ? -r : (int)-c.res));
				more = 0;
				status = 1;
			} else if (more) {
				fwrite(buffer[c.user_data], 1, (size_t)c.res, stdout);
				more = c.res == BLOCK;
			}
		}
		position += (uint64_t)BLOCKS * BLOCK;
	}
	for (i = 0; i < BLOCKS; i++)
		xsc_pool_put(pool, buffer[i]);
	return status;
}

int main(int argc, char **argv)
{
	struct xsc_queue *q;
	struct xsc_pool *pool;
	int i, fd, status = 0, r = xsc_queue_open(&q, XSC_QUEUE_BATCH, NULL);

	if (r || (r = xsc_pool_open(&pool, BLOCKS, BLOCK, 0))) {
		fprintf(stderr, "cat: no queue: %s\n", strerror(-r));
		return 1;
	}
	for (i = 1; i < argc; i++) {
		fd = open(argv[i], O_RDONLY | O_CLOEXEC);
		if (fd < 0) {
			perror(argv[i]);
			status = 1;
			continue;
		}
		status |= show(q, pool, fd);
		close(fd);
	}
	xsc_pool_close(pool);
	xsc_queue_close(q);
	return status;
}
