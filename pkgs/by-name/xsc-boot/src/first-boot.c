// SPDX-License-Identifier: GPL-2.0
/*
 * The init= of a disk: makes the root as large as the disk, then becomes the system's init. The partition must be the
 * last one and have the attribute that says that it may grow (bit 59, Discoverable Partitions Specification), the file
 * system ext4, which grows while it is mounted. Invariant: at every moment one of the two tables of the disk is whole,
 * and a second run does nothing.
 */
#include "xsc_test.h"
#include "common.h"
#include <linux/blkpg.h>

#define GROWS		(1UL << 59)
#define MAX_ENTRIES	(64 * 1024)
#define EXT4_RESIZE	0x40086610	/* EXT4_IOC_RESIZE_FS */

struct header {
	char signature[8];
	unsigned int revision, size, crc, reserved;
	unsigned long own, other, first_usable, last_usable;
	unsigned char guid[16];
	unsigned long entries;
	unsigned int count, entry_size, entries_crc;
} __attribute__((packed));

struct entry {
	unsigned char type[16], guid[16];
	unsigned long first, last, attributes;
	unsigned short name[36];
} __attribute__((packed));

static char disk[64];			/* its name */
static unsigned int part_number;
static unsigned long part_start;	/* in sectors of 512 bytes */
static unsigned char sector[4096], entries[MAX_ENTRIES];

static unsigned int crc32(const void *data, unsigned long size)
{
	const unsigned char *p = data;
	unsigned int crc = ~0u, i;

	while (size--) {
		crc ^= *p++;
		for (i = 0; i < 8; i++)
			crc = crc >> 1 ^ (crc & 1 ? 0xedb88320 : 0);
	}
	return ~crc;
}

/* The last but `up` part of a path, as sysfs links have them. */
static const char *last_name(char *path, int up)
{
	char *p = path + strlen(path);

	for (;; p--) {
		while (p > path && p[-1] != '/')
			p--;
		if (!up-- || p == path)
			return p;
		p[-1] = 0;
	}
}

/* Which partition of which disk the root is. */
static bool find_root(void)
{
	char path[128], target[512];
	struct statx st;
	long n;

	if (sys(__NR_statx, AT_FDCWD, "/", 0, STATX_BASIC_STATS, &st))
		return false;
	format(path, sizeof(path), "/sys/dev/block/%u:%u/partition", st.stx_dev_major, st.stx_dev_minor);
	part_number = number_in(path);
	format(path, sizeof(path), "/sys/dev/block/%u:%u/start", st.stx_dev_major, st.stx_dev_minor);
	part_start = number_in(path);
	format(path, sizeof(path), "/sys/dev/block/%u:%u", st.stx_dev_major, st.stx_dev_minor);
	n = sys(__NR_readlinkat, AT_FDCWD, path, target, sizeof(target) - 1);
	if (n <= 0 || !part_number || !part_start)
		return false;
	target[n] = 0;
	format(disk, sizeof(disk), "%s", last_name(target, 1));
	return true;
}

static bool table_is_whole(struct header *h, unsigned long entries_size)
{
	unsigned int crc = h->crc;
	bool whole;

	h->crc = 0;
	whole = crc32(h, h->size) == crc && crc32(entries, entries_size) == h->entries_crc;
	h->crc = crc;
	return whole;
}

static long write_table(long fd, struct header *h, unsigned long entries_size, unsigned long block)
{
	long r;

	h->entries_crc = crc32(entries, entries_size);
	h->crc = 0;
	h->crc = crc32(h, h->size);
	r = write_at(fd, entries, entries_size, h->entries * block);
	if (!r)
		r = write_at(fd, sector, block, h->own * block);
	return r ? r : sys(__NR_fsync, fd);
}

/* The protective entry of the master boot record covers the disk as far as it can. */
static long protect(long fd, unsigned long last)
{
	unsigned char record[512];
	unsigned int size = last > 0xffffffff ? 0xffffffff : last, i;
	long r = read_at(fd, record, sizeof(record), 0);

	for (i = 0; !r && i < 4; i++)
		if (record[446 + 16 * i + 4] == 0xee)
			memcpy(record + 446 + 16 * i + 12, &size, 4);
	return r ? r : write_at(fd, record, sizeof(record), 0);
}

