// SPDX-License-Identifier: LGPL-2.1-or-later
#include <stdio.h>
#include <string.h>

#include "store/db.h"

#define STORE_DAY (24 * 60 * 60)
/* The longest window that a policy may choose: what is older counts nowhere. */
#define STORE_WINDOW (30 * STORE_DAY)

int store_who(struct store *s, const struct account *a, char ret[static STORE_WHO])
{
	char hex[2 * CRYPTO_MAC + 1];
	uint8_t mac[CRYPTO_MAC];
	int r;

	if (*a->object) {
		snprintf(ret, STORE_WHO, "%s:%s", a->directory, a->object);
		return 0;
	}
	r = crypto_mac(&s->names, a->name, strlen(a->name), NULL, 0, mac);
	if (r < 0)
		return r;
	crypto_hex(mac, 16, hex);
	snprintf(ret, STORE_WHO, "name:%s", hex);
	return 0;
}

static int blocked_until(struct store *s, const char *who, int64_t *ret)
{
	_statement_ get = db_bind(s, SQL_BLOCK_GET, "t", who);
	int r = db_step(s, get);

	*ret = r > 0 ? sqlite3_column_int64(get, 0) : 0;
	return r < 0 ? r : 0;
}

static int count(struct store *s, sqlite3_stmt *statement, unsigned int *ret)
{
	int64_t n = 0;
	int r = db_number(s, statement, &n);

	if (r == 0)
		*ret = (unsigned int)n;
	return r;
}

static int count_all(struct store *s, const struct policy_limits *l, const struct store_try *t,
		     struct limits_counts *ret)
{
	unsigned int known = 0;
	int r = blocked_until(s, t->who, &ret->blocked_until);

	if (r == 0)
		r = count(s, db_bind(s, SQL_COUNT_ACCOUNT, "ti", t->who, t->at - l->account_window), &ret->account);
	if (r == 0)
		r = count(s, db_bind(s, SQL_COUNT_GATE, "tit", t->who, t->at - l->gate_window, t->gate), &ret->gate);
	if (r == 0)
		r = count(s, db_bind(s, SQL_COUNT_SEAT, "tii", t->seat, t->at - l->seat_window, (int64_t)l->seat_failures),
			  &ret->seat);
	if (r == 0)
		r = count(s, db_bind(s, SQL_COUNT_GLOBAL, "ii", t->at - l->global_window, (int64_t)l->global_failures),
			  &ret->global);
	if (r == 0)
		r = count(s, db_bind(s, SQL_COUNT_SEAT_USERS, "ti", t->seat, t->at - l->seat_window), &ret->seat_users);
	if (r == 0)
		r = count(s, db_bind(s, SQL_KNOWN_AT_SEAT, "tit", t->who, t->at - l->seat_window, t->seat), &known);
	ret->known_at_seat = known > 0;
	return r;
}

static int block(struct store *s, const struct policy_limits *l, const struct store_try *t)
{
	return db_run(s, db_bind(s, SQL_BLOCK_SET, "ti", t->who, t->at + l->block));
}

static int add_try(struct store *s, const struct store_try *t, int64_t *ret_attempt)
{
	int r = db_run(s, db_bind(s, SQL_ATTEMPT_ADD, "ttti", t->who, t->gate, t->seat, t->at));

	if (r == 0)
		*ret_attempt = sqlite3_last_insert_rowid(s->db);
	return r;
}

/* What no window reaches any more goes, a little with every try. */
static int forget(struct store *s, int64_t now)
{
	int r = db_run(s, db_bind(s, SQL_ATTEMPT_FORGET, "i", now - STORE_WINDOW));

	if (r == 0)
		r = db_run(s, db_bind(s, SQL_SEND_FORGET, "i", now - STORE_DAY));
	return r == 0 ? db_run(s, db_bind(s, SQL_BLOCK_FORGET, "i", now)) : r;
}

static int try_within(struct store *s, const struct policy_limits *limits, const struct store_try *t,
		      int64_t *ret_attempt)
{
	struct limits_counts counts = {};
	enum limits_verdict verdict;
	int r = forget(s, t->at);

	if (r == 0)
		r = count_all(s, limits, t, &counts);
	if (r < 0)
		return r;
	verdict = limits_judge(limits, &counts, t->at);
	if (verdict == LIMITS_BUSY)
		return 2;
	if (verdict == LIMITS_BLOCK || verdict == LIMITS_LAST)
		r = block(s, limits, t);
	if (r == 0 && verdict != LIMITS_BLOCK)
		r = add_try(s, t, ret_attempt);
	if (r < 0)
		return r;
	return verdict == LIMITS_BLOCK ? 2 : verdict == LIMITS_LAST ? 1 : 0;
}

