// SPDX-License-Identifier: LGPL-2.1-or-later
/* What the limits have counted, and its forgetting. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/text.h"
#include "engine/admin_verbs.h"

/* The limits' clock is not the wall's; a person wants the wall's. */
static void wall_time(struct admin *a, int64_t lasting, char *ret, size_t size)
{
	struct moment now;

	server_now(admin_server(a), &now);
	admin_time(lasting ? now.wall + lasting - now.lasting : 0, ret, size);
}

static void counter_row(void *to, const struct store_counter *c)
{
	struct admin_page *p = to;
	char count[24], until[32], blocked[32];
	const char *const columns[] = { c->scope, *c->name ? c->name : c->who, c->gate, count, until, blocked };

	snprintf(count, sizeof(count), "%" PRId64, c->count);
	wall_time(p->admin, c->until, until, sizeof(until));
	wall_time(p->admin, c->blocked_until, blocked, sizeof(blocked));
	admin_row(p->admin, WIRE_ROW, columns, ARRAY_SIZE(columns));
	p->last++;
	p->rows++;
}

void admin_limits(struct admin *a, const struct admin_request *q)
{
	static const char *const head[] = { "scope", "who", "gate", "count", "window-end", "blocked-until" };
	struct admin_page p = { .admin = a, .last = q->after };
	struct server *s = admin_server(a);
	struct moment now;

	server_now(s, &now);
	admin_row(a, WIRE_HEAD, head, ARRAY_SIZE(head));
	admin_end_page(&p, store_counters(s->store, &s->policy.limits, now.lasting, q->after, WIRE_PAGE, counter_row, &p));
}

/* A registered account; or, for all others, `who` as the list of counters has it, or a name that is no account. */
static int clear_user(struct admin *a, const char *user, struct account *ret)
{
	struct store *store = admin_server(a)->store;
	char who[STORE_WHO];
	int64_t row;
	int r = store_account_by_name(store, user, ret, &row);

	if (r > 0) {
		*ret = (struct account){};
		snprintf(ret->name, sizeof(ret->name), "%s", user);
	}
	if (r >= 0)
		r = store_who(store, ret, who);
	if (r == 0 && !*ret->object && (strchr(user, ':') || *user == '+'))
		snprintf(who, sizeof(who), "%.95s", user);
	return r == 0 ? store_counters_clear(store, who) : r;
}

static int clear(struct admin *a, const struct admin_request *q, struct account *ret_target, char ret_what[static 96])
{
	struct store *store = admin_server(a)->store;

	if (strcmp(q->method, "user") == 0) {
		snprintf(ret_what, 96, "of the user");
		return clear_user(a, q->user, ret_target);
	}
	if (strcmp(q->method, "seat") == 0) {
		snprintf(ret_what, 96, "of the seat %.63s", q->to);
		return store_counters_clear_seat(store, q->to);
	}
	snprintf(ret_what, 96, "of everybody");
	return store_counters_clear_all(store);
}

static bool right(const struct admin_request *q)
{
	if (strcmp(q->method, "user") == 0)
		return *q->user;
	if (strcmp(q->method, "seat") == 0)
		return *q->to && text_printable(q->to, strlen(q->to));
	return strcmp(q->method, "all") == 0;
}

void admin_limits_clear(struct admin *a, const struct admin_request *q)
{
	struct store *store = admin_server(a)->store;
	struct account target = {};
	char what[96];
	int r;

	if (!right(q)) {
		admin_end(a, STATUS_FAILED, "the request needs a user, a seat, or all");
		return;
	}
	r = store_begin(store);
	if (r == 0)
		r = clear(a, q, &target, what);
	if (r > 0) {
		store_rollback(store);
		admin_end(a, STATUS_FAILED, "nothing is counted there; ssprctl limits shows what is");
		return;
	}
	if (admin_finished(a, r, &target, AUDIT_LIMITS_CLEARED, "", what))
		admin_end(a, STATUS_OK, "");
}
