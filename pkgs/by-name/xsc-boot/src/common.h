/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What the programs of this folder share: mounts, block devices by what sysfs says of them, whole reads and writes, and
 * the init that comes after. Included behind xsc_test.h, the runtime of programs without a C library. Invariant: a
 * function that fails gives the kernel's own -errno.
 */
#ifndef XSC_BOOT_COMMON_H
#define XSC_BOOT_COMMON_H

#include <linux/fs.h>
#include <linux/stat.h>

#define MIB		(1UL << 20)
#ifndef O_EXCL
#define O_EXCL		0x80
#endif
#define MOVE_MOUNT	8192	/* MS_MOVE */
#define READ_ONLY	1	/* MS_RDONLY */

static __attribute__((unused)) long mount_at(const char *type, const char *from, const char *dir,
					     unsigned long flags, const char *options)
{
	sys(__NR_mkdirat, AT_FDCWD, dir, 0755);
	return sys(__NR_mount, from, dir, type, flags, options);
}

/* -EIO for what ends too early. */
static __attribute__((unused)) long read_at(long fd, void *buf, unsigned long size, unsigned long at)
{
	unsigned long done = 0;

	while (done < size) {
		long n = sys(__NR_pread64, fd, (char *)buf + done, size - done, at + done);

		if (n == -EINTR)
			continue;
		if (n <= 0)
			return n ? n : -EIO;
		done += n;
	}
	return 0;
}

static __attribute__((unused)) long write_at(long fd, const void *buf, unsigned long size, unsigned long at)
{
	unsigned long done = 0;

	while (done < size) {
		long n = sys(__NR_pwrite64, fd, (const char *)buf + done, size - done, at + done);

		if (n == -EINTR)
			continue;
		if (n <= 0)
			return n ? n : -EIO;
		done += n;
	}
	return 0;
}

/* A number that a file holds, or 0. */
static __attribute__((unused)) unsigned long number_in(const char *path)
{
	unsigned long v = 0;
	char text[32], *p = text;

	if (read_file(path, text, sizeof(text)) <= 0)
		return 0;
	for (; *p >= '0' && *p <= '9'; p++)
		v = v * 10 + (*p - '0');
	return v;
}

/* Calls `use` with each name of a directory until it says true; whether it did. */
static __attribute__((unused)) bool each_name(const char *dir, bool (*use)(const char *name))
{
	static char buf[8192];
	bool done = false;
	long fd, len, at;

	fd = sys(__NR_openat, AT_FDCWD, dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		return false;
	while (!done && (len = sys(__NR_getdents64, fd, buf, sizeof(buf))) > 0) {
		for (at = 0; at < len && !done;) {
			struct linux_dirent64 *e = (void *)(buf + at);

			at += e->d_reclen;
			if (e->d_name[0] != '.')
				done = use(e->d_name);
		}
	}
	sys(__NR_close, fd);
	return done;
}

static __attribute__((unused)) bool exists(const char *path)
{
	return !sys(__NR_faccessat, AT_FDCWD, path, 0);
}

/* What PID 1 does when it cannot go on: says why, and waits for somebody to read it. */
static __attribute__((unused)) void give_up(const char *why, long error)
{
	say("%s: %ld\n", why, error);
	for (;;)
		sleep_ms(1000000);
}

/* Becomes the system's init, which an image of tests has at /init only. */
static __attribute__((unused)) void become_init(char **argv, char **envp)
{
	const char *init = exists("/sbin/init") ? "/sbin/init" : "/init";

	argv[0] = (char *)init;
	give_up("cannot start /sbin/init or /init", sys(__NR_execve, init, argv, envp));
}

#endif
