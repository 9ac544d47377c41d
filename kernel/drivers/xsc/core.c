// SPDX-License-Identifier: GPL-2.0
/*
 * /dev/xsc: open, XSC_IOC_SETUP, _WAKE, _CANCEL, mmap, poll, release. Every entry here is
 * called by user space with hostile arguments. Invariant: a ring answers only to the
 * address space it was set up in; a forked child that inherited the file gets -EPERM.
 */
#define pr_fmt(fmt) "xsc: " fmt

#include <linux/file.h>
#include <linux/fs.h>
#include <linux/init.h>
#include <linux/miscdevice.h>
#include <linux/poll.h>
#include <linux/sched.h>
#include <linux/sched/mm.h>
#include <linux/sched/task.h>
#include <linux/slab.h>
#include <linux/uaccess.h>

#include "opdef.h"
#include "xsc.h"

static_assert(sizeof(struct xsc_setup) == XSC_SETUP_SIZE_VER0);

static void xsc_ctx_free(struct kref *ref)
{
	struct xsc_ctx *ctx = container_of(ref, struct xsc_ctx, ref);

	xsc_ring_free(&ctx->ring);
	if (ctx->mm)
		mmdrop(ctx->mm);
	kfree(ctx);
}

void xsc_ctx_put(struct xsc_ctx *ctx)
{
	kref_put(&ctx->ref, xsc_ctx_free);
}

static int xsc_open(struct inode *inode, struct file *file)
{
	struct xsc_ctx *ctx = kzalloc(sizeof(*ctx), GFP_KERNEL_ACCOUNT);

	if (!ctx)
		return -ENOMEM;
	kref_init(&ctx->ref);
	mutex_init(&ctx->setup_lock);
	spin_lock_init(&ctx->lock);
	init_waitqueue_head(&ctx->idle);
	init_waitqueue_head(&ctx->wait);
	INIT_HLIST_NODE(&ctx->by_process);
	file->private_data = ctx;	/* misc_open() left the miscdevice here */
	return nonseekable_open(inode, file);
}

/*
 * The last reference to the file went: no mapping is left either. May run in the worker
 * itself (as the last of its process it drops the table of files), so it must not wait for it.
 */
static int xsc_release(struct inode *inode, struct file *file)
{
	struct xsc_ctx *ctx = file->private_data;

	xsc_worker_stop(ctx);
	xsc_ctx_put(ctx);
	return 0;
}

/* 0 if the ring is there and belongs to the caller's address space. */
static int xsc_check_caller(struct xsc_ctx *ctx)
{
	/* Pairs with the release at the end of the set-up: the ring is complete. */
	if (!smp_load_acquire(&ctx->ready))
		return -ENXIO;
	return ctx->mm == current->mm ? 0 : -EPERM;
}

static int xsc_setup_get(struct xsc_setup *setup, void __user *arg)
{
	u32 size;
	int ret;

	if (get_user(size, &((struct xsc_setup __user *)arg)->size))
		return -EFAULT;
	if (size < XSC_SETUP_SIZE_VER0)
		return -EINVAL;
	if (size > PAGE_SIZE)
		return -E2BIG;
	ret = copy_struct_from_user(setup, sizeof(*setup), arg, size);
	if (ret)
		return ret;
	if (setup->flags || memchr_inv(setup->__resv, 0, sizeof(setup->__resv)))
		return -EINVAL;
	if (setup->sq_entries && setup->sq_entries != XSC_RING_ENTRIES)
		return -EINVAL;
	if (setup->cq_entries && setup->cq_entries != XSC_RING_ENTRIES)
		return -EINVAL;
	if (setup->idle_us > XSC_IDLE_US_MAX)
		return -EINVAL;

	setup->size = sizeof(*setup);
	setup->sq_entries = XSC_RING_ENTRIES;
	setup->cq_entries = XSC_RING_ENTRIES;
	setup->idle_us = setup->idle_us ?: READ_ONCE(xsc_worker_idle_us_default);
	return 0;
}

