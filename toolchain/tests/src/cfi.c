/* SPDX-License-Identifier: MIT */
/*
 * Control-flow integrity: a corrupted return address and a jump to where none may land end the
 * process by the right signal. Only programs of the cfi variant on a processor that checks; the rest
 * skips. Invariant: the same code, uncorrupted, runs.
 */
#include "tap.h"
#include "xsc.h"

#include <sys/mman.h>
#include <sys/resource.h>

static volatile int reached;

__attribute__((noinline, used)) static void target(void)
{
	reached++;
	_exit(33);
}

/* Its return address is replaced on the stack if `to` is not NULL. */
__attribute__((noinline)) static int returns_to(void *to)
{
	void **frame = __builtin_frame_address(0);

	getppid();
	if (to)
		((void *volatile *)frame)[1] = to;
	return 1;
}

static void quiet(void)
{
	struct rlimit none = { 0, 0 };

	setrlimit(RLIMIT_CORE, &none);
	signal(SIGSEGV, SIG_DFL);
	signal(SIGILL, SIG_DFL);
}

#if defined __aarch64__
/* ret without a landing pad, on a page that is marked as guarded */
static int jump_without_pad(bool pad)
{
	static const unsigned int with[] = { 0xd503245f, 0xd65f03c0 }, without[] = { 0xd65f03c0 };
	void *p = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	must(p != MAP_FAILED);
	memcpy(p, pad ? with : without, pad ? sizeof(with) : sizeof(without));
	__builtin___clear_cache((char *)p, (char *)p + 64);
	must(!mprotect(p, 4096, PROT_READ | PROT_EXEC | 0x10 /* PROT_BTI */));
	((void (*)(void))p)();
	return 0;
}

/* An instruction of a function of this program that is no landing pad: its page has to be guarded, too. */
static void into_the_middle(void)
{
	const unsigned int *at = (const unsigned int *)target;
	void (*volatile f)(void);

	do
		at++;
	while ((*at & 0xfffff01f) == 0xd503201f); /* bti, paciasp and other hints */
	f = (void (*)(void))at;
	f();
}
#endif

int main(void)
{
	tap_begin();
	check_eq(returns_to(NULL), 1, "a return that is not corrupted");
	if (!xsc_cfi()) {
		skip(xsc_guarded() ? "a program of the base variant" : NO_XSC, "corrupted control flow");
		return tap_end();
	}
	check(killed(in_child(quiet(); returns_to((void *)target)), SIGSEGV),
	      "a corrupted return address is SIGSEGV");
#if defined __aarch64__
	check_eq(jump_without_pad(true), 0, "a call to a landing pad");
	check(killed(in_child(quiet(); jump_without_pad(false)), SIGILL),
	      "a call to no landing pad is SIGILL");
	check(killed(in_child(quiet(); into_the_middle()), SIGILL),
	      "a call into the middle of a function is SIGILL");
#else
	skip("Linux 6.12 checks no landing pads of programs on x86_64", "a missing landing pad");
#endif
	return tap_end();
}
