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

/* Of one whom: never less than what is there already. */
static int count_who(struct store *s, const struct policy_limits *l, const struct store_try *t, const char *who,
		     struct limits_counts *ret)
{
	unsigned int account = 0, gate = 0;
	int64_t until = 0;
	int r = blocked_until(s, who, &until);

	if (r == 0)
		r = count(s, db_bind(s, SQL_COUNT_ACCOUNT, "ti", who, t->at - l->account_window), &account);
	if (r == 0)
		r = count(s, db_bind(s, SQL_COUNT_GATE, "tit", who, t->at - l->gate_window, t->gate), &gate);
	ret->blocked_until = until > ret->blocked_until ? until : ret->blocked_until;
	ret->account = account > ret->account ? account : ret->account;
	ret->gate = gate > ret->gate ? gate : ret->gate;
	return r;
}

static size_t aliases(const struct store_try *t)
{
	return t->aliases ? t->aliases->n : 0;
}

static int count_all(struct store *s, const struct policy_limits *l, const struct store_try *t,
		     struct limits_counts *ret)
{
	unsigned int known = 0;
	int r = count_who(s, l, t, t->who, ret);

	for (size_t i = 0; i < aliases(t) && r == 0; i++)
		r = count_who(s, l, t, t->aliases->who[i], ret);
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
	int r = db_run(s, db_bind(s, SQL_BLOCK_SET, "tit", t->who, t->at + l->block, ""));

	for (size_t i = 0; i < aliases(t) && r == 0; i++)
		r = db_run(s, db_bind(s, SQL_BLOCK_SET, "tit", t->aliases->who[i], t->at + l->block, t->who));
	return r;
}

/* A row that mirrors another one is of no seat. */
static int add_try(struct store *s, const struct store_try *t, int64_t *ret_attempt)
{
	int r = db_run(s, db_bind(s, SQL_ATTEMPT_ADD, "tttii", t->who, t->gate, t->seat, t->at, (int64_t)0));

	if (r == 0)
		*ret_attempt = sqlite3_last_insert_rowid(s->db);
	for (size_t i = 0; i < aliases(t) && r == 0; i++)
		r = db_run(s, db_bind(s, SQL_ATTEMPT_ADD, "tttii", t->aliases->who[i], t->gate, "", t->at, *ret_attempt));
	return r;
}

