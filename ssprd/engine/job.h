// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

/*
 * Jobs on their way to a worker and back. A pool is one worker's socket: so many connections at a time, each for one job; what
 * comes more waits in line. The answer comes by a call from the event loop, never from within jobs_submit(). No answer, for
 * whatever reason, is OUTCOME_UNKNOWN; one that never left is OUTCOME_REFUSED with WHY_UNREACHABLE, so nothing was done.
 */

#include <systemd/sd-event.h>

#include "flow/job.h"

struct jobs_link;
struct jobs_request;

struct jobs {
	sd_event *event;
	sd_event_source *pump;
	const char *path;
	unsigned int links_max, links_n;
	struct jobs_link *links;
	struct jobs_request *first, *last;
};

typedef void jobs_done_fn(void *owner, enum job_kind kind, const struct job_result *result);

int jobs_init(struct jobs *j, sd_event *event, const char *path, unsigned int links_max);
void jobs_deinit(struct jobs *j);

/* Copies the job, with its time; the caller wipes its own. -ENOMEM. */
int jobs_submit(struct jobs *j, struct job *job, jobs_done_fn *done, void *owner);

/* Nobody waits any more: what is in line is dropped, connections are closed, `done` is not called. */
void jobs_forget(struct jobs *j, const void *owner);

/* Nobody waits for those of this kind any more, but they are to be done all the same. */
void jobs_release(struct jobs *j, const void *owner, enum job_kind kind);

/* Ends what takes too long; starts what could not start before. Once a second while jobs_busy(). */
void jobs_tick(struct jobs *j, int64_t now);
static inline bool jobs_busy(const struct jobs *j)
{
	return j->links || j->first;
}
