// SPDX-License-Identifier: LGPL-2.1-or-later
#include "directory/hash.h"

#include <crypt.h>
#include <errno.h>
#include <stdlib.h>

/* crypt(5): the shortest that has a mark in front, BSDi's. DES has none: it cannot be told from a word of 13 letters. */
#define HASH_MARKED 20
#define METHOD_MAX 3 /* "$2b$", "$gy$" */

static const char base64[] = "./0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
static const char marked[] = "$_=,-./0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

bool hash_is_one(const char *text)
{
	size_t len = strlen(text);

	if (text[0] == '_' && (len != HASH_MARKED || strspn(text + 1, base64) != len - 1))
		return false;
	/* $METHOD$SALT$HASH: a word after the method alone is none. */
	if (text[0] == '$' && strrchr(text, '$') <= text + METHOD_MAX)
		return false;
	return (text[0] == '$' || text[0] == '_') && len >= HASH_MARKED && strspn(text, marked) == len &&
	       crypt_checksalt(text) != CRYPT_SALT_INVALID;
}

int hash_is_of(const char *hash, const struct secret *password)
{
	struct crypt_data *data = calloc(1, sizeof(*data));
	const char *made;
	bool same;

	if (!data)
		return -ENOMEM;
	made = crypt_r(password->b, hash, data);
	same = made && strlen(made) == strlen(hash) && bytes_equal(made, hash, strlen(hash));
	explicit_bzero(data, sizeof(*data));
	free(data);
	return same;
}
