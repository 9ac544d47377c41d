/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What one fuzzing process does: a loop of random steps against the gate, its process rings and
 * its ring device, while threads of its own rewrite the entries and pull the memory away.
 * Used by fuzz.c alone. Invariant: the process may die in any way, and nothing here waits for
 * anything: whoever started it ends it.
 */
#ifndef XSC_FUZZ_CHILD_H
#define XSC_FUZZ_CHILD_H

#include <linux/filter.h>
#include <linux/seccomp.h>

/* Counted by every process, shown by the supervisor. */
struct stats {
	unsigned long worlds, children, steps, calls, batches, entries, device, faults, ticks, traced;
};

static struct stats *stats;

#define COUNT(what, n)	__atomic_fetch_add(&stats->what, (n), __ATOMIC_RELAXED)

/* A thread that fuzzes: where it goes on after a fault. */
struct fuzzer {
	struct random r;
	void *jump[5];
	bool armed;
	unsigned int faults;
	unsigned long ring;
};

enum role { ROLE_RING, ROLE_DEVICE, ROLE_GATE, ROLE_LIFE, ROLES, ROLE_SCRIBBLE, ROLE_MEMORY };

#define FAULT_LIMIT	3000

static struct fuzzer *this_fuzzer(void)
{
	return (struct fuzzer *)((volatile struct xsc_thread *)xsc_self())->pad[0];
}

static void on_fault(int sig)
{
	struct fuzzer *f = this_fuzzer();

	(void)sig;
	COUNT(faults, 1);
	if (!f || !f->armed || ++f->faults > FAULT_LIMIT)
		do_exit(3);
	__builtin_longjmp(f->jump, 1);
}

/* Signals in flight; the handler makes calls of its own, by the ring it interrupted. */
static void on_tick(int sig)
{
	struct fuzzer *f = this_fuzzer();

	(void)sig;
	COUNT(ticks, 1);
	if (!f)
		return;
	switch (below(&f->r, 6)) {
	case 0:
		gate_call(f->ring, __NR_getppid, 0, 0, 0, 0, 0, 0);
		break;
	case 1:
		gate_call(0, XSC_NR_ENTER, f->ring, 3, 0, 0, 0, 0);
		break;
	case 2:
		gate_call(0, __NR_getppid, 0, 0, 0, 0, 0, 0);
		break;
	case 3:
		if (f->armed && !below(&f->r, 8))
			__builtin_longjmp(f->jump, 1);
		break;
	default:
		break;
	}
}

/* --- the gate ------------------------------------------------------------------------------- */

/* Jumps to any address as if it were the gate, with anything in the registers. */
static __attribute__((noinline))
long jump_to(unsigned long target, unsigned long ring, const unsigned long *v)
{
#if defined(__x86_64__)
	long ret = v[0];
	register long r10 __asm__("r10") = v[4];
	register long r8 __asm__("r8") = v[5];
	register long r9 __asm__("r9") = v[6];
	register unsigned long r11 __asm__("r11") = ring;

	__asm__ volatile("lea 901f(%%rip), %%rcx\n\tjmp *%[t]\n901:\t" XSC_LANDING
		: "+a"(ret), "+r"(r11)
		: "D"(v[1]), "S"(v[2]), "d"(v[3]), "r"(r10), "r"(r8), "r"(r9), [t] "b"(target)
		: "rcx", "memory", "cc");
	return ret;
#else
	register long x8 __asm__("x8") = v[0];
	register long x0 __asm__("x0") = v[1];
	register long x1 __asm__("x1") = v[2];
	register long x2 __asm__("x2") = v[3];
	register long x3 __asm__("x3") = v[4];
	register long x4 __asm__("x4") = v[5];
	register long x5 __asm__("x5") = v[6];
	register unsigned long x15 __asm__("x15") = ring;
	register unsigned long x16 __asm__("x16") = target;

	__asm__ volatile("adr x17, 901f\n\tbr x16\n901:\t" XSC_LANDING
		: "+r"(x0), "+r"(x16)
		: "r"(x8), "r"(x1), "r"(x2), "r"(x3), "r"(x4), "r"(x5), "r"(x15)
		: "x17", "memory", "cc");
	return x0;
#endif
}

