// SPDX-License-Identifier: LGPL-2.1-or-later
#include "store/store.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>

#include "store/db.h"

/* Nobody else is served meanwhile. */
#define STORE_BUSY_MS 1000

static int directory_path(const char *directory, const char *name, char *ret, size_t size)
{
	return (size_t)snprintf(ret, size, "%s/%s", directory, name) < size ? 0 : -ENAMETOOLONG;
}

/* A second ssprd on the same database would keep its own idea of time and of what is under way. */
static int lock_directory(struct store *s, const char *directory)
{
	char path[PATH_MAX];
	int r = directory_path(directory, "lock", path, sizeof(path));

	if (r < 0)
		return r;
	s->lock = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (s->lock < 0)
		return -errno;
	return flock(s->lock, LOCK_EX | LOCK_NB) < 0 ? -errno : 0;
}

static int derive_keys(struct store *s, const struct crypto_key *master)
{
	int r = crypto_derive(master, "seal seeds", &s->seal);

	if (r == 0)
		r = crypto_derive(master, "recovery codes", &s->recovery);
	if (r == 0)
		r = crypto_derive(master, "helpdesk passes", &s->pass);
	if (r == 0)
		r = crypto_derive(master, "names", &s->names);
	if (r == 0)
		r = crypto_derive(master, "password history", &s->history);
	return r == 0 ? crypto_derive(master, "key check", &s->check) : r;
}

static int open_database(struct store *s, const char *path)
{
	static const char pragmas[] = "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA foreign_keys = ON;"
				      "PRAGMA trusted_schema = OFF; PRAGMA secure_delete = ON;"
				      "PRAGMA cell_size_check = ON; PRAGMA temp_store = MEMORY;";
	int rc = sqlite3_open_v2(path, &s->db,
				 SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_NOFOLLOW |
					 SQLITE_OPEN_EXRESCODE,
				 NULL);

	if (rc == SQLITE_OK) {
		sqlite3_db_config(s->db, SQLITE_DBCONFIG_DEFENSIVE, 1, NULL);
		sqlite3_busy_timeout(s->db, STORE_BUSY_MS);
		rc = sqlite3_exec(s->db, pragmas, NULL, NULL, NULL);
	}
	return rc;
}

static bool whole(struct store *s)
{
	sqlite3_stmt *check = NULL;
	bool ok;

	ok = sqlite3_prepare_v2(s->db, "PRAGMA quick_check(1)", -1, &check, NULL) == SQLITE_OK &&
	     sqlite3_step(check) == SQLITE_ROW &&
	     strcmp((const char *)sqlite3_column_text(check, 0), "ok") == 0;
	sqlite3_finalize(check);
	return ok;
}

static int user_version(struct store *s)
{
	sqlite3_stmt *get = NULL;
	int version = -1;

	if (sqlite3_prepare_v2(s->db, "PRAGMA user_version", -1, &get, NULL) == SQLITE_OK &&
	    sqlite3_step(get) == SQLITE_ROW)
		version = sqlite3_column_int(get, 0);
	sqlite3_finalize(get);
	return version;
}

static bool migrate(struct store *s)
{
	static const char *const arrived[] = { "PRAGMA user_version = 1", "PRAGMA user_version = 2", "PRAGMA user_version = 3",
					       "PRAGMA user_version = 4", "PRAGMA user_version = 5" };

	/* One too few would be no statement, and no mistake to SQLite. */
	_Static_assert(ARRAY_SIZE(arrived) == SQL_VERSION, "each migration arrives at a version");
	for (int v = user_version(s); v < SQL_VERSION; v++)
		if (v < 0 || sqlite3_exec(s->db, "BEGIN IMMEDIATE", NULL, NULL, NULL) != SQLITE_OK ||
		    sqlite3_exec(s->db, sql_migrations[v], NULL, NULL, NULL) != SQLITE_OK ||
		    sqlite3_exec(s->db, arrived[v], NULL, NULL, NULL) != SQLITE_OK ||
		    sqlite3_exec(s->db, "COMMIT", NULL, NULL, NULL) != SQLITE_OK)
			return false;
	return true;
}

static int meta_get(struct store *s, const char *key, char *ret, size_t size)
{
	_statement_ get = db_bind(s, SQL_META_GET, "t", key);
	int r = db_step(s, get);

	if (r > 0)
		db_text(get, 0, ret, size);
	return r < 0 ? r : r == 0;
}

static int meta_set(struct store *s, const char *key, const char *value)
{
	return db_run(s, db_bind(s, SQL_META_SET, "tt", key, value));
}

/* A database that was written under another key has seeds that cannot be opened: better to say so than to fail one by one. */
static int key_fits(struct store *s)
{
	char now[2 * CRYPTO_KEY + 1], then[sizeof(now)];
	int r;

	crypto_hex(s->check.b, sizeof(s->check.b), now);
	r = meta_get(s, "key-check", then, sizeof(then));
	if (r > 0)
		return meta_set(s, "key-check", now);
	return r < 0 ? r : strcmp(now, then) == 0 ? 0 : 1;
}

