/* SPDX-License-Identifier: MIT */
/*
 * Threads and what they wait on. Each thread of an XSC program has a ring of its own; the
 * invariant is that threads coming and going leave neither memory nor tasks behind.
 */
#include "tap.h"

#include <limits.h>
#include <pthread.h>
#include <sched.h>
#include <semaphore.h>
#include <sys/syscall.h>

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t cond = PTHREAD_COND_INITIALIZER;
static pthread_barrier_t barrier;
static pthread_key_t key;
static pthread_once_t once = PTHREAD_ONCE_INIT;
static __thread int of_thread = 11;
static __thread char big_of_thread[8192];
static int counter, destroyed, once_calls, serial, turn;

static void destroy(void *p) { (void)p; __atomic_add_fetch(&destroyed, 1, __ATOMIC_SEQ_CST); }
static void count_once(void) { once_calls++; }

static void *add(void *arg)
{
	int i;

	pthread_once(&once, count_once);
	pthread_setspecific(key, arg);
	of_thread += (int)(long)arg;
	big_of_thread[sizeof(big_of_thread) - 1] = 1;
	for (i = 0; i < 1000; i++) {
		pthread_mutex_lock(&lock);
		counter++;
		pthread_mutex_unlock(&lock);
		if (i % 100 == 0)
			sched_yield();
	}
	if (pthread_barrier_wait(&barrier) == PTHREAD_BARRIER_SERIAL_THREAD)
		__atomic_add_fetch(&serial, 1, __ATOMIC_SEQ_CST);
	return (void *)(long)of_thread;
}

static void many(void)
{
	pthread_t t[16];
	void *result;
	int i, bad = 0;

	must(!pthread_barrier_init(&barrier, NULL, 16));
	must(!pthread_key_create(&key, destroy));
	for (i = 0; i < 16; i++)
		must(!pthread_create(&t[i], NULL, add, (void *)(long)(i + 1)));
	for (i = 0; i < 16; i++) {
		pthread_join(t[i], &result);
		bad += (long)result != 11 + i + 1;
	}
	check_eq(counter, 16000, "a mutex under 16 threads");
	check_eq(bad, 0, "thread storage and results");
	check_eq(serial, 1, "one serial thread of a barrier");
	check_eq(once_calls, 1, "pthread_once");
	check_eq(destroyed, 16, "destructors of keys");
	check_eq(of_thread, 11, "the main thread's storage is its own");
	pthread_barrier_destroy(&barrier);
}

static void *ping(void *arg)
{
	int mine = (int)(long)arg, i;

	for (i = 0; i < 500; i++) {
		pthread_mutex_lock(&lock);
		while (turn != mine)
			pthread_cond_wait(&cond, &lock);
		turn = !mine;
		pthread_cond_broadcast(&cond);
		pthread_mutex_unlock(&lock);
	}
	return NULL;
}

static void conditions(void)
{
	struct timespec ts;
	pthread_t a, b;
	int r;

	must(!pthread_create(&a, NULL, ping, (void *)0) &&
	     !pthread_create(&b, NULL, ping, (void *)1));
	check(!pthread_join(a, NULL) && !pthread_join(b, NULL), "a condition, 1000 turns");
	clock_gettime(CLOCK_REALTIME, &ts);
	ts.tv_nsec += 20000000;
	if (ts.tv_nsec >= 1000000000)
		ts.tv_sec++, ts.tv_nsec -= 1000000000;
	pthread_mutex_lock(&lock);
	do
		r = pthread_cond_timedwait(&cond, &lock, &ts);
	while (!r);
	pthread_mutex_unlock(&lock);
	check_eq(r, ETIMEDOUT, "pthread_cond_timedwait ends");
}

static long tasks(void)
{
	char text[4096], *p;
	FILE *f = fopen("/proc/self/status", "r");
	size_t n = f ? fread(text, 1, sizeof(text) - 1, f) : 0;

	if (f)
		fclose(f);
	text[n] = 0;
	p = strstr(text, "Threads:");
	return p ? atol(p + 8) : -1;
}

static long mapped_kib(void)
{
	long pages = 0;
	FILE *f = fopen("/proc/self/statm", "r");

	if (f) {
		if (fscanf(f, "%ld", &pages) != 1)
			pages = 0;
		fclose(f);
	}
	return pages * 4;
}

static void *nothing(void *arg) { return arg; }
static void *leave(void *arg) { pthread_exit(arg); }
static void *detached(void *arg) { sem_post(arg); return NULL; }

