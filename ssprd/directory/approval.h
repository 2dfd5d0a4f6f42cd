// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

/*
 * Device authorization sign-in (RFC 8628) at Entra as a proof: APPROVAL and APPROVE of flow/job.h. The ticket is the device code
 * with the moment it was made, by the server's clock, and its interval: "SECONDS INTERVAL CODE".
 * Which id_tokens count is said in directory/id_token.h.
 */

#include "directory/entra.h"

void approval_begin(const struct entra *e, const struct job *job, struct job_result *ret);
/* Asks, with the server's interval between (slow_down adds 5 s), until the answer is final or ten seconds are over. */
void approval_ask(const struct entra *e, const struct job *job, struct job_result *ret);
