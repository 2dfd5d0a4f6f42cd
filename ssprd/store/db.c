// SPDX-License-Identifier: LGPL-2.1-or-later
#include "store/db.h"

#include <errno.h>
#include <stdarg.h>
#include <string.h>

static int db_errno(struct store *s, int rc)
{
	switch (rc & 0xff) {
	case SQLITE_CORRUPT:
	case SQLITE_NOTADB:
		s->damaged = true;
		return -EUCLEAN;
	case SQLITE_FULL:
		return -ENOSPC;
	case SQLITE_BUSY:
	case SQLITE_LOCKED:
		return -EBUSY;
	case SQLITE_READONLY:
		return -EROFS;
	case SQLITE_NOMEM:
		return -ENOMEM;
	default:
		return -EIO;
	}
}

static int bind_one(sqlite3_stmt *statement, int n, char type, va_list *values)
{
	const void *bytes;
	size_t len;

	if (type == 't')
		return sqlite3_bind_text(statement, n, va_arg(*values, const char *), -1, SQLITE_TRANSIENT);
	if (type == 'i')
		return sqlite3_bind_int64(statement, n, va_arg(*values, int64_t));
	bytes = va_arg(*values, const void *);
	len = va_arg(*values, size_t);
	return sqlite3_bind_blob(statement, n, bytes, (int)len, SQLITE_TRANSIENT);
}

sqlite3_stmt *db_bind(struct store *s, enum sql which, const char *types, ...)
{
	sqlite3_stmt **statement = &s->statements[which];
	int rc = SQLITE_OK;
	va_list values;

	if (s->damaged)
		return NULL;
	if (!*statement)
		rc = sqlite3_prepare_v3(s->db, sql_text[which], -1, SQLITE_PREPARE_PERSISTENT, statement, NULL);
	if (rc != SQLITE_OK) {
		db_errno(s, rc);
		return NULL;
	}
	sqlite3_reset(*statement);
	va_start(values, types);
	for (int n = 1; *types && rc == SQLITE_OK; n++, types++)
		rc = bind_one(*statement, n, *types, &values);
	va_end(values);
	return rc == SQLITE_OK ? *statement : NULL;
}

int db_step(struct store *s, sqlite3_stmt *statement)
{
	int rc;

	if (!statement)
		return s->damaged ? -EUCLEAN : -EIO;
	rc = sqlite3_step(statement);
	if (rc == SQLITE_ROW)
		return 1;
	return rc == SQLITE_DONE ? 0 : db_errno(s, rc);
}

int db_run(struct store *s, sqlite3_stmt *statement)
{
	_statement_ done = statement;
	int r = db_step(s, done);

	return r > 0 ? -EIO : r;
}

int db_number(struct store *s, sqlite3_stmt *statement, int64_t *ret)
{
	_statement_ done = statement;
	int r = db_step(s, done);

	if (r <= 0)
		return r < 0 ? r : -EIO;
	*ret = sqlite3_column_int64(done, 0);
	return 0;
}

void db_text(sqlite3_stmt *statement, int column, char *ret, size_t size)
{
	const unsigned char *text = sqlite3_column_text(statement, column);
	size_t len = text ? strlen((const char *)text) : 0;

	if (len >= size)
		len = size - 1;
	if (len > 0)
		memcpy(ret, text, len);
	ret[len] = 0;
}

int db_changes(struct store *s)
{
	return sqlite3_changes(s->db);
}
