// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

/* Mail to one person, by the mail server of [mail]. */

#include "deliver/transfer.h"
#include "flow/job.h"
#include "flow/policy.h"

/* However long a job's life is, one job tries no longer than this; seconds. */
#define MAIL_LIFE_MAX 900

struct mail {
	const struct policy_mail *policy;
	const struct transfer *transfer;
};

/* What one try means for the job. */
struct mail_verdict {
	enum outcome outcome;
	enum why why;
	bool again; /* the failure is temporary */
};

struct mail_verdict mail_judge(const struct transfer_report *report);

/*
 * Tries until the mail is taken, refused for good, or the job's life is over, with growing pauses. Gives up when the peer
 * closes, and in a pause also when the peer asks for something else or `leave` becomes readable.
 */
void mail_deliver(const struct mail *m, int peer, int leave, const struct job *job, struct job_result *ret);
