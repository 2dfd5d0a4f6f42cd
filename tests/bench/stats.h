// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

/* Times of single runs, in shared memory so that children can write them; printed as one line for bench.py. */

#include <err.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <time.h>

struct stats {
	size_t n;
	uint64_t ns[];
};

static inline uint64_t stats_now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

static inline struct stats *stats_new(size_t n)
{
	struct stats *s = mmap(NULL, sizeof(*s) + n * sizeof(s->ns[0]), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS,
			       -1, 0);

	if (s == MAP_FAILED)
		err(1, "mmap");
	s->n = n;
	return s;
}

static inline int stats_order(const void *a, const void *b)
{
	const uint64_t *x = a, *y = b;

	return *x < *y ? -1 : *x > *y;
}

/* NAME median p99 in microseconds */
static inline void stats_print(const char *name, struct stats *s)
{
	qsort(s->ns, s->n, sizeof(s->ns[0]), stats_order);
	printf("%s %.1f %.1f\n", name, (double)s->ns[s->n / 2] / 1000, (double)s->ns[s->n * 99 / 100] / 1000);
	fflush(stdout);
}
