// SPDX-License-Identifier: GPL-2.0
/*
 * The hostile-ring fuzzer. A supervisor keeps a few worlds running, each a process with a user of
 * its own and no privileges, which starts fuzzing processes (fuzz_child.h), signals, traces and
 * kills them. Options: xsc.fuzz_seconds=N (20), xsc.fuzz_seed=N. Invariant: whatever
 * runs can be killed; a process that is not gone 30 s after SIGKILL is a failure, as is a
 * complaint of the kernel or a leak.
 */
#include "xsc_test.h"
#include "fuzz_gen.h"
#include "fuzz_child.h"
#include <linux/ptrace.h>

#define N_WORLDS	4
#define WORLD_MS	1500
#define HANG_MS		30000
#define DIRECTORY	"/tmp/fuzz"
#define STATS_ADDRESS	0x2345678000UL
#define FIRST_USER	60000	/* one for each world: kill(-1) reaches one world */

/* --- a world -------------------------------------------------------------------------------- */

static void limit(int what, unsigned long n)
{
	unsigned long v[2] = { n, n };

	sys(__NR_prlimit64, 0, what, v, 0);
}

/* Nothing to harm the machine with: a user without rights, little memory, few processes. */
static bool confine(struct random *r, int user)
{
	unsigned int fd;

	write_file("/proc/self/oom_score_adj", "1000");
	if (sys(__NR_chdir, DIRECTORY))
		return false;
	for (fd = 0; fd < 64; fd++)
		sys(__NR_close, fd);
	for (fd = 0; fd < 3; fd++)
		sys(__NR_openat, AT_FDCWD, "/dev/null", O_RDWR);
	limit(1 /* FSIZE */, 1 << 20);
	limit(4 /* CORE */, below(r, 4) ? 0 : 1 << 18);
	limit(7 /* NOFILE */, 200);
	limit(6 /* NPROC */, 300);
	limit(8 /* MEMLOCK */, 1 << 16);
	limit(9 /* AS */, 64 << 20);
	limit(0 /* CPU */, 10);
	limit(11 /* SIGPENDING */, 500);
	limit(12 /* MSGQUEUE */, 1 << 16);
	sys(__NR_setsid);
	sys(__NR_setgroups, 0, 0);
	if (sys(__NR_setresgid, user, user, user) || sys(__NR_setresuid, user, user, user))
		return false;
	/* so that they may trace one another */
	sys(__NR_prctl, PR_SET_DUMPABLE, 1, 0, 0, 0);
	return sys(__NR_geteuid) == user;
}

/* A bounded wait for a stop; true if it came. */
static bool stopped(long pid, int *status)
{
	unsigned int i;

	for (i = 0; i < 10; i++) {
		if (sys(__NR_wait4, pid, status, WNOHANG | 0x40000000 /* __WALL */, 0) == pid)
			return (*status & 0xff) == 0x7f;
		sleep_ms(1);
	}
	return false;
}

/* Attaches while calls are under way, steps, looks, changes, lets go or does not. */
static void trace_child(struct random *r, long pid)
{
	static const long ways[] = {
		PTRACE_SINGLESTEP, PTRACE_SYSCALL, PTRACE_CONT, PTRACE_SYSEMU,
	};
	unsigned int left = below(r, 60);
	unsigned long regs[40];
	struct { void *base; size_t len; } iov = { regs, sizeof(regs) };
	struct ptrace_syscall_info info;
	int status;

	if (sys(__NR_ptrace, PTRACE_SEIZE, pid, 0, below(r, 2) ? PTRACE_O_TRACESYSGOOD |
		PTRACE_O_TRACEFORK | PTRACE_O_TRACESECCOMP | PTRACE_O_TRACEEXEC : 0))
		return;
	COUNT(traced, 1);
	sys(__NR_ptrace, PTRACE_INTERRUPT, pid, 0, 0);
	while (left-- && stopped(pid, &status)) {
		sys(__NR_ptrace, PTRACE_GET_SYSCALL_INFO, pid, sizeof(info), &info);
		iov.len = sizeof(regs);
		if (!below(r, 8) && !sys(__NR_ptrace, PTRACE_GETREGSET, pid, 1, &iov)) {
			if (!below(r, 4))
				regs[below(r, 27)] = below(r, 2) ? next(r) : below(r, 300);
			sys(__NR_ptrace, PTRACE_SETREGSET, pid, 1, &iov);
		}
		if (sys(__NR_ptrace, PICK(r, ways), pid, 0, below(r, 8) ? 0 : below(r, 64)))
			break;
	}
	if (below(r, 4))
		sys(__NR_ptrace, PTRACE_DETACH, pid, 0, 0);
}

