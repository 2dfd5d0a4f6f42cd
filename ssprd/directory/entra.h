// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

/*
 * Accounts of a Microsoft Entra tenant, by Microsoft Graph with application permissions: LOOKUP, RESET and CHECK of flow/job.h.
 *
 * object is the user's objectId, name the userPrincipalName, mark lastPasswordChangeDateTime. Refused: guests, disabled accounts,
 * holders of a directory role (active or eligible), members of role-assignable groups, synced users (WHY_SYNCED), federated ones,
 * who is not in the scope group (nested members are). A question that could not be asked is a refusal.
 */

#include "flow/job.h"
#include "flow/policy.h"
#include "web/trust.h"

struct entra {
	const struct policy *policy; /* privileged lists, password rules */
	const struct policy_directory *directory;
	const struct trust *trust;
	int peer;
};

void entra_lookup(const struct entra *e, const struct job *job, struct job_result *ret);
void entra_reset(const struct entra *e, const struct job *job, struct job_result *ret);
void entra_check(const struct entra *e, const struct job *job, struct job_result *ret);