static void come_and_go(void)
{
	pthread_attr_t attr;
	pthread_t t;
	void *result;
	long before;
	sem_t sem;
	int i;

	for (i = 0; i < 50; i++)
		must(!pthread_create(&t, NULL, nothing, NULL) && !pthread_join(t, NULL));
	before = mapped_kib();
	for (i = 0; i < 500; i++)
		must(!pthread_create(&t, NULL, nothing, NULL) && !pthread_join(t, NULL));
	check(mapped_kib() <= before + 1024, "500 threads leave no memory behind");
	must(!pthread_create(&t, NULL, leave, (void *)9L));
	check(!pthread_join(t, &result) && result == (void *)9L, "pthread_exit");

	sem_init(&sem, 0, 0);
	pthread_attr_init(&attr);
	pthread_attr_setdetachstate(&attr, PTHREAD_CREATE_DETACHED);
	pthread_attr_setstacksize(&attr, PTHREAD_STACK_MIN + 65536);
	for (i = 0; i < 20; i++)
		must(!pthread_create(&t, &attr, detached, &sem));
	for (i = 0; i < 20; i++)
		sem_wait(&sem);
	check(eventually(tasks() == 1), "20 detached threads on small stacks are gone");
	sem_destroy(&sem);
}

static void *late_exit(void *arg)
{
	(void)arg;
	sleep_ms(30);
	_exit(21);
}

static void *exec_in_thread(void *arg)
{
	(void)arg;
	execl("/proc/self/exe", "threads", "exec'd", NULL);
	_exit(9);
}

static void *getpid_loop(void *arg)
{
	volatile int *stop = arg;

	while (!*stop)
		getppid();
	return NULL;
}

static void ends(void)
{
	pthread_t t;

	check(exited(in_child(pthread_create(&t, NULL, late_exit, NULL); pthread_exit(NULL)), 21),
	      "the main thread leaves, another ends the process");
	check(exited(in_child(pthread_create(&t, NULL, exec_in_thread, NULL); pause()), 33),
	      "exec in another thread");
	check(exited(in_child(pthread_create(&t, NULL, nothing, NULL); pthread_exit(NULL)), 0),
	      "the last thread leaves");
}

static void locks(void)
{
	pthread_mutexattr_t attr;
	pthread_rwlock_t rw = PTHREAD_RWLOCK_INITIALIZER;
	pthread_spinlock_t spin;
	pthread_mutex_t m;

	pthread_mutexattr_init(&attr);
	pthread_mutexattr_settype(&attr, PTHREAD_MUTEX_ERRORCHECK);
	pthread_mutex_init(&m, &attr);
	pthread_mutex_lock(&m);
	check_eq(pthread_mutex_lock(&m), EDEADLK, "an error-checking mutex");
	pthread_mutex_unlock(&m);
	check_eq(pthread_mutex_unlock(&m), EPERM, "unlock of what is not locked");
	check(!pthread_rwlock_rdlock(&rw) && !pthread_rwlock_rdlock(&rw) &&
	      pthread_rwlock_trywrlock(&rw) == EBUSY, "rwlock");
	pthread_spin_init(&spin, 0);
	check(!pthread_spin_lock(&spin) && pthread_spin_trylock(&spin) == EBUSY, "spin lock");
}

static void *fork_loop(void *arg)
{
	int i;

	(void)arg;
	for (i = 0; i < 20; i++) {
		pid_t pid = fork();

		if (!pid)
			_exit(malloc(10) ? 5 : 6);
		if (!exited(wait_status(pid), 5))
			return (void *)1L;
	}
	return NULL;
}

static void together(void)
{
	volatile int stop = 0;
	pthread_t t[6];
	void *result;
	int i, bad = 0;

	for (i = 0; i < 3; i++)
		must(!pthread_create(&t[i], NULL, getpid_loop, (void *)&stop));
	for (; i < 6; i++)
		must(!pthread_create(&t[i], NULL, fork_loop, NULL));
	for (i = 3; i < 6; i++) {
		pthread_join(t[i], &result);
		bad += result != NULL;
	}
	stop = 1;
	for (i = 0; i < 3; i++)
		pthread_join(t[i], NULL);
	check_eq(bad, 0, "60 forks out of threads while others call");
}

int main(int argc, char **argv)
{
	if (argc > 1 && !strcmp(argv[1], "exec'd"))
		return getpid() == syscall(SYS_gettid) ? 33 : 34;
	tap_begin();
	many();
	conditions();
	come_and_go();
	locks();
	ends();
	together();
	return tap_end();
}
