/* SPDX-License-Identifier: MIT */
/*
 * User contexts and long jumps: getcontext, setcontext, makecontext, swapcontext, setjmp. They set
 * the signal mask, so each enters the kernel from assembly. Invariant: a context that is resumed has
 * the registers and the mask it was saved with.
 */
#include "tap.h"

#include <pthread.h>
#include <setjmp.h>
#include <ucontext.h>

static ucontext_t main_context, one, two;
static char stack_one[65536], stack_two[65536];
static int trace[8], traced;
static double kept_double;

static void first(int a, int b)
{
	volatile double x = 1.5;

	trace[traced++] = a * 10 + b;
	swapcontext(&one, &two);
	kept_double = x;
	trace[traced++] = 3;
}

static void second(int a, int b, int c, int d, int e, int f, int g, int h)
{
	trace[traced++] = a + b + c + d + e + f + g + h;
	swapcontext(&two, &one);
	trace[traced++] = 99;
}

static bool blocked(int signo)
{
	sigset_t set;

	pthread_sigmask(SIG_BLOCK, NULL, &set);
	return sigismember(&set, signo) == 1;
}

static void contexts(void)
{
	volatile int passes = 0;
	sigset_t set, old;

	must(!getcontext(&one) && !getcontext(&two));
	one.uc_stack.ss_sp = stack_one;
	one.uc_stack.ss_size = sizeof(stack_one);
	one.uc_link = &main_context;
	sigaddset(&one.uc_sigmask, SIGUSR1);
	makecontext(&one, (void (*)(void))first, 2, 1, 2);
	two.uc_stack.ss_sp = stack_two;
	two.uc_stack.ss_size = sizeof(stack_two);
	two.uc_link = NULL;
	makecontext(&two, (void (*)(void))second, 8, 1, 2, 3, 4, 5, 6, 7, 8);
	check(!swapcontext(&main_context, &one), "swapcontext comes back by uc_link");
	check(traced == 3 && trace[0] == 12 && trace[1] == 36 && trace[2] == 3,
	      "two contexts took turns, with eight arguments");
	check(kept_double == 1.5, "a context keeps its variables");
	check(!blocked(SIGUSR1), "the mask of the main context is its own");

	sigemptyset(&set);
	sigaddset(&set, SIGUSR2);
	must(!getcontext(&main_context));
	passes = passes + 1;
	if (passes < 4) {
		sigprocmask(SIG_BLOCK, &set, &old);
		setcontext(&main_context);
		check(false, "setcontext does not return");
	}
	check(passes == 4 && !blocked(SIGUSR2), "setcontext goes back, mask and all");
}

static void jumps(void)
{
	static sigjmp_buf with;
	static jmp_buf without;
	volatile int n = 0;
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGUSR2);
	if (!sigsetjmp(with, 1)) {
		sigprocmask(SIG_BLOCK, &set, NULL);
		siglongjmp(with, 1);
	}
	check(!blocked(SIGUSR2), "siglongjmp restores the mask");
	if (!_setjmp(without)) {
		sigprocmask(SIG_BLOCK, &set, NULL);
		_longjmp(without, 1);
	}
	check(blocked(SIGUSR2), "_longjmp leaves it alone");
	sigprocmask(SIG_UNBLOCK, &set, NULL);
	switch (setjmp(without)) {
	case 0:
		longjmp(without, 0);
	case 1:
		n = 1;
	}
	check_eq(n, 1, "longjmp(0) arrives as 1");
}

/* Thousands of switches, as a coroutine library makes them. */
static void pump(void)
{
	for (;;) {
		traced++;
		swapcontext(&one, &main_context);
	}
}

int main(void)
{
	int i;

	tap_begin();
	contexts();
	jumps();
	must(!getcontext(&one));
	one.uc_stack.ss_sp = stack_one;
	one.uc_stack.ss_size = sizeof(stack_one);
	makecontext(&one, pump, 0);
	traced = 0;
	for (i = 0; i < 5000; i++)
		swapcontext(&main_context, &one);
	check_eq(traced, 5000, "5000 switches there and back");
	return tap_end();
}
