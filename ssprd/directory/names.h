// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

/* Whether a name means one account and no other. */

#include <stdbool.h>
#include <sys/types.h>

/*
 * A name that useradd(8) could have made: letters, digits, `_`, `-` and `.`; not beginning with `-` or `.`, not all
 * digits, at most 32.
 */
bool name_valid(const char *name);

/*
 * 1 when the name service knows the name with this uid and primary group, and the uid with this name, 0 when it says something else or knows
 * them not at all, -errno when it could not say.
 */
int name_agreed(const char *name, uid_t uid, gid_t gid);

/* Takes the name service's modules into memory, so that a child does not load them for every job. */
void names_load(void);