/* Never returns; when it ends, the supervisor kills what is left of its user's. */
static void world_main(unsigned long seed, int user)
{
	static const int signals[] = {
		SIGUSR1, SIGUSR2, SIGSTOP, SIGCONT, SIGALRM, SIGSYS, SIGPIPE, SIGSEGV, SIGTERM, SIGKILL,
	};
	struct random r = { seed };
	unsigned long end = now_ms() + WORLD_MS, pid_end[3] = { 0 };
	long pids[3] = { 0 }, pid;
	unsigned int i;
	int status;

	xsc_use_ring(0);
	COUNT(worlds, 1);
	if (!confine(&r, user))
		do_exit(99);
	while (now_ms() < end) {
		for (i = 0; i < 3; i++) {
			if (pids[i] && now_ms() > pid_end[i])
				sys(__NR_kill, pids[i], SIGKILL);
			if (pids[i])
				continue;
			next(&r);
			pid_end[i] = now_ms() + 100 + below(&r, 700);
			pids[i] = do_fork();
			if (!pids[i])
				child_main(next(&r) ^ i);
			if (pids[i] < 0)
				pids[i] = 0;
		}
		sleep_ms(1 + below(&r, 10));
		i = below(&r, 3);
		if (pids[i] && !below(&r, 3))
			sys(__NR_kill, pids[i], PICK(&r, signals));
		else if (pids[i] && !below(&r, 4))
			trace_child(&r, pids[i]);
		while ((pid = sys(__NR_wait4, -1, &status, WNOHANG | 0x40000000, 0)) > 0) {
			if ((status & 0xff) == 0x7f) {	/* a stop nobody waits for */
				sys(__NR_ptrace, PTRACE_CONT, pid, 0, 0);
				continue;
			}
			for (i = 0; i < 3; i++)
				if (pids[i] == pid)
					pids[i] = 0;
		}
	}
	do_exit(0);
}

/* --- the kernel's log ----------------------------------------------------------------------- */

static long kmsg = -1;
static unsigned int complaints;

/* Lines since the last look; those that no run may cause are shown and counted. */
static void read_log(void)
{
	static const char *const bad[] = {
		"WARNING:", "BUG:", "Oops", "KASAN", "UBSAN", "INFO: task", "INFO: rcu", "stall",
		"possible recursive", "possible circular", "inconsistent lock", "suspicious RCU",
		"Bad page", "Bad rss", "refcount_t", "sleeping function", "scheduling while",
		"general protection", "memory leak", "bad: ", "held lock", "lock held",
	};
	static char line[4096];
	unsigned int i;
	long n;

	while ((n = sys(__NR_read, kmsg, line, sizeof(line) - 1)) > 0 || n == -EPIPE) {
		char *text;

		if (n == -EPIPE)
			continue;
		line[n] = 0;
		text = strchr(line, ';');
		if (!text)
			continue;
		text++;
		if (strchr(text, '\n'))
			*strchr(text, '\n') = 0;
		for (i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
			/* "traps:" tells of a fault of a program, which is what these do */
			if (!find_text(text, bad[i]) || find_text(text, "traps: "))
				continue;
			if (complaints++ < 60)
				say("# kernel: %s\n", text);
			break;
		}
	}
}

/* Two scans with a pause: an object has to be a few seconds old to be called a leak. */
static void check_leaks(void)
{
	static char text[65536];
	char *line, *p;
	unsigned int n = 0;
	long r;

	r = write_file("/sys/kernel/debug/kmemleak", "scan");
	if (r < 0) {
		skip("no kmemleak in this kernel", "no memory leaks");
		return;
	}
	sleep_ms(6000);
	write_file("/sys/kernel/debug/kmemleak", "scan");
	read_file("/sys/kernel/debug/kmemleak", text, sizeof(text));
	for (p = text; (p = find_text(p, "unreferenced object")); p++)
		n++;
	for (line = p = text; *p && p < text + 6000; p++) {
		if (*p != '\n')
			continue;
		*p = 0;
		say("# %s\n", line);
		line = p + 1;
	}
	check(n == 0, "no memory leaks: %u unreferenced objects", n);
}

/* --- the supervisor ------------------------------------------------------------------------- */

struct world {
	long pid;			/* 0: none */
	long sweeper;			/* kills what is left of it, 0: not yet */
	unsigned long began, killed;	/* milliseconds; killed 0: runs */
	unsigned long seed;
	int user;
};

static struct world worlds[N_WORLDS];
static unsigned long seed;
static unsigned int serial, refused;

static void start_world(struct world *w)
{
	w->seed = seed * 1000003 + serial++;
	w->began = now_ms();
	w->killed = 0;
	w->sweeper = 0;
	w->pid = do_fork();
	if (!w->pid)
		world_main(w->seed, w->user);
	if (w->pid < 0) {
		refused++;
		w->pid = 0;
	}
}

