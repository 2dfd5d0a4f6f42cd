// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

/*
 * Local accounts that are never reset: the writer's own judgement, whatever the asking side believes. Nothing here may be
 * switched off but for the privileged groups, and that only for an account named in allow-privileged.
 */

#include "directory/files.h"
#include "directory/groups.h"
#include "flow/job.h"
#include "flow/policy.h"

/* WHY_NONE, or why the account is out of reach. What cannot be looked up is refused with WHY_BROKEN or WHY_MISCONFIGURED. */
enum why protected_uid(const struct files *f, uid_t uid);
enum why protected_shell(const struct files *f, const char *shell);
enum why protected_locked(const struct files_user *user, const struct files_shadow *shadow, long today);
enum why protected_groups(const struct files *f, const struct policy_local *policy, const char *name,
			  const struct groups *groups);