static unsigned long some_ring(struct fuzzer *f)
{
	switch (below(&f->r, 12)) {
	case 0:
		return some_pointer(&f->r);
	case 1:
		return f->ring + below(&f->r, XSC_RING_SIZE);
	case 2:
		return ring_address;	/* another thread's, maybe */
	case 3:
		return 0;
	default:
		return f->ring;
	}
}

static void gate_step(struct fuzzer *f)
{
	struct xsc_sqe e;
	unsigned long v[7];
	unsigned long ring = some_ring(f);

	some_entry(&f->r, &e);
	memcpy(v, &e, sizeof(*v));
	memcpy(v + 1, e.args, sizeof(e.args));
	COUNT(calls, 1);
	switch (below(&f->r, 16)) {
	case 0:		/* into the middle of it */
		jump_to(xsc_gate + below(&f->r, 96), ring, v);
		break;
	case 1:		/* a store to the doorbell, or near it, from here */
		*(volatile unsigned int *)((xsc_gate & ~4095UL) +
					   ((long)below(&f->r, 12) - 8) * 4096 +
					   below(&f->r, 512) * 8) = v[0];
		break;
	case 2: case 3: case 4: case 5:	/* register form: no opcode there */
		if (below(&f->r, 8))
			v[0] = e.nr;
		jump_to(xsc_gate, 0, v);
		break;
	default:
		jump_to(xsc_gate, ring, v);
	}
}

/* --- process rings -------------------------------------------------------------------------- */

static void batch_step(struct fuzzer *f)
{
	volatile struct xsc_ring_hdr *hdr = (void *)f->ring;
	volatile struct xsc_sqe *sqes = (void *)(f->ring + XSC_RING_SQES);
	unsigned int n = below(&f->r, 8) ? 1 + below(&f->r, 24) : below(&f->r, 200), i;
	unsigned long count = n, flags = 0;
	unsigned long ring = f->ring;
	struct xsc_sqe e;

	for (i = 0; i < n; i++) {
		some_entry(&f->r, &e);
		sqes[(hdr->sq_tail + i) & (XSC_RING_ENTRIES - 1)] = e;
	}
	hdr->sq_tail += n;
	switch (below(&f->r, 24)) {
	case 0:
		hdr->sq_tail = next(&f->r);
		break;
	case 1:
		hdr->sq_head = next(&f->r);
		break;
	case 2:
		hdr->cq_head = next(&f->r);
		break;
	case 3:
		hdr->cq_tail = next(&f->r);
		break;
	case 4:
		count = next(&f->r);
		break;
	case 5:
		flags = next(&f->r);
		break;
	case 6:
		ring = some_ring(f);
		break;
	default:
		break;
	}
	COUNT(batches, 1);
	COUNT(entries, n);
	for (i = 0; i < 4; i++) {
		long r = gate_call(0, XSC_NR_ENTER, ring, count, flags, 0, 0, 0);

		hdr->cq_head = hdr->cq_tail;
		if (r < 0 || hdr->sq_head == hdr->sq_tail)
			break;
	}
	if (!below(&f->r, 4)) {
		/* from a clean ring again, or none of the next batches would run */
		hdr->sq_head = hdr->sq_tail = 0;
		hdr->cq_head = hdr->cq_tail = 0;
	}
}

/* --- the ring device ------------------------------------------------------------------------ */

/* One for the process, so that its threads get in each other's way. */
static struct {
	int fd;
	volatile struct xsc_sq_ring *sq;
	volatile struct xsc_cq_ring *cq;
	volatile struct xsc_sqe *sqes;
	volatile struct xsc_cqe *cqes;
} dev = { .fd = -1 };

static const struct {
	unsigned long offset;
	size_t size;
} regions[] = {
	{ XSC_OFF_SQ_RING, 4096 }, { XSC_OFF_CQ_RING, 4096 },
	{ XSC_OFF_SQES, XSC_RING_ENTRIES * sizeof(struct xsc_sqe) }, { XSC_OFF_CQES, 4096 },
};

static void *map_region(unsigned int i, unsigned long at)
{
	return (void *)sys(__NR_mmap, at, regions[i].size, PROT_READ | PROT_WRITE,
			   MAP_SHARED | (at ? MAP_FIXED : 0), dev.fd, regions[i].offset);
}

