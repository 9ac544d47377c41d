/* SPDX-License-Identifier: MIT */
/*
 * The functions that programs call on a queue: arguments are checked here, the two kinds do the work
 * (batch.c, device.c). Invariant: errno is as it was, and a queue that came over fork from a
 * process with a worker answers -EPERM.
 */
#include "internal.h"

#include <stdlib.h>
#include <unistd.h>

#define CHECKED(q)	do { if (!(q)) return -EINVAL; if (!(q)->ops) return -EPERM; } while (0)

EXPORT unsigned int xsc_rt_version(void)
{
	return XSC_RT_MAJOR << 16 | XSC_RT_MINOR;
}

EXPORT unsigned int xsc_rt_probe(void)
{
	KEEP_ERRNO;

	if (!gate_offered())
		return 0;
	return 1U << XSC_QUEUE_BATCH |
	       (access("/dev/xsc", R_OK | W_OK) ? 0 : 1U << XSC_QUEUE_DEVICE);
}

EXPORT int xsc_queue_open(struct xsc_queue **queue, enum xsc_queue_kind kind,
			  const struct xsc_queue_options *options)
{
	static const struct xsc_queue_options none = { .size = sizeof(none) };
	KEEP_ERRNO;

	if (!options)
		options = &none;
	if (!queue || options->size != sizeof(none) || options->flags & ~XSC_QUEUE_RAW ||
	    options->reserved || options->idle_us > XSC_IDLE_US_MAX)
		return -EINVAL;
	switch (kind) {
	case XSC_QUEUE_BATCH:
		return options->idle_us ? -EINVAL : batch_open(queue, options);
	case XSC_QUEUE_DEVICE:
		return device_open(queue, options);
	}
	return -EINVAL;
}

EXPORT void xsc_queue_close(struct xsc_queue *q)
{
	KEEP_ERRNO;

	if (q && q->ops)
		q->ops->close(q);
}

EXPORT enum xsc_queue_kind xsc_queue_kind(const struct xsc_queue *q)
{
	return q && q->ops ? q->ops->kind : (enum xsc_queue_kind)0;
}

EXPORT struct xsc_sqe *xsc_queue_entry(struct xsc_queue *q)
{
	return q && q->ops ? q->ops->entry(q) : NULL;
}

EXPORT unsigned int xsc_queue_prepared(const struct xsc_queue *q)
{
	return q && q->ops ? q->ops->prepared(q) : 0;
}

EXPORT unsigned int xsc_queue_ready(const struct xsc_queue *q)
{
	return q && q->ops ? q->ops->ready(q) : 0;
}

EXPORT unsigned int xsc_queue_space(const struct xsc_queue *q)
{
	return q && q->ops ? q->ops->space(q) : 0;
}

EXPORT int xsc_queue_submit(struct xsc_queue *q)
{
	KEEP_ERRNO;

	CHECKED(q);
	return q->ops->submit(q);
}

EXPORT int xsc_queue_peek(struct xsc_queue *q, struct xsc_cqe *result)
{
	KEEP_ERRNO;

	CHECKED(q);
	return result ? q->ops->peek(q, result) : -EINVAL;
}

EXPORT int xsc_queue_wait(struct xsc_queue *q, struct xsc_cqe *result,
			  const struct timespec *timeout)
{
	KEEP_ERRNO;

	CHECKED(q);
	return result ? q->ops->wait(q, result, timeout) : -EINVAL;
}

EXPORT int xsc_queue_cancel(struct xsc_queue *q, uint64_t user_data, unsigned int flags)
{
	KEEP_ERRNO;

	CHECKED(q);
	return flags & ~XSC_QUEUE_CANCEL_ANY ? -EINVAL : q->ops->cancel(q, user_data, flags);
}

EXPORT int xsc_queue_fd(const struct xsc_queue *q)
{
	CHECKED(q);
	return q->ops->fd(q);
}
