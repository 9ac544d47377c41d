/* SPDX-License-Identifier: MIT */
/*
 * Waiting for and moving bytes: pipes, sockets, poll, select, epoll, eventfd, signalfd. The network
 * part has a name space of its own where that is allowed. Invariant: nothing waits without an end.
 */
#include "tap.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <ifaddrs.h>
#include <net/if.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <stdint.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <sys/select.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/un.h>

static void pipes(void)
{
	static char block[1 << 17];
	int fds[2], fd, left;
	char c[4] = "";
	size_t total = 0;
	ssize_t n;
	pid_t pid;

	must(!pipe2(fds, O_CLOEXEC));
	fd = fds[0];
	check(write(fds[1], "abc", 3) == 3 && read(fd, c, 3) == 3 && !strcmp(c, "abc"), "pipe");
	check(!fcntl(fd, F_SETFL, O_NONBLOCK) && read(fd, c, 1) == -1 && errno == EAGAIN, "O_NONBLOCK");
	fcntl(fd, F_SETFL, 0);
	fflush(stdout);
	pid = fork();
	if (!pid)
		_exit(write(fds[1], block, sizeof(block)) == sizeof(block) ? 0 : 1);
	while (total < sizeof(block) && (n = read(fd, block, sizeof(block))) > 0)
		total += (size_t)n;
	check(total == sizeof(block) && exited(wait_status(pid), 0), "128 KiB from a child");
	check(write(fds[1], "12", 2) == 2 && !ioctl(fd, FIONREAD, &left) && left == 2, "FIONREAD");
	close(fds[1]);
	check(read(fd, c, 4) == 2 && read(fd, c, 4) == 0, "the end of a pipe");
	close(fd);
	check(killed(in_child(must(!pipe(fds)); close(fds[0]); (void)!write(fds[1], "x", 1)), SIGPIPE),
	      "SIGPIPE");
	signal(SIGPIPE, SIG_IGN);
	must(!pipe(fds));
	close(fds[0]);
	check(write(fds[1], "x", 1) == -1 && errno == EPIPE, "EPIPE");
	close(fds[1]);
}

static void waits(void)
{
	struct epoll_event ev = { .events = EPOLLIN, .data.u64 = 0x1234567890abcdefULL }, got;
	struct timespec ts = { 0, 5000000 };
	struct timeval tv = { 0, 5000 };
	struct signalfd_siginfo info;
	int fds[2], ep, sfd;
	struct pollfd p;
	uint64_t n = 5;
	sigset_t set;
	fd_set r;

	must(!pipe(fds));
	p = (struct pollfd){ fds[0], POLLIN, 0 };
	check_eq(poll(&p, 1, 10), 0, "poll ends");
	check_eq(ppoll(&p, 1, &ts, NULL), 0, "ppoll ends");
	FD_ZERO(&r);
	FD_SET(fds[0], &r);
	check_eq(select(fds[0] + 1, &r, NULL, NULL, &tv), 0, "select ends");
	ep = epoll_create1(EPOLL_CLOEXEC);
	check(!epoll_ctl(ep, EPOLL_CTL_ADD, fds[0], &ev) && epoll_wait(ep, &got, 1, 10) == 0,
	      "epoll_wait ends");
	must(write(fds[1], "x", 1) == 1);
	check(poll(&p, 1, -1) == 1 && p.revents == POLLIN, "poll finds");
	FD_SET(fds[0], &r);
	check(select(fds[0] + 1, &r, NULL, NULL, NULL) == 1 && FD_ISSET(fds[0], &r), "select finds");
	FD_SET(fds[0], &r);
	check_eq(pselect(fds[0] + 1, &r, NULL, NULL, &ts, NULL), 1, "pselect finds");
	check(epoll_pwait(ep, &got, 1, -1, NULL) == 1 && got.data.u64 == 0x1234567890abcdefULL,
	      "epoll finds");
	close(ep);

	ep = eventfd(3, EFD_CLOEXEC);
	check(write(ep, &n, 8) == 8 && read(ep, &n, 8) == 8 && n == 8, "eventfd");
	close(ep);
	sigemptyset(&set);
	sigaddset(&set, SIGUSR1);
	sigprocmask(SIG_BLOCK, &set, NULL);
	sfd = signalfd(-1, &set, SFD_CLOEXEC);
	raise(SIGUSR1);
	check(read(sfd, &info, sizeof(info)) == sizeof(info) && info.ssi_signo == SIGUSR1, "signalfd");
	sigprocmask(SIG_UNBLOCK, &set, NULL);
	close(sfd);
	close(fds[0]);
	close(fds[1]);
}