/* Whether a process of the user is there, a zombie included; not the caller. */
static bool user_lives(int user)
{
	static char entries[4096], status[1024];
	char path[64], want[32];
	long fd = sys(__NR_openat, AT_FDCWD, "/proc", O_RDONLY | O_DIRECTORY | O_CLOEXEC), n, at;
	long self = sys(__NR_getpid);
	bool lives = false;

	format(want, sizeof(want), "\nUid:\t%d\t", user);
	while (!lives && (n = sys(__NR_getdents64, fd, entries, sizeof(entries))) > 0) {
		for (at = 0; at < n && !lives; at += *(unsigned short *)(entries + at + 16)) {
			const char *name = entries + at + 19;

			if (*name < '1' || *name > '9' || atoi(name) == self)
				continue;
			format(path, sizeof(path), "/proc/%s/status", name);
			lives = read_file(path, status, sizeof(status)) > 0 && find_text(status, want);
		}
	}
	sys(__NR_close, fd);
	return lives;
}

/* Kills until nothing of the user is left; as that user, for whom -1 means just those. */
static void sweep(int user)
{
	xsc_use_ring(0);
	if (sys(__NR_setresuid, user, user, user))
		do_exit(1);
	do {
		sys(__NR_kill, -1, SIGKILL);
		sleep_ms(5);
	} while (user_lives(user));
	do_exit(0);
}

/* The supervisor is the parent of everything that lost its own. */
static void reap_all(void)
{
	unsigned int i;
	int status;
	long pid;

	while ((pid = sys(__NR_wait4, -1, &status, WNOHANG | 0x40000000 /* __WALL */, 0)) > 0) {
		for (i = 0; i < N_WORLDS; i++) {
			struct world *w = &worlds[i];

			if (pid == w->pid && !w->killed) {
				refused += status == 99 << 8;
				w->killed = now_ms();
			} else if (pid == w->sweeper) {
				/* one that a process of its world killed starts again */
				w->sweeper = 0;
				if (!status)
					w->pid = 0;
			}
		}
	}
}

/* False when something of a world can't be killed. */
static bool tend(struct world *w, bool over)
{
	unsigned long now = now_ms();

	if (!w->pid)
		return true;
	if (!w->killed && (over || now - w->began > 3 * WORLD_MS))
		w->killed = now;
	if (w->killed && !w->sweeper) {
		w->sweeper = do_fork();
		if (!w->sweeper)
			sweep(w->user);
		if (w->sweeper < 0)
			w->sweeper = 0;
	}
	return !w->killed || now - w->killed < HANG_MS;
}

static bool all_gone(void)
{
	unsigned int i;

	for (i = 0; i < N_WORLDS; i++)
		if (worlds[i].pid)
			return false;
	return true;
}

static void progress(unsigned long seconds)
{
	say("# %lu s: %lu worlds, %lu processes, %lu steps: %lu single calls, %lu batches of %lu entries, %lu entries of the device; %lu signals, %lu faults, %lu traced\n",
	    seconds, stats->worlds, stats->children, stats->steps, stats->calls, stats->batches,
	    stats->entries, stats->device, stats->ticks, stats->faults, stats->traced);
}

/* All tasks and the blocked ones to the kernel's log, which the console shows. */
static void show_hang(const struct world *w)
{
	say("# the world of user %d, seed %lu, is not gone %d s after SIGKILL\n", w->user, w->seed,
	    HANG_MS / 1000);
	write_file("/proc/sys/kernel/printk", "8");
	write_file("/proc/sysrq-trigger", "w");
	write_file("/proc/sysrq-trigger", "t");
	sleep_ms(2000);
}

static bool run(unsigned long seconds)
{
	unsigned long begin = now_ms(), shown = 0;
	bool over = false;
	unsigned int i;

	sys(__NR_prctl, PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0);
	for (i = 0; i < N_WORLDS; i++)
		worlds[i].user = FIRST_USER + i;
	while (!over || !all_gone()) {
		unsigned long passed = now_ms() - begin;

		over = passed >= seconds * 1000;
		reap_all();
		for (i = 0; i < N_WORLDS; i++) {
			if (!tend(&worlds[i], over)) {
				show_hang(&worlds[i]);
				return false;
			}
			if (!worlds[i].pid && !over)
				start_world(&worlds[i]);
		}
		read_log();
		if (passed / 10000 > shown) {
			shown = passed / 10000;
			progress(passed / 1000);
		}
		sleep_ms(20);
	}
	progress(seconds);
	return true;
}

/* --- the machine afterwards ----------------------------------------------------------------- */

