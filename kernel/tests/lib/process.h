/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Processes, threads, signals, time and small files for the test programs: what nolibc lacks.
 * All results are the kernel's, -errno for an error. Invariant: a wait ends after
 * XSC_TEST_SECONDS with a failure, never with a hang.
 */
#ifndef XSC_TEST_PROCESS_H
#define XSC_TEST_PROCESS_H

#include <linux/sched.h>
#include <linux/futex.h>
#include <asm/siginfo.h>
#include <asm/sigcontext.h>
#include <asm/ucontext.h>

struct timespec64 {
	long tv_sec, tv_nsec;
};

/* Time: by system call, never by the vDSO's functions. */
static inline unsigned long now_ns(void)
{
	struct timespec64 ts;

	sys(__NR_clock_gettime, CLOCK_MONOTONIC, &ts);
	return ts.tv_sec * 1000000000UL + ts.tv_nsec;
}

static inline unsigned long now_ms(void)
{
	return now_ns() / 1000000;
}

static inline void sleep_ms(unsigned long ms)
{
	struct timespec64 ts = { ms / 1000, ms % 1000 * 1000000 };

	while (sys(__NR_nanosleep, &ts, &ts) == -EINTR)
		;
}

/* Signals */
struct ksigaction {
	void *handler;
	unsigned long flags;
	void *restorer;
	unsigned long mask;
};

extern void xsc_restorer(void);

#ifndef SA_RESTORER
#define SA_RESTORER	0x04000000
#endif

/* Installs a handler; flags as sigaction's. */
static inline long on_signal(int sig, void *handler, unsigned long flags)
{
	struct ksigaction sa = { handler, flags | SA_RESTORER, (void *)xsc_restorer, 0 };

	return sys(__NR_rt_sigaction, sig, &sa, 0, 8);
}

static inline long set_signal_mask(int how, unsigned long set, unsigned long *old)
{
	return sys(__NR_rt_sigprocmask, how, &set, old, 8);
}

#define SIGMASK(sig)	(1UL << ((sig) - 1))

/* A timer of real time, SIGALRM after us microseconds, then each interval_us; 0 for none. */
static inline void set_timer(unsigned long us, unsigned long interval_us)
{
	long t[4] = { interval_us / 1000000, interval_us % 1000000, us / 1000000, us % 1000000 };

	sys(__NR_setitimer, 0, t, 0);
}

/* Processes */
static inline __attribute__((always_inline)) long do_fork(void)
{
	return sys(__NR_clone, SIGCHLD, 0, 0, 0, 0);
}

#define do_exit(code)	do { sys(__NR_exit_group, code); __builtin_unreachable(); } while (0)

static inline long wait_for(long pid, int *status, int options)
{
	long r;

	do {
		r = sys(__NR_wait4, pid, status, options, 0);
	} while (r == -EINTR);
	return r;
}

/* The status a child ends with; a child that takes too long is killed, and -1. */
static inline int wait_status(long pid)
{
	unsigned long end = now_ms() + XSC_TEST_SECONDS * 1000;
	int status = 0;
	long r;

	while ((r = wait_for(pid, &status, WNOHANG)) != pid) {
		if (r < 0)
			return -1;
		if (now_ms() > end) {
			sys(__NR_kill, pid, SIGKILL);
			wait_for(pid, &status, 0);
			return -1;
		}
		sleep_ms(2);
	}
	return status;
}

/* Exit code, 128+signal, or -1 when it had to be killed. */
static inline int reap(long pid)
{
	int status = wait_status(pid);

	if (status < 0)
		return -1;
	return (status & 0x7f) ? 128 + (status & 0x7f) : status >> 8 & 0xff;
}

/* Runs the block in a forked child, which ends with its value; gives reap()'s. */
#define IN_CHILD(expression) ({						\
	long pid_ = do_fork();						\
	if (!pid_)							\
		do_exit(expression);					\
	reap(pid_); })

/* Threads: own stack and ring each, started and joined by the same thread. */
struct thread {
	struct xsc_thread block;	/* first: the thread pointer points here */
	unsigned int tid;		/* cleared and woken by the kernel at exit */
	void (*fn)(void *arg);
	void *arg;
	unsigned char *memory;
};

#define THREAD_STACK	0x10000
#define THREAD_MEMORY	(2 * XSC_RING_SIZE + THREAD_STACK)
#define THREAD_FLAGS	(CLONE_VM | CLONE_FS | CLONE_FILES | CLONE_SIGHAND | CLONE_THREAD |	\
			 CLONE_SYSVSEM | CLONE_SETTLS | CLONE_PARENT_SETTID | CLONE_CHILD_CLEARTID)

