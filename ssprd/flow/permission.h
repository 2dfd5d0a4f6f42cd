// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

/* The application permissions of Microsoft Graph that a [directory NAME] of type entra needs: what is checked is what is set up. */

#include <stdbool.h>
#include <stddef.h>

#include "flow/policy.h"

/* Sets the password of everybody in the tenant. A directory role limited to an administrative unit does without it. */
#define PERMISSION_WRITE "User-PasswordProfile.ReadWrite.All"

struct permission {
	const char *name, *purpose;
	bool (*needed)(const struct policy *p, const struct policy_directory *d);
};

/* All but PERMISSION_WRITE, needed or not; NULL behind the last one. */
const struct permission *permission_at(size_t i);

/* Mail is sent from a mailbox of this directory's tenant. */
bool permission_sends_mail(const struct policy *p, const struct policy_directory *d);
