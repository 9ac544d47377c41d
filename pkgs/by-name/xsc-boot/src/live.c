// SPDX-License-Identifier: GPL-2.0
/*
 * The init of a live ISO's initramfs: finds the medium that it came from, mounts the root that is a file of it, lays a
 * file system in memory over that, and becomes the system's init, or what xsc.run= names. The medium is at /medium.
 * Invariant: a medium counts only if it has the file that xsc.live= names, so another ISO in the machine is not taken.
 */
#include "xsc_test.h"
#include "common.h"

#define SECONDS	60		/* a disk on USB takes its time */

static char mark[128], program[128];

static bool try_medium(const char *name)
{
	char path[192];

	format(path, sizeof(path), "/dev/%s", name);
	if (sys(__NR_mount, path, "/medium", "iso9660", READ_ONLY, 0))
		return false;
	format(path, sizeof(path), "/medium%s", mark);
	if (exists(path)) {
		say("live: the medium is %s\n", name);
		return true;
	}
	sys(__NR_umount2, "/medium", 0);
	return false;
}

static void must(const char *what, long r)
{
	if (r)
		give_up(what, r);
}

int main(int argc, char **argv, char **envp)
{
	unsigned long end;

	(void)argc;
	mount_at("devtmpfs", "devtmpfs", "/dev", 0, NULL);
	mount_at("proc", "proc", "/proc", 0, NULL);
	mount_at("sysfs", "sysfs", "/sys", 0, NULL);
	if (!boot_option("xsc.live", mark, sizeof(mark)))
		give_up("live: the command line has no xsc.live=", -ENOENT);
	boot_option("xsc.run", program, sizeof(program));
	sys(__NR_mkdirat, AT_FDCWD, "/medium", 0755);
	for (end = now_ms() + SECONDS * 1000; !each_name("/sys/class/block", try_medium); sleep_ms(200))
		if (now_ms() > end)
			give_up("live: the medium is on no drive that the kernel knows", -ENODEV);

	must("live: cannot mount the root", mount_at("erofs", "/medium/live/root.erofs", "/lower", READ_ONLY, NULL));
	must("live: no memory for the root", mount_at("tmpfs", "tmpfs", "/over", 0, "mode=0755"));
	sys(__NR_mkdirat, AT_FDCWD, "/over/upper", 0755);
	sys(__NR_mkdirat, AT_FDCWD, "/over/work", 0755);
	must("live: cannot lay memory over the root",
	     mount_at("overlay", "overlay", "/root", 0, "lowerdir=/lower,upperdir=/over/upper,workdir=/over/work"));
	sys(__NR_mkdirat, AT_FDCWD, "/root/medium", 0755);
	sys(__NR_mkdirat, AT_FDCWD, "/root/dev", 0755);
	must("live: cannot move the medium", sys(__NR_mount, "/medium", "/root/medium", 0, MOVE_MOUNT, 0));
	must("live: cannot move /dev", sys(__NR_mount, "/dev", "/root/dev", 0, MOVE_MOUNT, 0));
	sys(__NR_umount2, "/sys", 0);
	sys(__NR_umount2, "/proc", 0);
	sys(__NR_chdir, "/root");
	must("live: cannot change the root", sys(__NR_mount, ".", "/", 0, MOVE_MOUNT, 0));
	must("live: cannot enter the root", sys(__NR_chroot, "."));
	sys(__NR_chdir, "/");
	if (*program) {
		argv[0] = program;
		argv[1] = NULL;
		say("live: cannot run %s: %ld\n", program, sys(__NR_execve, program, argv, envp));
	}
	become_init(argv, envp);
	return 1;
}
