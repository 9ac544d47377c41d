/* SPDX-License-Identifier: MIT */
/*
 * A shared object for dl.c: code, data, a constructor and thread storage of its own. Built as
 * lib/libdso.so beside the programs. Invariant: each thread sees its own copy of dso_of_thread.
 */
#include <pthread.h>
#include <stdlib.h>
#include <unistd.h>

__thread int dso_of_thread = 40;
__thread char dso_big[4096] = "thread";
int dso_data = 3;
int *dso_closed;

__attribute__((constructor)) static void construct(void) { dso_data += 4; }
__attribute__((destructor)) static void destruct(void)
{
	if (dso_closed)
		*dso_closed = 1;
}

int *dso_thread_address(void) { return &dso_of_thread; }
int dso_call(void) { return getppid() >= 0 ? ++dso_of_thread : -1; }