static void check_process_ring(void)
{
	unsigned long ring = new_ring();
	volatile struct xsc_ring_hdr *hdr = (void *)ring;
	struct xsc_sqe *sqes = (void *)(ring + XSC_RING_SQES);
	struct xsc_cqe *cqes = (void *)(ring + XSC_RING_CQES);
	long self = sys(__NR_getpid);

	check_res(gate_call(0, __NR_getpid, 0, 0, 0, 0, 0, 0), self, "register form works");
	check_res(gate_call(ring, __NR_getpid, 0, 0, 0, 0, 0, 0), self, "ring form works");
	sqes[0] = (struct xsc_sqe){ .opcode = XSC_OP_NOP, .user_data = 1 };
	sqes[1] = (struct xsc_sqe){ .nr = __NR_getpid, .user_data = 2 };
	hdr->sq_tail = 2;
	check_res(gate_call(0, XSC_NR_ENTER, ring, 2, 0, 0, 0, 0), 2, "a batch works");
	check(hdr->cq_tail == 2 && !cqes[0].res && cqes[1].res == self, "with its two results");
}

static void check_device(void)
{
	unsigned long end = now_ms() + 10000;
	struct xsc_setup setup = { .size = sizeof(setup) };
	long r;

	dev.fd = sys(__NR_openat, AT_FDCWD, "/dev/xsc", O_RDWR | O_CLOEXEC);
	if (dev.fd == -ENOENT) {
		skip("no /dev/xsc", "the ring device works");
		return;
	}
	r = sys(__NR_ioctl, dev.fd, XSC_IOC_SETUP, &setup);
	dev.sq = map_region(0, 0);
	dev.cq = map_region(1, 0);
	dev.sqes = map_region(2, 0);
	dev.cqes = map_region(3, 0);
	if (!check(!r && (unsigned long)dev.cqes < -4096UL, "a ring of the device: %ld", r))
		return;
	*(struct xsc_sqe *)&dev.sqes[0] = (struct xsc_sqe){ .opcode = XSC_OP_NOP, .user_data = 7 };
	__atomic_store_n(&dev.sq->tail, 1, __ATOMIC_SEQ_CST);
	sys(__NR_ioctl, dev.fd, XSC_IOC_WAKE, 0);
	while (!__atomic_load_n(&dev.cq->tail, __ATOMIC_ACQUIRE) && now_ms() < end)
		sleep_ms(1);
	check(dev.cq->tail == 1 && dev.cqes[0].user_data == 7 && !dev.cqes[0].res,
	      "and it answers: %u results", dev.cq->tail);
	sys(__NR_close, dev.fd);
}

static unsigned long number_option(const char *name, unsigned long otherwise)
{
	char value[32];

	return boot_option(name, value, sizeof(value)) && *value ? strtoul(value, NULL, 10) : otherwise;
}

int main(int argc, char **argv)
{
	unsigned long seconds;
	bool fine;

	if (argc > 1 && !strcmp(argv[1], "x"))	/* what a fuzzing process becomes by exec */
		return 0;
	tap_begin();
	if (!xsc_gate) {
		skip("no gate", "fuzzer");
		return tap_end();
	}
	xsc_use_ring(0);
	sys(__NR_getrandom, &seed, 4, 0);
	seed = number_option("xsc.fuzz_seed", seed);
	seconds = number_option("xsc.fuzz_seconds", 20);
	/* far from anything a pointer of the fuzzer is likely to hit */
	stats = (void *)sys(__NR_mmap, STATS_ADDRESS, sizeof(*stats), PROT_READ | PROT_WRITE,
			    MAP_SHARED | MAP_ANONYMOUS | MAP_FIXED, -1, 0);
	say("# %lu s, seed %lu\n", seconds, seed);

	/* faults of programs are not news; namespaces of users are a way to rights */
	write_file("/proc/sys/debug/exception-trace", "0");
	write_file("/proc/sys/user/max_user_namespaces", "0");
	write_file("/sys/kernel/debug/kmemleak", "scan=off");
	kmsg = sys(__NR_openat, AT_FDCWD, "/dev/kmsg", O_RDONLY | O_NONBLOCK | O_CLOEXEC);
	sys(__NR_lseek, kmsg, 0, 2);
	sys(__NR_mkdirat, AT_FDCWD, DIRECTORY, 0755);
	sys(__NR_mount, "tmpfs", DIRECTORY, "tmpfs", 0, "size=16m,nr_inodes=4000,mode=1777");

	fine = run(seconds);
	check(fine, "every process could be killed");
	check(!refused && stats->steps > 1000, "they ran: %lu steps in %lu processes, %u worlds refused",
	      stats->steps, stats->children, refused);
	if (fine) {
		check_process_ring();
		check_device();
		sys(__NR_umount2, DIRECTORY, 2 /* MNT_DETACH */);
		check_leaks();
	}
	read_log();
	check(!complaints, "the kernel has nothing to complain of: %u lines (seed %lu)", complaints, seed);
	return tap_end();
}
