// SPDX-License-Identifier: LGPL-2.1-or-later
#include "base/placeholder.h"

#include <string.h>

static const char *const names[PLACEHOLDERS] = {
	[PLACEHOLDER_TO] = "%to%",	   [PLACEHOLDER_NUMBER] = "%number%", [PLACEHOLDER_TEXT] = "%text%",
	[PLACEHOLDER_CODE] = "%code%",	   [PLACEHOLDER_FROM] = "%from%",     [PLACEHOLDER_USER] = "%user%",
	[PLACEHOLDER_SECRET] = "%secret%", [PLACEHOLDER_ID] = "%id%",	      [PLACEHOLDER_LANG] = "%lang%",
};

size_t placeholder_at(const char *text, enum placeholder *ret)
{
	for (int i = 0; i < PLACEHOLDERS; i++) {
		size_t len = strlen(names[i]);

		if (strncmp(text, names[i], len) == 0) {
			*ret = (enum placeholder)i;
			return len;
		}
	}
	return 0;
}

const char *placeholder_wrong(const char *text)
{
	enum placeholder name;

	while ((text = strchr(text, '%'))) {
		size_t len = placeholder_at(text, &name), word = strspn(text + 1, "abcdefghijklmnopqrstuvwxyz-_");

		/* Two letters may be an escaped byte of an address. */
		if (len == 0 && word > 2 && text[1 + word] == '%')
			return "text in which %to% %number% %text% %code% %from% %user% %secret% %id% %lang% stand for values";
		text += len > 0 ? len : 1;
	}
	return NULL;
}
