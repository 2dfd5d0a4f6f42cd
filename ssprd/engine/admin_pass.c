// SPDX-License-Identifier: LGPL-2.1-or-later
/* Helpdesk passes: who issued which to whom, and how the caller was known. */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/text.h"
#include "engine/admin_verbs.h"
#include "engine/outbox.h"
#include "method/methods.h"

#define PASS_USUAL (30 * 60)
#define PASS_SHORTEST (5 * 60)
#define PASS_LONGEST (24 * 60 * 60)

static const char *wrong_request(struct admin *a, const struct admin_request *q)
{
	if (!policy_list_has(&admin_server(a)->policy.methods, method_pass.name))
		return "the policy has no passes: [authentication-methods] methods needs the word pass";
	if (!*q->detail || strlen(q->detail) >= STORE_VERIFIED || !text_printable(q->detail, strlen(q->detail)))
		return "--verified needs how the caller was verified, in at most 80 bytes, like 'call back to the office number'";
	if (q->life != 0 && (q->life < PASS_SHORTEST || q->life > PASS_LONGEST))
		return "--minutes must be a number from 5 to 1440";
	return NULL;
}

static void describe(struct admin *a, const struct admin_request *q, const struct account *account, struct store_pass *ret)
{
	struct moment now;

	server_now(admin_server(a), &now);
	*ret = (struct store_pass){ .issued = now.wall, .life = q->life ? q->life : PASS_USUAL, .account = *account };
	ret->expires = now.lasting + ret->life;
	snprintf(ret->issuer, sizeof(ret->issuer), "%s", admin_actor(a));
	snprintf(ret->verified, sizeof(ret->verified), "%.80s", q->detail);
}

/* D5: the user hears of it at the addresses that are known now, whatever is registered until the mail goes. */
static int tell_user(struct admin *a, const struct store_pass *pass)
{
	_cleanup_(registration_wipe) struct registration registration = {};
	struct store *store = admin_server(a)->store;
	struct store_notice notice = { .kind = "pass", .at = pass->issued, .account = pass->account };
	int r = store_registration(store, &pass->account, &registration);

	if (r < 0 && r != -EBADMSG)
		return r;
	snprintf(notice.correlation, sizeof(notice.correlation), "%s", admin_correlation(a));
	/* Of who has none, the outbox decides. */
	return *registration.mail ? outbox_tell(admin_server(a), &notice, registration.mail) : store_notice_add(store, &notice);
}

static int keep(struct admin *a, int64_t row, const struct store_pass *pass, const struct registration_pass *kept)
{
	struct store *store = admin_server(a)->store;
	char who[STORE_WHO];
	int r = store_who(store, &pass->account, who);

	if (r == 0)
		r = store_pass_issue(store, &admin_server(a)->policy.limits, row, who, pass, kept);
	return r == 0 ? tell_user(a, pass) : r;
}

static void show(struct admin *a, const struct store_pass *pass, const struct secret *shown)
{
	static const char *const head[] = { "pass", "valid-until" };
	char until[32];
	const char *const columns[] = { shown->b, until };

	admin_time(pass->issued + pass->life, until, sizeof(until));
	admin_row(a, WIRE_HEAD, head, ARRAY_SIZE(head));
	admin_row(a, WIRE_ROW, columns, ARRAY_SIZE(columns));
	admin_end(a, STATUS_OK, "");
}

static void refuse(struct admin *a, const struct account *account, bool issuer)
{
	const char *why = issuer ? "no more passes by this issuer today" : "no more passes for this user today";

	if (admin_audit(a, account, AUDIT_PASS_REFUSED, method_pass.name, why) < 0)
		admin_failed(a, -EIO);
	else
		admin_end(a, STATUS_REFUSED,
			  issuer ? "you have issued [limits] passes-per-day passes within 24 hours" :
				   "this user got [limits] passes-per-user passes within 24 hours");
}

static void issue(struct admin *a, int64_t row, const struct store_pass *pass)
{
	_cleanup_(secret_wipe) struct secret shown = {};
	struct store *store = admin_server(a)->store;
	struct registration_pass kept;
	char reason[160];
	int r = pass_make(store_pass_key(store), &shown, &kept);

	if (r == 0)
		r = store_begin(store);
	if (r == 0)
		r = keep(a, row, pass, &kept);
	if (r > 0) {
		store_rollback(store);
		refuse(a, &pass->account, r == 1);
		return;
	}
	snprintf(reason, sizeof(reason), "for %" PRId64 " minutes, caller verified by: %s", pass->life / 60, pass->verified);
	if (!admin_finished(a, r, &pass->account, AUDIT_PASS_ISSUED, method_pass.name, reason))
		return;
	show(a, pass, &shown);
	outbox_wake(admin_server(a));
}

void admin_pass_issue(struct admin *a, const struct admin_request *q)
{
	const char *wrong = wrong_request(a, q);
	struct account account;
	struct store_pass pass;
	int64_t row;

	if (wrong) {
		admin_end(a, STATUS_FAILED, wrong);
		return;
	}
	if (!admin_registered(a, q->user, &account, &row))
		return;
	describe(a, q, &account, &pass);
	issue(a, row, &pass);
}

static void list_row(void *to, const struct store_pass *pass)
{
	struct admin_page *p = to;
	char account[80], issued[32], until[32];
	struct moment now;
	const char *const columns[] = { pass->account.name, account, issued, until, pass->issuer, pass->verified };

	server_now(admin_server(p->admin), &now);
	snprintf(account, sizeof(account), "%s:%s", pass->account.directory, pass->account.object);
	admin_time(pass->issued, issued, sizeof(issued));
	admin_time(now.wall + pass->expires - now.lasting, until, sizeof(until));
	admin_row(p->admin, WIRE_ROW, columns, ARRAY_SIZE(columns));
	p->last = (uint64_t)pass->row;
	p->rows++;
}

void admin_pass_list(struct admin *a, const struct admin_request *q)
{
	static const char *const head[] = { "name", "account", "issued", "valid-until", "issuer", "verified" };
	struct admin_page p = { .admin = a };
	struct moment now;

	server_now(admin_server(a), &now);
	admin_row(a, WIRE_HEAD, head, ARRAY_SIZE(head));
	admin_end_page(&p, store_pass_list(admin_server(a)->store, (int64_t)q->after, now.lasting, WIRE_PAGE, list_row, &p));
}

void admin_pass_revoke(struct admin *a, const struct admin_request *q)
{
	struct store *store = admin_server(a)->store;
	struct account account;
	int64_t row;
	int r;

	if (!admin_registered(a, q->user, &account, &row))
		return;
	r = store_begin(store);
	if (r == 0)
		r = store_pass_revoke(store, row);
	if (r > 0) {
		store_rollback(store);
		admin_end(a, STATUS_FAILED, "this user has no pass");
		return;
	}
	if (admin_finished(a, r, &account, AUDIT_PASS_REVOKED, method_pass.name, ""))
		admin_end(a, STATUS_OK, "");
}
