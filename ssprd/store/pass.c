// SPDX-License-Identifier: LGPL-2.1-or-later
#include <errno.h>

#include "store/db.h"

#define PASS_WINDOW (24 * 60 * 60)

/* 0, or who has had enough of them: 1 the issuer, 2 the user. */
static int judge(struct store *s, const struct policy_limits *limits, const char *who, const struct store_pass *pass)
{
	int64_t now = pass->expires - pass->life;
	_statement_ count = db_bind(s, SQL_PASS_COUNT, "tti", pass->issuer, who, now - PASS_WINDOW);
	int r = db_step(s, count);

	if (r <= 0)
		return r < 0 ? r : -EIO;
	if (sqlite3_column_int64(count, 0) >= limits->passes_per_day)
		return 1;
	return sqlite3_column_int64(count, 1) >= limits->passes_per_user ? 2 : 0;
}

static int count_one(struct store *s, const char *who, const struct store_pass *pass)
{
	int64_t now = pass->expires - pass->life;
	int r = db_run(s, db_bind(s, SQL_PASS_COUNT_FORGET, "i", now - PASS_WINDOW));

	return r == 0 ? db_run(s, db_bind(s, SQL_PASS_COUNT_ADD, "tti", pass->issuer, who, now)) : r;
}

int store_pass_issue(struct store *s, const struct policy_limits *limits, int64_t row, const char *who, const struct store_pass *pass,
		     const struct registration_pass *kept)
{
	int r = judge(s, limits, who, pass);

	if (r == 0)
		r = count_one(s, who, pass);
	if (r == 0)
		r = db_run(s, db_bind(s, SQL_PASS_CLEAR, "i", row));
	if (r == 0)
		r = db_run(s, db_bind(s, SQL_PASS_ADD, "ibbttiii", row, kept->salt, sizeof(kept->salt), kept->hash,
				      sizeof(kept->hash), pass->issuer, pass->verified, pass->issued, pass->life, pass->expires));
	return r;
}

int store_pass_revoke(struct store *s, int64_t row)
{
	int r = db_run(s, db_bind(s, SQL_PASS_CLEAR, "i", row));

	return r == 0 && db_changes(s) == 0 ? 1 : r;
}

int store_pass_list(struct store *s, int64_t after, int64_t now, unsigned int limit,
		    void (*each)(void *to, const struct store_pass *pass), void *to)
{
	_statement_ rows = db_bind(s, SQL_PASS_LIST, "iii", after, now, (int64_t)limit);
	int r;

	while ((r = db_step(s, rows)) > 0) {
		struct store_pass p = {
			.row = sqlite3_column_int64(rows, 0),
			.issued = sqlite3_column_int64(rows, 6),
			.expires = sqlite3_column_int64(rows, 7),
		};

		db_text(rows, 1, p.account.directory, sizeof(p.account.directory));
		db_text(rows, 2, p.account.object, sizeof(p.account.object));
		db_text(rows, 3, p.account.name, sizeof(p.account.name));
		db_text(rows, 4, p.issuer, sizeof(p.issuer));
		db_text(rows, 5, p.verified, sizeof(p.verified));
		each(to, &p);
	}
	return r;
}

int store_pass_clamp(struct store *s, int64_t now)
{
	int r = db_run(s, db_bind(s, SQL_PASS_CLAMP, "i", now));

	return r == 0 ? db_run(s, db_bind(s, SQL_PASS_COUNT_CLAMP, "i", now)) : r;
}

const struct crypto_key *store_pass_key(const struct store *s)
{
	return &s->pass;
}
