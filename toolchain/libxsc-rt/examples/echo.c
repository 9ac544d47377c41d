/* SPDX-License-Identifier: MIT */
/*
 * echo PORT [COUNT]: answers COUNT requests of HTTP (none: for ever) on the loopback with what was asked. Each answer is one
 * visit to the kernel: send, close and the next accept are one batch. Invariant: one connection at a time.
 */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <xsc/rt.h>

enum { ACCEPTED, RECEIVED, SENT, CLOSED };

static int64_t result(struct xsc_queue *q)
{
	struct xsc_cqe c;
	int r = xsc_queue_wait(q, &c, NULL);

	return r ? r : c.res;
}

int main(int argc, char **argv)
{
	struct sockaddr_in at = { .sin_family = AF_INET, .sin_addr = { htonl(INADDR_LOOPBACK) } };
	static char request[4096], answer[8192];
	long left = argc > 2 ? atol(argv[2]) : -1;
	struct xsc_queue *q;
	int listener, r;
	int64_t fd, n;

	r = xsc_queue_open(&q, XSC_QUEUE_BATCH, NULL);
	if (argc < 2 || r) {
		fprintf(stderr, "echo: %s\n", r ? strerror(-r) : "usage: echo PORT [COUNT]");
		return 2;
	}
	at.sin_port = htons((uint16_t)atoi(argv[1]));
	listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (listener < 0 || bind(listener, (struct sockaddr *)&at, sizeof(at)) || listen(listener, 64)) {
		perror("echo");
		return 1;
	}
	xsc_prep_accept(xsc_queue_entry(q), listener, NULL, NULL);
	while (left && (fd = result(q)) >= 0) {
		xsc_prep_recvfrom(xsc_queue_entry(q), (int)fd, request, sizeof(request), 0, NULL, NULL);
		n = result(q);
		if (n < 0)
			n = 0;
		r = snprintf(answer, sizeof(answer), "HTTP/1.0 200 OK\r\nContent-Length: %d\r\n\r\n%.*s",
			     (int)n, (int)n, request);
		xsc_prep_sendto(xsc_queue_entry(q), (int)fd, answer, (size_t)r, MSG_NOSIGNAL, NULL, 0);
		xsc_prep_close(xsc_queue_entry(q), (int)fd);
		if (left > 0)
			left--;
		if (left)
			xsc_prep_accept(xsc_queue_entry(q), listener, NULL, NULL);
		result(q);
		result(q);
	}
	xsc_queue_close(q);
	return left > 0;
}
