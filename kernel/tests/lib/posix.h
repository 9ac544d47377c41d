/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What tests written for a libc use beyond nolibc, on the runtime: threads, signals, files,
 * directories, names of errors. Included by selftests/ring.h; the headers in lib/libc only lead
 * here. Functions return -1 with errno set, as POSIX has it. Invariant: errno is one for all
 * threads, so it is looked at only by the thread that is alone in failing.
 */
#ifndef XSC_TEST_POSIX_H
#define XSC_TEST_POSIX_H

#include "xsc_test.h"
#include "trace.h"

/* The kernel's struct stat, as its calls fill it, under the usual name. */
#define stat kernel_stat
#include <asm/stat.h>

#define PSX(...)	__sysret(sys(__VA_ARGS__))
/* as far as the tests use them */
#define SYS_clone	__NR_clone
#define SYS_close	__NR_close
#define SYS_exit	__NR_exit
#define SYS_exit_group	__NR_exit_group
#define SYS_fstat	__NR_fstat
#define SYS_fsync	__NR_fsync
#define SYS_getpid	__NR_getpid
#define SYS_getppid	__NR_getppid
#define SYS_gettid	__NR_gettid
#define SYS_newfstatat	__NR_newfstatat
#define SYS_openat	__NR_openat
#define SYS_pread64	__NR_pread64
#define SYS_pwrite64	__NR_pwrite64
#define SYS_read	__NR_read
#define SYS_readv	__NR_readv
#define SYS_seccomp	__NR_seccomp
#define SYS_setresuid	__NR_setresuid
#define SYS_write	__NR_write
#define SYS_writev	__NR_writev

/* files */
static inline int fstat(int fd, struct stat *st) { return PSX(__NR_fstat, fd, st); }
#ifndef __NR_newfstatat
#define __NR_newfstatat	79
#endif
static inline int kernel_stat(const char *path, struct stat *st)
{
	return PSX(__NR_newfstatat, AT_FDCWD, path, st, 0);
}

static inline int lstat(const char *path, struct stat *st)
{
	return PSX(__NR_newfstatat, AT_FDCWD, path, st, AT_SYMLINK_NOFOLLOW);
}

static inline int fchmod(int fd, mode_t mode) { return PSX(__NR_fchmod, fd, mode); }
static inline int ftruncate(int fd, off_t len) { return PSX(__NR_ftruncate, fd, len); }
static inline int access(const char *path, int mode)
{
	return PSX(__NR_faccessat, AT_FDCWD, path, mode);
}

static inline long pread(int fd, void *buf, size_t n, off_t at)
{
	return PSX(__NR_pread64, fd, buf, n, at);
}

static inline long pwrite(int fd, const void *buf, size_t n, off_t at)
{
	return PSX(__NR_pwrite64, fd, buf, n, at);
}

static inline long readlink(const char *path, char *buf, size_t n)
{
	return PSX(__NR_readlinkat, AT_FDCWD, path, buf, n);
}

static inline int mkfifo(const char *path, mode_t mode)
{
	return PSX(__NR_mknodat, AT_FDCWD, path, S_IFIFO | mode, 0);
}

static inline int umount(const char *path) { return umount2(path, 0); }

#define fcntl(fd, cmd, ...)	({ int r_ = PSX(__NR_fcntl, fd, cmd, ##__VA_ARGS__); r_; })
#define ioctl(fd, cmd, ...)	({ int r_ = PSX(__NR_ioctl, fd, cmd, ##__VA_ARGS__); r_; })
#define F_OK 0

typedef unsigned long nfds_t;

struct iovec {
	void *iov_base;
	size_t iov_len;
};

/* memory */
static inline int mprotect(void *p, size_t n, int prot) { return PSX(__NR_mprotect, p, n, prot); }
static inline void *mremap(void *p, size_t from, size_t to, int flags)
{
	long r = sys(__NR_mremap, p, from, to, flags);

	if ((unsigned long)r >= -4095UL) {
		SET_ERRNO(-r);
		return MAP_FAILED;
	}
	return (void *)r;
}

static inline int madvise(void *p, size_t n, int a) { return PSX(__NR_madvise, p, n, a); }

