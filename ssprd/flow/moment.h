// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <stdint.h>

/* The time of an event, as three clocks tell it. */
struct moment {
	int64_t boot;	 /* milliseconds of CLOCK_BOOTTIME: what lives for minutes */
	int64_t wall;	 /* seconds since the epoch, as the machine believes: what is shown, and TOTP */
	int64_t lasting; /* seconds since the epoch that never went back and do not follow a jump: limits */
};
