/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Random numbers, arguments and ring entries for the fuzzer, and the memory their pointers
 * point to. Used by fuzz.c alone. Invariant: all randomness comes from a state that begins
 * with the seed the run printed.
 */
#ifndef XSC_FUZZ_GEN_H
#define XSC_FUZZ_GEN_H

#define ARENA_SIZE	0x10000
#define N_FDS		24

struct random {
	unsigned long state;
};

static unsigned long next(struct random *r)
{
	unsigned long z = r->state += 0x9e3779b97f4a7c15;

	z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
	z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
	return z ^ (z >> 31);
}

static unsigned int below(struct random *r, unsigned int n)
{
	return next(r) % n;
}

#define PICK(r, array) ((array)[below(r, sizeof(array) / sizeof(*(array)))])

/* Parts of the arena; each is filled with things of its kind, later with whatever calls store. */
enum {
	ARENA_PATHS = 0x0000,		/* 16 of 64 bytes */
	ARENA_ADDRESSES = 0x0400,	/* 8 of 128 bytes */
	ARENA_IOVECS = 0x1000,		/* 32 of 16 bytes */
	ARENA_TIMES = 0x1400,		/* 32 of 16 bytes */
	ARENA_POLLS = 0x1800,		/* 64 of 8 bytes */
	ARENA_SETS = 0x1c00,		/* 8 of 128 bytes */
	ARENA_ARGVS = 0x2000,		/* 8 of 32 bytes */
	ARENA_WORDS = 0x2400,		/* lengths and futexes */
	ARENA_DATA = 0x3000,
};

static unsigned char arena[ARENA_SIZE] __attribute__((aligned(4096)));
static int fds[N_FDS];
/* A mapping that calls and the memory thread may do anything to, and where the ring lies. */
static unsigned long playground, ring_address;
#define PLAYGROUND_SIZE	0x40000

static void arena_fill(struct random *r)
{
	static const char *const paths[] = {
		".", "..", "a", "b", "c/d", "fifo", "/dev/null", "/dev/zero", "/dev/xsc",
		"/proc/self/stat", "/proc/self/mem", "/proc/self/xsc", "/proc/self/exe", "",
		"/sys/kernel/xsc/mode", "/nothing/here",
	};
	unsigned int i;

	for (i = 0; i < ARENA_SIZE; i += 8)
		*(unsigned long *)(arena + i) = below(r, 3) ? below(r, 64) : next(r);
	for (i = 0; i < 16; i++)
		strcpy((char *)arena + ARENA_PATHS + i * 64, paths[i]);
	for (i = 0; i < 8; i++) {
		unsigned char *p = arena + ARENA_ADDRESSES + i * 128;

		*(uint16_t *)p = below(r, 4) ? below(r, 2) + 1 : below(r, 45);
		/* AF_UNIX: an abstract name; AF_INET: port 8 and up, address 127.0.0.1 */
		p[2] = 0;
		p[3] = 8 + below(r, 4);
		*(uint32_t *)(p + 4) = below(r, 2) ? 0x0100007f : 0;
		memset(p + 8, 0, 120);
	}
	for (i = 0; i < 32; i++) {
		unsigned long *v = (unsigned long *)(arena + ARENA_IOVECS + i * 16);
		int64_t *t = (int64_t *)(arena + ARENA_TIMES + i * 16);

		v[0] = (unsigned long)arena + ARENA_DATA + below(r, 0xc000);
		v[1] = below(r, 8) ? below(r, 256) : next(r);
		t[0] = below(r, 8) ? 0 : (int64_t)next(r);
		t[1] = below(r, 8) ? below(r, 2000000) : (int64_t)next(r);
	}
	for (i = 0; i < 64; i++) {
		int *p = (int *)(arena + ARENA_POLLS + i * 8);

		p[0] = fds[below(r, N_FDS)];
		p[1] = next(r) & 0x1f;
	}
	for (i = 0; i < 8; i++) {
		unsigned long *a = (unsigned long *)(arena + ARENA_ARGVS + i * 32);

		a[0] = (unsigned long)arena + ARENA_PATHS + 12 * 64;
		a[1] = (unsigned long)"x";
		a[2] = below(r, 8) ? 0 : next(r);
		a[3] = 0;
	}
}

static unsigned long some_pointer(struct random *r)
{
	switch (below(r, 16)) {
	case 0:
		return 0;
	case 1:
		return next(r);
	case 2:		/* the kernel's half, and no address at all */
		return below(r, 2) ? 0xffff888000000000 + next(r) % (1ULL << 30) : 1ULL << 63 | 0x1234;
	case 3:
		return xsc_gate - 0x4000 + below(r, 0x8000);
	case 4:
		return ring_address + below(r, XSC_RING_SIZE);
	case 5:		/* the end of a mapping */
		return playground + PLAYGROUND_SIZE - below(r, 64);
	case 6: case 7:
		return playground + below(r, PLAYGROUND_SIZE);
	default:
		return (unsigned long)arena + ARENA_DATA + (below(r, 0xc000) & ~7);
	}
}