/* Left beside the database when it is made, so that a missing one is noticed. */
static int mark_made(const char *marker)
{
	int fd = open(marker, O_WRONLY | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);

	if (fd < 0)
		return -errno;
	close(fd);
	return 0;
}

/* SQLite takes an empty file for a new database. */
static bool has_bytes(const char *path)
{
	struct stat st;

	return stat(path, &st) == 0 && st.st_size > 0;
}

static int store_start(struct store *s, const char *path, const char *marker, const char **ret_why)
{
	bool existed = access(path, F_OK) == 0, made = access(marker, F_OK) == 0;
	int rc, r;

	if (made && existed && !has_bytes(path)) {
		*ret_why = "the database is damaged: it is left as it is; restore ssprd.db from a backup";
		return 1;
	}
	if (made && !existed) {
		*ret_why = "the database is missing though it once existed: restore ssprd.db from a backup, or remove "
			   "ssprd.made to begin without any registration";
		return 1;
	}
	rc = open_database(s, path);
	if (rc != SQLITE_OK || (existed && !whole(s))) {
		*ret_why = (rc & 0xff) == SQLITE_CANTOPEN || (rc & 0xff) == SQLITE_READONLY || (rc & 0xff) == SQLITE_FULL ||
					   (rc & 0xff) == SQLITE_IOERR ?
				   "the database cannot be written (disk full, read-only, or rights)" :
				   "the database is damaged: it is left as it is; restore ssprd.db from a backup";
		return 1;
	}
	if (user_version(s) > SQL_VERSION) {
		*ret_why = "the database was written by a newer ssprd";
		return 1;
	}
	if (!migrate(s) || mark_made(marker) < 0) {
		*ret_why = "the database cannot be written (disk full, read-only, or rights)";
		return 1;
	}
	r = key_fits(s);
	if (r > 0)
		*ret_why = "the database was written under another key: bring back the credential sspr-key that belongs to it";
	else if (r < 0)
		*ret_why = "the database cannot be written (disk full, read-only, or rights)";
	return r != 0;
}

int store_open(const char *directory, const struct crypto_key *master, struct store **ret, const char **ret_why)
{
	_cleanup_(store_closep) struct store *s = calloc(1, sizeof(*s));
	char path[PATH_MAX], marker[PATH_MAX];
	int r;

	if (!s)
		return -ENOMEM;
	s->lock = -1;
	r = directory_path(directory, "ssprd.db", path, sizeof(path));
	if (r == 0)
		r = directory_path(directory, "ssprd.made", marker, sizeof(marker));
	if (r == 0)
		r = derive_keys(s, master);
	if (r < 0)
		return r;
	r = lock_directory(s, directory);
	if (r < 0) {
		*ret_why = r == -EWOULDBLOCK ? "another ssprd uses the database" :
					       "the state directory cannot be written (disk full, read-only, or rights)";
		return 1;
	}
	r = store_start(s, path, marker, ret_why);
	if (r == 0)
		*ret = TAKE_PTR(s);
	return r;
}

void store_close(struct store *s)
{
	if (!s)
		return;
	for (size_t i = 0; i < SQL_STATEMENTS; i++)
		sqlite3_finalize(s->statements[i]);
	sqlite3_close(s->db);
	closep(&s->lock);
	explicit_bzero(s, sizeof(*s));
	free(s);
}

void store_closep(struct store **s)
{
	store_close(*s);
}

int store_begin(struct store *s)
{
	return db_run(s, db_bind(s, SQL_BEGIN, ""));
}

int store_commit(struct store *s)
{
	int r = db_run(s, db_bind(s, SQL_COMMIT, ""));

	if (r < 0)
		store_rollback(s);
	return r;
}

void store_rollback(struct store *s)
{
	/* After some errors SQLite has rolled back already. */
	if (!sqlite3_get_autocommit(s->db))
		db_run(s, db_bind(s, SQL_ROLLBACK, ""));
}

int store_clock_load(struct store *s, struct store_clock *ret)
{
	struct store_clock c = {};
	char text[128];
	int r = meta_get(s, "clock", text, sizeof(text));

	if (r != 0)
		return r;
	if (sscanf(text, "%39s %" SCNd64 " %" SCNd64, c.boot, &c.boot_ms, &c.lasting) != 3)
		return 1;
	*ret = c;
	return 0;
}

int store_clock_save(struct store *s, const struct store_clock *clock)
{
	char text[128];

	snprintf(text, sizeof(text), "%s %" PRId64 " %" PRId64, clock->boot, clock->boot_ms, clock->lasting);
	return meta_set(s, "clock", text);
}