static void local_sockets(void)
{
	union { struct cmsghdr h; char space[CMSG_SPACE(sizeof(int))]; } control = { .space = { 0 } };
	struct sockaddr_un un = { .sun_family = AF_UNIX };
	char byte = 'f', text[16] = "";
	struct iovec iov = { &byte, 1 };
	struct msghdr m = { .msg_iov = &iov, .msg_iovlen = 1, .msg_control = &control,
			    .msg_controllen = sizeof(control) };
	struct mmsghdr mm[2] = { { .msg_hdr = { .msg_iov = &iov, .msg_iovlen = 1 } },
				 { .msg_hdr = { .msg_iov = &iov, .msg_iovlen = 1 } } };
	int sv[2], fd, got = -1, type;
	socklen_t len = sizeof(type);
	struct cmsghdr *c;

	must(!socketpair(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0, sv));
	check(!getsockopt(sv[0], SOL_SOCKET, SO_TYPE, &type, &len) && type == SOCK_DGRAM, "getsockopt");
	fd = open("/proc/self/comm", O_RDONLY);
	c = CMSG_FIRSTHDR(&m);
	c->cmsg_level = SOL_SOCKET;
	c->cmsg_type = SCM_RIGHTS;
	c->cmsg_len = CMSG_LEN(sizeof(int));
	memcpy(CMSG_DATA(c), &fd, sizeof(int));
	check_eq(sendmsg(sv[0], &m, 0), 1, "sendmsg with a file");
	close(fd);
	memset(&control, 0, sizeof(control));
	m.msg_controllen = sizeof(control);
	check_eq(recvmsg(sv[1], &m, 0), 1, "recvmsg");
	c = CMSG_FIRSTHDR(&m);
	if (c)
		memcpy(&got, CMSG_DATA(c), sizeof(int));
	check(got >= 0 && read(got, text, sizeof(text)) > 0, "the file arrived");
	close(got);
	check_eq(sendmmsg(sv[0], mm, 2, 0), 2, "sendmmsg");
	check_eq(recvmmsg(sv[1], mm, 2, MSG_DONTWAIT, NULL), 2, "recvmmsg");
	close(sv[0]);
	close(sv[1]);
	strcpy(un.sun_path + 1, "xsc-io");
	fd = socket(AF_UNIX, SOCK_STREAM, 0);
	check(!bind(fd, (struct sockaddr *)&un, sizeof(un)) && !listen(fd, 1), "an abstract name");
	sv[0] = socket(AF_UNIX, SOCK_STREAM, 0);
	check(!connect(sv[0], (struct sockaddr *)&un, sizeof(un)) &&
	      (sv[1] = accept4(fd, NULL, NULL, SOCK_CLOEXEC)) >= 0, "connect and accept4");
	check(!shutdown(sv[0], SHUT_WR) && read(sv[1], text, 1) == 0, "shutdown");
	close(fd);
	close(sv[0]);
	close(sv[1]);
}

static void *echo(void *arg)
{
	int fd = accept(*(int *)arg, NULL, NULL);
	char text[4096];
	ssize_t n;

	while ((n = recv(fd, text, sizeof(text), 0)) > 0)
		send(fd, text, (size_t)n, MSG_NOSIGNAL);
	close(fd);
	return NULL;
}

static void tcp(int family)
{
	struct sockaddr_in6 six = { .sin6_family = AF_INET6, .sin6_addr = IN6ADDR_LOOPBACK_INIT };
	struct sockaddr_in four = { .sin_family = AF_INET };
	struct sockaddr *at = family == AF_INET ? (struct sockaddr *)&four : (struct sockaddr *)&six;
	socklen_t len = family == AF_INET ? sizeof(four) : sizeof(six);
	int listener = socket(family, SOCK_STREAM, 0), fd, on = 1;
	char out[3000], in[3000];
	pthread_t t;

	if (listener < 0) {
		skip("the kernel has no IPv6", "TCP over IPv6");
		return;
	}
	four.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	must(!setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on)));
	must(!bind(listener, at, len) && !listen(listener, 4) && !getsockname(listener, at, &len));
	must(!pthread_create(&t, NULL, echo, &listener));
	fd = socket(family, SOCK_STREAM, 0);
	memset(out, 'e', sizeof(out));
	check(!connect(fd, at, len) && !setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on)),
	      "connect");
	check(send(fd, out, sizeof(out), 0) == sizeof(out) &&
	      recv(fd, in, sizeof(in), MSG_WAITALL) == sizeof(in) && !memcmp(in, out, sizeof(in)),
	      "3000 bytes there and back");
	close(fd);
	pthread_join(t, NULL);
	close(listener);
	fd = socket(family, SOCK_STREAM, 0);
	check(connect(fd, at, len) == -1 && errno == ECONNREFUSED, "a refused connection");
	close(fd);
}

int main(void)
{
	struct ifaddrs *all = NULL, *i;
	bool found = false;

	tap_begin();
	pipes();
	waits();
	local_sockets();
	if (!unshare(CLONE_NEWNET)) {
		struct ifreq r = { .ifr_name = "lo", .ifr_flags = IFF_UP | IFF_RUNNING };
		int s = socket(AF_INET, SOCK_DGRAM, 0);

		check(!ioctl(s, SIOCSIFFLAGS, &r), "the loopback comes up");
		close(s);
	}
	tcp(AF_INET);
	tcp(AF_INET6);
	if (check(!getifaddrs(&all), "getifaddrs")) {
		for (i = all; i; i = i->ifa_next)
			found |= !strcmp(i->ifa_name, "lo");
		check(found && if_nametoindex("lo") == 1, "the loopback is listed");
		freeifaddrs(all);
	}
	return tap_end();
}