static void device_open(struct fuzzer *f)
{
	struct xsc_setup setup = {
		.size = below(&f->r, 16) ? sizeof(setup) : next(&f->r),
		.flags = below(&f->r, 32) ? 0 : next(&f->r),
		.idle_us = below(&f->r, 4) ? below(&f->r, 2000) : next(&f->r),
	};

	dev.fd = sys(__NR_openat, AT_FDCWD, "/dev/xsc", O_RDWR | (below(&f->r, 2) ? O_CLOEXEC : 0));
	sys(__NR_ioctl, dev.fd, XSC_IOC_SETUP, &setup);
	dev.sq = map_region(0, 0);
	dev.cq = map_region(1, 0);
	dev.sqes = map_region(2, 0);
	dev.cqes = map_region(3, 0);
}

static void device_wait(struct fuzzer *f)
{
	unsigned int i;

	for (i = 0; i < 200 && dev.cq->tail != dev.cq->head; i++)
		dev.cq->head++;
	for (i = 0; i < 1 + below(&f->r, 50); i++) {
		if (dev.sq->flags & XSC_SQ_NEED_WAKEUP)
			sys(__NR_ioctl, dev.fd, XSC_IOC_WAKE, 0);
		if (dev.sq->head == dev.sq->tail)
			break;
		sys(__NR_sched_yield);
		dev.cq->head = dev.cq->tail;
	}
}

static void device_step(struct fuzzer *f)
{
	unsigned int i, n = 1 + below(&f->r, 40), which = below(&f->r, 4);
	struct xsc_cancel cancel = { .user_data = below(&f->r, 33), .flags = below(&f->r, 3) };
	struct xsc_sqe e;
	long pid;

	if (dev.fd < 0)
		device_open(f);
	COUNT(device, n);
	for (i = 0; i < n; i++) {
		some_entry(&f->r, &e);
		if (below(&f->r, 8))
			e.flags = 0;
		dev.sqes[(dev.sq->tail + i) & (XSC_RING_ENTRIES - 1)] = e;
	}
	dev.sq->tail += n;
	device_wait(f);
	switch (below(&f->r, 32)) {
	case 0:
		dev.sq->tail = next(&f->r);
		break;
	case 1:
		dev.cq->head = next(&f->r);
		break;
	case 2: case 3:
		sys(__NR_ioctl, dev.fd, XSC_IOC_CANCEL, &cancel);
		break;
	case 4:
		sys(__NR_ioctl, dev.fd, below(&f->r, 2) ? next(&f->r) : XSC_IOC_WAKE,
		    some_pointer(&f->r));
		break;
	case 5:		/* a region goes, another comes over it or over the process ring */
		sys(__NR_munmap, which == 0 ? dev.sq : (void *)dev.sqes, 4096);
		map_region(which, below(&f->r, 2) ? f->ring : (unsigned long)dev.sq);
		break;
	case 6: case 7:	/* the file goes; the maps may stay */
		if (below(&f->r, 2))
			for (i = 0; i < 4; i++)
				sys(__NR_munmap, i == 0 ? (void *)dev.sq : i == 1 ? (void *)dev.cq :
				    i == 2 ? (void *)dev.sqes : (void *)dev.cqes, regions[i].size);
		sys(__NR_close, dev.fd);
		dev.fd = -1;
		break;
	case 8:		/* a child that thinks the ring is its own */
		pid = do_fork();
		if (!pid) {
			map_region(which, 0);
			sys(__NR_ioctl, dev.fd, XSC_IOC_WAKE, 0);
			dev.sq->tail++;
			do_exit(0);
		}
		break;
	case 9:
		sys(__NR_umask, next(&f->r) & 0777);
		sys(__NR_chdir, arena + ARENA_PATHS + 64 * below(&f->r, 2));
		break;
	case 10:
		if (!below(&f->r, 8))
			sys(__NR_unshare, below(&f->r, 2) ? CLONE_FILES : CLONE_FS);
		break;
	case 11: {
		struct { int fd; short events, revents; } p = { dev.fd, next(&f->r) & 0x1f, 0 };
		struct timespec64 t = { 0, below(&f->r, 3000000) };

		sys(__NR_ppoll, &p, 1, &t, 0, 8);
		break;
	}
	case 12:	/* moved away under the worker */
		sys(__NR_mremap, dev.sqes, regions[2].size, regions[2].size, 1 /* MAYMOVE */);
		break;
	case 13:
		sys(__NR_mprotect, which ? (void *)dev.sqes : (void *)dev.sq, 4096, below(&f->r, 4));
		break;
	default:
		break;
	}
}

