// SPDX-License-Identifier: GPL-2.0
/*
 * /sys/kernel/xsc: the mode and the version of the ABI, what workers without a wish of their
 * own do, and in counters/ what happened since boot; a value a file. Invariant: nothing
 * written here loosens what a process is held to.
 */
#define pr_fmt(fmt) "xsc: " fmt

#include <linux/init.h>
#include <linux/kobject.h>
#include <linux/kstrtox.h>
#include <linux/printk.h>
#include <linux/sysfs.h>
#include <uapi/linux/xsc.h>

#include "exec.h"
#include "stats.h"
#include "xsc.h"

static ssize_t mode_show(struct kobject *kobj, struct kobj_attribute *attr, char *buf)
{
	char text[XSC_MODE_TEXT];

	xsc_mode_text(text);
	return sysfs_emit(buf, "%s\n", text);
}

static ssize_t mode_store(struct kobject *kobj, struct kobj_attribute *attr, const char *buf,
			  size_t count)
{
	int ret = xsc_mode_tighten(buf);

	return ret ?: count;
}

static ssize_t abi_show(struct kobject *kobj, struct kobj_attribute *attr, char *buf)
{
	return sysfs_emit(buf, "%u\n", XSC_ABI);
}

static ssize_t xsc_us_store(const char *buf, size_t count, unsigned int min, unsigned int *value)
{
	unsigned int us;
	int ret = kstrtouint(buf, 10, &us);

	if (ret)
		return ret;
	if (us < min || us > XSC_IDLE_US_MAX)
		return -EINVAL;
	WRITE_ONCE(*value, us);
	return count;
}

static ssize_t worker_idle_us_show(struct kobject *kobj, struct kobj_attribute *attr, char *buf)
{
	return sysfs_emit(buf, "%u\n", READ_ONCE(xsc_worker_idle_us_default));
}

static ssize_t worker_idle_us_store(struct kobject *kobj, struct kobj_attribute *attr,
				    const char *buf, size_t count)
{
	return xsc_us_store(buf, count, 1, &xsc_worker_idle_us_default);
}

static ssize_t worker_backoff_us_show(struct kobject *kobj, struct kobj_attribute *attr,
				      char *buf)
{
	return sysfs_emit(buf, "%u\n", READ_ONCE(xsc_worker_backoff_us));
}

/* 0: no pauses, a worker sleeps as soon as its active window is over. */
static ssize_t worker_backoff_us_store(struct kobject *kobj, struct kobj_attribute *attr,
				       const char *buf, size_t count)
{
	return xsc_us_store(buf, count, 0, &xsc_worker_backoff_us);
}

static struct kobj_attribute xsc_mode_attr = __ATTR_RW(mode);
static struct kobj_attribute xsc_abi_attr = __ATTR_RO(abi);
static struct kobj_attribute xsc_idle_attr = __ATTR_RW(worker_idle_us);
static struct kobj_attribute xsc_backoff_attr = __ATTR_RW(worker_backoff_us);

static struct attribute *xsc_attrs[] = {
	&xsc_mode_attr.attr,
	&xsc_abi_attr.attr,
	&xsc_idle_attr.attr,
	&xsc_backoff_attr.attr,
	NULL
};

static const struct attribute_group xsc_group = {
	.attrs = xsc_attrs,
};

/* One attribute a counter; which one is its place in the array. */
static struct kobj_attribute xsc_counter_attr[XSC_STAT_LAST];
static struct attribute *xsc_counter_attrs[XSC_STAT_LAST + 1];

static const struct attribute_group xsc_counter_group = {
	.name = "counters",
	.attrs = xsc_counter_attrs,
};

static const struct attribute_group *xsc_groups[] = {
	&xsc_group,
	&xsc_counter_group,
	NULL
};

static ssize_t xsc_counter_show(struct kobject *kobj, struct kobj_attribute *attr, char *buf)
{
	return sysfs_emit(buf, "%llu\n", xsc_stat_sum(attr - xsc_counter_attr));
}

static int __init xsc_sysfs_init(void)
{
	struct kobject *kobj;
	enum xsc_stat stat;
	int ret;

	for (stat = 0; stat < XSC_STAT_LAST; stat++) {
		xsc_counter_attr[stat].attr.name = xsc_stat_names[stat];
		xsc_counter_attr[stat].attr.mode = 0444;
		xsc_counter_attr[stat].show = xsc_counter_show;
		xsc_counter_attrs[stat] = &xsc_counter_attr[stat].attr;
	}

	kobj = kobject_create_and_add("xsc", kernel_kobj);
	if (!kobj)
		return -ENOMEM;
	ret = sysfs_create_groups(kobj, xsc_groups);
	if (ret) {
		pr_err("cannot fill /sys/kernel/xsc: %d\n", ret);
		kobject_put(kobj);
	}
	return ret;
}
device_initcall(xsc_sysfs_init);
