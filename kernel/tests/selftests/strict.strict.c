// SPDX-License-Identifier: GPL-2.0
/*
 * Strict mode: programs without the note, scripts and programs with an interpreter without the
 * note are refused with ENOEXEC and a record; the mode goes up and never down. Run by init
 * after it raised the mode. Invariant: the mode is strict at the end as at the beginning.
 */
#include "xsc_test.h"
#include "kmsg.h"

#define DIR	"/tests/fixtures/"

static long try_exec(const char *path)
{
	char *argv[] = { (char *)path, "23", NULL };
	long pid = do_fork();

	if (!pid) {
		long r = sys(__NR_execve, path, argv, environ);

		do_exit(r == -ENOEXEC ? 200 : r == -ENOENT ? 201 : 202);
	}
	return reap(pid);
}

static void check_refused(const char *path, const char *reason, const char *name)
{
	char text[1024], want[64];
	long log = kmsg_begin();

	check_res(try_exec(path), 200, name);
	format(want, sizeof(want), "reason=%s", reason);
	if (!has_audit()) {
		skip("no audit in this kernel", "%s: audit record", name);
		sys(__NR_close, log);
		return;
	}
	check(kmsg_has(log, "op=xsc-exec", want, text, sizeof(text)), "%s: audit record: %.160s",
	      name, text);
}

static void make_script(const char *path, const char *line)
{
	write_file(path, line);
	sys(__NR_fchmodat, AT_FDCWD, path, 0755);
}

static long exec_memfd(void)
{
	static char image[1 << 16];
	long fd = sys(__NR_memfd_create, "program", 0), n, pid;
	char *argv[] = { "memfd", NULL };

	n = read_file(DIR "hello.trap", image, sizeof(image));
	sys(__NR_write, fd, image, n);
	pid = do_fork();
	if (!pid)
		do_exit(sys(__NR_execveat, fd, "", argv, environ, AT_EMPTY_PATH) == -ENOEXEC ?
			200 : 202);
	sys(__NR_close, fd);
	return reap(pid);
}

/* Booted with rdinit=an un-noted program: it was refused, and init is /sbin/init of this image. */
static void check_first_program(void)
{
	char path[128], line[1024], want[160];
	long log;

	if (!boot_option("rdinit", path, sizeof(path)) || !boot_option("xsc", line, sizeof(line)) ||
	    strncmp(line, "strict", 6)) {
		skip("not booted with rdinit= and xsc=strict", "an un-noted first program");
		return;
	}
	log = sys(__NR_openat, AT_FDCWD, "/dev/kmsg", O_RDONLY | O_NONBLOCK | O_CLOEXEC);
	format(want, sizeof(want), "exec of %s refused: no-note", path);
	check(kmsg_has(log, "xsc: ", want, line, sizeof(line)), "the first program is refused: %.120s",
	      line);
	if (!has_audit()) {
		skip("no audit in this kernel", "the first program: audit record");
		return;
	}
	log = sys(__NR_openat, AT_FDCWD, "/dev/kmsg", O_RDONLY | O_NONBLOCK | O_CLOEXEC);
	check(kmsg_has(log, "op=xsc-exec", path, line, sizeof(line)),
	      "the first program: audit record: %.160s", line);
}

int main(void)
{
	static const char *const loose[] = { "off", "permissive", "off\n", "permissive,cfi" };
	static char text[2048];
	char mode[32];
	size_t i;

	tap_begin();
	if (strncmp(xsc_mode(), "strict", 6)) {
		skip("the mode is not strict", "strict");
		return tap_end();
	}
	check_first_program();
	check_res(try_exec(DIR "hello.ring"), 23, "a noted program runs");
	check_refused(DIR "hello.trap", "no-note", "an un-noted static program");
	make_script("/tmp/script-trap", "#!" DIR "hello.trap\n");
	check_refused("/tmp/script-trap", "no-note", "a script with an un-noted interpreter");
	make_script("/tmp/script-twice", "#!/tmp/script-trap\n");
	check_refused("/tmp/script-twice", "no-note", "a script of such a script");
	make_script("/tmp/script-ring", "#!" DIR "exec_state.ring\n");
	check_res(try_exec("/tmp/script-ring"), 0, "a script with a noted interpreter runs");
	check_refused(DIR "interp.ring", "interpreter-no-note",
		      "a noted program with an un-noted interpreter");
	check_res(try_exec(DIR "interp_noted.ring"), 23,
		  "a noted program with a noted interpreter: the interpreter runs");
	check_refused(DIR "bad_version.ring", "abi-version", "another version of the ABI");
	check_refused(DIR "bad_features.ring", "unknown-features", "unknown features");
	check_res(exec_memfd(), 200, "an un-noted program from memory");
	for (i = 0; i < sizeof(loose) / sizeof(loose[0]); i++)
		check_res(write_file("/sys/kernel/xsc/mode", loose[i]), -EPERM,
			  "the mode is not loosened");
	check_res(write_file("/sys/kernel/xsc/mode", "nonsense"), -EINVAL, "no such mode");
	check_res(write_file("/sys/kernel/xsc/mode", "strict"), 6, "strict again is no change");
	format(mode, sizeof(mode), "%s", xsc_mode());
	check(!strncmp(mode, "strict", 6), "the mode is still strict: %s", mode);
	check(read_file("/proc/xsc", text, sizeof(text)) > 0 && find_text(text, "mode strict"),
	      "/proc/xsc says so, too");
	check_res(try_exec(DIR "hello.trap"), 200, "and un-noted programs are still refused");
	return tap_end();
}
