/* SPDX-License-Identifier: MIT */
/*
 * libxsc-rt: many operations at once, on XSC. A queue takes entries (struct xsc_sqe, made by the
 * functions xsc_prep_*) and gives results (struct xsc_cqe): either a batch, executed in the calling
 * thread by one visit to the kernel, or the ring device, executed by a worker while the caller goes
 * on. xsc-rt(7) tells which is for what. Invariant: a function returns a number or an object that
 * is not negative, or -errno; errno itself is left alone, and nothing here traps.
 */
#ifndef XSC_RT_H
#define XSC_RT_H

#include <linux/xsc.h>
#include <stddef.h>
#include <stdint.h>
#include <time.h>

#ifdef __cplusplus
extern "C" {
#endif

#define XSC_RT_MAJOR	1
#define XSC_RT_MINOR	0

/* major << 16 | minor of the library that runs, which may be newer than this header. */
unsigned int xsc_rt_version(void);

/* Which kinds of queue this process can have now: a mask of 1 << XSC_QUEUE_*. */
unsigned int xsc_rt_probe(void);

struct xsc_queue;

enum xsc_queue_kind {
	XSC_QUEUE_BATCH		= 1,	/* executed by submit, in the calling thread */
	XSC_QUEUE_DEVICE	= 2,	/* executed by the worker of /dev/xsc */
};

struct xsc_queue_options {
	uint32_t size;			/* sizeof(struct xsc_queue_options) */
	uint32_t flags;			/* XSC_QUEUE_* below */
	uint32_t idle_us;		/* device: see XSC_IOC_SETUP; 0 is the default */
	uint32_t reserved;		/* 0 */
};

/* Give -XSC_EINLINE to the caller; without it the library makes the call itself when the result
 * is taken. */
#define XSC_QUEUE_RAW		(1U << 0)

/* -ENOSYS: no XSC here. options may be NULL. */
int xsc_queue_open(struct xsc_queue **queue, enum xsc_queue_kind kind,
		   const struct xsc_queue_options *options);
void xsc_queue_close(struct xsc_queue *queue);

enum xsc_queue_kind xsc_queue_kind(const struct xsc_queue *queue);

/* The next free entry, all zero, or NULL if there is no room: submit, or take results. It belongs
 * to the queue from the next call on. */
struct xsc_sqe *xsc_queue_entry(struct xsc_queue *queue);

/* Entries prepared and not yet submitted; results that can be taken without waiting; entries
 * that can still be prepared. */
unsigned int xsc_queue_prepared(const struct xsc_queue *queue);
unsigned int xsc_queue_ready(const struct xsc_queue *queue);
unsigned int xsc_queue_space(const struct xsc_queue *queue);

/* Hands over what is prepared; how many entries. A batch is executed before it returns. */
int xsc_queue_submit(struct xsc_queue *queue);

/* Takes the oldest result: 0, or -EAGAIN if there is none. */
int xsc_queue_peek(struct xsc_queue *queue, struct xsc_cqe *result);

/* Submits what is prepared and waits for the oldest result: 0; -EAGAIN if nothing is under way,
 * -ETIME after the time (NULL: none), -EINTR, -EOWNERDEAD if the worker is gone. */
int xsc_queue_wait(struct xsc_queue *queue, struct xsc_cqe *result,
		   const struct timespec *timeout);

/* Entries with this user_data that are not yet executed get -ECANCELED: how many, -ENOENT for
 * none, -EALREADY if the only one is under way. */
#define XSC_QUEUE_CANCEL_ANY	(1U << 0)
int xsc_queue_cancel(struct xsc_queue *queue, uint64_t user_data, unsigned int flags);

/* A descriptor for poll(2) and epoll(7), readable when a result can be taken, writable when an
 * entry can be submitted; -EOPNOTSUPP for a batch, whose results are there after submit. */
int xsc_queue_fd(const struct xsc_queue *queue);

/* Makes one call now, in this thread, as a batch of one: what a result of -XSC_EINLINE asks for.
 * The result of the call in *result. */
int xsc_run(const struct xsc_sqe *entry, int64_t *result);

/*
 * Buffers of one size, aligned to pages, touched beforehand and optionally locked. The kernel does
 * not register them: what a pool gives is memory that takes no page fault while a worker uses it.
 * get and put may be called by any thread.
 */
struct xsc_pool;

#define XSC_POOL_LOCK		(1U << 0)	/* mlock(2); fails if that does */

int xsc_pool_open(struct xsc_pool **pool, unsigned int count, size_t size, unsigned int flags);
void xsc_pool_close(struct xsc_pool *pool);
void *xsc_pool_get(struct xsc_pool *pool);	/* NULL: all are in use */
int xsc_pool_put(struct xsc_pool *pool, void *buffer);
size_t xsc_pool_size(const struct xsc_pool *pool);

/*
 * Entries. Each function fills what its operation needs; user_data and flags are set behind it.
 * Addresses must stay valid until the result is there.
 */
static inline void xsc_prep(struct xsc_sqe *e, uint8_t opcode, uint64_t a, uint64_t b, uint64_t c,
			    uint64_t d, uint64_t f, uint64_t g)
{
	e->nr = 0;
	e->opcode = opcode;
	e->flags = 0;
	e->ioprio = 0;
	e->args[0] = a;
	e->args[1] = b;
	e->args[2] = c;
	e->args[3] = d;
	e->args[4] = f;
	e->args[5] = g;
	e->user_data = 0;
}

static inline void xsc_entry_set_data(struct xsc_sqe *e, uint64_t user_data)
{
	e->user_data = user_data;
}

static inline void xsc_entry_set_flags(struct xsc_sqe *e, uint8_t flags)
{
	e->flags = flags;
}

#define XSC_RT_P(p)	((uint64_t)(uintptr_t)(p))
#define XSC_RT_N(n)	((uint64_t)(int64_t)(n))

/* A system call by its number. */
static inline void xsc_prep_syscall(struct xsc_sqe *e, uint32_t nr, uint64_t a, uint64_t b,
				    uint64_t c, uint64_t d, uint64_t f, uint64_t g)
{
	xsc_prep(e, XSC_OP_SYSCALL, a, b, c, d, f, g);
	e->nr = nr;
}

static inline void xsc_prep_nop(struct xsc_sqe *e)
{
	xsc_prep(e, XSC_OP_NOP, 0, 0, 0, 0, 0, 0);
}

/* Cancels later entries of the same batch. */
static inline void xsc_prep_cancel(struct xsc_sqe *e, uint64_t user_data)
{
	xsc_prep(e, XSC_OP_CANCEL, user_data, 0, 0, 0, 0, 0);
}

static inline void xsc_prep_read(struct xsc_sqe *e, int fd, void *buffer, size_t count)
{
	xsc_prep(e, XSC_OP_READ, XSC_RT_N(fd), XSC_RT_P(buffer), count, 0, 0, 0);
}

static inline void xsc_prep_write(struct xsc_sqe *e, int fd, const void *buffer, size_t count)
{
	xsc_prep(e, XSC_OP_WRITE, XSC_RT_N(fd), XSC_RT_P(buffer), count, 0, 0, 0);
}

static inline void xsc_prep_pread(struct xsc_sqe *e, int fd, void *buffer, size_t count,
				  uint64_t position)
{
	xsc_prep(e, XSC_OP_PREAD, XSC_RT_N(fd), XSC_RT_P(buffer), count, position, 0, 0);
}

static inline void xsc_prep_pwrite(struct xsc_sqe *e, int fd, const void *buffer, size_t count,
				   uint64_t position)
{
	xsc_prep(e, XSC_OP_PWRITE, XSC_RT_N(fd), XSC_RT_P(buffer), count, position, 0, 0);
}

struct iovec;

static inline void xsc_prep_readv(struct xsc_sqe *e, int fd, const struct iovec *v, int count)
{
	xsc_prep(e, XSC_OP_READV, XSC_RT_N(fd), XSC_RT_P(v), XSC_RT_N(count), 0, 0, 0);
}

static inline void xsc_prep_writev(struct xsc_sqe *e, int fd, const struct iovec *v, int count)
{
	xsc_prep(e, XSC_OP_WRITEV, XSC_RT_N(fd), XSC_RT_P(v), XSC_RT_N(count), 0, 0, 0);
}

static inline void xsc_prep_open(struct xsc_sqe *e, const char *path, int flags, uint32_t mode)
{
	xsc_prep(e, XSC_OP_OPEN, XSC_RT_P(path), XSC_RT_N(flags), mode, 0, 0, 0);
}

static inline void xsc_prep_openat(struct xsc_sqe *e, int dir, const char *path, int flags,
				   uint32_t mode)
{
	xsc_prep(e, XSC_OP_OPENAT, XSC_RT_N(dir), XSC_RT_P(path), XSC_RT_N(flags), mode, 0, 0);
}

static inline void xsc_prep_close(struct xsc_sqe *e, int fd)
{
	xsc_prep(e, XSC_OP_CLOSE, XSC_RT_N(fd), 0, 0, 0, 0, 0);
}

static inline void xsc_prep_fsync(struct xsc_sqe *e, int fd)
{
	xsc_prep(e, XSC_OP_FSYNC, XSC_RT_N(fd), 0, 0, 0, 0, 0);
}

struct stat;

/* The kernel's struct stat, which on 64-bit machines is the C library's. */
static inline void xsc_prep_fstat(struct xsc_sqe *e, int fd, struct stat *st)
{
	xsc_prep(e, XSC_OP_FSTAT, XSC_RT_N(fd), XSC_RT_P(st), 0, 0, 0, 0);
}

static inline void xsc_prep_stat(struct xsc_sqe *e, const char *path, struct stat *st)
{
	xsc_prep(e, XSC_OP_STAT, XSC_RT_P(path), XSC_RT_P(st), 0, 0, 0, 0);
}

static inline void xsc_prep_lstat(struct xsc_sqe *e, const char *path, struct stat *st)
{
	xsc_prep(e, XSC_OP_LSTAT, XSC_RT_P(path), XSC_RT_P(st), 0, 0, 0, 0);
}

static inline void xsc_prep_socket(struct xsc_sqe *e, int domain, int type, int protocol)
{
	xsc_prep(e, XSC_OP_SOCKET, XSC_RT_N(domain), XSC_RT_N(type), XSC_RT_N(protocol), 0, 0, 0);
}

static inline void xsc_prep_bind(struct xsc_sqe *e, int fd, const void *address, uint32_t length)
{
	xsc_prep(e, XSC_OP_BIND, XSC_RT_N(fd), XSC_RT_P(address), length, 0, 0, 0);
}

static inline void xsc_prep_listen(struct xsc_sqe *e, int fd, int backlog)
{
	xsc_prep(e, XSC_OP_LISTEN, XSC_RT_N(fd), XSC_RT_N(backlog), 0, 0, 0, 0);
}

static inline void xsc_prep_accept(struct xsc_sqe *e, int fd, void *address, uint32_t *length)
{
	xsc_prep(e, XSC_OP_ACCEPT, XSC_RT_N(fd), XSC_RT_P(address), XSC_RT_P(length), 0, 0, 0);
}

static inline void xsc_prep_connect(struct xsc_sqe *e, int fd, const void *address, uint32_t length)
{
	xsc_prep(e, XSC_OP_CONNECT, XSC_RT_N(fd), XSC_RT_P(address), length, 0, 0, 0);
}

static inline void xsc_prep_sendto(struct xsc_sqe *e, int fd, const void *buffer, size_t count,
				   int flags, const void *address, uint32_t length)
{
	xsc_prep(e, XSC_OP_SENDTO, XSC_RT_N(fd), XSC_RT_P(buffer), count, XSC_RT_N(flags),
		 XSC_RT_P(address), length);
}

static inline void xsc_prep_recvfrom(struct xsc_sqe *e, int fd, void *buffer, size_t count,
				     int flags, void *address, uint32_t *length)
{
	xsc_prep(e, XSC_OP_RECVFROM, XSC_RT_N(fd), XSC_RT_P(buffer), count, XSC_RT_N(flags),
		 XSC_RT_P(address), XSC_RT_P(length));
}

struct pollfd;
struct epoll_event;

/* set is a signal mask of 8 bytes, as the kernel has it, or NULL. */
static inline void xsc_prep_poll(struct xsc_sqe *e, struct pollfd *fds, unsigned int count,
				 struct timespec *timeout, const void *set)
{
	xsc_prep(e, XSC_OP_POLL, XSC_RT_P(fds), count, XSC_RT_P(timeout), XSC_RT_P(set), 8, 0);
}

static inline void xsc_prep_epoll_wait(struct xsc_sqe *e, int fd, struct epoll_event *events,
				       int count, int milliseconds)
{
	xsc_prep(e, XSC_OP_EPOLL_WAIT, XSC_RT_N(fd), XSC_RT_P(events), XSC_RT_N(count),
		 XSC_RT_N(milliseconds), 0, 0);
}

/* sets are fd_set; mask is the kernel's structure of a mask and its size, or NULL. */
static inline void xsc_prep_select(struct xsc_sqe *e, int count, void *readers, void *writers,
				   void *exceptions, struct timespec *timeout, const void *mask)
{
	xsc_prep(e, XSC_OP_SELECT, XSC_RT_N(count), XSC_RT_P(readers), XSC_RT_P(writers),
		 XSC_RT_P(exceptions), XSC_RT_P(timeout), XSC_RT_P(mask));
}

static inline void xsc_prep_nanosleep(struct xsc_sqe *e, const struct timespec *time,
				      struct timespec *left)
{
	xsc_prep(e, XSC_OP_NANOSLEEP, XSC_RT_P(time), XSC_RT_P(left), 0, 0, 0, 0);
}

static inline void xsc_prep_clock_nanosleep(struct xsc_sqe *e, clockid_t clock, int flags,
					    const struct timespec *time, struct timespec *left)
{
	xsc_prep(e, XSC_OP_CLOCK_NANOSLEEP, XSC_RT_N(clock), XSC_RT_N(flags), XSC_RT_P(time),
		 XSC_RT_P(left), 0, 0);
}

/* is_private is 1 for a futex of this process, 0 for one in shared memory. */
static inline void xsc_prep_futex_wait(struct xsc_sqe *e, const uint32_t *word, uint32_t value,
				       const struct timespec *timeout, int is_private)
{
	xsc_prep(e, XSC_OP_FUTEX_WAIT, XSC_RT_P(word), value, XSC_RT_P(timeout),
		 XSC_RT_N(is_private), 0, 0);
}

static inline void xsc_prep_futex_wake(struct xsc_sqe *e, const uint32_t *word, uint32_t count,
				       int is_private)
{
	xsc_prep(e, XSC_OP_FUTEX_WAKE, XSC_RT_P(word), count, XSC_RT_N(is_private), 0, 0, 0);
}

#ifdef __cplusplus
}
#endif

#endif /* XSC_RT_H */
