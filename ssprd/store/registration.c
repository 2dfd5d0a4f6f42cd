// SPDX-License-Identifier: LGPL-2.1-or-later
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "store/db.h"

int store_account_find(struct store *s, const struct account *a, int64_t *ret_row)
{
	_statement_ find = db_bind(s, SQL_ACCOUNT_FIND, "tt", a->directory, a->object);
	int r = db_step(s, find);

	if (r > 0)
		*ret_row = sqlite3_column_int64(find, 0);
	return r < 0 ? r : r == 0;
}

int store_account_by_name(struct store *s, const char *name, struct account *ret, int64_t *ret_row)
{
	_statement_ find = db_bind(s, SQL_ACCOUNT_BY_NAME, "t", name);
	int r = db_step(s, find);

	if (r <= 0)
		return r < 0 ? r : 1;
	*ret = (struct account){};
	*ret_row = sqlite3_column_int64(find, 0);
	db_text(find, 1, ret->directory, sizeof(ret->directory));
	db_text(find, 2, ret->object, sizeof(ret->object));
	db_text(find, 3, ret->name, sizeof(ret->name));
	return 0;
}

int store_account_add(struct store *s, const struct account *a, int64_t at, int64_t *ret_row)
{
	/* Who had the name before has it no more: what is registered under it must not become theirs (G1). */
	int r = db_run(s, db_bind(s, SQL_ACCOUNT_DISPLACE, "ittt", at, a->directory, a->object, a->name));

	if (r == 0)
		r = store_account_find(s, a, ret_row);
	if (r < 0)
		return r;
	if (r == 0) {
		r = db_run(s, db_bind(s, SQL_ACCOUNT_RENAME, "ti", a->name, *ret_row));
		return r < 0 ? r : 1;
	}
	r = db_run(s, db_bind(s, SQL_ACCOUNT_ADD, "ttti", a->directory, a->object, a->name, at));
	if (r == 0)
		*ret_row = sqlite3_last_insert_rowid(s->db);
	return r;
}

int store_account_remove(struct store *s, int64_t row)
{
	return db_run(s, db_bind(s, SQL_ACCOUNT_REMOVE, "i", row));
}

int store_account_gone(struct store *s, const struct account *a, int64_t at)
{
	return db_run(s, db_bind(s, SQL_ACCOUNT_GONE, "itt", at, a->directory, a->object));
}

int store_account_count(struct store *s, int64_t *ret)
{
	return db_number(s, db_bind(s, SQL_ACCOUNT_COUNT, ""), ret);
}

/* A seed opens only for the account and row it was sealed for: copied elsewhere it is noise. */
static void seal_bound(const struct account *a, int64_t row, char *ret, size_t size)
{
	snprintf(ret, size, "authenticator 1 %s %s %lld", a->directory, a->object, (long long)row);
}

static int load_authenticator(struct store *s, const struct account *a, struct registration *ret)
{
	_statement_ get = db_bind(s, SQL_AUTHENTICATOR_GET, "i", ret->account);
	int r = db_step(s, get);
	char bound[160];
	size_t len;

	if (r <= 0)
		return r;
	len = (size_t)sqlite3_column_bytes(get, 0);
	if (len < CRYPTO_SEAL || len - CRYPTO_SEAL > SECRET_MAX)
		return -EBADMSG;
	seal_bound(a, ret->account, bound, sizeof(bound));
	r = crypto_open(&s->seal, bound, sqlite3_column_blob(get, 0), len, (uint8_t *)ret->seed.b);
	if (r < 0)
		return r;
	ret->seed.len = len - CRYPTO_SEAL;
	ret->last_step = sqlite3_column_int64(get, 1);
	ret->has_authenticator = true;
	return 0;
}

static int load_address(struct store *s, struct registration *ret)
{
	_statement_ get = db_bind(s, SQL_ADDRESS_GET, "i", ret->account);
	int r = db_step(s, get);

	if (r > 0)
		db_text(get, 0, ret->mail, sizeof(ret->mail));
	return r < 0 ? r : 0;
}

static int load_phones(struct store *s, struct registration *ret)
{
	_statement_ get = db_bind(s, SQL_PHONE_GET, "i", ret->account);
	char kind[16];
	int r;

	while ((r = db_step(s, get)) > 0) {
		db_text(get, 0, kind, sizeof(kind));
		db_text(get, 1, strcmp(kind, "office") == 0 ? ret->office : ret->mobile, PHONE);
	}
	return r;
}

static bool read_recovery(sqlite3_stmt *get, struct registration_recovery *ret)
{
	if (sqlite3_column_bytes(get, 1) != RECOVERY_SALT || sqlite3_column_bytes(get, 2) != CRYPTO_MAC)
		return false;
	ret->row = sqlite3_column_int64(get, 0);
	memcpy(ret->salt, sqlite3_column_blob(get, 1), RECOVERY_SALT);
	memcpy(ret->hash, sqlite3_column_blob(get, 2), CRYPTO_MAC);
	return true;
}

static int load_recovery(struct store *s, struct registration *ret)
{
	_statement_ get = db_bind(s, SQL_RECOVERY_GET, "i", ret->account);
	int r;

	while ((r = db_step(s, get)) > 0 && ret->recovery_n < RECOVERY_CODES)
		if (read_recovery(get, &ret->recovery[ret->recovery_n]))
			ret->recovery_n++;
	return r < 0 ? r : 0;
}

