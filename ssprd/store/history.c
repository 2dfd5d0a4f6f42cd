// SPDX-License-Identifier: LGPL-2.1-or-later
#include <stdio.h>
#include <string.h>

#include "store/db.h"

/* The salt has one length, and neither directory nor object holds a blank, so that no two accounts read the same. */
static int hash_of(const struct store *s, const struct account *a, const struct secret *password, const uint8_t salt[static STORE_SALT],
		   uint8_t ret[static CRYPTO_MAC])
{
	char bound[STORE_SALT + ACCOUNT_DIRECTORY + ACCOUNT_OBJECT + 4];
	int n;

	memcpy(bound, salt, STORE_SALT);
	n = snprintf(bound + STORE_SALT, sizeof(bound) - STORE_SALT, "%s %s ", a->directory, a->object);
	return crypto_mac(&s->history, bound, STORE_SALT + (size_t)n, password->b, password->len, ret);
}

int store_history_make(struct store *s, const struct account *a, const struct secret *password, unsigned int keep,
		       struct store_history *ret)
{
	struct store_history h = { .keep = keep };
	int r = crypto_random(h.salt, sizeof(h.salt));

	if (r == 0)
		r = hash_of(s, a, password, h.salt, h.hash);
	if (r == 0)
		*ret = h;
	return r;
}

/* 1: this row is of that password. */
static int row_is_of(struct store *s, sqlite3_stmt *rows, const struct account *a, const struct secret *password)
{
	uint8_t hash[CRYPTO_MAC];
	int r;

	if (sqlite3_column_bytes(rows, 0) != STORE_SALT || sqlite3_column_bytes(rows, 1) != CRYPTO_MAC)
		return 0;
	r = hash_of(s, a, password, sqlite3_column_blob(rows, 0), hash);
	return r < 0 ? r : bytes_equal(hash, sqlite3_column_blob(rows, 1), sizeof(hash));
}

int store_history_has(struct store *s, const struct account *a, const struct secret *password, unsigned int most)
{
	_statement_ rows = db_bind(s, SQL_HISTORY_LIST, "tti", a->directory, a->object, (int64_t)most);
	int r = 0, found = 0;

	while (found == 0 && (r = db_step(s, rows)) > 0)
		found = row_is_of(s, rows, a, password);
	return found != 0 ? found : r;
}