int store_try(struct store *s, const struct policy_limits *limits, const struct store_try *t, int64_t *ret_attempt)
{
	int r = store_begin(s), committed;

	if (r < 0)
		return r;
	r = try_within(s, limits, t, ret_attempt);
	if (r < 0) {
		store_rollback(s);
		return r;
	}
	committed = store_commit(s);
	return committed < 0 ? committed : r;
}

int store_try_release(struct store *s, int64_t attempt, const char *who)
{
	int r = db_run(s, db_bind(s, SQL_ATTEMPT_RELEASE, "i", attempt));

	return r == 0 && who ? db_run(s, db_bind(s, SQL_BLOCK_CLEAR, "t", who)) : r;
}

int store_blocked(struct store *s, const char *who, int64_t now)
{
	int64_t until;
	int r = blocked_until(s, who, &until);

	return r < 0 ? r : until > now;
}

int store_limits_clear(struct store *s, const char *who)
{
	int r = db_run(s, db_bind(s, SQL_ATTEMPT_CLEAR, "t", who));

	return r == 0 ? db_run(s, db_bind(s, SQL_BLOCK_CLEAR, "t", who)) : r;
}

int store_limits_clamp(struct store *s, int64_t now, int64_t block)
{
	int r = db_run(s, db_bind(s, SQL_ATTEMPT_CLAMP, "i", now));

	if (r == 0)
		r = db_run(s, db_bind(s, SQL_SEND_CLAMP, "i", now));
	return r == 0 ? db_run(s, db_bind(s, SQL_BLOCK_CLAMP, "i", now + block)) : r;
}

static int sends_left(struct store *s, const struct policy_limits *l, const struct store_try *t, bool *ret)
{
	unsigned int who = 0, seat = 0, all = 0;
	int r = count(s, db_bind(s, SQL_SEND_COUNT, "ti", t->who, t->at - STORE_DAY), &who);

	if (r == 0)
		r = count(s, db_bind(s, SQL_SEND_COUNT_SEAT, "tii", t->seat, t->at - l->seat_window,
				     (int64_t)l->seat_failures),
			  &seat);
	if (r == 0)
		r = count(s, db_bind(s, SQL_SEND_COUNT_GLOBAL, "ii", t->at - l->global_window,
				     (int64_t)l->global_failures),
			  &all);
	*ret = who < l->sends_per_day && seat < l->seat_failures && all < l->global_failures;
	return r;
}

int store_send(struct store *s, const struct policy_limits *limits, const struct store_try *t)
{
	bool left = false;
	int r = sends_left(s, limits, t, &left);

	if (r < 0)
		return r;
	return left ? db_run(s, db_bind(s, SQL_SEND_ADD, "tti", t->who, t->seat, t->at)) : 1;
}

/* A number is not kept: only an HMAC of it, like a name that is nobody's. */
static int phone_who(struct store *s, const char *number, char ret[static STORE_WHO])
{
	char hex[2 * CRYPTO_MAC + 1];
	uint8_t mac[CRYPTO_MAC];
	int r = crypto_mac(&s->names, number, strlen(number), NULL, 0, mac);

	if (r < 0)
		return r;
	crypto_hex(mac, 16, hex);
	snprintf(ret, STORE_WHO, "+%s", hex);
	return 0;
}

int store_send_phone(struct store *s, const struct policy_limits *limits, const char *number, int64_t at)
{
	unsigned int here = 0, all = 0;
	char who[STORE_WHO];
	int r = phone_who(s, number, who);

	if (r == 0)
		r = count(s, db_bind(s, SQL_SEND_COUNT, "ti", who, at - STORE_DAY), &here);
	if (r == 0)
		r = count(s, db_bind(s, SQL_SEND_COUNT_PHONES, "ii", at - STORE_DAY, (int64_t)limits->sms_per_day), &all);
	if (r < 0)
		return r;
	if (here >= limits->sends_per_day)
		return 1;
	return all >= limits->sms_per_day ? 2 : db_run(s, db_bind(s, SQL_SEND_ADD, "tti", who, "", at));
}