static bool read_pass(sqlite3_stmt *get, struct registration_pass *ret)
{
	if (sqlite3_column_bytes(get, 1) != RECOVERY_SALT || sqlite3_column_bytes(get, 2) != CRYPTO_MAC)
		return false;
	ret->row = sqlite3_column_int64(get, 0);
	ret->expires = sqlite3_column_int64(get, 3);
	memcpy(ret->salt, sqlite3_column_blob(get, 1), RECOVERY_SALT);
	memcpy(ret->hash, sqlite3_column_blob(get, 2), CRYPTO_MAC);
	return true;
}

static int load_pass(struct store *s, struct registration *ret)
{
	_statement_ get = db_bind(s, SQL_PASS_GET, "i", ret->account);
	int r = db_step(s, get);

	if (r > 0)
		read_pass(get, &ret->pass);
	return r < 0 ? r : 0;
}

int store_registration(struct store *s, const struct account *a, struct registration *ret)
{
	_cleanup_(registration_wipe) struct registration found = {};
	int r = store_account_find(s, a, &found.account);

	if (r == 0)
		r = load_authenticator(s, a, &found);
	if (r == 0)
		r = load_address(s, &found);
	if (r == 0)
		r = load_phones(s, &found);
	if (r == 0)
		r = load_recovery(s, &found);
	if (r == 0)
		r = load_pass(s, &found);
	if (r < 0)
		return r;
	*ret = found;
	return 0;
}

int store_authenticator_set(struct store *s, const struct account *a, int64_t row, const struct secret *seed,
			    int64_t used_step, int64_t at)
{
	uint8_t box[SECRET_MAX + CRYPTO_SEAL];
	char bound[160];
	int r;

	seal_bound(a, row, bound, sizeof(bound));
	r = crypto_seal(&s->seal, bound, seed->b, seed->len, box);
	if (r < 0)
		return r;
	return db_run(s, db_bind(s, SQL_AUTHENTICATOR_SET, "ibii", row, box, seed->len + CRYPTO_SEAL, used_step, at));
}

int store_mail_set(struct store *s, int64_t row, const char *mail, int64_t at)
{
	return db_run(s, db_bind(s, SQL_ADDRESS_SET, "iti", row, mail, at));
}

int store_phone_set(struct store *s, int64_t row, const char *kind, const char *number, int64_t at)
{
	return db_run(s, db_bind(s, SQL_PHONE_SET, "itti", row, kind, number, at));
}

int store_recovery_set(struct store *s, int64_t row, const struct registration_recovery *codes, size_t n, int64_t at)
{
	int r = db_run(s, db_bind(s, SQL_RECOVERY_CLEAR, "i", row));

	for (size_t i = 0; i < n && r == 0; i++)
		r = db_run(s, db_bind(s, SQL_RECOVERY_ADD, "ibbi", row, codes[i].salt, sizeof(codes[i].salt), codes[i].hash,
				      sizeof(codes[i].hash), at));
	return r;
}

int store_proof_use(struct store *s, int64_t row, const struct proof *proof)
{
	int r = 0;

	if (proof->step != 0) {
		r = db_run(s, db_bind(s, SQL_AUTHENTICATOR_USE, "ii", row, proof->step));
		if (r == 0 && db_changes(s) != 1)
			return 1;
	}
	if (r == 0 && proof->recovery_row != 0) {
		r = db_run(s, db_bind(s, SQL_RECOVERY_USE, "ii", row, proof->recovery_row));
		if (r == 0 && db_changes(s) != 1)
			return 1;
	}
	if (r == 0 && proof->pass_row != 0) {
		r = db_run(s, db_bind(s, SQL_PASS_USE, "ii", row, proof->pass_row));
		if (r == 0 && db_changes(s) != 1)
			return 1;
	}
	return r;
}

const struct crypto_key *store_recovery_key(const struct store *s)
{
	return &s->recovery;
}

int store_account_list(struct store *s, int64_t after, const char *name, unsigned int limit,
		       void (*each)(void *to, const struct store_account_row *row), void *to)
{
	_statement_ list = db_bind(s, SQL_ACCOUNT_LIST, "iti", after, name, (int64_t)limit);
	int r;

	while ((r = db_step(s, list)) > 0) {
		struct store_account_row row = {
			.row = sqlite3_column_int64(list, 0),
			.authenticators = (unsigned int)sqlite3_column_int(list, 4),
			.addresses = (unsigned int)sqlite3_column_int(list, 5),
			.recovery_codes = (unsigned int)sqlite3_column_int(list, 6),
			.blocked_until = sqlite3_column_int64(list, 9),
			.gone = sqlite3_column_int64(list, 10),
		};

		db_text(list, 1, row.account.directory, sizeof(row.account.directory));
		db_text(list, 2, row.account.object, sizeof(row.account.object));
		db_text(list, 3, row.account.name, sizeof(row.account.name));
		db_text(list, 7, row.mobile, sizeof(row.mobile));
		db_text(list, 8, row.office, sizeof(row.office));
		each(to, &row);
	}
	return r;
}
