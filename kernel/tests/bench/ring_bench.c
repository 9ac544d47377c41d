// SPDX-License-Identifier: GPL-2.0
/*
 * Nanoseconds per operation by trap, by gate, in batches and by worker, in one run on one kernel.
 * The trap column comes from the build by trap instruction of this same source, started anew
 * in each round (/tests/trap/NAME). The table goes to the console and, if there is one, to the
 * channel of the verdict. Invariant: a figure is the median of CHUNKS * ROUNDS chunks of 64
 * operations with the cost of reading the clock taken off; an operation that fails gives none.
 */
#include "xsc_test.h"

#define CHUNK		64
#define CHUNKS		24
#define ROUNDS		5
#define SAMPLES		(CHUNKS * ROUNDS)
#define FILE_PATH	"/tmp/ring_bench"

enum op { OP_NULL, OP_PREAD, OP_OPEN, OP_FUTEX, OP_UDP, N_OPS };
enum way { TRAP, REGISTER, RING, BATCH1, BATCH4, BATCH16, BATCH64, WORKER1, WORKER64, N_WAYS };

static const char *const op_names[N_OPS] = {
	"getppid", "pread 4 KiB (tmpfs)", "openat + close", "futex wake, nobody", "UDP send, loopback",
};
static const char *const way_names[N_WAYS] = {
	"trap", "register", "ring", "batch 1", "4", "16", "64", "worker 1", "64",
};

/* Values in place of a time. */
#define INLINE		(-1L)		/* the worker leaves it to the caller */
#define FAILED		(-2L)
#define ABSENT		(-3L)

static long samples[N_OPS][N_WAYS][SAMPLES];
static unsigned int n_samples[N_OPS][N_WAYS];
static long clock_cost, file, sender, receiver, next_fd;
static unsigned char buffer[4096];
static unsigned int word;
static struct {
	unsigned short family, port;
	unsigned int address;
	unsigned char zero[8];
} address = { .family = 2, .port = 0x1127, .address = 0x0100007f };

/* --- what is measured ----------------------------------------------------------------------- */

/* The calls of one operation; openat + close are two, the descriptor is the lowest free one. */
static unsigned int entries(enum op op, struct xsc_sqe e[2])
{
	switch (op) {
	case OP_NULL:
		e[0] = SQE_NR(__NR_getppid, 0);
		return 1;
	case OP_PREAD:
		e[0] = SQE_NR(__NR_pread64, file, buffer, sizeof(buffer), 0);
		return 1;
	case OP_OPEN:
		e[0] = SQE_NR(__NR_openat, AT_FDCWD, FILE_PATH, O_RDONLY);
		e[1] = SQE_NR(__NR_close, next_fd);
		return 2;
	case OP_FUTEX:
		e[0] = SQE_NR(__NR_futex, &word, FUTEX_WAKE | FUTEX_PRIVATE_FLAG, 1);
		return 1;
	default:
		e[0] = SQE_NR(__NR_sendto, sender, buffer, 64, 0, &address, sizeof(address));
		return 1;
	}
}

/* Takes what was sent out of the socket again; never timed. */
static void drain(enum op op)
{
	static unsigned char sink[64];

	if (op == OP_UDP)
		while (sys(__NR_recvfrom, receiver, sink, sizeof(sink), 0x40 /* DONTWAIT */, 0, 0) > 0)
			;
}

#define CALL(how, ring, e)	how(ring, (e)->nr, (e)->args[0], (e)->args[1], (e)->args[2],	\
				    (e)->args[3], (e)->args[4], (e)->args[5])

/* One chunk; nanoseconds, or FAILED. */
#define TIME_SINGLE(how, ring, op) ({						\
	struct xsc_sqe e_[2];							\
	unsigned int n_ = entries(op, e_), i_;					\
	long bad_ = 0;								\
	unsigned long from_ = now_ns();						\
	for (i_ = 0; i_ < CHUNK; i_++) {					\
		bad_ |= CALL(how, ring, &e_[0]);				\
		if (n_ == 2)							\
			bad_ |= CALL(how, ring, &e_[1]);			\
	}									\
	bad_ < 0 ? FAILED : (long)(now_ns() - from_); })