/* What no window reaches any more goes, a little with every try. */
static int forget(struct store *s, int64_t now)
{
	int r = db_run(s, db_bind(s, SQL_ATTEMPT_FORGET, "i", now - STORE_WINDOW));

	if (r == 0)
		r = db_run(s, db_bind(s, SQL_SEND_FORGET, "i", now - STORE_DAY));
	if (r == 0)
		r = db_run(s, db_bind(s, SQL_RESET_FORGET, "i", now - STORE_WINDOW));
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

int store_blocked(struct store *s, const char *who, int64_t now)
{
	int64_t until;
	int r = blocked_until(s, who, &until);

	return r < 0 ? r : until > now;
}

static int forgive(struct store *s, const char *who)
{
	int r = db_run(s, db_bind(s, SQL_ATTEMPT_CLEAR_MIRRORS, "t", who));

	if (r == 0)
		r = db_run(s, db_bind(s, SQL_ATTEMPT_CLEAR, "t", who));
	return r == 0 ? db_run(s, db_bind(s, SQL_BLOCK_CLEAR, "t", who)) : r;
}

int store_limits_clear(struct store *s, const char *who)
{
	int r = forgive(s, who);

	if (r == 0)
		r = db_run(s, db_bind(s, SQL_SEND_CLEAR_MIRRORS, "t", who));
	if (r == 0)
		r = db_run(s, db_bind(s, SQL_SEND_CLEAR, "t", who));
	return r == 0 ? db_run(s, db_bind(s, SQL_RESET_CLEAR, "t", who)) : r;
}

/* Entra: so many resets of one account in an hour block it for a day, counted from the last. */
static int block_after_resets(struct store *s, const struct policy_limits *l, const char *who, int64_t now)
{
	unsigned int n = 0;
	int r = count(s, db_bind(s, SQL_RESET_COUNT, "ti", who, now - l->reset_window), &n);

	return r == 0 && n >= l->resets ? db_run(s, db_bind(s, SQL_BLOCK_SET, "tit", who, now + l->block, "")) : r;
}

int store_try_release(struct store *s, const struct policy_limits *limits, const struct store_release *x)
{
	int r = db_run(s, db_bind(s, SQL_ATTEMPT_RELEASE, "it", x->attempt, x->who));

	if (r == 0 && x->last)
		r = db_run(s, db_bind(s, SQL_BLOCK_CLEAR, "t", x->who));
	return r == 0 && x->last ? block_after_resets(s, limits, x->who, x->now) : r;
}

int store_reset_count(struct store *s, const struct policy_limits *limits, const char *who, int64_t now)
{
	int r = db_run(s, db_bind(s, SQL_RESET_ADD, "ti", who, now));

	return r == 0 ? block_after_resets(s, limits, who, now) : r;
}

int store_limits_succeeded(struct store *s, const struct policy_limits *limits, const char *who, int64_t now)
{
	int r = forgive(s, who);

	return r == 0 ? block_after_resets(s, limits, who, now) : r;
}

int store_limits_clamp(struct store *s, int64_t now, int64_t block)
{
	int r = db_run(s, db_bind(s, SQL_ATTEMPT_CLAMP, "i", now));

	if (r == 0)
		r = db_run(s, db_bind(s, SQL_SEND_CLAMP, "i", now));
	if (r == 0)
		r = db_run(s, db_bind(s, SQL_RESET_CLAMP, "i", now));
	if (r == 0)
		r = store_pass_clamp(s, now);
	return r == 0 ? db_run(s, db_bind(s, SQL_BLOCK_CLAMP, "i", now + block)) : r;
}

/* Since then, of whom or of the other name of which there were the most. */
static int count_sends(struct store *s, const struct store_try *t, int64_t since, unsigned int *ret)
{
	unsigned int most = 0, n = 0;
	int r = count(s, db_bind(s, SQL_SEND_COUNT, "ti", t->who, since), &most);

	for (size_t i = 0; i < aliases(t) && r == 0; i++) {
		r = count(s, db_bind(s, SQL_SEND_COUNT, "ti", t->aliases->who[i], since), &n);
		most = n > most ? n : most;
	}
	if (r == 0)
		*ret = most;
	return r;
}

static int sends_left(struct store *s, const struct policy_limits *l, const struct store_try *t, bool *ret)
{
	unsigned int who = 0, lately = 0, seat = 0, all = 0;
	int r = count_sends(s, t, t->at - STORE_DAY, &who);

	if (r == 0)
		r = count_sends(s, t, t->at - l->send_window, &lately);
	if (r == 0)
		r = count(s, db_bind(s, SQL_SEND_COUNT_SEAT, "tii", t->seat, t->at - l->seat_window,
				     (int64_t)l->seat_failures),
			  &seat);
	if (r == 0)
		r = count(s, db_bind(s, SQL_SEND_COUNT_GLOBAL, "ii", t->at - l->global_window,
				     (int64_t)l->global_failures),
			  &all);
	*ret = who < l->sends_per_day && lately < l->sends && seat < l->seat_failures && all < l->global_failures;
	return r;
}

static int add_send(struct store *s, const struct store_try *t)
{
	int r = db_run(s, db_bind(s, SQL_SEND_ADD, "ttii", t->who, t->seat, t->at, (int64_t)0));
	int64_t row = sqlite3_last_insert_rowid(s->db);

	for (size_t i = 0; i < aliases(t) && r == 0; i++)
		r = db_run(s, db_bind(s, SQL_SEND_ADD, "ttii", t->aliases->who[i], "", t->at, row));
	return r;
}

int store_send(struct store *s, const struct policy_limits *limits, const struct store_try *t)
{
	bool left = false;
	int r = sends_left(s, limits, t, &left);

	if (r < 0)
		return r;
	return left ? add_send(s, t) : 1;
}

int store_send_overrun(struct store *s, const struct policy_limits *limits, const struct store_try *t)
{
	unsigned int lately = 0;
	int r = count_sends(s, t, t->at - limits->send_window, &lately);

	return r == 0 && lately >= limits->sends ? block(s, limits, t) : r;
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
	return all >= limits->sms_per_day ? 2 : db_run(s, db_bind(s, SQL_SEND_ADD, "ttii", who, "", at, (int64_t)0));
}
