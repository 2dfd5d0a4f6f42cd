// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

/*
 * The rules for a new password that need no directory. The one home of libunistring's header: PAM programs do not
 * normalise, so a password that is not in Unicode's form C could be set here and never typed again elsewhere.
 */

#include "flow/job.h"
#include "flow/policy.h"

/* The policy's rules and those of the account's directory that are known: Entra takes ASCII only, and three of four classes. */
void password_rules(const struct policy *policy, const struct account *account, struct policy_password *ret);

/*
 * WHY_NONE, or the first rule that the password breaks. Nothing is trimmed, cut or changed. `name` is the account's, `names` the
 * words of the person's.
 */
enum why password_check(const struct policy_password *rules, const struct secret *password, const char *name, const char *names);
