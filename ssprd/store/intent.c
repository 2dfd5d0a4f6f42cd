// SPDX-License-Identifier: LGPL-2.1-or-later
#include <string.h>

#include "store/db.h"

int store_intent_add(struct store *s, const struct store_intent *intent, int64_t *ret_row)
{
	const struct account *a = &intent->account;
	const struct store_history *h = &intent->history;
	int r = db_run(s, db_bind(s, SQL_INTENT_ADD, "tttttiibbi", intent->correlation, a->directory, a->object, a->name,
				  a->mark, intent->at, intent->lasting, h->salt, h->keep ? sizeof(h->salt) : 0, h->hash,
				  h->keep ? sizeof(h->hash) : 0, (int64_t)h->keep));

	if (r == 0)
		*ret_row = sqlite3_last_insert_rowid(s->db);
	return r;
}

static int end_history(struct store *s, int64_t row, const char *state)
{
	int r = 0;

	if (strcmp(state, "unknown") == 0)
		return 0;
	if (strcmp(state, "done") == 0) {
		r = db_run(s, db_bind(s, SQL_HISTORY_TAKE, "i", row));
		if (r == 0)
			r = db_run(s, db_bind(s, SQL_HISTORY_PRUNE, "i", row));
	}
	return r < 0 ? r : db_run(s, db_bind(s, SQL_INTENT_FORGET, "i", row));
}

int store_intent_end(struct store *s, int64_t row, const char *state)
{
	int r = db_run(s, db_bind(s, SQL_INTENT_END, "ti", state, row));

	if (r == 0 && db_changes(s) != 1)
		return 1;
	if (r == 0 && strcmp(state, "done") == 0)
		r = db_run(s, db_bind(s, SQL_NOTICE_OF_INTENT, "i", row));
	return r < 0 ? r : end_history(s, row, state);
}

static int list(struct store *s, sqlite3_stmt *statement, void (*each)(void *to, const struct store_intent *intent),
		void *to)
{
	_statement_ rows = statement;
	char state[16];
	int r;

	while ((r = db_step(s, rows)) > 0) {
		struct store_intent i = {
			.row = sqlite3_column_int64(rows, 0),
			.at = sqlite3_column_int64(rows, 6),
			.lasting = sqlite3_column_int64(rows, 8),
		};

		db_text(rows, 1, i.correlation, sizeof(i.correlation));
		db_text(rows, 2, i.account.directory, sizeof(i.account.directory));
		db_text(rows, 3, i.account.object, sizeof(i.account.object));
		db_text(rows, 4, i.account.name, sizeof(i.account.name));
		db_text(rows, 5, i.account.mark, sizeof(i.account.mark));
		db_text(rows, 7, state, sizeof(state));
		i.unknown = strcmp(state, "unknown") == 0;
		each(to, &i);
	}
	return r;
}

int store_intents(struct store *s, int64_t after, unsigned int limit,
		  void (*each)(void *to, const struct store_intent *intent), void *to)
{
	return list(s, db_bind(s, SQL_INTENT_OPEN, "ii", after, (int64_t)limit), each, to);
}

int store_intent_count(struct store *s, int64_t *ret)
{
	return db_number(s, db_bind(s, SQL_INTENT_COUNT, ""), ret);
}
