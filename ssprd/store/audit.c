// SPDX-License-Identifier: LGPL-2.1-or-later
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "store/db.h"

/* Pruning looks at the whole table, so it is done seldom. */
#define AUDIT_PRUNE_EVERY 256
#define AUDIT_VERIFY_PAGE 512

/* Every field with its length in front, so that no two rows read the same. */
static int row_hash(const struct store_audit *row, const uint8_t before[static CRYPTO_MAC],
		    uint8_t ret[static CRYPTO_MAC])
{
	const char *const fields[] = { row->correlation, row->activity, row->result, row->reason, row->method,
				       row->target,	 row->object,	row->seat,   row->actor };
	char text[1024];
	size_t at;

	memcpy(text, before, CRYPTO_MAC);
	at = CRYPTO_MAC + (size_t)snprintf(text + CRYPTO_MAC, sizeof(text) - CRYPTO_MAC, "%lld", (long long)row->at);
	for (size_t i = 0; i < ARRAY_SIZE(fields); i++) {
		int n = snprintf(text + at, sizeof(text) - at, "|%zu:%s", strlen(fields[i]), fields[i]);

		if (n < 0 || (size_t)n >= sizeof(text) - at)
			return -EMSGSIZE;
		at += (size_t)n;
	}
	return crypto_sha256(text, at, ret);
}

static int last_hash(struct store *s, uint8_t ret[static CRYPTO_MAC])
{
	_statement_ last = db_bind(s, SQL_AUDIT_LAST, "");
	int r = db_step(s, last);

	memset(ret, 0, CRYPTO_MAC);
	if (r > 0 && sqlite3_column_bytes(last, 0) == CRYPTO_MAC)
		memcpy(ret, sqlite3_column_blob(last, 0), CRYPTO_MAC);
	return r < 0 ? r : 0;
}

static int insert(struct store *s, struct store_audit *row)
{
	int r = db_run(s, db_bind(s, SQL_AUDIT_ADD, "itttttttttb", row->at, row->correlation, row->activity, row->result,
				  row->reason, row->method, row->target, row->object, row->seat, row->actor, row->hash,
				  sizeof(row->hash)));

	if (r == 0)
		row->row = sqlite3_last_insert_rowid(s->db);
	return r;
}

int store_audit_add(struct store *s, struct store_audit *row, unsigned int keep)
{
	uint8_t before[CRYPTO_MAC];
	int r = last_hash(s, before);

	if (r == 0)
		r = row_hash(row, before, row->hash);
	if (r == 0)
		r = insert(s, row);
	if (r == 0 && row->row % AUDIT_PRUNE_EVERY == 0)
		r = db_run(s, db_bind(s, SQL_AUDIT_PRUNE, "i", (int64_t)keep));
	return r;
}

static void read_row(sqlite3_stmt *rows, struct store_audit *ret)
{
	*ret = (struct store_audit){ .row = sqlite3_column_int64(rows, 0), .at = sqlite3_column_int64(rows, 1) };
	db_text(rows, 2, ret->correlation, sizeof(ret->correlation));
	db_text(rows, 3, ret->activity, sizeof(ret->activity));
	db_text(rows, 4, ret->result, sizeof(ret->result));
	db_text(rows, 5, ret->reason, sizeof(ret->reason));
	db_text(rows, 6, ret->method, sizeof(ret->method));
	db_text(rows, 7, ret->target, sizeof(ret->target));
	db_text(rows, 8, ret->object, sizeof(ret->object));
	db_text(rows, 9, ret->seat, sizeof(ret->seat));
	db_text(rows, 10, ret->actor, sizeof(ret->actor));
	if (sqlite3_column_bytes(rows, 11) == CRYPTO_MAC)
		memcpy(ret->hash, sqlite3_column_blob(rows, 11), CRYPTO_MAC);
}

int store_audit_list(struct store *s, int64_t after, int64_t since, const char *target, unsigned int limit,
		     void (*each)(void *to, const struct store_audit *row), void *to)
{
	_statement_ rows = db_bind(s, SQL_AUDIT_LIST, "iiti", after, since, target, (int64_t)limit);
	struct store_audit row;
	int r;

	while ((r = db_step(s, rows)) > 0) {
		read_row(rows, &row);
		each(to, &row);
	}
	return r;
}

struct audit_walk {
	uint8_t before[CRYPTO_MAC];
	int64_t last, rows, broken; /* rows of the table; broken: 0 = none yet */
};

/* The oldest row that is left has lost its forerunner to pruning: it is taken as it stands. A gap in the numbers is a loss. */
static void walk_row(struct audit_walk *w, const struct store_audit *row)
{
	uint8_t hash[CRYPTO_MAC];

	if (w->rows > 0 && w->broken == 0 &&
	    (row->row != w->last + 1 || row_hash(row, w->before, hash) < 0 || memcmp(hash, row->hash, sizeof(hash)) != 0))
		w->broken = row->row;
	memcpy(w->before, row->hash, sizeof(w->before));
	w->last = row->row;
	w->rows++;
}

static int walk_page(struct store *s, struct audit_walk *w)
{
	_statement_ rows = db_bind(s, SQL_AUDIT_CHAIN, "ii", w->last, (int64_t)AUDIT_VERIFY_PAGE);
	struct store_audit row;
	int r, found = 0;

	while ((r = db_step(s, rows)) > 0) {
		read_row(rows, &row);
		walk_row(w, &row);
		found = 1;
	}
	return r < 0 ? r : found;
}

int store_audit_verify(struct store *s, int64_t *ret_row, int64_t *ret_rows)
{
	struct audit_walk w = {};
	int r;

	while ((r = walk_page(s, &w)) > 0)
		;
	if (r < 0)
		return r;
	*ret_row = w.broken;
	*ret_rows = w.rows;
	return w.broken != 0;
}

int store_audit_recent(struct store *s, const char *target, const char *activity, int64_t since, unsigned int most)
{
	_statement_ recent = db_bind(s, SQL_AUDIT_RECENT, "ttii", target, activity, since, (int64_t)most);
	int r = db_step(s, recent);

	if (r <= 0)
		return r < 0 ? r : -EIO;
	return sqlite3_column_int64(recent, 0) >= (int64_t)most || sqlite3_column_int64(recent, 1) > 0;
}
