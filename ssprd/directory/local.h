// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

/* Local accounts. The object is the uid in decimal, the mark a digest of the uid and the hash in shadow(5). */

#include "directory/files.h"
#include "flow/job.h"
#include "flow/policy.h"

struct local {
	const struct policy *policy;
	struct files files;
};

/*
 * `peer` is the asking side: without it nothing is written. A LOOKUP that names an object asks what came of a write: it waits
 * until no write is under way, so that its answer is final.
 */
void local_lookup(const struct local *l, int peer, const struct job *job, struct job_result *ret);
void local_reset(const struct local *l, int peer, const struct job *job, struct job_result *ret);
