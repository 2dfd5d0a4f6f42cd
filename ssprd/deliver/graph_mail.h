// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

/* Mail to one person from one mailbox of the tenant, by Graph's sendMail, where [mail] directory names it. 202 is "taken". */

#include "flow/job.h"
#include "flow/policy.h"
#include "web/trust.h"

struct graph_mail {
	const struct policy *policy;
	const struct policy_directory *directory;
	const struct trust *trust;
};

/* As mail_deliver() in deliver/mail.h. */
void graph_mail_deliver(const struct graph_mail *m, int peer, int leave, const struct job *job, struct job_result *ret);
