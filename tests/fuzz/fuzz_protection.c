// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Password Protection: whatever the password, the terms and the names are, the score stays within its bounds, a password is worth no
 * more with more terms, and one that is four terms or fewer is never accepted.
 */
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "flow/protection.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Up to the next line feed. */
static size_t take(const char **at, size_t *left, char *ret, size_t room)
{
	const char *end = memchr(*at, '\n', *left);
	size_t len = end ? (size_t)(end - *at) : *left, skip = end ? len + 1 : len;

	if (len >= room)
		len = room - 1;
	memcpy(ret, *at, len);
	ret[len] = 0;
	*at += skip;
	*left -= skip;
	return len;
}

static void judge(const struct protection_list *list, const char *password, size_t len, const char *names)
{
	static const struct protection_list none;
	static struct protection_text text;
	unsigned int score, before;

	if (!protection_read(password, len, &text))
		return;
	score = protection_score(list, &text);
	before = protection_score(&none, &text);
	if (score > PROTECTION_ENOUGH || score > before || (text.n > 0) != (score > 0) || (text.n < PROTECTION_ENOUGH && score > text.n))
		abort();
	protection_contains(&text, names);
	protection_contains_name(&text, names);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct protection_list list;
	const char *at = (const char *)data;
	char password[SECRET_MAX + 1], names[192], term[96], four[4 * sizeof(term)] = "";
	size_t len = take(&at, &size, password, sizeof(password));

	take(&at, &size, names, sizeof(names));
	list.n = 0;
	while (size > 0) {
		take(&at, &size, term, sizeof(term));
		if (protection_add(&list, term) && list.n < PROTECTION_ENOUGH)
			strcat(four, term);
	}
	judge(&list, password, len, names);
	if (list.n > 0) {
		static struct protection_text text;

		if (!protection_read(four, strlen(four), &text) || protection_score(&list, &text) >= PROTECTION_ENOUGH)
			abort();
	}
	return 0;
}
