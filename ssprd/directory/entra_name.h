// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

/* Which principal name of a tenant a typed name means. */

#include "flow/account.h"
#include "flow/policy.h"

/*
 * A name with @ stands for itself if its domain is one of the tenant's; another one is looked for in the map file, then put into
 * the template, or before the first domain. What could not be a principal name (Entra: sspr-policy) is none.
 * 0; 1 when it means nobody of this tenant; -errno when the map file cannot be read; -EBADMSG when a line of it is wrong (told).
 */
int entra_name(const struct policy_entra *p, const char *typed, char ret[static ACCOUNT_NAME]);

/* Without regard to case, as Entra compares them; ASCII. */
bool entra_same_name(const char *a, const char *b);