static unsigned long some_size(struct random *r)
{
	static const unsigned long sizes[] = {
		0, 1, 2, 7, 8, 15, 16, 64, 128, 144, 4095, 4096, 4097, 8192, 16384, 0x7fffffff,
		0x80000000, 0xffffffff, -1ULL, 1ULL << 63,
	};

	return below(r, 3) ? below(r, 512) : PICK(r, sizes);
}

static unsigned long some_fd(struct random *r)
{
	switch (below(r, 12)) {
	case 0:
		return -1;
	case 1:
		return below(r, 300);
	case 2:
		return AT_FDCWD;
	case 3:
		return next(r);
	default:
		return fds[below(r, N_FDS)];
	}
}

static unsigned long in_arena(struct random *r, unsigned int part, unsigned int n, unsigned int size)
{
	if (!below(r, 16))
		return some_pointer(r);
	return (unsigned long)arena + part + below(r, n) * size + (below(r, 16) ? 0 : below(r, size));
}

/* One argument of the kind a letter names, see the templates below. */
static unsigned long some_arg(struct random *r, char kind)
{
	switch (kind) {
	case 'f':
		return some_fd(r);
	case 'p':
		return some_pointer(r);
	case 'n':
		return some_size(r);
	case 'o':
		return below(r, 4) ? below(r, 8192) : next(r);
	case 's':
		return in_arena(r, ARENA_PATHS, 16, 64);
	case 'i':
		return in_arena(r, ARENA_IOVECS, 32, 16);
	case 'c':
		return below(r, 8) ? below(r, 33) : next(r);
	case 'a':
		return in_arena(r, ARENA_ADDRESSES, 8, 128);
	case 't':
		return in_arena(r, ARENA_TIMES, 32, 16);
	case 'w':
		return in_arena(r, ARENA_POLLS, 64, 8);
	case 'g':
		return below(r, 2) ? 0 : in_arena(r, ARENA_SETS, 8, 128);
	case 'A':
		return in_arena(r, ARENA_ARGVS, 8, 32);
	case 'u':
		return in_arena(r, ARENA_WORDS, 64, 4);
	case 'x':	/* flags */
		return below(r, 2) ? 1UL << below(r, 32) : below(r, 4) ? 0 : next(r) & 0xffffff;
	case 'm':	/* memory that may go */
		return playground + (below(r, PLAYGROUND_SIZE) & ~4095UL);
	case 'M':
		return (1 + below(r, 8)) << 12;
	case '0':
		return 0;
	case '8':
		return below(r, 8) ? 8 : next(r);
	default:
		return below(r, 2) ? next(r) : below(r, 64);
	}
}

static const struct template {
	uint8_t opcode;
	const char *args;
} typed[] = {
	{ XSC_OP_NOP, "" }, { XSC_OP_CANCEL, "c" },
	{ XSC_OP_READ, "fpn" }, { XSC_OP_WRITE, "fpn" }, { XSC_OP_PREAD, "fpno" },
	{ XSC_OP_PWRITE, "fpno" }, { XSC_OP_OPENAT, "fsxx" }, { XSC_OP_CLOSE, "c" },
	{ XSC_OP_FSYNC, "f" }, { XSC_OP_FSTAT, "fp" }, { XSC_OP_READV, "fic" },
	{ XSC_OP_WRITEV, "fic" }, { XSC_OP_OPEN, "sxx" }, { XSC_OP_STAT, "sp" },
	{ XSC_OP_LSTAT, "sp" },
	{ XSC_OP_SOCKET, "ccc" }, { XSC_OP_BIND, "fan" }, { XSC_OP_LISTEN, "fc" },
	{ XSC_OP_ACCEPT, "fau" }, { XSC_OP_CONNECT, "fan" }, { XSC_OP_SENDTO, "fpnxan" },
	{ XSC_OP_RECVFROM, "fpnxau" },
	{ XSC_OP_POLL, "wctg8" }, { XSC_OP_EPOLL_WAIT, "fpcc" }, { XSC_OP_SELECT, "cgggtg" },
	{ XSC_OP_NANOSLEEP, "tt" }, { XSC_OP_CLOCK_NANOSLEEP, "cctt" },
	{ XSC_OP_FUTEX_WAIT, "uctc" }, { XSC_OP_FUTEX_WAKE, "ucc" },
};

