// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

/*
 * Whether a password is in lists of stolen ones, asked by range (the protocol of Pwned Passwords): five of the forty digits of its
 * SHA-1 leave the machine, the answer is every line that begins so, padded with lines of count 0 so that its length tells nothing.
 * What is not such an answer to its last line is none.
 */

#include "flow/job.h"
#include "flow/policy.h"
#include "web/trust.h"

struct breached {
	const struct policy_password *policy;
	const struct trust *trust;
	int peer;
};

void breached_ask(const struct breached *b, const struct job *job, struct job_result *ret);
