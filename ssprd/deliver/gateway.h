// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

/* A template of an administrator, filled in; and what an answer must be. The provider itself is a row of phone.c. */

#include <stdbool.h>
#include <stddef.h>

#include "base/placeholder.h"

enum gateway_escape {
	ESCAPE_NONE,
	ESCAPE_URL,
	ESCAPE_JSON,
	ESCAPE_XML,
};

/* values[PLACEHOLDER_...]: "" where there is none. -EMSGSIZE, -EINVAL: a value may not stand there. */
int gateway_fill(const char *template, const char *const values[static PLACEHOLDERS], enum gateway_escape escape, char *ret,
		 size_t size);

/* Whether the member at a path like messages.0.status has the value behind the =. */
bool gateway_json(const char *wanted, const char *body, size_t len);

/* Whether an extended regular expression matches. */
bool gateway_match(const char *wanted, const char *body, size_t len);
