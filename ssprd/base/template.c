// SPDX-License-Identifier: LGPL-2.1-or-later
#include "base/template.h"

#include <string.h>

static const char *const names[TEMPLATE_NAMES] = {
	[TEMPLATE_TO] = "%to%",	    [TEMPLATE_NUMBER] = "%number%", [TEMPLATE_TEXT] = "%text%",
	[TEMPLATE_CODE] = "%code%", [TEMPLATE_FROM] = "%from%",	    [TEMPLATE_USER] = "%user%",
	[TEMPLATE_SECRET] = "%secret%", [TEMPLATE_ID] = "%id%",	    [TEMPLATE_LANG] = "%lang%",
};

size_t template_at(const char *text, enum template_name *ret)
{
	for (int i = 0; i < TEMPLATE_NAMES; i++) {
		size_t len = strlen(names[i]);

		if (strncmp(text, names[i], len) == 0) {
			*ret = (enum template_name)i;
			return len;
		}
	}
	return 0;
}

const char *template_wrong(const char *text)
{
	enum template_name name;

	while ((text = strchr(text, '%'))) {
		size_t len = template_at(text, &name), word = strspn(text + 1, "abcdefghijklmnopqrstuvwxyz-_");

		/* Two letters may be an escaped byte of an address. */
		if (len == 0 && word > 2 && text[1 + word] == '%')
			return "text in which %to% %number% %text% %code% %from% %user% %secret% %id% %lang% stand for values";
		text += len > 0 ? len : 1;
	}
	return NULL;
}
