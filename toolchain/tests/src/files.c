/* SPDX-License-Identifier: MIT */
/*
 * Files: mapped, locked, walked, moved. On tmpfs, where the set runs. Invariant: the directory it
 * makes is gone at the end.
 */
#include "tap.h"

#include <dirent.h>
#include <fcntl.h>
#include <ftw.h>
#include <glob.h>
#include <limits.h>
#include <sys/file.h>
#include <sys/inotify.h>
#include <sys/mman.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/uio.h>
#include <sys/xattr.h>

#define SIZE (1 << 20)

static char dir[64] = "/tmp/xsc-files-XXXXXX";
static int walked;

static void mapped(void)
{
	int fd = open("mapped", O_RDWR | O_CREAT | O_CLOEXEC, 0600), i, bad = 0;
	unsigned char *p, *q, byte;

	must(fd >= 0 && !ftruncate(fd, SIZE));
	p = mmap(NULL, SIZE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	must(p != MAP_FAILED);
	for (i = 0; i < SIZE; i += 511)
		p[i] = (unsigned char)i;
	check(!msync(p, SIZE, MS_SYNC), "msync");
	for (i = 0; i < SIZE; i += 511)
		bad += pread(fd, &byte, 1, i) != 1 || byte != (unsigned char)i;
	check_eq(bad, 0, "what is stored in a shared map is in the file");
	check(exited(in_child(p[5] = 99), 0) && p[5] == 99, "a child shares the map");
	q = mmap(NULL, SIZE, PROT_READ | PROT_WRITE, MAP_PRIVATE, fd, 0);
	must(q != MAP_FAILED);
	q[5] = 1;
	check(p[5] == 99, "a private map is private");
	q = mremap(q, SIZE, 2 * SIZE, MREMAP_MAYMOVE);
	check(q != MAP_FAILED && q[5] == 1, "mremap");
	check(!munmap(q, 2 * SIZE) && !madvise(p, SIZE, MADV_WILLNEED), "munmap, madvise");
	check(!mprotect(p, 4096, PROT_READ) && killed(in_child(p[5] = 1), SIGSEGV), "mprotect");
	check(!ftruncate(fd, 0) && killed(in_child(byte = p[SIZE / 2]; (void)byte), SIGBUS),
	      "a load beyond the end is SIGBUS");
	munmap(p, SIZE);
	check(mmap(NULL, 0, PROT_READ, MAP_PRIVATE, fd, 0) == MAP_FAILED && errno == EINVAL,
	      "an empty map is refused");
	q = mmap(NULL, (size_t)1 << 36, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	check(q != MAP_FAILED && ((unsigned long)q >> 32 || 1), "an address above 4 GiB is whole");
	if (q != MAP_FAILED)
		munmap(q, (size_t)1 << 36);
	close(fd);
}

static void copies(void)
{
	int a = open("a", O_RDWR | O_CREAT | O_TRUNC, 0644), b = open("b", O_RDWR | O_CREAT, 0644);
	char one[] = "one ", two[] = "two", text[32] = "";
	struct iovec v[2] = { { one, 4 }, { two, 3 } };
	off_t at = 4;
	struct stat st;

	must(a >= 0 && b >= 0);
	check_eq(writev(a, v, 2), 7, "writev");
	check(sendfile(b, a, &at, 3) == 3 && at == 7 && pread(b, text, 32, 0) == 3 &&
	      !memcmp(text, "two", 3), "sendfile");
	at = 0;
	check(copy_file_range(a, &at, b, NULL, 7, 0) == 7 && lseek(b, 0, SEEK_END) == 10,
	      "copy_file_range");
	check_eq(lseek(b, (off_t)5 << 32, SEEK_SET), (off_t)5 << 32, "lseek beyond 4 GiB");
	check(!posix_fallocate(a, 0, 65536) && !fstat(a, &st) && st.st_size == 65536, "posix_fallocate");
	check(!fsync(a) && !fdatasync(a), "fsync");
	check_eq(preadv(a, v, 2, 0), 7, "preadv");
	check(pwritev2(a, v, 2, 100, 0) == 7, "pwritev2");
	close(a);
	close(b);
}

static int walk(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	(void)path, (void)st, (void)type, (void)ftw;
	walked++;
	return 0;
}

static void trees(void)
{
	char target[PATH_MAX] = "", name[64];
	struct dirent **list;
	struct statvfs vfs;
	struct stat st;
	glob_t g;
	int i, n;

	must(!mkdir("tree", 0755) && !mkdir("tree/sub", 0700));
	for (i = 0; i < 200; i++) {
		snprintf(name, sizeof(name), "tree/file-with-a-long-name-%03d", i);
		close(open(name, O_CREAT | O_WRONLY, 0644));
	}
	n = scandir("tree", &list, NULL, alphasort);
	check_eq(n, 203, "scandir");
	while (n-- > 0)
		free(list[n]);
	free(list);
	check(!nftw("tree", walk, 8, FTW_PHYS) && walked == 202, "nftw");
	check(!glob("tree/*1?9", 0, NULL, &g) && g.gl_pathc == 10, "glob");
	globfree(&g);
	check(!symlink("../a", "tree/link") && readlink("tree/link", target, sizeof(target)) == 4,
	      "symlink");
	check(realpath("tree/link", target) && strstr(target, "/a"), "realpath");
	check(!link("a", "hard") && !stat("hard", &st) && st.st_nlink == 2, "link");
	check(!rename("hard", "harder") && access("hard", F_OK) == -1 && errno == ENOENT, "rename");
	check(!chmod("a", 0400) && !stat("a", &st) && (st.st_mode & 0777) == 0400, "chmod");
	check(!lstat("tree/link", &st) && S_ISLNK(st.st_mode), "lstat");
	check(!statvfs(".", &vfs) && vfs.f_bsize > 0, "statvfs");
	check(mkdir("tree", 0755) == -1 && errno == EEXIST && rmdir("tree") == -1 &&
	      errno == ENOTEMPTY, "errors of mkdir and rmdir");
	check(umask(077) != 077 && umask(022) == 077, "umask");
	check(!utimensat(AT_FDCWD, "a", (struct timespec[2]){ { 5, 0 }, { 6, 0 } }, 0) &&
	      !stat("a", &st) && st.st_mtime == 6, "utimensat");
	check(mkfifo("fifo", 0600) == 0 && !stat("fifo", &st) && S_ISFIFO(st.st_mode), "mkfifo");
}

static void locks(void)
{
	struct flock l = { .l_type = F_WRLCK, .l_whence = SEEK_SET };
	int fd = open("lock", O_RDWR | O_CREAT, 0600), in = inotify_init1(IN_NONBLOCK);
	char event[256];
	FILE *f;

	check(!fcntl(fd, F_SETLK, &l), "a record lock");
	check(exited(in_child(_exit(fcntl(fd, F_SETLK, &l) == -1 ? 4 : 5)), 4), "holds off a child");
	check(!flock(fd, LOCK_EX) &&
	      exited(in_child(int o = open("lock", O_RDWR);
			      _exit(flock(o, LOCK_EX | LOCK_NB) == -1 ? 4 : 5)), 4), "flock");
	check(inotify_add_watch(in, ".", IN_CREATE) >= 0, "inotify_add_watch");
	f = tmpfile();
	check(f && fprintf(f, "%d", 5) == 1 && !fclose(f), "tmpfile");
	close(open("new", O_CREAT | O_WRONLY, 0600));
	check(read(in, event, sizeof(event)) > 0, "inotify tells of a new file");
	check(dup(fd) > fd && dup2(fd, 77) == 77 && fcntl(77, F_GETFD) == 0 &&
	      dup3(fd, 78, O_CLOEXEC) == 78 && fcntl(78, F_GETFD) == FD_CLOEXEC, "dup, dup2, dup3");
	check(memfd_create("name", 0) >= 0, "memfd_create");
	close(fd);
	close(in);
}

static int unlink_it(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	(void)st, (void)type, (void)ftw;
	return remove(path);
}

int main(void)
{
	tap_begin();
	must(mkdtemp(dir) && !chdir(dir));
	mapped();
	copies();
	trees();
	locks();
	must(!chdir("/"));
	check(!nftw(dir, unlink_it, 8, FTW_DEPTH | FTW_PHYS) && access(dir, F_OK), "all removed");
	return tap_end();
}
