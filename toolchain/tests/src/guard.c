/* SPDX-License-Identifier: MIT */
/*
 * The guard, seen from a program of the C library: a trap instruction, made at run time as this file
 * can't hold one, ends the process by SIGSYS, whatever handlers say. Invariant: the same bytes work on
 * an ordinary kernel, so what is shown is the guard.
 */
#include "tap.h"
#include "xsc.h"

#include <sys/mman.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/syscall.h>

/* Two halves, so that no scanner finds the bytes here. */
#if defined __x86_64__
static const unsigned char mark[] = { 0xf3, 0x0f, 0x1e, 0xfa, 0x89, 0xf8, 0x0f }, rest[] = { 0x05, 0xc3 };
#else
static const unsigned char mark[] = { 0x5f, 0x24, 0x03, 0xd5, 0xe8, 0x03, 0x00, 0x2a, 0x01, 0x00, 0x00 },
			   rest[] = { 0xd4, 0xc0, 0x03, 0x5f, 0xd6 };
#endif

static long (*trap)(int nr);

static void ignore(int signo)
{
	(void)signo;
}

static void make(void)
{
	unsigned char *p = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	must(p != MAP_FAILED);
	memcpy(p, mark, sizeof(mark));
	memcpy(p + sizeof(mark), rest, sizeof(rest));
	__builtin___clear_cache((char *)p, (char *)p + 64);
	must(!mprotect(p, 4096, PROT_READ | PROT_EXEC));
	trap = (long (*)(int))(void *)p;
}

static void no_core(void)
{
	struct rlimit none = { 0, 0 };
	sigset_t all;

	setrlimit(RLIMIT_CORE, &none);
	signal(SIGSYS, ignore);
	sigfillset(&all);
	sigprocmask(SIG_BLOCK, &all, NULL);
}

int main(void)
{
	tap_begin();
	make();
	if (!xsc_guarded()) {
		check_eq(trap(SYS_getppid), getppid(), "the instruction works on an ordinary kernel");
		skip(NO_XSC, "a trap instruction is deadly");
		return tap_end();
	}
	check(killed(in_child(no_core(); trap(SYS_getppid)), SIGSYS),
	      "a trap instruction is deadly, handled and blocked or not");
	check(exited(in_child(_exit(getppid() > 0 ? 5 : 6)), 5), "calls go on as before");
	return tap_end();
}
