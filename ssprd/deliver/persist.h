// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

/* How long a message is tried again, by whatever way it goes. */

#include <stdbool.h>

#include "flow/job.h"

/* However long a job's life is, one job tries no longer than this; seconds. */
#define PERSIST_MAX 900

struct verdict {
	enum outcome outcome;
	enum why why;
	bool again; /* the failure is temporary */
	unsigned int wait; /* then the other side wants to be left alone for so many seconds; 0: it did not say */
};

/* One try. `way` is the caller's. */
typedef struct verdict persist_fn(void *way, const struct job *job);

/*
 * Tries until the message is taken, refused for good, or the job's life is over, with growing pauses. A pause ends, and the
 * trying, when the peer asks for something else or closes, or `leave` becomes readable.
 */
struct verdict persist(persist_fn *attempt, void *way, int peer, int leave, const struct job *job);