static const struct favourite {
	uint16_t nr;
	const char *args;
} favourites[] = {
	{ __NR_read, "fpn" }, { __NR_write, "fpn" }, { __NR_pread64, "fpno" },
	{ __NR_pwrite64, "fpno" }, { __NR_openat, "fsxx" }, { __NR_close, "c" },
	{ __NR_fstat, "fp" }, { __NR_newfstatat, "fspx" }, { __NR_lseek, "foc" },
	{ __NR_readv, "fic" }, { __NR_writev, "fic" }, { __NR_getpid, "" }, { __NR_dup, "f" },
	{ __NR_dup3, "fcx" }, { __NR_fcntl, "fcc" }, { __NR_ioctl, "frp" }, { __NR_pipe2, "px" },
	{ __NR_mmap, "mMcxfo" }, { __NR_munmap, "mM" }, { __NR_mprotect, "mMc" },
	{ __NR_mremap, "mMMcm" }, { __NR_madvise, "mMc" }, { __NR_mincore, "mMp" },
	{ __NR_futex, "ucctuc" }, { __NR_nanosleep, "tt" }, { __NR_ppoll, "wctg8" },
	{ __NR_epoll_pwait, "fpccg8" }, { __NR_epoll_ctl, "fcfp" }, { __NR_sendmsg, "fpx" },
	{ __NR_recvmsg, "fpx" }, { __NR_sendto, "fpnxan" }, { __NR_socketpair, "cccp" },
	{ __NR_eventfd2, "cx" }, { __NR_timerfd_create, "cx" }, { __NR_timerfd_settime, "fctp" },
	{ __NR_sigaltstack, "pp" }, { __NR_set_robust_list, "pn" }, { __NR_set_tid_address, "p" },
	{ __NR_rseq, "pncc" }, { __NR_splice, "fpfpnx" }, { __NR_copy_file_range, "fpfpnx" },
	{ __NR_fallocate, "fcoo" }, { __NR_ftruncate, "fo" }, { __NR_fsync, "f" },
	{ __NR_rt_sigpending, "p8" }, { __NR_rt_sigtimedwait, "gpt8" }, { __NR_userfaultfd, "x" },
	{ __NR_process_vm_readv, "cicicx" }, { __NR_io_uring_setup, "cp" }, { __NR_getrandom, "pnx" },
	{ __NR_sched_yield, "" }, { __NR_unshare, "x" }, { __NR_prctl, "cpppp" },
	{ __NR_membarrier, "xcc" }, { __NR_memfd_create, "sx" }, { __NR_unlinkat, "fsx" },
	{ __NR_mknodat, "fsxc" }, { __NR_statx, "fsxxp" }, { __NR_getdents64, "fpn" },
};

/*
 * Never made on purpose, though uid 65534 may do nothing with them: an entry that another
 * thread scribbles on can become any of them.
 */
static bool forbidden(unsigned int nr)
{
	switch (nr) {
	case __NR_reboot: case __NR_kexec_load: case __NR_kexec_file_load: case __NR_init_module:
	case __NR_finit_module: case __NR_delete_module: case __NR_swapon: case __NR_swapoff:
	case __NR_mount: case __NR_umount2: case __NR_pivot_root: case __NR_syslog:
	case __NR_vhangup: case __NR_acct: case __NR_settimeofday: case __NR_clock_settime:
		return true;
	default:
		return false;
	}
}

static void fill_args(struct random *r, struct xsc_sqe *sqe, const char *args)
{
	unsigned int i;

	memset(sqe->args, 0, sizeof(sqe->args));
	for (i = 0; args[i]; i++)
		sqe->args[i] = some_arg(r, args[i]);
}

/* An entry: mostly one that a program might make, sometimes with a wrong field, sometimes noise. */
static void some_entry(struct random *r, struct xsc_sqe *sqe)
{
	unsigned int i, kind = below(r, 16);

	memset(sqe, 0, sizeof(*sqe));
	sqe->user_data = below(r, 33);
	if (kind < 7) {
		const struct template *t = &PICK(r, typed);

		sqe->opcode = t->opcode;
		fill_args(r, sqe, t->args);
	} else if (kind < 13) {
		const struct favourite *f = &PICK(r, favourites);

		sqe->nr = f->nr;
		fill_args(r, sqe, f->args);
	} else if (kind < 15) {
		do {
			sqe->nr = below(r, 470);
		} while (forbidden(sqe->nr));
		fill_args(r, sqe, below(r, 2) ? "fpnrpp" : "rrrrrr");
	} else {
		for (i = 0; i < sizeof(*sqe); i++)
			((unsigned char *)sqe)[i] = next(r);
		if (below(r, 2))
			sqe->opcode = below(r, XSC_OP_LAST + 2);
	}
	if (!below(r, 4))
		sqe->flags = below(r, 8) ? below(r, 4) : next(r);
	if (!below(r, 64))
		sqe->ioprio = next(r);
	if (!below(r, 64))
		sqe->args[below(r, 6)] = next(r);
}

#endif /* XSC_FUZZ_GEN_H */
