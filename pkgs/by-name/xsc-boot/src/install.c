// SPDX-License-Identifier: GPL-2.0
/*
 * xsc-install: writes the disk that a live ISO has with it onto a disk of the machine. `xsc-install DISK` from a shell, or
 * as PID 1 from the ISO's menu, where it asks for the disk and switches the machine off in the end. Invariant: nothing
 * is written before the disk's name was typed as an answer, and never to one that is in use or too small; what was
 * written is read back and compared before it counts.
 */
#include "xsc_test.h"
#include "common.h"

#define IMAGE	"/medium/live/disk.img"
#define CHUNK	MIB

static unsigned char wanted[CHUNK], found[CHUNK];

static bool ask(const char *question, char *answer, size_t size)
{
	size_t n = 0;
	char c;

	say("%s", question);
	while (sys(__NR_read, 0, &c, 1) == 1) {
		if (c == '\n' || c == '\r') {
			answer[n] = 0;
			return true;
		}
		if (n < size - 1)
			answer[n++] = c;
	}
	answer[n] = 0;
	return false;
}

/* Whether it is a disk that can be installed to at all: no memory, no CD, nothing without a size. */
static unsigned long size_of(const char *name)
{
	char path[128];

	if (!strncmp(name, "loop", 4) || !strncmp(name, "ram", 3) || !strncmp(name, "sr", 2) ||
	    !strncmp(name, "dm-", 3) || !strncmp(name, "zram", 4))
		return 0;
	format(path, sizeof(path), "/sys/block/%s/size", name);
	return number_in(path) * 512;
}

static bool tell(const char *name)
{
	unsigned long size = size_of(name);

	if (size)
		say("  %s\t%lu MiB\n", name, size / MIB);
	return false;
}

/* Writes, or compares, all of the image; what it says of the progress begins with `doing`. */
static long pass(long image, long disk, unsigned long size, bool compare, const char *doing)
{
	unsigned long at, n, tenth = size / 10 + 1;
	long r;

	for (at = 0; at < size; at += n) {
		n = size - at < CHUNK ? size - at : CHUNK;
		r = read_at(image, wanted, n, at);
		if (!r)
			r = compare ? read_at(disk, found, n, at) : write_at(disk, wanted, n, at);
		if (r)
			return r;
		if (compare && memcmp(wanted, found, n))
			return -EIO;
		if (at / tenth != (at + n) / tenth)
			say("%s: %lu of %lu MiB\n", doing, (at + n) / MIB, size / MIB);
	}
	return 0;
}

static int install(const char *name)
{
	unsigned long size, room = 0;
	char path[128], answer[64], question[256];
	long image, disk, r;

	if (!strncmp(name, "/dev/", 5))
		name += 5;
	if (!*name || find_text(name, "/") || !size_of(name)) {
		say("xsc-install: there is no disk %s\n", name);
		return 1;
	}
	image = sys(__NR_openat, AT_FDCWD, IMAGE, O_RDONLY | O_CLOEXEC);
	if (image < 0) {
		say("xsc-install: cannot open " IMAGE ": %ld; is this a live system?\n", image);
		return 1;
	}
	size = sys(__NR_lseek, image, 0, 2);
	format(path, sizeof(path), "/dev/%s", name);
	/* Nobody else has it, nor a part of it: mounted, or under another device. */
	disk = sys(__NR_openat, AT_FDCWD, path, O_RDWR | O_EXCL | O_CLOEXEC);
	if (disk == -EBUSY) {
		say("xsc-install: %s is in use: unmount what is on it first\n", name);
		return 1;
	}
	if (disk < 0 || sys(__NR_ioctl, disk, BLKGETSIZE64, &room)) {
		say("xsc-install: cannot open %s for writing: %ld\n", path, disk);
		return 1;
	}
	if (room < size) {
		say("xsc-install: %s is too small: it has %lu MiB, and %lu are needed\n", name, room / MIB,
		    (size + MIB - 1) / MIB);
		sys(__NR_close, disk);
		return 1;
	}
	format(question, sizeof(question),
	       "Everything on %s (%lu MiB) will be erased. Type its name again to go on: ", name, room / MIB);
	if (!ask(question, answer, sizeof(answer)) || strcmp(answer, name)) {
		say("xsc-install: nothing was changed\n");
		sys(__NR_close, disk);
		return 1;
	}
	r = pass(image, disk, size, false, "writing");
	if (!r)
		r = sys(__NR_fsync, disk);
	if (r) {
		say("xsc-install: cannot write to %s: %ld\n", name, r);
		return 1;
	}
	/* Not what is still in memory: what the disk has. */
	sys(__NR_ioctl, disk, BLKFLSBUF, 0);
	r = pass(image, disk, size, true, "comparing");
	if (r) {
		say("xsc-install: %s does not hold what was written: %ld\n", name, r);
		return 1;
	}
	sys(__NR_ioctl, disk, BLKRRPART, 0);
	sys(__NR_close, disk);
	say("xsc-install: installed on %s and compared; its root grows at the first boot\n", name);
	return 0;
}

int main(int argc, char **argv)
{
	char name[64];

	if (argc == 2 && argv[1][0] != '-')
		return install(argv[1]);
	if (sys(__NR_getpid) != 1) {
		say("usage: xsc-install DISK\n"
		    "Writes the system of this medium onto DISK, such as vda, after a question.\n");
		return 2;
	}
	mount_at("devtmpfs", "devtmpfs", "/dev", 0, NULL);
	mount_at("proc", "proc", "/proc", 0, NULL);
	mount_at("sysfs", "sysfs", "/sys", 0, NULL);
	do {
		say("The disks of this machine:\n");
		each_name("/sys/block", tell);
		if (!ask("Install on which disk? (none: switch off) ", name, sizeof(name)) || !*name)
			break;
	} while (install(name));
	sys(__NR_sync);
	sys(__NR_ioctl, 1, 0x5409, 1);	/* TCSBRK: a slow serial port still has some of it */
	sys(__NR_reboot, LINUX_REBOOT_MAGIC1, LINUX_REBOOT_MAGIC2, LINUX_REBOOT_CMD_POWER_OFF, 0);
	give_up("cannot power off", 0);
	return 1;
}
