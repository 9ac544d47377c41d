/* SPDX-License-Identifier: MIT */
/*
 * Signals: handlers, alternate stacks, restarts, masks, waits. A signal may come at any instruction
 * of the gate. Invariant: the interrupted call either restarts or fails with EINTR, as POSIX says,
 * and no register is lost on the way.
 */
#include "tap.h"

#include <pthread.h>
#include <setjmp.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <ucontext.h>

static volatile sig_atomic_t seen, seen_code, seen_value;
static volatile void *handler_stack;
static volatile int handler_errno;

static void note(int signo)
{
	(void)signo;
	seen++;
	handler_stack = __builtin_frame_address(0);
}

static void note_info(int signo, siginfo_t *info, void *context)
{
	(void)signo;
	(void)context;
	seen++;
	seen_code = info->si_code;
	seen_value = info->si_value.sival_int;
	/* calls inside the handler; errno of the interrupted code must survive if it is restored */
	handler_errno = close(-1) == -1 ? errno : 0;
	getppid();
}

static void handle(int signo, void (*handler)(int), int flags)
{
	struct sigaction sa = { .sa_flags = flags };

	sa.sa_handler = handler;
	sigemptyset(&sa.sa_mask);
	must(!sigaction(signo, &sa, NULL));
}

static void handle_info(int signo, void (*handler)(int, siginfo_t *, void *), int flags)
{
	struct sigaction sa = { .sa_flags = flags | SA_SIGINFO };

	sa.sa_sigaction = handler;
	sigemptyset(&sa.sa_mask);
	must(!sigaction(signo, &sa, NULL));
}

static void simple(void)
{
	struct sigaction old;

	handle(SIGUSR1, note, 0);
	seen = 0;
	check(!raise(SIGUSR1) && seen == 1, "raise");
	check(!kill(getpid(), SIGUSR1) && seen == 2, "kill");
	check(!pthread_kill(pthread_self(), SIGUSR1) && seen == 3, "pthread_kill");
	check(!sigaction(SIGUSR1, NULL, &old) && old.sa_handler == note, "sigaction reads back");
	handle_info(SIGUSR2, note_info, 0);
	seen = 0;
	check(!sigqueue(getpid(), SIGUSR2, (union sigval){ .sival_int = 77 }) && seen == 1 &&
	      seen_code == SI_QUEUE && seen_value == 77, "sigqueue");
	check_eq(handler_errno, EBADF, "calls inside a handler");
	handle(SIGUSR1, note, SA_RESETHAND);
	raise(SIGUSR1);
	sigaction(SIGUSR1, NULL, &old);
	check(old.sa_handler == SIG_DFL, "SA_RESETHAND");
	handle(SIGUSR1, SIG_IGN, 0);
	check(!raise(SIGUSR1), "an ignored signal");
	check(sigaction(SIGKILL, &old, NULL) == -1 && errno == EINVAL, "no handler for SIGKILL");
}

static void *poke(void *arg)
{
	int i;

	for (i = 0; i < 3; i++) {
		sleep_ms(40);
		pthread_kill(*(pthread_t *)arg, SIGUSR1);
	}
	return NULL;
}

static int poke_pipe[2];

static void *poke_then_write(void *arg)
{
	poke(arg);
	sleep_ms(20);
	(void)!write(poke_pipe[1], "x", 1);
	return NULL;
}

static void restarts(void)
{
	pthread_t me = pthread_self(), t;
	struct timespec ts = { 100, 0 }, left;
	char c;

	must(!pipe(poke_pipe));
	handle(SIGUSR1, note, SA_RESTART);
	seen = 0;
	must(!pthread_create(&t, NULL, poke_then_write, &me));
	check(read(poke_pipe[0], &c, 1) == 1 && c == 'x', "SA_RESTART restarts read");
	pthread_join(t, NULL);
	check_eq(seen, 3, "three handlers ran meanwhile");

	handle(SIGUSR1, note, 0);
	must(!pthread_create(&t, NULL, poke, &me));
	check(read(poke_pipe[0], &c, 1) == -1 && errno == EINTR, "without it read gives EINTR");
	check(nanosleep(&ts, &left) == -1 && errno == EINTR && left.tv_sec >= 90 &&
	      left.tv_sec < 100, "nanosleep says what is left");
	pthread_join(t, NULL);
	must(!pthread_create(&t, NULL, poke, &me));
	handle(SIGUSR1, note, SA_RESTART);
	check(pause() == -1 && errno == EINTR, "pause never restarts");
	pthread_join(t, NULL);
	close(poke_pipe[0]);
	close(poke_pipe[1]);
}

