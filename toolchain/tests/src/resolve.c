/* SPDX-License-Identifier: MIT */
/*
 * Names and addresses: numeric, from files, and by DNS from a server that is a thread of this
 * program. In a mount and network name space of its own, so the machine's /etc and port 53 are
 * left alone. Invariant: no packet leaves the machine.
 */
#include "tap.h"

#include <arpa/inet.h>
#include <grp.h>
#include <net/if.h>
#include <netdb.h>
#include <pthread.h>
#include <pwd.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/socket.h>

static int asked;

static void put(const char *file, const char *text)
{
	char path[64];
	FILE *f;

	snprintf(path, sizeof(path), "/etc/%s", file);
	f = fopen(path, "w");
	must(f && fputs(text, f) >= 0 && !fclose(f));
}

static void up(const char *name)
{
	struct ifreq r = { .ifr_flags = IFF_UP | IFF_RUNNING };
	int s = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	strcpy(r.ifr_name, name);
	must(s >= 0 && !ioctl(s, SIOCSIFFLAGS, &r));
	close(s);
}

/* Own /etc and own loopback. */
static bool own_world(void)
{
	if (unshare(CLONE_NEWNS | CLONE_NEWNET))
		return false;
	if (mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL))
		printf("# / cannot be made private, errno %d\n", errno);
	if (mount("etc", "/etc", "tmpfs", 0, NULL))
		return false;
	up("lo");
	put("hosts", "127.0.0.1 localhost\n127.9.8.7 in.files alias.files\n::5 six.files\n");
	put("nsswitch.conf", "passwd: files\ngroup: files\nhosts: files dns\nservices: files\n");
	put("resolv.conf", "nameserver 127.0.0.1\noptions timeout:2 attempts:2\n");
	put("services", "xsc-test 5853/tcp\n");
	put("passwd", "root:x:0:0:root:/root:/bin/sh\nsomeone:x:1234:1235:Some One:/home:/bin/sh\n");
	put("group", "root:x:0:\nsome:x:1235:someone\n");
	return true;
}

/* Answers type A for www.xsc.test, anything else with "no such name". */
static void *serve(void *arg)
{
	static const char www[] = "\3www\3xsc\4test";
	int s = *(int *)arg;

	for (;;) {
		unsigned char p[512];
		struct sockaddr_in from;
		socklen_t len = sizeof(from);
		ssize_t n = recvfrom(s, p, sizeof(p) - 32, 0, (struct sockaddr *)&from, &len);
		size_t name;
		bool known, a;

		if (n < 12)
			return NULL;
		__atomic_add_fetch(&asked, 1, __ATOMIC_SEQ_CST);
		name = strnlen((char *)p + 12, (size_t)n - 12) + 1;
		known = name == sizeof(www) && !memcmp(p + 12, www, name);
		a = known && p[12 + name + 1] == 1;
		n = (ssize_t)(12 + name + 4);
		p[2] = 0x84;				/* an answer, authoritative */
		p[3] = known ? 0x80 : 0x83;
		memset(p + 6, 0, 6);
		if (a) {
			static const unsigned char answer[] = {
				0xc0, 12, 0, 1, 0, 1, 0, 0, 0, 60, 0, 4, 10, 1, 2, 3 };

			p[7] = 1;
			memcpy(p + n, answer, sizeof(answer));
			n += sizeof(answer);
		}
		sendto(s, p, (size_t)n, 0, (struct sockaddr *)&from, len);
	}
}

/* The first address of a name as text, or the error's name. */
static const char *lookup(const char *name, int family, int flags)
{
	static char text[INET6_ADDRSTRLEN + 64];
	struct addrinfo hints = { .ai_family = family, .ai_flags = flags,
				  .ai_socktype = SOCK_STREAM }, *found;
	int r = getaddrinfo(name, NULL, &hints, &found);

	if (r)
		return gai_strerror(r);
	getnameinfo(found->ai_addr, found->ai_addrlen, text, sizeof(text), NULL, 0, NI_NUMERICHOST);
	freeaddrinfo(found);
	return text;
}

static void numeric(void)
{
	struct addrinfo hints = { .ai_flags = AI_NUMERICHOST | AI_NUMERICSERV }, *found = NULL;

	check(!strcmp(lookup("10.0.0.1", AF_UNSPEC, AI_NUMERICHOST), "10.0.0.1"), "IPv4 by number");
	check(!strcmp(lookup("::1", AF_INET6, AI_NUMERICHOST), "::1"), "IPv6 by number");
	check(!strcmp(lookup("not.a.number", AF_UNSPEC, AI_NUMERICHOST), gai_strerror(EAI_NONAME)),
	      "a name is no number");
	check(!getaddrinfo("127.0.0.1", "80", &hints, &found) &&
	      ntohs(((struct sockaddr_in *)found->ai_addr)->sin_port) == 80, "a port by number");
	if (found)
		freeaddrinfo(found);
}

static void names(void)
{
	struct sockaddr_in at = { .sin_family = AF_INET, .sin_port = htons(53) };
	struct addrinfo *found = NULL;
	struct hostent *host;
	struct passwd *pw;
	struct group *gr;
	static int s;
	pthread_t t;
	int before;

	check(!strcmp(lookup("in.files", AF_INET, 0), "127.9.8.7"), "a name of /etc/hosts");
	check(!strcmp(lookup("alias.files", AF_INET, 0), "127.9.8.7"), "an alias there");
	host = gethostbyname("in.files");
	check(host && !strcmp(host->h_name, "in.files"), "gethostbyname");
	check(!getaddrinfo("127.0.0.1", "xsc-test", NULL, &found) &&
	      ntohs(((struct sockaddr_in *)found->ai_addr)->sin_port) == 5853,
	      "a name of /etc/services");
	if (found)
		freeaddrinfo(found);
	pw = getpwnam("someone");
	check(pw && pw->pw_uid == 1234 && !strcmp(pw->pw_gecos, "Some One"), "getpwnam");
	gr = getgrgid(1235);
	check(gr && !strcmp(gr->gr_name, "some"), "getgrgid");

	at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	s = socket(AF_INET, SOCK_DGRAM, 0);
	must(s >= 0 && !bind(s, (struct sockaddr *)&at, sizeof(at)));
	must(!pthread_create(&t, NULL, serve, &s));
	before = asked;
	check(!strcmp(lookup("www.xsc.test", AF_INET, 0), "10.1.2.3"), "a name by DNS");
	check(asked > before, "the server was asked");
	check(!strcmp(lookup("www.xsc.test", AF_UNSPEC, 0), "10.1.2.3"), "both families at once");
	check(!strcmp(lookup("nowhere.xsc.test", AF_INET, 0), gai_strerror(EAI_NONAME)),
	      "a name the server has not");
	check(!strcmp(lookup("www.xsc.test", AF_INET6, 0), gai_strerror(EAI_NODATA)) ||
	      !strcmp(lookup("www.xsc.test", AF_INET6, 0), gai_strerror(EAI_NONAME)),
	      "a name without such an address");
}

int main(void)
{
	tap_begin();
	numeric();
	if (own_world())
		names();
	else
		skip("no permission for name spaces", "names by files and DNS");
	return tap_end();
}
