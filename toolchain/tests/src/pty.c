/* SPDX-License-Identifier: MIT */
/*
 * Terminals: a pair, its modes and size, a session with a controlling terminal, job control signals.
 * Invariant: the terminal of whoever runs the set is not touched.
 */
#include "tap.h"

#include <fcntl.h>
#include <poll.h>
#include <pty.h>
#include <sys/ioctl.h>
#include <termios.h>

static bool expect(int fd, const char *text)
{
	char got[256];
	size_t n = 0;

	while (n < sizeof(got) - 1) {
		struct pollfd p = { fd, POLLIN, 0 };
		ssize_t r;

		got[n] = 0;
		if (strstr(got, text))
			return true;
		if (poll(&p, 1, 20000) != 1 || (r = read(fd, got + n, sizeof(got) - 1 - n)) <= 0)
			break;
		n += (size_t)r;
	}
	printf("# wanted %s, have %s\n", text, got);
	return false;
}

static void child(void)
{
	char line[64];

	printf("tty %d pid %d\n", isatty(0), tcgetpgrp(0) == getpgrp());
	fflush(stdout);
	while (fgets(line, sizeof(line), stdin)) {
		printf("got %s", line);
		fflush(stdout);
	}
	_exit(14);
}

int main(void)
{
	struct winsize size = { 30, 100, 0, 0 }, got;
	int master, slave, status;
	struct termios t;
	char path[64];
	pid_t pid;

	tap_begin();
	must(!openpty(&master, &slave, path, NULL, &size));
	check(!strncmp(path, "/dev/pts/", 9) && !strcmp(path, ttyname(slave)) &&
	      !strcmp(path, ptsname(master)), "openpty, ttyname, ptsname");
	check(!ioctl(slave, TIOCGWINSZ, &got) && got.ws_row == 30 && got.ws_col == 100, "its size");
	check(isatty(slave) && !isatty(-1), "isatty");
	check(!tcgetattr(slave, &t) && (t.c_lflag & (ICANON | ECHO)) == (ICANON | ECHO), "tcgetattr");
	must(write(master, "ab\x7f" "c\n", 5) == 5);
	memset(path, 0, sizeof(path));
	check(read(slave, path, sizeof(path)) == 3 && !strcmp(path, "ac\n"), "a line is edited");
	cfmakeraw(&t);
	check(!tcsetattr(slave, TCSANOW, &t), "tcsetattr");
	check(!tcflush(master, TCIOFLUSH) && write(master, "x", 1) == 1 && read(slave, path, 1) == 1,
	      "a raw byte");
	check(!tcdrain(slave) && cfgetospeed(&t) != B0, "tcdrain, cfgetospeed");
	close(slave);
	close(master);

	fflush(stdout);
	pid = forkpty(&master, NULL, NULL, &size);
	if (!pid)
		child();
	must(pid > 0);
	check(expect(master, "tty 1 pid 1"), "forkpty: a session with its terminal");
	must(write(master, "hello\n", 6) == 6);
	check(expect(master, "got hello"), "a line there and back");
	must(write(master, "\4", 1) == 1);
	check(exited(wait_status(pid), 14), "end of file ends it");
	close(master);

	pid = forkpty(&master, NULL, NULL, NULL);
	if (!pid)
		child();
	expect(master, "tty 1");
	must(write(master, "\3", 1) == 1);
	check(waitpid(pid, &status, 0) == pid && killed(status, SIGINT), "^C is SIGINT");
	close(master);
	pid = forkpty(&master, NULL, NULL, NULL);
	if (!pid) {
		signal(SIGWINCH, SIG_DFL);
		child();
	}
	expect(master, "tty 1");
	close(master);
	check(waitpid(pid, &status, 0) == pid && (killed(status, SIGHUP) || exited(status, 14)),
	      "a hang-up ends it");
	return tap_end();
}
