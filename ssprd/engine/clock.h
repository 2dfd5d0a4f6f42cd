// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

/*
 * The time of events. The lasting clock counts seconds like the wall clock, but follows CLOCK_BOOTTIME within a boot and
 * never goes back from one to the next: a block lasts as long as it should whatever is done to the wall clock.
 */

#include "flow/moment.h"
#include "store/store.h"

struct clock {
	char boot[40];
	int64_t offset; /* lasting seconds at boot */
};

/* Takes up what the store knows. */
int clock_init(struct clock *c, struct store *store);
void clock_now(const struct clock *c, struct moment *ret);
int clock_save(const struct clock *c, struct store *store);
/* An administrator says that the wall clock is right, though it is behind. */
int clock_accept(struct clock *c, struct store *store);