/* --- a process's life ----------------------------------------------------------------------- */

static void filter_calls(struct fuzzer *f)
{
	struct sock_filter insns[] = {
		{ BPF_LD | BPF_W | BPF_ABS, 0, 0, offsetof(struct seccomp_data, nr) },
		{ BPF_JMP | BPF_JEQ | BPF_K, 0, 1, favourites[below(&f->r, 40)].nr },
		{ BPF_RET | BPF_K, 0, 0, below(&f->r, 4) ? SECCOMP_RET_ERRNO | 5 :
		  below(&f->r, 2) ? SECCOMP_RET_TRAP : SECCOMP_RET_TRACE },
		{ BPF_RET | BPF_K, 0, 0, SECCOMP_RET_ALLOW },
	};
	struct sock_fprog prog = { 4, insns };

	sys(__NR_prctl, PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
	sys(__NR_seccomp, SECCOMP_SET_MODE_FILTER,
	    below(&f->r, 2) ? SECCOMP_FILTER_FLAG_TSYNC : 0, &prog);
}

static void execute_self(struct fuzzer *f, bool by_ring)
{
	const char *argv[] = { "/proc/self/exe", "x", NULL };

	if (by_ring)
		gate_call(f->ring, (unsigned long)XSC_OP_EXECVE << 32, (long)argv[0], (long)argv,
			  (long)(argv + 2), 0, 0, 0);
	else
		sys(__NR_execve, argv[0], argv, argv + 2);
}

static void life_step(struct fuzzer *f)
{
	static const unsigned int flags[] = {
		CLONE_FS, CLONE_FILES, CLONE_SIGHAND, CLONE_VM, CLONE_PARENT, CLONE_NEWUSER,
		CLONE_PTRACE, CLONE_IO, CLONE_CLEAR_SIGHAND & 0xffffffff, CLONE_SYSVSEM,
	};
	unsigned long how = SIGCHLD;
	long pid;
	int status;

	switch (below(&f->r, 12)) {
	case 0: case 1:
		pid = gate_call(f->ring, (unsigned long)XSC_OP_FORK << 32, 0, 0, 0, 0, 0, 0);
		if (!pid) {
			batch_step(f);
			do_exit(0);
		}
		break;
	case 2: case 3:
		pid = gate_call(f->ring, (unsigned long)XSC_OP_VFORK << 32, 0, 0, 0, 0, 0, 0);
		if (!pid) {
			if (below(&f->r, 2))
				execute_self(f, true);
			do_exit(0);
		}
		break;
	case 4:
		while (below(&f->r, 3))
			how |= PICK(&f->r, flags);
		/* sharing memory on one stack is for vfork only */
		if (how & CLONE_VM)
			how |= CLONE_VFORK;
		pid = gate_call(f->ring, (unsigned long)XSC_OP_CLONE << 32, how, 0, 0, 0, 0, 0);
		if (!pid)
			do_exit(0);
		break;
	case 5:
		pid = do_fork();
		if (!pid)
			execute_self(f, below(&f->r, 2));
		if (!pid)
			do_exit(1);
		break;
	case 6:
		if (!below(&f->r, 16))
			filter_calls(f);
		break;
	case 7:
		if (!below(&f->r, 64))
			execute_self(f, below(&f->r, 2));
		break;
	case 8: {
		long self = sys(__NR_getpid);
		int sig = below(&f->r, 2) ? SIGALRM : 1 + below(&f->r, 64);

		if (sig != SIGKILL && sig != SIGSTOP)
			gate_call(f->ring, __NR_kill, self, sig, 0, 0, 0, 0);
		break;
	}
	case 9:
		batch_step(f);
		break;
	default:
		gate_step(f);
	}
	while (sys(__NR_wait4, -1, &status, WNOHANG, 0) > 0)
		;
}

/* --- threads that get in the way ------------------------------------------------------------ */

static void scribble_step(struct fuzzer *f)
{
	unsigned int i, offset;
	struct xsc_sqe e;

	for (i = 0; i < 64; i++) {
		switch (below(&f->r, 8)) {
		case 0: case 1:
			*(volatile unsigned long *)(ring_address + (next(&f->r) & 0x3ff8)) = next(&f->r);
			break;
		case 2: case 3:
			some_entry(&f->r, &e);
			offset = below(&f->r, 4) ? XSC_RING_SQES + below(&f->r, 128) * 64 : XSC_RING_CALL;
			*(volatile struct xsc_sqe *)(ring_address + offset) = e;
			break;
		case 4:
			*(volatile uint32_t *)(ring_address + below(&f->r, 16) * 4) = below(&f->r, 200);
			break;
		case 5: case 6:
			if (dev.fd < 0)
				break;
			some_entry(&f->r, &e);
			dev.sqes[below(&f->r, XSC_RING_ENTRIES)] = e;
			break;
		default:
			*(volatile unsigned long *)(arena + ARENA_IOVECS + (next(&f->r) & 0x17f8)) =
				some_pointer(&f->r);
		}
	}
}

static void memory_step(struct fuzzer *f)
{
	unsigned long page = ring_address + below(&f->r, 4) * 4096;
	unsigned long size = (1 + below(&f->r, 4)) * 4096;

	switch (below(&f->r, 8)) {
	case 0:
		sys(__NR_mprotect, page, 4096, below(&f->r, 3));
		break;
	case 1:
		sys(__NR_munmap, page, 4096);
		break;
	case 2:
		sys(__NR_madvise, page, size, below(&f->r, 26));
		break;
	case 3:
		sys(__NR_mremap, page, 4096, 4096, 3 /* MAYMOVE | FIXED */,
		    playground + below(&f->r, 32) * 4096);
		break;
	case 4:		/* a file without pages there */
		sys(__NR_mmap, page, 4096, 3, MAP_SHARED | MAP_FIXED, fds[below(&f->r, N_FDS)],
		    below(&f->r, 2) << 20);
		break;
	case 5:
		if (!below(&f->r, 16))
			filter_calls(f);
		break;
	default:
		break;
	}
	sleep_ms(below(&f->r, 3));
	/* and whole again, so that something runs */
	if (below(&f->r, 4))
		sys(__NR_mmap, ring_address, XSC_RING_SIZE, 3,
		    MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);
	else
		sys(__NR_mprotect, ring_address, XSC_RING_SIZE, 3);
	sleep_ms(below(&f->r, 3));
}

static void run_role(struct fuzzer *f, enum role role, unsigned int steps)
{
	volatile unsigned int left = steps;

	((volatile struct xsc_thread *)xsc_self())->pad[0] = (unsigned long)f;
	if (__builtin_setjmp(f->jump) && left)
		left--;
	f->armed = true;
	while (left) {
		left--;
		COUNT(steps, 1);
		switch (role) {
		case ROLE_RING:
			if (below(&f->r, 2))
				batch_step(f);
			else
				gate_step(f);
			break;
		case ROLE_DEVICE:
			device_step(f);
			break;
		case ROLE_GATE:
			gate_step(f);
			break;
		case ROLE_LIFE:
			life_step(f);
			break;
		case ROLE_SCRIBBLE:
			scribble_step(f);
			break;
		default:
			memory_step(f);
		}
	}
	f->armed = false;
}

struct helper {
	struct thread thread;
	struct fuzzer fuzzer;
	enum role role;
	unsigned int steps;
};

static void helper_main(void *arg)
{
	struct helper *h = arg;

	run_role(&h->fuzzer, h->role, h->steps);
}

static void open_files(void)
{
	unsigned int i;
	int p[2];

	for (i = 0; i < N_FDS; i++)
		fds[i] = -1;
	fds[0] = sys(__NR_openat, AT_FDCWD, "a", O_RDWR | O_CREAT, 0600);
	fds[1] = sys(__NR_memfd_create, "fuzz", 0);
	fds[2] = sys(__NR_openat, AT_FDCWD, "/dev/null", O_RDWR);
	fds[3] = sys(__NR_openat, AT_FDCWD, "/dev/zero", O_RDWR);
	fds[4] = sys(__NR_openat, AT_FDCWD, ".", O_RDONLY | O_DIRECTORY);
	if (!sys(__NR_pipe2, p, O_NONBLOCK))
		fds[5] = p[0], fds[6] = p[1];
	if (!sys(__NR_pipe2, p, 0))
		fds[7] = p[0], fds[8] = p[1];
	if (!sys(__NR_socketpair, 1, 1, 0, p))
		fds[9] = p[0], fds[10] = p[1];
	fds[11] = sys(__NR_socket, 2, 2, 0);
	fds[12] = sys(__NR_socket, 2, 1, 0);
	fds[13] = sys(__NR_socket, 1, 2, 0);
	fds[14] = sys(__NR_eventfd2, 3, 0);
	fds[15] = sys(__NR_epoll_create1, 0);
	fds[16] = sys(__NR_timerfd_create, 1, 0);
	fds[17] = sys(__NR_openat, AT_FDCWD, "/proc/self/stat", O_RDONLY);
	fds[18] = sys(__NR_openat, AT_FDCWD, "/dev/xsc", O_RDWR);
	fds[19] = sys(__NR_openat, AT_FDCWD, "/proc/self/mem", O_RDWR);
	fds[20] = sys(__NR_openat, AT_FDCWD, "/dev/ptmx", O_RDWR | O_NOCTTY);
	sys(__NR_ftruncate, fds[1], 8192);
	sys(__NR_mknodat, AT_FDCWD, "fifo", 010600, 0);
	sys(__NR_mkdirat, AT_FDCWD, "c", 0700);
}

/* Never returns. */
static void child_main(unsigned long seed)
{
	static struct fuzzer fuzzer;
	static struct helper helpers[3];
	static const int faults[] = { SIGSEGV, SIGBUS, SIGILL, SIGTRAP, SIGFPE };
	static const int ticks[] = { SIGALRM, SIGUSR1, SIGUSR2, SIGPIPE, SIGSYS, SIGIO };
	struct random *r = &fuzzer.r;
	unsigned int i, n;
	enum role role;

	r->state = seed;
	COUNT(children, 1);
	xsc_use_ring(0);
	open_files();
	playground = sys(__NR_mmap, 0, PLAYGROUND_SIZE + 4096, PROT_READ | PROT_WRITE,
			 MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	sys(__NR_munmap, playground + PLAYGROUND_SIZE, 4096);
	/* the ring from exec, one of our own, or one in memory that everybody plays with */
	ring_address = (playground + 2 * XSC_RING_SIZE) & ~(XSC_RING_SIZE - 1UL);
	if (below(r, 2))
		ring_address = below(r, 2) ? xsc_ring() : new_ring();
	fuzzer.ring = ring_address;
	arena_fill(r);
	for (i = 0; i < sizeof(faults) / sizeof(*faults); i++)
		on_signal(faults[i], on_fault, SA_NODEFER);
	for (i = 0; i < sizeof(ticks) / sizeof(*ticks); i++)
		on_signal(ticks[i], on_tick, SA_NODEFER | (below(r, 2) ? SA_RESTART : 0));
	if (below(r, 4))
		set_timer(1000 + below(r, 5000), 2000 + below(r, 20000));
	role = below(r, ROLES);
	n = below(r, 4);
	for (i = 0; i < n; i++) {
		struct helper *h = &helpers[i];

		h->role = i == 0 && below(r, 2) ? ROLE_SCRIBBLE : i == 1 && below(r, 2) ? ROLE_MEMORY
			: below(r, 3) ? role : below(r, ROLES);
		h->fuzzer.r.state = next(r);
		h->fuzzer.ring = below(r, 4) ? ring_address : new_ring();
		h->steps = below(r, 4) ? 100000 : below(r, 200);
		thread_start(&h->thread, helper_main, h, false);
	}
	run_role(&fuzzer, role, 50 + below(r, 3000));
	switch (below(r, 8)) {
	case 0: case 1:	/* the leader goes, its threads stay */
		sys(__NR_exit, 0);
		break;
	case 2:
		execute_self(&fuzzer, true);
		break;
	case 3: {
		long self = sys(__NR_getpid);

		sys(__NR_kill, self, SIGKILL);
		break;
	}
	default:
		break;
	}
	do_exit(0);
}

#endif /* XSC_FUZZ_CHILD_H */
