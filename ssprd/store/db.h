// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

/* Inside the store: the one home of sqlite3.h, and short ways to bind, step and read. */

#include <sqlite3.h>

#include "base/cleanup.h"
#include "store/sql.h"
#include "store/store.h"

struct store {
	sqlite3 *db;
	sqlite3_stmt *statements[SQL_STATEMENTS];
	struct crypto_key seal, recovery, pass, names, history, check;
	bool damaged;
	int lock; /* the file that keeps a second process out */
};

/*
 * Resets and binds: one letter per value: 't' const char *, 'i' int64_t, 'b' const void * and size_t. NULL when the store
 * is damaged or the statement cannot be prepared; db_step() then answers with the error.
 */
sqlite3_stmt *db_bind(struct store *s, enum sql which, const char *types, ...);

/* 1: a row is there; 0: done; negative errno. */
int db_step(struct store *s, sqlite3_stmt *statement);

/* For statements that bring no row: 0 or negative errno. */
int db_run(struct store *s, sqlite3_stmt *statement);

/* For statements that bring one number. */
int db_number(struct store *s, sqlite3_stmt *statement, int64_t *ret);

/* A text column, cut to size - 1 bytes. */
void db_text(sqlite3_stmt *statement, int column, char *ret, size_t size);

/* The number of rows that the last change touched. */
int db_changes(struct store *s);

static inline void db_resetp(sqlite3_stmt **statement)
{
	if (*statement) {
		sqlite3_reset(*statement);
		sqlite3_clear_bindings(*statement);
	}
}

#define _statement_ _cleanup_(db_resetp) sqlite3_stmt *