/* processes */
#define fork()		((pid_t)PSX(__NR_clone, SIGCHLD))
#define vfork()		((pid_t)PSX(__NR_clone, CLONE_VM | CLONE_VFORK | SIGCHLD))
#define _exit(code)	do_exit(code)
static inline int unshare(int flags) { return PSX(__NR_unshare, flags); }
static inline int setresuid(uid_t a, uid_t b, uid_t c) { return PSX(__NR_setresuid, a, b, c); }
#define prctl(option, ...)	({ int r_ = PSX(__NR_prctl, option, ##__VA_ARGS__); r_; })
#define ptrace(request, pid, addr, data) ({			\
	long r_ = PSX(__NR_ptrace, request, pid, (long)(addr), (long)(data)); r_; })
#define execl(path, ...) ({					\
	char *argv_[] = { __VA_ARGS__ };				\
	(int)PSX(__NR_execve, path, argv_, environ); })

static inline int pause(void) { return PSX(__NR_ppoll, 0, 0, 0, 0, 0); }

static inline int clock_gettime(int clock, void *ts) { return PSX(__NR_clock_gettime, clock, ts); }

static inline int nanosleep(const void *ts, void *rest)
{
	return PSX(__NR_nanosleep, ts, rest);
}

#define WIFSTOPPED(status)	(((status) & 0xff) == 0x7f)
#define WCOREDUMP(status)	((status) & 0x80)
#define WSTOPSIG(status)	WEXITSTATUS(status)

/* signals */
#define signal(sig, handler) ({						\
	struct ksigaction sa_ = { (void *)(handler), SA_RESTART | SA_RESTORER,	\
				  (void *)xsc_restorer, 0 };		\
	long r_ = PSX(__NR_rt_sigaction, sig, &sa_, 0, 8); r_; })

/* threads */
typedef struct posix_thread {
	struct thread thread;
	void *(*fn)(void *);
	void *arg, *result;
} *pthread_t;

static __attribute__((unused)) void posix_thread_main(void *arg)
{
	struct posix_thread *t = arg;

	t->result = t->fn(t->arg);
}

/* Every thread has a ring of its own. 0 or an error number. */
static __attribute__((unused))
int pthread_create(pthread_t *thread, const void *attr, void *(*fn)(void *), void *arg)
{
	struct posix_thread *t = calloc(1, sizeof(*t));
	long r;

	(void)attr;
	*thread = t;
	if (!t)
		return ENOMEM;
	t->fn = fn;
	t->arg = arg;
	r = thread_start(&t->thread, posix_thread_main, t, true);
	return r < 0 ? -r : 0;
}

static __attribute__((unused)) int pthread_join(pthread_t t, void **result)
{
	if (result)
		*result = NULL;
	if (!thread_join(&t->thread))
		return ETIMEDOUT;
	if (result)
		*result = t->result;
	free(t);
	return 0;
}

/* text */
#define printf		say
#define snprintf	format
#define vprintf(fmt, ap)	do { char line_[512];				\
	write_all(1, line_, format_args(line_, sizeof(line_), fmt, ap)); } while (0)
#define strstr		find_text
#define fopen(path, mode)	fdopen(open(path, (mode)[0] == 'r' ? O_RDONLY | O_CLOEXEC : \
					    O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644), mode)
#define atoll(s)	((long long)atol(s))

/* directories */
struct dirent {
	char d_name[256];
	unsigned char d_type;
};

typedef struct {
	int fd;
	long len, at;
	struct dirent entry;
	char buf[4096] __attribute__((aligned(8)));
} DIR;

static __attribute__((unused)) DIR *opendir(const char *path)
{
	int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *dir = fd < 0 ? NULL : calloc(1, sizeof(*dir));

	if (dir)
		dir->fd = fd;
	return dir;
}

static __attribute__((unused)) struct dirent *readdir(DIR *dir)
{
	struct linux_dirent64 *e;

	if (dir->at >= dir->len) {
		dir->at = 0;
		dir->len = sys(__NR_getdents64, dir->fd, dir->buf, sizeof(dir->buf));
		if (dir->len <= 0)
			return NULL;
	}
	e = (struct linux_dirent64 *)(dir->buf + dir->at);
	dir->at += e->d_reclen;
	format(dir->entry.d_name, sizeof(dir->entry.d_name), "%s", e->d_name);
	dir->entry.d_type = e->d_type;
	return &dir->entry;
}

static __attribute__((unused)) int closedir(DIR *dir)
{
	close(dir->fd);
	free(dir);
	return 0;
}

#endif /* XSC_TEST_POSIX_H */
