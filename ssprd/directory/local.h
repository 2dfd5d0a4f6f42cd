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

void local_lookup(const struct local *l, const struct job *job, struct job_result *ret);
void local_reset(const struct local *l, const struct job *job, struct job_result *ret);
