/* SPDX-License-Identifier: MIT */
/*
 * What processes share: robust and priority-inheriting mutexes, semaphores, shared memory, queues.
 * Invariant: names are this process's own and are removed.
 */
#include "tap.h"

#include <fcntl.h>
#include <mqueue.h>
#include <pthread.h>
#include <semaphore.h>
#include <sys/ipc.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/msg.h>
#include <sys/sem.h>
#include <sys/shm.h>
#include <sys/stat.h>

static char name[32];

struct shared {
	pthread_mutex_t mutex;
	pthread_cond_t cond;
	pthread_barrier_t barrier;
	sem_t sem;
	int value;
};

static struct shared *share(void)
{
	struct shared *s = mmap(NULL, sizeof(*s), PROT_READ | PROT_WRITE,
				MAP_SHARED | MAP_ANONYMOUS, -1, 0);

	must(s != MAP_FAILED);
	return s;
}

static void *die_holding(void *arg)
{
	pthread_mutex_lock(arg);
	return NULL;
}

static void robust(void)
{
	struct shared *s = share();
	pthread_mutexattr_t attr;
	pthread_t t;

	pthread_mutexattr_init(&attr);
	pthread_mutexattr_setrobust(&attr, PTHREAD_MUTEX_ROBUST);
	pthread_mutexattr_setpshared(&attr, PTHREAD_PROCESS_SHARED);
	pthread_mutex_init(&s->mutex, &attr);
	must(!pthread_create(&t, NULL, die_holding, &s->mutex) && !pthread_join(t, NULL));
	check_eq(pthread_mutex_lock(&s->mutex), EOWNERDEAD, "a thread died holding a robust mutex");
	check(!pthread_mutex_consistent(&s->mutex) && !pthread_mutex_unlock(&s->mutex),
	      "made consistent");
	check(killed(in_child(pthread_mutex_lock(&s->mutex); raise(SIGKILL)), SIGKILL),
	      "a process died holding it");
	check_eq(pthread_mutex_lock(&s->mutex), EOWNERDEAD, "the next one is told");
	pthread_mutex_unlock(&s->mutex);
	check_eq(pthread_mutex_lock(&s->mutex), ENOTRECOVERABLE, "not made consistent: lost");

	memset(&s->mutex, 0, sizeof(s->mutex));
	pthread_mutexattr_setprotocol(&attr, PTHREAD_PRIO_INHERIT);
	check(!pthread_mutex_init(&s->mutex, &attr), "robust and priority-inheriting");
	check(killed(in_child(pthread_mutex_lock(&s->mutex); raise(SIGKILL)), SIGKILL), "died again");
	check_eq(pthread_mutex_lock(&s->mutex), EOWNERDEAD, "told again");
	munmap(s, sizeof(*s));
}

static void *add_pi(void *arg)
{
	struct shared *s = arg;
	int i;

	for (i = 0; i < 500; i++) {
		pthread_mutex_lock(&s->mutex);
		s->value++;
		pthread_mutex_unlock(&s->mutex);
	}
	return NULL;
}

static void across_processes(void)
{
	struct shared *s = share();
	pthread_mutexattr_t ma;
	pthread_condattr_t ca;
	pthread_barrierattr_t ba;
	struct timespec ts;
	pthread_t t[4];
	pid_t pid;
	int i;

	pthread_mutexattr_init(&ma);
	pthread_mutexattr_setpshared(&ma, PTHREAD_PROCESS_SHARED);
	pthread_mutexattr_setprotocol(&ma, PTHREAD_PRIO_INHERIT);
	pthread_mutex_init(&s->mutex, &ma);
	for (i = 0; i < 4; i++)
		must(!pthread_create(&t[i], NULL, add_pi, s));
	for (i = 0; i < 4; i++)
		pthread_join(t[i], NULL);
	check_eq(s->value, 2000, "priority inheritance under four threads");
	pthread_condattr_init(&ca);
	pthread_condattr_setpshared(&ca, PTHREAD_PROCESS_SHARED);
	pthread_cond_init(&s->cond, &ca);
	pthread_barrierattr_init(&ba);
	pthread_barrierattr_setpshared(&ba, PTHREAD_PROCESS_SHARED);
	pthread_barrier_init(&s->barrier, &ba, 2);
	sem_init(&s->sem, 1, 0);
	fflush(stdout);
	pid = fork();
	if (!pid) {
		pthread_mutex_lock(&s->mutex);
		s->value = 1;
		pthread_cond_signal(&s->cond);
		pthread_mutex_unlock(&s->mutex);
		pthread_barrier_wait(&s->barrier);
		sem_post(&s->sem);
		_exit(0);
	}
	pthread_mutex_lock(&s->mutex);
	while (s->value != 1)
		pthread_cond_wait(&s->cond, &s->mutex);
	pthread_mutex_unlock(&s->mutex);
	check(s->value == 1, "a condition between processes");
	i = pthread_barrier_wait(&s->barrier);
	check(i == 0 || i == PTHREAD_BARRIER_SERIAL_THREAD, "a barrier between processes");
	check(!sem_wait(&s->sem), "a semaphore between processes");
	check(exited(wait_status(pid), 0), "the child ended well");
	clock_gettime(CLOCK_REALTIME, &ts);
	check(sem_timedwait(&s->sem, &ts) == -1 && errno == ETIMEDOUT, "sem_timedwait ends");
	check(sem_trywait(&s->sem) == -1 && errno == EAGAIN, "sem_trywait");
	munmap(s, sizeof(*s));
}