static long time_batch(unsigned long ring, enum op op, unsigned int size)
{
	struct xsc_sqe e[2];
	unsigned int n = entries(op, e), done, i;
	unsigned long from = now_ns();
	long bad = 0, r;

	for (done = 0; done < CHUNK; done += size) {
		for (i = 0; i < size; i++) {
			batch_put(ring, &e[0]);
			if (n == 2)
				batch_put(ring, &e[1]);
		}
		if (batch_enter(ring, size * n) != (long)(size * n))
			return FAILED;
		while ((r = batch_take(ring, NULL)) != BATCH_NONE)
			bad |= r;
	}
	return bad < 0 ? FAILED : (long)(now_ns() - from);
}

/* --- the worker ----------------------------------------------------------------------------- */

static struct {
	long fd;
	volatile struct xsc_sq_ring *sq;
	volatile struct xsc_cq_ring *cq;
	struct xsc_sqe *sqes;
	volatile struct xsc_cqe *cqes;
} dev;

static void *region(unsigned long offset, unsigned long size)
{
	return (void *)sys(__NR_mmap, 0, size, PROT_READ | PROT_WRITE, MAP_SHARED, dev.fd, offset);
}

static bool device_open(void)
{
	/* awake for the whole run: the sleep and the wake-up are not what is measured */
	struct xsc_setup setup = { .size = sizeof(setup), .idle_us = XSC_IDLE_US_MAX };

	dev.fd = sys(__NR_openat, AT_FDCWD, "/dev/xsc", O_RDWR | O_CLOEXEC);
	if (dev.fd < 0 || sys(__NR_ioctl, dev.fd, XSC_IOC_SETUP, &setup))
		return false;
	dev.sq = region(XSC_OFF_SQ_RING, 4096);
	dev.cq = region(XSC_OFF_CQ_RING, 4096);
	dev.sqes = region(XSC_OFF_SQES, XSC_RING_ENTRIES * sizeof(struct xsc_sqe));
	dev.cqes = region(XSC_OFF_CQES, 4096);
	return (unsigned long)dev.cqes < -4096UL;
}

static long time_worker(enum op op, unsigned int size)
{
	struct xsc_sqe e[2];
	unsigned int n = entries(op, e), done, i, left;
	unsigned long from = now_ns(), limit = from + 5000000000UL;
	long bad = 0, punted = 0;

	for (done = 0; done < CHUNK; done += size) {
		unsigned int tail = dev.sq->tail;

		for (i = 0; i < size; i++) {
			dev.sqes[tail++ % XSC_RING_ENTRIES] = e[0];
			if (n == 2)
				dev.sqes[tail++ % XSC_RING_ENTRIES] = e[1];
		}
		__atomic_store_n(&dev.sq->tail, tail, __ATOMIC_RELEASE);
		__atomic_thread_fence(__ATOMIC_SEQ_CST);
		if (dev.sq->flags & XSC_SQ_NEED_WAKEUP)
			sys(__NR_ioctl, dev.fd, XSC_IOC_WAKE, 0);
		for (left = size * n; left; left--) {
			unsigned int head = dev.cq->head, spins = 0;
			long res;

			while (__atomic_load_n(&dev.cq->tail, __ATOMIC_ACQUIRE) == head)
				if (!(++spins & 0xfffff) && now_ns() > limit)
					return FAILED;
			res = dev.cqes[head % XSC_RING_ENTRIES].res;
			punted |= res == -XSC_EINLINE;
			bad |= res;
			__atomic_store_n(&dev.cq->head, head + 1, __ATOMIC_RELEASE);
		}
	}
	return punted ? INLINE : bad < 0 ? FAILED : (long)(now_ns() - from);
}

/* --- rounds --------------------------------------------------------------------------------- */

static long time_chunk(enum op op, enum way way)
{
	static const unsigned int sizes[N_WAYS] = { [BATCH1] = 1, [BATCH4] = 4, [BATCH16] = 16,
		[BATCH64] = 64, [WORKER1] = 1, [WORKER64] = 64 };
	unsigned long ring = xsc_ring();

	switch (way) {
	case TRAP:
		return TIME_SINGLE(xsc_enter, 0, op);
	case REGISTER:
		return TIME_SINGLE(gate_call, 0, op);
	case RING:
		return TIME_SINGLE(gate_call, ring, op);
	case WORKER1:
	case WORKER64:
		return dev.fd < 0 ? ABSENT : time_worker(op, sizes[way]);
	default:
		return time_batch(ring, op, sizes[way]);
	}
}

static void add_sample(enum op op, enum way way, long ns)
{
	if (n_samples[op][way] < SAMPLES)
		samples[op][way][n_samples[op][way]++] = ns;
}

