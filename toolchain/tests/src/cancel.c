/* SPDX-License-Identifier: MIT */
/*
 * Cancellation. glibc decides by the program counter of an interrupted call whether it was still
 * waiting; in the gate that counter is another one. Invariant: a call that had its effect is not
 * cancelled, one that waits is, and cleanup handlers run.
 */
#include "tap.h"

#include <fcntl.h>
#include <gnu/libc-version.h>
#include <poll.h>
#include <pthread.h>
#include <semaphore.h>
#include <sys/epoll.h>
#include <sys/select.h>
#include <sys/socket.h>
#include <sys/wait.h>

static int fds[2], pair[2], epoll_fd;
static sem_t sem;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t cond = PTHREAD_COND_INITIALIZER;
static volatile int cleaned, started;

static void clean(void *arg) { (void)arg; cleaned++; }
static void clean_lock(void *arg) { cleaned++; pthread_mutex_unlock(arg); }

static void wait_read(void) { char c; (void)!read(fds[0], &c, 1); }
static void wait_recv(void) { char c; recv(pair[0], &c, 1, 0); }
static void wait_accept(void) { accept(pair[0], NULL, NULL); wait_read(); }
static void wait_poll(void) { struct pollfd p = { fds[0], POLLIN, 0 }; poll(&p, 1, -1); }
static void wait_sleep(void) { sleep(100); }
static void wait_nanosleep(void) { struct timespec ts = { 100, 0 }; nanosleep(&ts, NULL); }
static void wait_pause(void) { pause(); }
static void wait_sem(void) { sem_wait(&sem); }
static void wait_epoll(void) { struct epoll_event e; epoll_wait(epoll_fd, &e, 1, -1); }
static void wait_select(void) { select(0, NULL, NULL, NULL, NULL); }
static void wait_msg(void) { struct msghdr m = { 0 }; recvmsg(pair[0], &m, 0); }
static void wait_sigwait(void) { sigset_t s; int n; sigemptyset(&s); sigaddset(&s, SIGUSR1); sigwait(&s, &n); }
static void wait_fcntl(void)
{
	/* the lock is held by the main process's child */
	struct flock l = { .l_type = F_WRLCK, .l_whence = SEEK_SET };

	fcntl(fds[1], F_SETLKW, &l);
	wait_read();
}
static void wait_cond(void)
{
	pthread_mutex_lock(&lock);
	pthread_cleanup_push(clean_lock, &lock);
	cleaned--;
	for (;;)
		pthread_cond_wait(&cond, &lock);
	pthread_cleanup_pop(1);
}
static void wait_test(void) { for (;;) { pthread_testcancel(); sched_yield(); } }
static void wait_join(void)
{
	pthread_t self = pthread_self();

	(void)self;
	wait_pause();
}

static void *runner(void *arg)
{
	void (*wait)(void) = *(void (**)(void))arg;

	pthread_cleanup_push(clean, NULL);
	started = 1;
	wait();
	pthread_cleanup_pop(0);
	return NULL;
}

static void deferred(void)
{
	static const struct { const char *name; void (*wait)(void); } all[] = {
		{ "read", wait_read }, { "recv", wait_recv }, { "accept or read", wait_accept },
		{ "poll", wait_poll }, { "sleep", wait_sleep }, { "nanosleep", wait_nanosleep },
		{ "pause", wait_pause }, { "sem_wait", wait_sem }, { "epoll_wait", wait_epoll },
		{ "select", wait_select }, { "recvmsg", wait_msg }, { "sigwait", wait_sigwait },
		{ "fcntl or read", wait_fcntl }, { "pthread_cond_wait", wait_cond },
		{ "pthread_testcancel", wait_test }, { "a blocked pause", wait_join },
	};
	size_t i;
	int delay;

	for (i = 0; i < sizeof(all) / sizeof(*all); i++) {
		void (*wait)(void) = all[i].wait;
		int good = 0, round;

		/* at once, while it starts to wait, and while it waits */
		for (round = 0, delay = 0; round < 3; round++, delay += 15) {
			void *result = NULL;
			pthread_t t;

			cleaned = started = 0;
			must(!pthread_create(&t, NULL, runner, &wait));
			while (!started)
				sched_yield();
			if (delay)
				sleep_ms(delay);
			pthread_cancel(t);
			pthread_join(t, &result);
			good += result == PTHREAD_CANCELED && cleaned == 1;
		}
		check_eq(good, 3, "%s is cancelled and cleans up", all[i].name);
	}
}

static void *spin(void *arg)
{
	int old;

	pthread_cleanup_push(clean, NULL);
	pthread_setcanceltype(PTHREAD_CANCEL_ASYNCHRONOUS, &old);
	started = 1;
	for (;;)
		*(volatile long *)arg = *(volatile long *)arg + 1;
	pthread_cleanup_pop(0);
	return NULL;
}

static void *disabled(void *arg)
{
	int old;
	char c = 'q';

	(void)arg;
	pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &old);
	started = 1;
	(void)!read(fds[0], &c, 1);
	pthread_setcancelstate(PTHREAD_CANCEL_ENABLE, &old);
	started = c;
	pthread_testcancel();
	return NULL;
}

static void kinds(void)
{
	void *result;
	long n = 0;
	pthread_t t;

	cleaned = started = 0;
	must(!pthread_create(&t, NULL, spin, &n));
	while (!started)
		sched_yield();
	pthread_cancel(t);
	pthread_join(t, &result);
	check(result == PTHREAD_CANCELED && cleaned == 1, "an asynchronous cancellation of a loop");

	started = 0;
	must(!pthread_create(&t, NULL, disabled, NULL));
	while (!started)
		sched_yield();
	pthread_cancel(t);
	sleep_ms(20);
	must(write(fds[1], "z", 1) == 1);
	pthread_join(t, &result);
	check(result == PTHREAD_CANCELED && started == 'z', "a disabled one waits until enabled");
}

static int taken;

static void *take_bytes(void *arg)
{
	char c;

	(void)arg;
	for (;;) {
		if (read(fds[0], &c, 1) == 1)
			taken++;
	}
	return NULL;
}

/* glibc before 2.41 could cancel a read that had its byte (its bug 12683). */
static bool old_libc(void)
{
	int major = 0, minor = 0;

	return sscanf(gnu_get_libc_version(), "%d.%d", &major, &minor) == 2 &&
	       major * 100 + minor < 241;
}

/* A byte that read() took must have been returned: a cancelled read takes none. */
static void no_loss(void)
{
	int round, lost = 0;

	if (old_libc()) {
		skip("glibc before 2.41", "200 cancelled readers lose no byte");
		return;
	}
	for (round = 0; round < 200; round++) {
		int left = 0, wrote = 0;
		pthread_t t;
		char c;

		taken = 0;
		must(!pthread_create(&t, NULL, take_bytes, NULL));
		for (; wrote < 5; wrote++)
			must(write(fds[1], "b", 1) == 1);
		pthread_cancel(t);
		pthread_join(t, NULL);
		fcntl(fds[0], F_SETFL, O_NONBLOCK);
		while (read(fds[0], &c, 1) == 1)
			left++;
		fcntl(fds[0], F_SETFL, 0);
		lost += taken + left != wrote;
	}
	check_eq(lost, 0, "200 cancelled readers lose no byte");
}

int main(void)
{
	tap_begin();
	must(!pipe(fds) && !socketpair(AF_UNIX, SOCK_STREAM, 0, pair));
	must((epoll_fd = epoll_create1(0)) >= 0 && !sem_init(&sem, 0, 0));
	deferred();
	kinds();
	no_loss();
	return tap_end();
}