static void named(void)
{
	struct stat st;
	int fd, *p;
	sem_t *sem;

	/* the test image has no /dev/shm of its own */
	if (access("/dev/shm", W_OK)) {
		mkdir("/dev/shm", 01777);
		mount("shm", "/dev/shm", "tmpfs", 0, NULL);
	}
	sem = sem_open(name, O_CREAT | O_EXCL, 0600, 2);
	check(sem != SEM_FAILED && !sem_trywait(sem) && !sem_trywait(sem) && sem_trywait(sem) == -1,
	      "a named semaphore");
	check(!sem_close(sem) && !sem_unlink(name), "removed");
	fd = shm_open(name, O_RDWR | O_CREAT | O_EXCL, 0600);
	check(fd >= 0 && !ftruncate(fd, 4096) && !fstat(fd, &st) && st.st_size == 4096, "shm_open");
	p = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	check(p != MAP_FAILED && exited(in_child(*p = 5), 0) && *p == 5, "a child writes it");
	munmap(p, 4096);
	close(fd);
	check(!shm_unlink(name) && shm_open(name, O_RDWR, 0) == -1 && errno == ENOENT, "removed");
}

static void *told(void *arg) { return arg; }
static int notified;
static void notify(union sigval v) { __atomic_store_n(&notified, v.sival_int, __ATOMIC_SEQ_CST); }

static void queues(void)
{
	struct mq_attr attr = { .mq_maxmsg = 4, .mq_msgsize = 32 };
	struct sigevent ev = { .sigev_notify = SIGEV_THREAD, .sigev_value.sival_int = 3 };
	struct timespec ts = { 1, 0 };
	unsigned int priority;
	char text[32] = "";
	mqd_t q;

	q = mq_open(name, O_RDWR | O_CREAT | O_EXCL, 0600, &attr);
	if (q == (mqd_t)-1 && errno == ENOSYS) {
		skip("the kernel has no message queues", "message queues");
		return;
	}
	check(q != (mqd_t)-1, "mq_open");
	check(!mq_send(q, "low", 4, 1) && !mq_send(q, "high", 5, 9) &&
	      mq_receive(q, text, 32, &priority) == 5 && priority == 9 && !strcmp(text, "high"),
	      "the highest priority first");
	check(!mq_getattr(q, &attr) && attr.mq_curmsgs == 1, "mq_getattr");
	mq_receive(q, text, 32, NULL);
	check(mq_timedreceive(q, text, 32, NULL, &ts) == -1 && errno == ETIMEDOUT,
	      "mq_timedreceive ends");
	ev.sigev_notify_function = notify;
	check(!mq_notify(q, &ev) && !mq_send(q, "x", 1, 0) &&
	      eventually(__atomic_load_n(&notified, __ATOMIC_SEQ_CST) == 3), "mq_notify by a thread");
	check(!mq_close(q) && !mq_unlink(name), "removed");
}

static void system_v(void)
{
	struct { long type; char text[16]; } m = { 2, "sysv" };
	struct sembuf down = { 0, -1, IPC_NOWAIT }, up = { 0, 1, 0 };
	int shm = shmget(IPC_PRIVATE, 8192, IPC_CREAT | 0600), sem, q, *p;
	struct shmid_ds ds;

	if (shm < 0 && errno == ENOSYS) {
		skip("the kernel has no System V IPC", "System V IPC");
		return;
	}
	p = shmat(shm, NULL, 0);
	check(p != (void *)-1 && exited(in_child(*p = 8), 0) && *p == 8, "shmget, shmat");
	check(!shmdt(p) && !shmctl(shm, IPC_STAT, &ds) && ds.shm_segsz == 8192 &&
	      !shmctl(shm, IPC_RMID, NULL), "shmctl");
	sem = semget(IPC_PRIVATE, 1, IPC_CREAT | 0600);
	check(!semop(sem, &up, 1) && !semop(sem, &down, 1) && semop(sem, &down, 1) == -1 &&
	      errno == EAGAIN && !semctl(sem, 0, IPC_RMID), "semget, semop, semctl");
	q = msgget(IPC_PRIVATE, IPC_CREAT | 0600);
	check(!msgsnd(q, &m, sizeof(m.text), 0), "msgsnd");
	memset(m.text, 0, sizeof(m.text));
	check(msgrcv(q, &m, sizeof(m.text), 2, 0) == 16 && !strcmp(m.text, "sysv") &&
	      !msgctl(q, IPC_RMID, NULL), "msgrcv");
}

int main(void)
{
	pthread_t t;

	tap_begin();
	snprintf(name, sizeof(name), "/xsc-sync-%d", getpid());
	must(!pthread_create(&t, NULL, told, NULL) && !pthread_join(t, NULL));
	robust();
	across_processes();
	named();
	queues();
	system_v();
	return tap_end();
}
