// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

/* A code to a phone, as a text message or a call, by the provider of [sms] or [voice]. */

#include "flow/job.h"
#include "flow/policy.h"
#include "web/trust.h"

struct phone {
	const struct policy *policy;
	const struct trust *sms, *voice;
};

/* As mail_deliver() in deliver/mail.h. Number and text are judged again, by whoever they come from. */
void phone_deliver(const struct phone *p, int peer, int leave, const struct job *job, struct job_result *ret);
