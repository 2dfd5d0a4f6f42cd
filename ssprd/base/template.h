// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

/* Text with %placeholders%, as an administrator writes the request to a gateway. */

#include <stddef.h>

enum template_name {
	TEMPLATE_TO,	 /* +491701234567 */
	TEMPLATE_NUMBER, /* the same without its plus sign */
	TEMPLATE_TEXT,
	TEMPLATE_CODE,
	TEMPLATE_FROM,
	TEMPLATE_USER,
	TEMPLATE_SECRET, /* the credential */
	TEMPLATE_ID,	 /* of this message, new for each */
	TEMPLATE_LANG,	 /* en-US */
	TEMPLATE_NAMES,
};

/* How many bytes the placeholder at this place has, or 0 when there is none. */
size_t template_at(const char *text, enum template_name *ret);

/* What would be right, or NULL: %word% that is no placeholder is a mistake. */
const char *template_wrong(const char *text);
