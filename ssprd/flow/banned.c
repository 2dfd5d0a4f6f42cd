// SPDX-License-Identifier: LGPL-2.1-or-later
#include "flow/banned.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/text.h"

static const char *take(void *to, const char *line)
{
	struct protection_list *list = to;

	if (!text_printable(line, strlen(line)))
		return "a term without control characters";
	if (protection_add(list, line))
		return NULL;
	return list->n == PROTECTION_TERMS ? "one of at most 1000 terms" : "a term of 4 to 16 characters, one a line";
}

int banned_read(const char *path, struct conf_report *report, struct protection_list **ret)
{
	_cleanup_(freep) struct protection_list *list = calloc(1, sizeof(*list));

	if (!list)
		return -ENOMEM;
	if (conf_read_lines(path, take, list, report) != 0)
		return 1;
	*ret = TAKE_PTR(list);
	return 0;
}
