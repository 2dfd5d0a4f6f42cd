// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

/* Text with %placeholders%, as an administrator writes the request to a gateway. */

#include <stddef.h>

enum placeholder {
	PLACEHOLDER_TO,	    /* +491701234567 */
	PLACEHOLDER_NUMBER, /* the same without its plus sign */
	PLACEHOLDER_TEXT,
	PLACEHOLDER_CODE,
	PLACEHOLDER_FROM,
	PLACEHOLDER_USER,
	PLACEHOLDER_SECRET, /* the credential */
	PLACEHOLDER_ID,	    /* of this message, new for each */
	PLACEHOLDER_LANG,   /* en-US */
	PLACEHOLDERS,
};

/* How many bytes the placeholder at this place has, or 0 when there is none. */
size_t placeholder_at(const char *text, enum placeholder *ret);

/* What would be right, or NULL: %word% that is no placeholder is a mistake. */
const char *placeholder_wrong(const char *text);
