// SPDX-License-Identifier: LGPL-2.1-or-later
/* What the limits have counted: shown to an administrator, and forgotten. */
#include "store/db.h"

int store_counters(struct store *s, const struct policy_limits *l, int64_t now, uint64_t after, unsigned int limit,
		   void (*each)(void *to, const struct store_counter *counter), void *to)
{
	_statement_ rows = db_bind(s, SQL_COUNTERS, "iiiiiiii", now, l->gate_window, l->account_window, l->reset_window,
				   l->seat_window, l->global_window, (int64_t)limit, (int64_t)after);
	int r;

	while ((r = db_step(s, rows)) > 0) {
		struct store_counter c = {
			.count = sqlite3_column_int64(rows, 3),
			.until = sqlite3_column_int64(rows, 4),
			.blocked_until = sqlite3_column_int64(rows, 5),
		};

		db_text(rows, 0, c.scope, sizeof(c.scope));
		db_text(rows, 1, c.who, sizeof(c.who));
		db_text(rows, 2, c.gate, sizeof(c.gate));
		db_text(rows, 6, c.name, sizeof(c.name));
		each(to, &c);
	}
	return r;
}

static int run_all(struct store *s, const enum sql *which, size_t n, const char *types, const char *value)
{
	int touched = 0, r = 0;

	for (size_t i = 0; i < n && r == 0; i++) {
		r = db_run(s, db_bind(s, which[i], types, value));
		if (r == 0)
			touched += db_changes(s);
	}
	return r == 0 && touched == 0 ? 1 : r;
}

int store_counters_clear(struct store *s, const char *who)
{
	static const enum sql all[] = { SQL_ATTEMPT_CLEAR_MIRRORS, SQL_ATTEMPT_CLEAR, SQL_BLOCK_CLEAR,
					SQL_RESET_CLEAR,	   SQL_SEND_CLEAR_MIRRORS, SQL_SEND_CLEAR };

	return run_all(s, all, ARRAY_SIZE(all), "t", who);
}

int store_counters_clear_seat(struct store *s, const char *seat)
{
	static const enum sql all[] = { SQL_ATTEMPT_LEAVE_SEAT, SQL_SEND_LEAVE_SEAT };

	return run_all(s, all, ARRAY_SIZE(all), "t", seat);
}

int store_counters_clear_all(struct store *s)
{
	static const enum sql all[] = { SQL_ATTEMPT_CLEAR_ALL, SQL_BLOCK_CLEAR_ALL, SQL_RESET_CLEAR_ALL, SQL_SEND_CLEAR_ALL };

	return run_all(s, all, ARRAY_SIZE(all), "", NULL);
}
