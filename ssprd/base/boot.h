// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <stdint.h>
#include <time.h>

/* Milliseconds of CLOCK_BOOTTIME: they go on while the machine sleeps, and no change of the wall clock moves them. */
static inline int64_t boot_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_BOOTTIME, &t);
	return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}
