// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

/* Times of single runs, in shared memory so that children can write them; printed as lines for bench.py. */

#include <err.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define NAMES_MAX 4096

struct stats {
	size_t n;
	_Atomic size_t taken;
	uint64_t ns[];
};

struct names {
	size_t n;
	char name[NAMES_MAX][64];
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

static inline void names_read(struct names *ret)
{
	for (ret->n = 0; ret->n < NAMES_MAX && scanf("%63s", ret->name[ret->n]) == 1;)
		ret->n++;
	if (ret->n == 0)
		errx(1, "no names");
}

static inline void stats_wait(size_t processes)
{
	int status;

	for (size_t p = 0; p < processes; p++)
		if (wait(&status) < 0 || status != 0)
			errx(1, "a process failed");
}

/* That many processes do it for that long, name after name; then prints "seconds", how often, and the times. */
static inline void stats_spend(const char *what, size_t processes, double seconds, const struct names *names,
			       void (*once)(const char *name, size_t nth))
{
	struct stats *s = stats_new(1000000);
	uint64_t start = stats_now(), end = start + (uint64_t)(seconds * 1e9);

	for (size_t p = 0; p < processes; p++)
		if (fork() == 0) {
			uint64_t before;

			do {
				size_t i = s->taken++;

				before = stats_now();
				once(names->name[i % names->n], i);
				s->ns[i] = stats_now() - before;
			} while (stats_now() < end && s->taken < s->n - processes);
			_exit(0);
		}
	stats_wait(processes);
	s->n = s->taken;
	printf("seconds %.6f\ncount %zu\n", (double)(stats_now() - start) / 1e9, s->n);
	stats_print(what, s);
}
