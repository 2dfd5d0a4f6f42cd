// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

/*
 * The listening half of a worker. It takes connections of one user only and forks a child for each. The child does
 * one job after another in plain blocking code and ends when the asking side closes, when no job came for SERVE_IDLE
 * seconds, or after a job when there is no room for others. The parent never sees a job.
 *
 * A job that runs past its deadline is killed with its child. The asking side sees the end of the connection, which
 * means: outcome unknown.
 */

#include <sys/types.h>

#include "flow/job.h"

#define SERVE_IDLE 10
#define SERVE_CHILDREN 64

struct serve {
	unsigned int children; /* at one time; further connections wait */
	/* Seconds that this job may take. */
	unsigned int (*deadline)(const struct job *job);
	/*
	 * Does it. Work that only waits for better times is to stop when one of the two is readable: `peer` is the asking
	 * side, which goes away or asks for something else; `leave` says that others need the place.
	 */
	void (*work)(const void *context, int peer, int leave, const struct job *job, struct job_result *ret);
	const void *context;
};

/*
 * Serves until SIGTERM or SIGINT; then no connection is taken any more, and running jobs end within their deadlines.
 * 0, or -errno when it could not begin.
 */
int serve_run(int listener, uid_t peer, const struct serve *s);

/* The same with the socket handed over by this name, for connections of the user `sspr`; tells what is wrong. */
int serve_handed_over(const char *name, const struct serve *s);
