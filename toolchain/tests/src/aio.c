/* SPDX-License-Identifier: MIT */
/*
 * POSIX asynchronous input and output, which glibc makes of threads. Invariant: each request's
 * result is taken once, by aio_return.
 */
#include "tap.h"

#include <aio.h>
#include <fcntl.h>

static int told;

static void tell(union sigval v)
{
	__atomic_add_fetch(&told, v.sival_int, __ATOMIC_SEQ_CST);
}

static bool done(struct aiocb *cb)
{
	const struct aiocb *list[1] = { cb };

	while (aio_error(cb) == EINPROGRESS)
		aio_suspend(list, 1, NULL);
	return aio_error(cb) == 0;
}

int main(void)
{
	char path[] = "/tmp/xsc-aio-XXXXXX", text[16] = "", many[8][16];
	struct aiocb cb = { .aio_offset = 4, .aio_nbytes = 6 }, cbs[8], *list[8];
	struct timespec ts = { 0, 10000000 };
	const struct aiocb *waiting[1];
	int fd, i, bad = 0, fds[2];

	tap_begin();
	fd = mkstemp(path);
	must(fd >= 0 && !unlink(path) && !pipe(fds));
	cb.aio_fildes = fd;
	cb.aio_buf = (void *)"abcdef";
	check(!aio_write(&cb) && done(&cb) && aio_return(&cb) == 6, "aio_write");
	cb.aio_buf = text;
	cb.aio_sigevent.sigev_notify = SIGEV_THREAD;
	cb.aio_sigevent.sigev_notify_function = tell;
	cb.aio_sigevent.sigev_value.sival_int = 7;
	check(!aio_read(&cb) && done(&cb) && aio_return(&cb) == 6 && !strcmp(text, "abcdef"),
	      "aio_read");
	check(eventually(__atomic_load_n(&told, __ATOMIC_SEQ_CST) == 7), "a thread tells of it");
	cb.aio_sigevent.sigev_notify = SIGEV_NONE;
	check(!aio_fsync(O_SYNC, &cb) && done(&cb) && !aio_return(&cb), "aio_fsync");

	memset(cbs, 0, sizeof(cbs));
	for (i = 0; i < 8; i++) {
		snprintf(many[i], sizeof(many[i]), "piece %d", i);
		cbs[i] = (struct aiocb){ .aio_fildes = fd, .aio_buf = many[i], .aio_nbytes = 8,
					 .aio_offset = i * 8, .aio_lio_opcode = LIO_WRITE };
		list[i] = &cbs[i];
	}
	check(!lio_listio(LIO_WAIT, list, 8, NULL), "lio_listio");
	for (i = 0; i < 8; i++)
		bad += aio_return(&cbs[i]) != 8;
	check(!bad && pread(fd, text, 8, 56) == 8 && !strcmp(text, "piece 7"), "all eight written");

	cb = (struct aiocb){ .aio_fildes = -1, .aio_buf = text, .aio_nbytes = 1 };
	check((aio_read(&cb) == -1 && errno == EBADF) ||
	      (!done(&cb) && aio_error(&cb) == EBADF && aio_return(&cb) == -1), "a bad descriptor");
	cb = (struct aiocb){ .aio_fildes = fds[0], .aio_buf = text, .aio_nbytes = 1 };
	waiting[0] = &cb;
	must(!aio_read(&cb));
	check(aio_suspend(waiting, 1, &ts) == -1 && errno == EAGAIN, "aio_suspend ends");
	i = aio_cancel(fds[0], &cb);
	check(i == AIO_NOTCANCELED || i == AIO_CANCELED, "aio_cancel");
	must(write(fds[1], "z", 1) == 1);
	check(i == AIO_CANCELED || (done(&cb) && aio_return(&cb) == 1), "what ran is not cancelled");
	return tap_end();
}