static void masks(void)
{
	struct timespec none = { 0, 0 };
	sigset_t set, old, pending;
	siginfo_t info;
	int signo;

	handle(SIGUSR1, note, 0);
	sigemptyset(&set);
	sigaddset(&set, SIGUSR1);
	sigaddset(&set, SIGRTMIN + 1);
	must(!sigprocmask(SIG_BLOCK, &set, &old));
	seen = 0;
	raise(SIGUSR1);
	check(seen == 0 && !sigpending(&pending) && sigismember(&pending, SIGUSR1) == 1,
	      "a blocked signal is pending");
	check(sigsuspend(&old) == -1 && errno == EINTR && seen == 1, "sigsuspend takes it");
	raise(SIGUSR1);
	check(!sigwait(&set, &signo) && signo == SIGUSR1 && seen == 1, "sigwait");
	sigqueue(getpid(), SIGRTMIN + 1, (union sigval){ .sival_int = 1 });
	sigqueue(getpid(), SIGRTMIN + 1, (union sigval){ .sival_int = 2 });
	check(sigwaitinfo(&set, &info) == SIGRTMIN + 1 && info.si_value.sival_int == 1,
	      "queued signals keep their order");
	check(sigtimedwait(&set, &info, &none) == SIGRTMIN + 1 && info.si_value.sival_int == 2,
	      "and none is lost");
	check(sigtimedwait(&set, &info, &none) == -1 && errno == EAGAIN, "sigtimedwait ends");
	must(!sigprocmask(SIG_SETMASK, &old, NULL));
	sigprocmask(SIG_BLOCK, NULL, &set);
	check(!sigismember(&set, SIGUSR1), "the mask is as before");
}

static sigjmp_buf jump;
static int fault_code;
static void *fault_address;

static void jump_out(int signo, siginfo_t *info, void *context)
{
	(void)signo;
	(void)context;
	fault_code = info->si_code;
	fault_address = info->si_addr;
	handler_stack = __builtin_frame_address(0);
	siglongjmp(jump, 1);
}

__attribute__((noinline)) static int recurse(volatile char *p, int n)
{
	volatile char here[4096];

	here[0] = *p;
	return n ? recurse(here, n + 1) + here[0] : 0;
}

static void stacks(void)
{
	static char alt[65536];
	stack_t ss = { .ss_sp = alt, .ss_size = sizeof(alt) }, old;
	struct rlimit limit = { 1 << 20, 1 << 20 };
	volatile int *nowhere = (int *)8;
	volatile char zero = 0;
	sigset_t set;

	must(!sigaltstack(&ss, NULL));
	handle(SIGUSR1, note, SA_ONSTACK);
	raise(SIGUSR1);
	check((char *)handler_stack >= alt && (char *)handler_stack < alt + sizeof(alt),
	      "the handler ran on the alternate stack");
	check(!sigaltstack(NULL, &old) && old.ss_sp == alt && !(old.ss_flags & SS_ONSTACK),
	      "and left it");

	handle_info(SIGSEGV, jump_out, SA_ONSTACK);
	if (!sigsetjmp(jump, 1))
		*nowhere = 1;
	check(fault_address == nowhere && fault_code == SEGV_MAPERR, "SIGSEGV and siglongjmp");
	sigprocmask(SIG_BLOCK, NULL, &set);
	check(!sigismember(&set, SIGSEGV), "siglongjmp restored the mask");
	check(exited(in_child(setrlimit(RLIMIT_STACK, &limit);
			      if (!sigsetjmp(jump, 1)) recurse(&zero, 1); else _exit(5)), 5),
	      "a stack overflow is handled on the alternate stack");
	handle(SIGSEGV, SIG_DFL, 0);
	check(killed(in_child(*nowhere = 1), SIGSEGV), "the default is death");
	ss.ss_flags = SS_DISABLE;
	sigaltstack(&ss, NULL);
}

