/* SPDX-License-Identifier: MIT */
/*
 * The heap: arenas of threads, large blocks, alignment, fork while others allocate; streams, which
 * live on it. Invariant: a block keeps what was stored in it until it is freed.
 */
#include "tap.h"

#include <malloc.h>
#include <pthread.h>
#include <sys/mman.h>

static int bad;

static void *churn(void *arg)
{
	unsigned int seed = (unsigned int)(long)arg, i;
	unsigned char *block[128] = { 0 };
	size_t size[128] = { 0 };

	for (i = 0; i < 20000; i++) {
		unsigned int k = (unsigned int)rand_r(&seed) % 128;

		if (block[k]) {
			if (block[k][0] != k || block[k][size[k] - 1] != k)
				__atomic_add_fetch(&bad, 1, __ATOMIC_SEQ_CST);
			free(block[k]);
			block[k] = NULL;
			continue;
		}
		size[k] = (size_t)rand_r(&seed) % (i % 100 ? 2000 : 300000) + 1;
		block[k] = malloc(size[k]);
		if (!block[k])
			continue;
		block[k][0] = block[k][size[k] - 1] = (unsigned char)k;
	}
	for (i = 0; i < 128; i++)
		free(block[i]);
	return NULL;
}

static void heap(void)
{
	pthread_t t[4];
	void *p = NULL, *q;
	volatile size_t huge = (size_t)1 << 60;
	char *r;
	int i;

	for (i = 0; i < 4; i++)
		must(!pthread_create(&t[i], NULL, churn, (void *)(long)(i + 1)));
	for (i = 0; i < 5; i++)
		must(exited(in_child(free(malloc(100)); free(malloc(1 << 20))), 0));
	for (i = 0; i < 4; i++)
		pthread_join(t[i], NULL);
	check_eq(bad, 0, "80000 steps in four arenas, with forks between");
	check(!posix_memalign(&p, 4096, 100) && !((unsigned long)p & 4095), "posix_memalign");
	q = aligned_alloc(64, 640);
	check(q && !((unsigned long)q & 63), "aligned_alloc");
	free(p);
	free(q);
	r = calloc(1000, 1000);
	check(r && !r[0] && !r[999999], "calloc is zero");
	r[500000] = 5;
	r = realloc(r, 3000000);
	check(r && r[500000] == 5, "realloc of a large block");
	r = realloc(r, 10);
	free(r);
	check(!calloc(huge, 1 << 10) && errno == ENOMEM, "an overflow is seen");
	malloc_trim(0);
	p = malloc(10);
	check(p && malloc_usable_size(p) >= 10, "malloc_usable_size");
	free(p);
	check(killed(in_child(freopen("/dev/null", "w", stderr);
			      char *volatile x = malloc(1000); free(x);
			      char *volatile y = x; free(y)), SIGABRT), "freed twice ends in abort");
}

static void streams(void)
{
	char path[] = "/tmp/xsc-heap-XXXXXX", line[64], *text = NULL;
	FILE *f = fdopen(mkstemp(path), "w+");
	double d = 0;
	size_t n = 0;
	int i, k = 0;

	must(f);
	for (i = 0; i < 5000; i++)
		fprintf(f, "line %d %.3f\n", i, i / 8.0);
	check(!fseek(f, 0, SEEK_SET) && fscanf(f, "line %d %lf\n", &k, &d) == 2 && k == 0, "fscanf");
	for (i = 1; fgets(line, sizeof(line), f); i++)
		;
	check_eq(i, 5000, "5000 lines");
	check(feof(f) && !ferror(f) && ftello(f) > 5000, "its end");
	fclose(f);
	unlink(path);
	f = open_memstream(&text, &n);
	check(f && fprintf(f, "%08x|%-5s|%+.2e", 0xbeefU, "ab", 12345.678) > 0 && !fclose(f) &&
	      !strcmp(text, "0000beef|ab   |+1.23e+04"), "open_memstream: %s", text);
	free(text);
	f = fmemopen((void *)"one two", 7, "r");
	check(f && fscanf(f, "%*s %3s", line) == 1 && !strcmp(line, "two") && !fclose(f), "fmemopen");
	text = NULL;
	check(asprintf(&text, "%s-%lld", "x", 1LL << 40) > 0 && !strcmp(text, "x-1099511627776"),
	      "asprintf");
	free(text);
}

int main(void)
{
	tap_begin();
	heap();
	streams();
	return tap_end();
}