static int xsc_ioc_setup(struct xsc_ctx *ctx, void __user *arg)
{
	struct xsc_setup setup;
	int ret;

	ret = xsc_setup_get(&setup, arg);
	if (ret)
		return ret;

	guard(mutex)(&ctx->setup_lock);
	if (ctx->ready)
		return -EBUSY;
	/* Before the worker exists: nothing needs undoing that user space could see. */
	if (copy_to_user(arg, &setup, sizeof(setup)))
		return -EFAULT;
	ret = xsc_ring_alloc(&ctx->ring);
	if (ret)
		return ret;
	ctx->idle_ns = (u64)setup.idle_us * NSEC_PER_USEC;
	ctx->owner = get_task_struct(current);
	ctx->mm = current->mm;
	mmgrab(ctx->mm);

	ret = xsc_worker_start(ctx);
	if (ret) {
		put_task_struct(ctx->owner);
		mmdrop(ctx->mm);
		ctx->owner = NULL;
		ctx->mm = NULL;
		xsc_ring_free(&ctx->ring);
		return ret;
	}
	/* Pairs with xsc_check_caller(). */
	smp_store_release(&ctx->ready, true);
	return 0;
}

static long xsc_ioc_cancel(struct xsc_ctx *ctx, const void __user *arg)
{
	struct xsc_cancel cancel;
	int ret = xsc_check_caller(ctx);

	if (ret)
		return ret;
	if (copy_from_user(&cancel, arg, sizeof(cancel)))
		return -EFAULT;
	if (cancel.flags & ~XSC_CANCEL_ANY || memchr_inv(cancel.__resv, 0, sizeof(cancel.__resv)))
		return -EINVAL;
	return xsc_worker_cancel(ctx, cancel.user_data, cancel.flags & XSC_CANCEL_ANY);
}

static long xsc_ioctl(struct file *file, unsigned int cmd, unsigned long arg)
{
	struct xsc_ctx *ctx = file->private_data;
	int ret;

	switch (cmd) {
	case XSC_IOC_SETUP:
		/*
		 * ioctl(2) may have only borrowed the file, as long as nobody else uses the
		 * task's table of files; the worker will.
		 */
		get_file(file);
		ret = xsc_ioc_setup(ctx, (void __user *)arg);
		fput(file);
		return ret;
	case XSC_IOC_WAKE:
		if (arg)
			return -EINVAL;
		ret = xsc_check_caller(ctx);
		if (ret)
			return ret;
		return xsc_worker_wake(ctx) ? 0 : -EOWNERDEAD;
	case XSC_IOC_CANCEL:
		return xsc_ioc_cancel(ctx, (void __user *)arg);
	default:
		return -ENOTTY;
	}
}

static int xsc_mmap(struct file *file, struct vm_area_struct *vma)
{
	struct xsc_ctx *ctx = file->private_data;
	int ret = xsc_check_caller(ctx);

	return ret ?: xsc_ring_mmap(&ctx->ring, vma);
}

/* Readable: a result is there. Writable: there is room to submit. Wakes the worker for work. */
static __poll_t xsc_poll(struct file *file, poll_table *wait)
{
	struct xsc_ctx *ctx = file->private_data;
	__poll_t mask = 0;

	poll_wait(file, &ctx->wait, wait);
	if (xsc_check_caller(ctx))
		return EPOLLERR;
	if (xsc_ring_has_entries(&ctx->ring))
		xsc_worker_wake(ctx);
	if (!READ_ONCE(ctx->worker))
		mask |= EPOLLHUP;
	if (xsc_ring_has_results(&ctx->ring))
		mask |= EPOLLIN | EPOLLRDNORM;
	if (xsc_ring_has_room(&ctx->ring))
		mask |= EPOLLOUT | EPOLLWRNORM;
	return mask;
}

static const struct file_operations xsc_fops = {
	.owner		= THIS_MODULE,
	.open		= xsc_open,
	.release	= xsc_release,
	.unlocked_ioctl	= xsc_ioctl,
	.compat_ioctl	= compat_ptr_ioctl,
	.mmap		= xsc_mmap,
	.poll		= xsc_poll,
};

static struct miscdevice xsc_device = {
	.minor	= MISC_DYNAMIC_MINOR,
	.name	= "xsc",
	.fops	= &xsc_fops,
	.mode	= 0666,
};

static int __init xsc_init(void)
{
	int ret = xsc_opdef_init();

	if (ret)
		return ret;
	ret = misc_register(&xsc_device);
	if (ret)
		pr_err("cannot register the device: %d\n", ret);
	else
		pr_info("/dev/xsc ready, %d entries a ring\n", XSC_RING_ENTRIES);
	return ret;
}
device_initcall(xsc_init);
