// SPDX-License-Identifier: MIT
//
// Exceptions thrown by signal handlers (-fnon-call-exceptions): the unwinder walks from the handler
// over the kernel's frame and our restorer into the interrupted code. Also backtrace() and forced
// unwinding. Invariant: the frames below are cleaned up and the mask can be restored.
#include "tap.h"

#include <csetjmp>
#include <execinfo.h>
#include <pthread.h>
#include <stdexcept>
#include <sys/time.h>
#include <unwind.h>

namespace {

volatile int cleaned;
int frames_seen;
bool interrupted_seen;

struct Cleaner {
	~Cleaner() { cleaned = cleaned + 1; }
};

// raise() is declared as never throwing; by a pointer the compiler does not know
int (*volatile send_signal)(int) = raise;

void throw_segv(int, siginfo_t *info, void *)
{
	throw std::runtime_error(info->si_addr == reinterpret_cast<void *>(16) ? "at 16" : "?");
}

[[maybe_unused]] void throw_fpe(int)
{
	throw std::domain_error("arithmetic");
}

void throw_int(int signo)
{
	throw signo;
}

void set(int signo, void (*handler)(int), int flags)
{
	struct sigaction sa = {};
	sa.sa_handler = handler;
	sa.sa_flags = flags;
	must(!sigaction(signo, &sa, nullptr));
}

void unblock(int signo)
{
	sigset_t s;
	sigemptyset(&s);
	sigaddset(&s, signo);
	sigprocmask(SIG_UNBLOCK, &s, nullptr);
}

__attribute__((noinline)) int load(volatile int *p)
{
	Cleaner c;
	return *p;
}

__attribute__((noinline)) int outer(volatile int *p)
{
	Cleaner c;
	return load(p) + 1;
}

void from_faults(int flags, const char *where)
{
	struct sigaction sa = {};
	sa.sa_sigaction = throw_segv;
	sa.sa_flags = SA_SIGINFO | flags;
	must(!sigaction(SIGSEGV, &sa, nullptr));
	int caught = 0;
	cleaned = 0;
	for (int i = 0; i < 20; i++) {
		try {
			outer(reinterpret_cast<volatile int *>(16));
		} catch (const std::runtime_error &e) {
			caught += !strcmp(e.what(), "at 16");
		}
		unblock(SIGSEGV);
	}
	check_eq(caught, 20, "20 exceptions out of SIGSEGV handlers %s", where);
	check_eq(cleaned, 40, "and the frames below were cleaned up");
	set(SIGSEGV, SIG_DFL, 0);
}

// Interrupted at any instruction: a frame of its own, as only what may trap is in its caller's tables.
__attribute__((noipa)) void spin()
{
	for (volatile unsigned long n = 0;; n = n + 1)
		;
}

void from_calls()
{
	int caught = 0;
	set(SIGUSR1, throw_int, SA_NODEFER);
	for (int i = 0; i < 20; i++) {
		try {
			Cleaner c;
			send_signal(SIGUSR1);
		} catch (int signo) {
			caught += signo == SIGUSR1;
		}
	}
	check_eq(caught, 20, "exceptions through raise");
	set(SIGALRM, throw_int, SA_NODEFER);
	struct itimerval it = {{0, 0}, {0, 30000}};
	caught = 0;
	setitimer(ITIMER_REAL, &it, nullptr);
	try {
		Cleaner c;
		spin();
	} catch (int signo) {
		caught = signo;
	}
	check_eq(caught, SIGALRM, "an exception out of a loop");
	int fds[2];
	char byte;
	must(!pipe(fds));
	caught = 0;
	setitimer(ITIMER_REAL, &it, nullptr);
	try {
		while (read(fds[0], &byte, 1) != 1)
			;
	} catch (int signo) {
		caught = signo;
	}
	check_eq(caught, SIGALRM, "an exception out of a blocked read, a cancellation point");
	close(fds[0]);
	close(fds[1]);
}

_Unwind_Reason_Code count(struct _Unwind_Context *context, void *)
{
	int before = 0;
	_Unwind_GetIPInfo(context, &before);
	interrupted_seen |= before != 0;
	frames_seen++;
	return frames_seen > 200 ? _URC_END_OF_STACK : _URC_NO_REASON;
}

void walk(int)
{
	void *pc[64];
	frames_seen = 0;
	interrupted_seen = false;
	_Unwind_Backtrace(count, nullptr);
	frames_seen = backtrace(pc, 64) > 3 ? frames_seen : -1;
}

__attribute__((noinline)) int raise_here(int n)
{
	return n ? raise_here(n - 1) + 1 : send_signal(SIGUSR2);
}

void walks()
{
	set(SIGUSR2, walk, 0);
	check_eq(raise_here(10), 10, "a handler that walks the stack");
	check(frames_seen >= 4 && frames_seen < 200, "it found the bottom (%d frames)", frames_seen);
	check(interrupted_seen, "it saw the frame of the signal as such");
}

void *exits_in_handler(void *)
{
	Cleaner c;
	send_signal(SIGUSR1);
	return nullptr;
}

void leave_thread(int)
{
	pthread_exit(reinterpret_cast<void *>(5));
}

void forced()
{
	pthread_t t;
	void *result = nullptr;
	cleaned = 0;
	set(SIGUSR1, leave_thread, 0);
	must(!pthread_create(&t, nullptr, exits_in_handler, nullptr));
	pthread_join(t, &result);
	check(result == reinterpret_cast<void *>(5) && cleaned == 1,
	      "pthread_exit in a handler unwinds the thread");
}

} // namespace

int main()
{
	static char alt[65536];
	stack_t ss = {};
	tap_begin();
	from_faults(SA_NODEFER, "on the stack");
	ss.ss_sp = alt;
	ss.ss_size = sizeof(alt);
	must(!sigaltstack(&ss, nullptr));
	from_faults(SA_ONSTACK | SA_NODEFER, "on the alternate stack");
#if defined __x86_64__
	set(SIGFPE, throw_fpe, SA_NODEFER);
	bool caught = false;
	try {
		volatile int zero = 0, r = 1 / zero;
		(void)r;
	} catch (const std::domain_error &) {
		caught = true;
	}
	check(caught, "an exception out of a division by zero");
#endif
	from_calls();
	walks();
	forced();
	return tap_end();
}