/* The root's bytes once its partition is as large as it can be, or 0 with the reason told. */
static unsigned long grow_partition(long fd, unsigned long total, unsigned long block)
{
	struct header *h = (void *)sector;
	unsigned long size, last, i, tail;
	struct entry *root = NULL, *e;
	struct blkpg_partition resize = { 0 };
	struct blkpg_ioctl_arg request = { BLKPG_RESIZE_PARTITION, 0, sizeof(resize), &resize };
	long r = read_at(fd, sector, block, block);

	if (r || strncmp(h->signature, "EFI PART", 8) || h->size < sizeof(*h) || h->size > block ||
	    h->entry_size != sizeof(*e) || h->count > MAX_ENTRIES / sizeof(*e)) {
		say("first-boot: no partition table of ours on %s\n", disk);
		return 0;
	}
	size = h->count * (unsigned long)h->entry_size;
	if (read_at(fd, entries, size, h->entries * block) || !table_is_whole(h, size)) {
		say("first-boot: the partition table of %s is damaged\n", disk);
		return 0;
	}
	for (i = 0; i < h->count; i++) {
		e = (struct entry *)entries + i;
		if (i + 1 == part_number && e->first * block == part_start * 512)
			root = e;
	}
	for (i = 0; root && i < h->count; i++)
		if (((struct entry *)entries)[i].first > root->first)
			root = NULL;
	if (!root || !(root->attributes & GROWS))
		return 0;

	tail = (size + block - 1) / block;
	last = (total / block - 1 - tail) / (MIB / block) * (MIB / block) - 1;
	if (last > root->last) {
		/* The new copy at the end first: until the last write the old table holds. */
		root->last = last;
		h->last_usable = total / block - 2 - tail;
		h->other = 1;
		h->own = total / block - 1;
		i = h->entries;
		h->entries = h->own - tail;
		r = write_table(fd, h, size, block);
		h->other = h->own;
		h->own = 1;
		h->entries = i;
		if (!r)
			r = write_table(fd, h, size, block);
		if (!r)
			r = protect(fd, total / block - 1);
		resize.start = root->first * block;
		resize.length = (root->last - root->first + 1) * block;
		resize.pno = part_number;
		if (!r)
			r = sys(__NR_ioctl, fd, BLKPG, &request);
		if (r) {
			say("first-boot: cannot make partition %u of %s larger: %ld\n", part_number, disk, r);
			return 0;
		}
	}
	return (root->last - root->first + 1) * block;
}

/* The file system, to that many bytes. */
static void grow_files(long fd, unsigned long room)
{
	unsigned char super[1024];
	unsigned int low, high, log;
	unsigned long blocks, wanted, size;
	long root, r;

	if (read_at(fd, super, sizeof(super), part_start * 512 + 1024) || super[56] != 0x53 || super[57] != 0xef)
		return;
	memcpy(&low, super + 4, 4);
	memcpy(&high, super + 0x150, 4);
	memcpy(&log, super + 24, 4);
	size = 1024UL << log;
	blocks = low | (unsigned long)high << 32;
	wanted = room / size;
	if (wanted <= blocks)
		return;
	root = sys(__NR_openat, AT_FDCWD, "/", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	r = root < 0 ? root : sys(__NR_ioctl, root, EXT4_RESIZE, &wanted);
	if (r)
		say("first-boot: cannot make the root larger: %ld\n", r);
	else
		say("first-boot: the root grew from %lu to %lu MiB\n", blocks * size / MIB,
		    wanted * size / MIB);
	sys(__NR_close, root);
	sys(__NR_sync);
}

static void grow(void)
{
	unsigned long total = 0, room;
	unsigned int block = 512;
	char path[80];
	long fd;

	if (!find_root())
		return;
	format(path, sizeof(path), "/dev/%s", disk);
	fd = sys(__NR_openat, AT_FDCWD, path, O_RDWR | O_CLOEXEC);
	if (fd < 0 || sys(__NR_ioctl, fd, BLKGETSIZE64, &total) || sys(__NR_ioctl, fd, BLKSSZGET, &block) ||
	    block > sizeof(sector)) {
		say("first-boot: cannot open %s: %ld\n", path, fd);
		return;
	}
	room = grow_partition(fd, total, block);
	if (room)
		grow_files(fd, room);
	sys(__NR_close, fd);
}

int main(int argc, char **argv, char **envp)
{
	bool mounted = !mount_at("sysfs", "sysfs", "/sys", 0, NULL);

	(void)argc;
	grow();
	if (mounted)
		sys(__NR_umount2, "/sys", 0);
	become_init(argv, envp);
	return 1;
}