static void prepare(void)
{
	struct { char name[16]; short flags; char pad[22]; } lo = { .name = "lo", .flags = 0x41 };
	unsigned int i;
	long fd;

	fd = sys(__NR_openat, AT_FDCWD, FILE_PATH, O_RDWR | O_CREAT, 0600);
	file = fd;
	sys(__NR_pwrite64, file, buffer, sizeof(buffer), 0);
	receiver = sys(__NR_socket, 2, 2, 0);
	sys(__NR_ioctl, receiver, 0x8914 /* SIOCSIFFLAGS: up, running */, &lo);
	sys(__NR_bind, receiver, &address, sizeof(address));
	sender = sys(__NR_socket, 2, 2, 0);
	/* the descriptor that openat gets */
	next_fd = sys(__NR_dup, file);
	sys(__NR_close, next_fd);
	clock_cost = 1L << 40;
	for (i = 0; i < 200; i++) {
		long from = now_ns(), cost = now_ns() - from;

		if (cost < clock_cost)
			clock_cost = cost;
	}
}

/* Chunks of each operation by one way; the first warms up. */
static void measure(enum op op, enum way way, void (*sample)(enum op, enum way, long))
{
	unsigned int i;

	for (i = 0; i <= CHUNKS; i++) {
		long ns = time_chunk(op, way);

		drain(op);
		if (ns < 0) {
			sample(op, way, ns);
			return;
		}
		ns -= clock_cost;
		if (i)
			sample(op, way, ns > 0 ? ns : 0);
	}
}

/* The build by trap instruction writes its samples, "op ns", one a line. */
static void write_sample(enum op op, enum way way, long ns)
{
	(void)way;
	say("%u %ld\n", op, ns);
}

static int run_trap(const char *path)
{
	const char *argv[] = { path, "samples", NULL };
	static char text[65536];
	size_t len = 0;
	long pid, n;
	int p[2], status = 0;
	char *at;

	sys(__NR_pipe2, p, O_CLOEXEC);
	pid = do_fork();
	if (!pid) {
		sys(__NR_dup3, p[1], 1, 0);
		sys(__NR_execve, path, argv, environ);
		do_exit(127);
	}
	sys(__NR_close, p[1]);
	while (len < sizeof(text) - 1 && (n = sys(__NR_read, p[0], text + len, sizeof(text) - 1 - len)) > 0)
		len += n;
	text[len] = 0;
	sys(__NR_close, p[0]);
	wait_for(pid, &status, 0);
	for (at = text; *at; at++) {
		unsigned long op = strtoul(at, &at, 10);

		if (op < N_OPS && *at == ' ')
			add_sample(op, TRAP, strtol(at + 1, &at, 10));
		while (*at && *at != '\n')
			at++;
		if (!*at)
			break;
	}
	return status;
}

/* --- the table ------------------------------------------------------------------------------ */

static long channel = -1;

/* The port the boot test reads its verdict from; its lines before the verdict are a report. */
static void open_channel(void)
{
	char path[64], name[32];
	unsigned int i;

	for (i = 0; i < 8 && channel < 0; i++) {
		format(path, sizeof(path), "/sys/class/virtio-ports/vport%up%u/name", i / 4, i % 4);
		if (read_file(path, name, sizeof(name)) <= 0 || strncmp(name, "xsc.verdict", 11))
			continue;
		format(path, sizeof(path), "/dev/vport%up%u", i / 4, i % 4);
		channel = sys(__NR_openat, AT_FDCWD, path, O_WRONLY | O_CLOEXEC);
	}
}

__attribute__((format(printf, 1, 2)))
static void row(const char *fmt, ...)
{
	char line[512];
	va_list ap;

	va_start(ap, fmt);
	format_args(line, sizeof(line), fmt, ap);
	va_end(ap);
	say("# %s\n", line);
	if (channel >= 0) {
		strlcat(line, "\n", sizeof(line));
		write_all(channel, line, strlen(line));
	}
}

/* Picoseconds per operation, or INLINE, FAILED, ABSENT. */
static long median(enum op op, enum way way)
{
	long *s = samples[op][way], t;
	unsigned int n = n_samples[op][way], i, j;

	if (!n)
		return ABSENT;
	for (i = 1; i < n; i++)
		for (j = i; j && s[j] < s[j - 1]; j--)
			t = s[j], s[j] = s[j - 1], s[j - 1] = t;
	return s[0] < 0 ? s[0] : s[n / 2] * 1000 / CHUNK;
}

