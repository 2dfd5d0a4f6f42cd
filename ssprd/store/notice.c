// SPDX-License-Identifier: LGPL-2.1-or-later
#include "store/db.h"

int store_notice_add(struct store *s, const struct store_notice *notice)
{
	const struct account *a = &notice->account;

	return db_run(s, db_bind(s, SQL_NOTICE_ADD, "tttttitt", notice->kind, notice->correlation, a->directory, a->object,
				 a->name, notice->at, notice->address, notice->told));
}

int store_notices(struct store *s, int64_t after, unsigned int limit,
		  void (*each)(void *to, const struct store_notice *notice), void *to)
{
	_statement_ rows = db_bind(s, SQL_NOTICE_OPEN, "ii", after, (int64_t)limit);
	int r;

	while ((r = db_step(s, rows)) > 0) {
		struct store_notice n = { .row = sqlite3_column_int64(rows, 0), .at = sqlite3_column_int64(rows, 6) };

		db_text(rows, 1, n.kind, sizeof(n.kind));
		db_text(rows, 2, n.correlation, sizeof(n.correlation));
		db_text(rows, 3, n.account.directory, sizeof(n.account.directory));
		db_text(rows, 4, n.account.object, sizeof(n.account.object));
		db_text(rows, 5, n.account.name, sizeof(n.account.name));
		db_text(rows, 7, n.address, sizeof(n.address));
		db_text(rows, 8, n.told, sizeof(n.told));
		each(to, &n);
	}
	return r;
}

int store_notice_done(struct store *s, int64_t row)
{
	return db_run(s, db_bind(s, SQL_NOTICE_DONE, "i", row));
}
