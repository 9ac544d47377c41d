/* SPDX-License-Identifier: MIT */
/*
 * Shared objects at run time, also with thread storage that is allocated late. A static program
 * skips. Invariant: libdso.so is in lib/, beside the program.
 */
#include "tap.h"

#include <dlfcn.h>
#include <limits.h>
#include <link.h>
#include <pthread.h>

#ifndef XSC_STATIC
static char path[PATH_MAX + 32];
static int (*call)(void);
static int *(*address)(void);

static void *in_thread(void *arg)
{
	(void)arg;
	return call() == 41 ? address() : NULL;
}

static int count(struct dl_phdr_info *info, size_t size, void *arg)
{
	(void)size;
	*(int *)arg += info->dlpi_name && strstr(info->dlpi_name, "libdso.so") != NULL;
	return 0;
}

static int objects(void)
{
	int n = 0;

	dl_iterate_phdr(count, &n);
	return n;
}

static void object(void)
{
	int closed = 0, i, bad = 0, **closed_address;
	void *h, *result;
	pthread_t t;
	Dl_info info;

	h = dlopen(path, RTLD_NOW | RTLD_LOCAL);
	if (!check(h != NULL, "dlopen")) {
		printf("# %s\n", dlerror());
		return;
	}
	check_eq(objects(), 1, "dl_iterate_phdr sees it");
	call = (int (*)(void))dlsym(h, "dso_call");
	address = (int *(*)(void))dlsym(h, "dso_thread_address");
	check(call && address && *(int *)dlsym(h, "dso_data") == 7, "dlsym, and its constructor ran");
	check(!dlsym(h, "no such symbol") && dlerror(), "dlsym of nothing says so");
	check(call() == 41 && call() == 42 && *address() == 42, "thread storage of an object");
	for (i = 0; i < 20; i++) {
		must(!pthread_create(&t, NULL, in_thread, NULL));
		pthread_join(t, &result);
		bad += !result || result == address();
	}
	check_eq(bad, 0, "each of 20 threads has its own");
	check(dladdr((void *)call, &info) && !strcmp(info.dli_sname, "dso_call"), "dladdr");
	check(dlopen(path, RTLD_NOW) == h && !dlclose(h), "opened twice is one");
	closed_address = dlsym(h, "dso_closed");
	*closed_address = &closed;
	check(!dlclose(h) && closed == 1 && objects() == 0, "dlclose runs the destructor");
	for (i = 0; i < 30; i++) {
		h = dlopen(path, RTLD_LAZY);
		bad += !h || ((int (*)(void))dlsym(h, "dso_call"))() != 41 || dlclose(h);
	}
	check_eq(bad, 0, "opened and closed 30 times");
}

static void others(void)
{
	void *libm, *h;
	double (*cosine)(double);

	check(!dlopen("/there is no such object.so", RTLD_NOW) && dlerror(), "dlopen of nothing");
	check(!dlopen("/proc/self/status", RTLD_NOW) && dlerror(), "dlopen of what is no object");
	libm = dlopen("libm.so.6", RTLD_NOW);
	cosine = libm ? (double (*)(double))dlsym(libm, "cos") : NULL;
	check(cosine && cosine(0) == 1, "libm by its name");
	check(dlsym(RTLD_DEFAULT, "malloc") != NULL, "RTLD_DEFAULT");
	check(dlvsym(RTLD_DEFAULT, "no_such", "GLIBC_2.0") == NULL, "dlvsym of nothing");
	h = dlmopen(LM_ID_NEWLM, path, RTLD_NOW);
	if (check(h != NULL, "dlmopen into a namespace of its own"))
		check(((int (*)(void))dlsym(h, "dso_call"))() == 41 && !dlclose(h),
		      "a call there, with that namespace's own libc");
	else
		printf("# %s\n", dlerror());
}
#endif

int main(void)
{
	tap_begin();
#ifdef XSC_STATIC
	skip("a static program", "shared objects");
#else
	ssize_t n = readlink("/proc/self/exe", path, PATH_MAX);

	must(n > 0);
	path[n] = 0;
	strcpy(strrchr(path, '/') + 1, "lib/libdso.so");
	object();
	others();
#endif
	return tap_end();
}
