// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

/* Mail to one person, by the mail server of [mail]. */

#include "deliver/persist.h"
#include "deliver/transfer.h"
#include "flow/job.h"
#include "flow/policy.h"

struct mail {
	const struct policy_mail *policy;
	const struct trust *trust;
};

/* What one try means for the job. */
struct verdict mail_judge(const struct transfer_report *report);

/* As long as deliver/persist.h says; gives up when the peer closes. */
void mail_deliver(const struct mail *m, int peer, int leave, const struct job *job, struct job_result *ret);