/* Zeroed memory of the size and alignment of a ring, or 0. Never freed. */
static inline unsigned long new_ring(void)
{
	unsigned long p = sys(__NR_mmap, 0, 2 * XSC_RING_SIZE, PROT_READ | PROT_WRITE,
			      MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (p > -4096UL)
		return 0;
	return (p + XSC_RING_SIZE - 1) & ~(XSC_RING_SIZE - 1UL);
}

static __attribute__((unused)) void thread_main(struct thread *t)
{
	t->fn(t->arg);
	sys(__NR_exit, 0);
	__builtin_trap();
}

/* The new thread's id, or -errno. use_ring: ring form with a ring of its own. */
static __attribute__((unused, noinline))
long thread_start(struct thread *t, void (*fn)(void *), void *arg, bool use_ring)
{
	unsigned long p = sys(__NR_mmap, 0, THREAD_MEMORY, PROT_READ | PROT_WRITE,
			      MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	unsigned long ring = (p + XSC_RING_SIZE - 1) & ~(XSC_RING_SIZE - 1UL);
	unsigned long stack = (p + THREAD_MEMORY) & ~15UL;
	long r;

	if (p > -4096UL)
		return p;
	*t = (struct thread){
		.block = { .self = &t->block, .ring = use_ring ? ring : 0 },
		.tid = 1, .fn = fn, .arg = arg, .memory = (unsigned char *)p,
	};
	XSC_CLONE(r, xsc_current_ring(), THREAD_FLAGS, stack, &t->tid, &t->tid, &t->block,
		  thread_main, t);
	if (r < 0)
		sys(__NR_munmap, p, THREAD_MEMORY);
	return r;
}

/* Waits for a thread's end and frees its memory; false after the time limit. */
static __attribute__((unused)) bool thread_join(struct thread *t)
{
	unsigned long end = now_ms() + XSC_TEST_SECONDS * 1000;
	struct timespec64 second = { 1, 0 };
	unsigned int tid;

	while ((tid = __atomic_load_n(&t->tid, __ATOMIC_ACQUIRE))) {
		if (now_ms() > end)
			return false;
		sys(__NR_futex, &t->tid, FUTEX_WAIT, tid, &second, 0, 0);
	}
	sys(__NR_munmap, t->memory, THREAD_MEMORY);
	return true;
}

/* Small files. Length read, or -errno; the text ends with a zero. */
static __attribute__((unused)) long read_file(const char *path, char *buf, size_t size)
{
	long fd = sys(__NR_openat, AT_FDCWD, path, O_RDONLY | O_CLOEXEC), n, len = 0;

	buf[0] = 0;
	if (fd < 0)
		return fd;
	while ((size_t)len < size - 1 && (n = sys(__NR_read, fd, buf + len, size - 1 - len)) > 0)
		len += n;
	buf[len] = 0;
	sys(__NR_close, fd);
	return len;
}

/* Bytes written by one write, or -errno. */
static __attribute__((unused)) long write_file(const char *path, const char *s)
{
	long fd = sys(__NR_openat, AT_FDCWD, path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644), n;

	if (fd < 0)
		return fd;
	n = sys(__NR_write, fd, s, strlen(s));
	sys(__NR_close, fd);
	return n;
}

static __attribute__((unused)) char *find_text(const char *text, const char *what)
{
	size_t len = strlen(what);

	for (; *text; text++)
		if (!strncmp(text, what, len))
			return (char *)text;
	return NULL;
}

/*
 * The value of NAME= on the kernel's command line, or "" for NAME alone; false without either.
 * The value is cut to the buffer.
 */
static __attribute__((unused)) bool boot_option(const char *name, char *value, size_t size)
{
	size_t len = strlen(name), n = 0;
	char line[4096], *p = line, *end;

	if (read_file("/proc/cmdline", line, sizeof(line)) < 0)
		return false;
	for (; *p; p = *end ? end + 1 : end) {
		for (end = p; *end && *end != ' ' && *end != '\n'; end++)
			;
		if (strncmp(p, name, len) || (p + len != end && p[len] != '='))
			continue;
		for (p += len + (p[len] == '='); p < end && n < size - 1; p++)
			value[n++] = *p;
		value[n] = 0;
		return true;
	}
	return false;
}

/* The mode of the kernel as /sys/kernel/xsc/mode gives it, "" without the file. */
static __attribute__((unused)) const char *xsc_mode(void)
{
	static char mode[32];
	long n = read_file("/sys/kernel/xsc/mode", mode, sizeof(mode));

	if (n > 0 && mode[n - 1] == '\n')
		mode[n - 1] = 0;
	return mode;
}

#endif /* XSC_TEST_PROCESS_H */