static void table(bool ratios)
{
	char line[256], cell[24];
	enum way way;
	enum op op;

	format(line, sizeof(line), "%-20s", ratios ? "in units of a trap" : "ns per operation");
	for (way = 0; way < N_WAYS; way++) {
		format(cell, sizeof(cell), "%10s", way_names[way]);
		strlcat(line, cell, sizeof(line));
	}
	row("%s", line);
	for (op = 0; op < N_OPS; op++) {
		long trap = median(op, TRAP);

		format(line, sizeof(line), "%-20s", op_names[op]);
		for (way = 0; way < N_WAYS; way++) {
			long ps = median(op, way);

			if (ps < 0)
				format(cell, sizeof(cell), "%10s", ps == INLINE ? "inline" :
				       ps == FAILED ? "failed" : "-");
			else if (!ratios)
				format(cell, sizeof(cell), "%10ld", (ps + 500) / 1000);
			else if (trap > 0)
				format(cell, sizeof(cell), "%7ld.%02ld", ps / trap, ps * 100 / trap % 100);
			else
				format(cell, sizeof(cell), "%10s", "-");
			strlcat(line, cell, sizeof(line));
		}
		row("%s", line);
	}
}

/* How the guest's instructions were executed; figures of an emulator are no times of a machine. */
static const char *machine(void)
{
#if defined(__x86_64__)
	unsigned int a = 1, b, c, d;
	char name[13] = "";

	__asm__ volatile("cpuid" : "+a"(a), "=b"(b), "=c"(c), "=d"(d));
	if (!(c & 1u << 31))
		return "no hypervisor (or Bochs)";
	a = 0x40000000;
	c = 0;
	__asm__ volatile("cpuid" : "+a"(a), "=b"(b), "+c"(c), "=d"(d));
	memcpy(name, &b, 4);
	memcpy(name + 4, &c, 4);
	memcpy(name + 8, &d, 4);
	return !strcmp(name, "TCGTCGTCGTCG") ? "TCG (emulated: ratios of instructions, not of hardware)" :
	       !strncmp(name, "KVMKVMKVM", 9) ? "KVM" : "another hypervisor";
#else
	/* QEMU's -cpu max has no implementer; a kernel under KVM finds services of it. */
	static char text[1 << 17];

	read_file("/proc/cpuinfo", text, sizeof(text));
	if (find_text(text, "implementer\t: 0x00"))
		return "TCG (emulated: ratios of instructions, not of hardware)";
	sys(__NR_syslog, 3, text, sizeof(text) - 1);
	return find_text(text, "KVM: hypervisor services") ? "KVM" : "TCG or no hypervisor";
#endif
}

int main(int argc, char **argv)
{
	char path[256];
	unsigned int round, dir, i;
	enum way way;
	enum op op;
	int status = 0;

	prepare();
	dev.fd = -1;
	if (argc > 1 && !strcmp(argv[1], "samples")) {
		for (op = 0; op < N_OPS; op++)
			measure(op, TRAP, write_sample);
		return 0;
	}
	tap_begin();
	if (!xsc_gate) {
		skip("no gate", "benchmark");
		return tap_end();
	}
	xsc_use_ring(0);
	if (!device_open()) {
		say("# no ring device\n");
		dev.fd = -1;
	}
	/* the descriptors of the device are open now */
	next_fd = sys(__NR_dup, file);
	sys(__NR_close, next_fd);
	for (i = dir = 0; argv[0][i]; i++)
		if (argv[0][i] == '/')
			dir = i + 1;
	format(path, sizeof(path), "%.*s../trap/%s", dir, argv[0], argv[0] + dir);
	for (round = 0; round < ROUNDS; round++) {
		status |= run_trap(path);
		for (op = 0; op < N_OPS; op++)
			for (way = REGISTER; way < N_WAYS; way++)
				measure(op, way, add_sample);
	}
	open_channel();
	table(false);
	row("%s", "");
	table(true);
	row("%u rounds of %u chunks of %u operations each, medians; %s", ROUNDS, CHUNKS, CHUNK, machine());
	check(!status, "the build by trap instruction ran: status %x", status);
	for (op = 0; op < N_OPS; op++)
		check(median(op, TRAP) > 0 && median(op, RING) > 0 && median(op, BATCH64) > 0,
		      "%s is measured", op_names[op]);
	return tap_end();
}