static volatile int depth, deepest;

static void nest(int signo)
{
	if (++depth > deepest)
		deepest = depth;
	if (depth < 20)
		raise(signo);
	depth--;
}

static void move_on(int signo, siginfo_t *info, void *context)
{
	ucontext_t *uc = context;

	(void)signo;
	(void)info;
	sigaddset(&uc->uc_sigmask, SIGUSR2);
}

static void frames(void)
{
	sigset_t set;

	handle(SIGUSR1, nest, SA_NODEFER);
	raise(SIGUSR1);
	check(deepest == 20 && depth == 0, "20 nested handlers");
	handle_info(SIGUSR1, move_on, 0);
	raise(SIGUSR1);
	sigprocmask(SIG_BLOCK, NULL, &set);
	check(sigismember(&set, SIGUSR2), "a handler changes the mask it returns to");
	sigemptyset(&set);
	sigprocmask(SIG_SETMASK, &set, NULL);
}

static volatile long ticks;

static void tick(int signo)
{
	int kept = errno;

	(void)signo;
	ticks++;
	getppid();
	(void)!write(-1, "", 0);
	errno = kept;
}

/* A timer that interrupts calls of every kind; each of them must give its right result. */
static void storm(void)
{
	struct itimerval it = { { 0, 300 }, { 0, 300 } }, off = { { 0, 0 }, { 0, 0 } };
	long pid = getpid(), i, bad = 0;
	int fds[2];
	char c;

	must(!pipe(fds));
	handle(SIGALRM, tick, SA_RESTART);
	setitimer(ITIMER_REAL, &it, NULL);
	for (i = 0; i < 100000 && ticks < 1500; i++) {
		bad += syscall(SYS_getpid) != pid;
		errno = 0;
		bad += write(-1, "", 1) != -1 || errno != EBADF;
		bad += write(fds[1], "y", 1) != 1 || read(fds[0], &c, 1) != 1 || c != 'y';
		if (i % 1000 == 0) {
			pid_t child = fork();

			if (!child)
				_exit(3);
			bad += child < 0 || !exited(wait_status(child), 3);
		}
	}
	setitimer(ITIMER_REAL, &off, NULL);
	printf("# %ld ticks, %ld rounds\n", ticks, i);
	check(ticks > 10, "the timer ticked");
	check_eq(bad, 0, "every call gave its right result under a storm of signals");
	close(fds[0]);
	close(fds[1]);
}

static pthread_t receiver;

static void note_thread(int signo)
{
	(void)signo;
	seen++;
	receiver = pthread_self();
}

static void *wait_in_thread(void *arg)
{
	sigset_t set;

	(void)arg;
	sigfillset(&set);
	sigdelset(&set, SIGUSR1);
	sigsuspend(&set);
	return NULL;
}

static void threads(void)
{
	sigset_t set, old;
	pthread_t t;

	handle(SIGUSR1, note_thread, 0);
	sigemptyset(&set);
	sigaddset(&set, SIGUSR1);
	pthread_sigmask(SIG_BLOCK, &set, &old);
	must(!pthread_create(&t, NULL, wait_in_thread, NULL));
	seen = 0;
	kill(getpid(), SIGUSR1);
	pthread_join(t, NULL);
	check(seen == 1 && pthread_equal(receiver, t), "the thread that takes it gets it");
	pthread_sigmask(SIG_SETMASK, &old, NULL);
}

int main(void)
{
	tap_begin();
	simple();
	restarts();
	masks();
	stacks();
	frames();
	storm();
	threads();
	return tap_end();
}
