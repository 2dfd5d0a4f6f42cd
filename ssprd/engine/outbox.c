// SPDX-License-Identifier: LGPL-2.1-or-later
#include "engine/outbox.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/cleanup.h"
#include "base/log.h"
#include "base/text.h"
#include "engine/audit.h"
#include "engine/lookup.h"
#include "engine/session.h"
#include "flow/texts.h"

#define OUTBOX_AGAIN (60 * 1000)
/* F58: after a day an administrator must do. */
#define OUTBOX_GIVE_UP (24 * 60 * 60)
/*
 * Seconds after which the old mark of a directory elsewhere means that nothing was changed: its servers lag, and what a worker that was
 * killed had handed to the kernel may still be sent for minutes.
 */
#define OUTBOX_LAG 300
/* The kind of a notice that goes to administrators. */
#define NOTICE_ADMIN "admin"

struct outbox {
	bool started;	 /* a whole round has been made */
	bool notices;	 /* this round has come to the notices */
	bool busy;	 /* a job is with a worker */
	bool waiting;	 /* something is to be tried again */
	int64_t next;	 /* boot milliseconds */
	int64_t intent, notice; /* rows that are done with in this round */
	struct store_intent now;
	struct store_notice telling;
};

static void step(struct server *s);

static void take(void *to, const struct store_intent *intent)
{
	*(struct store_intent *)to = *intent;
}

static void take_notice(void *to, const struct store_notice *notice)
{
	*(struct store_notice *)to = *notice;
}

static void context(struct server *s, const char *correlation, const struct account *target, struct audit_context *ret)
{
	struct moment now;

	server_now(s, &now);
	*ret = (struct audit_context){
		.store = s->store,
		.policy = &s->policy,
		.correlation = correlation,
		.seat = "",
		.actor = "ssprd",
		.target = target,
		.at = now.wall,
	};
}

static bool lagging(struct server *s, const struct store_intent *i)
{
	struct moment now;

	server_now(s, &now);
	return policy_directory(&s->policy, i->account.directory) && now.lasting - i->lasting < OUTBOX_LAG;
}

static int settle(struct server *s, const struct job_result *result)
{
	struct store_intent *i = &s->outbox->now;
	bool found = result->outcome == OUTCOME_DONE && strcmp(result->account.object, i->account.object) == 0;
	bool changed = found && strcmp(result->account.mark, i->account.mark) != 0;
	struct fact fact = { .kind = FACT_UNKNOWN };
	struct audit_context audit;
	int r;

	found = changed || (found && !lagging(s, i));
	if (found)
		fact.kind = changed ? FACT_RESET : FACT_UNCHANGED;
	else
		s->outbox->waiting = true;

	/* What was unknown and still is has been told already. */
	if (!found && i->unknown)
		return 0;
	context(s, i->correlation, &i->account, &audit);
	r = store_begin(s->store);
	if (r == 0)
		r = store_intent_end(s->store, i->row, changed ? "done" : found ? "failed" : "unknown");
	if (r == 0)
		r = audit_fact(&audit, &fact);
	if (r == 0)
		return store_commit(s->store);
	store_rollback(s->store);
	return r;
}

static void on_looked_up(void *owner, enum job_kind kind _unused_, const struct job_result *result)
{
	struct server *s = owner;
	int r;

	s->outbox->busy = false;
	if (!s->store) {
		s->outbox->waiting = true;
		return;
	}
	r = settle(s, result);
	if (r < 0)
		server_store_failed(s, r);
	step(s);
}

/* Found unknown again and again, for a day: a person must decide. At a start it is looked at once more. */
static bool stale(struct server *s, const struct store_intent *i)
{
	struct moment now;

	server_now(s, &now);
	return s->outbox->started && i->unknown && now.wall - i->at > OUTBOX_GIVE_UP;
}

static int reconcile_next(struct server *s)
{
	struct outbox *o = s->outbox;
	struct job job = { .kind = JOB_LOOKUP };
	int r;

	do {
		o->now.row = 0;
		r = store_intents(s->store, o->intent, 1, take, &o->now);
		if (r < 0 || o->now.row == 0)
			return r;
		o->intent = o->now.row;
	} while (sessions_write(s, o->now.row) || stale(s, &o->now));
	job.account = o->now.account;
	r = lookup_submit(s, &job, LOOKUP_ANYBODY, on_looked_up, s);
	return r < 0 ? r : 1;
}

/* ---- notices ---- */

/* The row goes, and what `r` says of the rest, and what the audit says of it, are true or nothing is. */
static int notice_commit(struct server *s, int r, enum audit_deed deed, const char *reason)
{
	const struct store_notice *n = &s->outbox->telling;
	struct audit_context audit;

	context(s, n->correlation, &n->account, &audit);
	if (r == 0)
		r = store_notice_done(s->store, n->row);
	if (r == 0 && deed != AUDIT_NOTHING)
		r = audit_deed(&audit, deed, "email", reason);
	if (r == 0)
		return store_commit(s->store);
	store_rollback(s->store);
	return r;
}

static int notice_end(struct server *s, enum audit_deed deed, const char *reason)
{
	int r = store_begin(s->store);

	return r < 0 ? r : notice_commit(s, r, deed, reason);
}

static void on_notified(void *owner, enum job_kind kind _unused_, const struct job_result *result)
{
	struct server *s = owner;
	struct outbox *o = s->outbox;
	struct moment now;
	int r = 0;

	o->busy = false;
	if (!s->store) {
		o->waiting = true;
		return;
	}
	server_now(s, &now);
	if (result->outcome == OUTCOME_DONE)
		r = notice_end(s, AUDIT_NOTIFIED, o->telling.kind);
	else if (result->why == WHY_REJECTED || now.wall - o->telling.at > OUTBOX_GIVE_UP)
		r = notice_end(s, AUDIT_NOTIFY_FAILED, why_name(result->why));
	else
		o->waiting = true;
	if (r < 0)
		server_store_failed(s, r);
	step(s);
}

/* That a pass was issued is told in any case: where nobody can be, the audit says so (D5). */
static bool is_of_pass(const struct store_notice *n)
{
	return strcmp(n->kind, "pass") == 0;
}

/* The same row is the same message, however often it goes out. */
static void write_notice(struct server *s, const struct store_notice *n, struct job *ret)
{
	if (strcmp(n->kind, NOTICE_ADMIN) == 0)
		text_admin_mail(&s->rules, n->account.name, n->at, ret);
	else if (is_of_pass(n))
		text_pass_mail(&s->rules, n->at, ret);
	else
		text_reset_mail(&s->rules, &s->reset_notice, n->at, ret);
	snprintf(ret->id, sizeof(ret->id), "%.5s-%s-%u", n->kind, n->correlation,
		 (unsigned int)(n->row % 1000));
	snprintf(ret->to, sizeof(ret->to), "%s", n->address);
}

/* 1: under way. */
static int notify(struct server *s)
{
	_cleanup_(job_wipe) struct job job = { .kind = JOB_NOTIFY };
	int r;

	write_notice(s, &s->outbox->telling, &job);
	r = jobs_submit(&s->net, &job, on_notified, s);
	return r < 0 ? r : 1;
}

static int add_address(struct server *s, const struct store_notice *n, const char *kind, const char *address, const char *told)
{
	struct store_notice one = *n;

	snprintf(one.kind, sizeof(one.kind), "%s", kind);
	snprintf(one.address, sizeof(one.address), "%s", address);
	snprintf(one.told, sizeof(one.told), "%s", told);
	return store_notice_add(s->store, &one);
}

/* All that the directory has but the one that was told already. *ret_n: how many that is. */
static int add_contacts(struct server *s, const struct job_result *result, size_t *ret_n)
{
	const struct store_notice *n = &s->outbox->telling;
	size_t added = 0;
	int r = 0;

	for (size_t i = 0; i < JOB_CONTACTS && r == 0; i++) {
		if (!text_mail_address(result->contacts[i]) || strcasecmp(result->contacts[i], n->told) == 0)
			continue;
		r = add_address(s, n, n->kind, result->contacts[i], "");
		added++;
	}
	*ret_n = added;
	return r;
}

/* Who is known to nobody was not told: the audit says so. */
static int spread_contacts(struct server *s, const struct job_result *result)
{
	size_t n = 0;
	int r = store_begin(s->store);
	bool nobody;

	if (r < 0)
		return r;
	r = add_contacts(s, result, &n);
	nobody = n == 0 && !*s->outbox->telling.told;
	return notice_commit(s, r, nobody ? AUDIT_NOTIFY_FAILED : AUDIT_NOTHING, why_name(WHY_REJECTED));
}

static void on_addresses(void *owner, enum job_kind kind _unused_, const struct job_result *result)
{
	struct job_result later = { .outcome = OUTCOME_REFUSED, .why = WHY_UNREACHABLE };
	struct server *s = owner;
	int r;

	if (!s->store || result->outcome != OUTCOME_DONE) {
		on_notified(s, JOB_NOTIFY, &later);
		return;
	}
	s->outbox->busy = false;
	r = spread_contacts(s, result);
	if (r < 0)
		server_store_failed(s, r);
	step(s);
}

/* 1: under way. */
static int ask_directory(struct server *s)
{
	struct job job = { .kind = JOB_LOOKUP, .account = s->outbox->telling.account };
	int r = lookup_submit(s, &job, LOOKUP_ANYBODY, on_addresses, s);

	return r < 0 ? r : 1;
}

/* Of a reset of one of them, all of them hear. */
static int tell_admins(struct server *s)
{
	const struct policy_notifications *p = &s->policy.notifications;
	const struct store_notice *n = &s->outbox->telling;
	int r = 0;

	if (!p->admins || strcmp(n->kind, "reset") != 0 || !policy_is_admin(&s->policy, n->account.name))
		return 0;
	for (size_t i = 0; i < p->admin_addresses.n && r == 0; i++)
		r = add_address(s, n, NOTICE_ADMIN, p->admin_addresses.item[i], "");
	return r;
}

int outbox_tell(struct server *s, const struct store_notice *n, const char *registered)
{
	int r = *registered ? add_address(s, n, n->kind, registered, "") : 0;

	if (r == 0 && policy_directory(&s->policy, n->account.directory))
		r = add_address(s, n, n->kind, STORE_ASK_DIRECTORY, registered);
	return r;
}

/* Decides whom to tell: a row for each, all of them or none. 2: done with. */
static int spread(struct server *s)
{
	_cleanup_(registration_wipe) struct registration registration = {};
	const struct store_notice *n = &s->outbox->telling;
	int r = store_registration(s->store, &n->account, &registration);
	bool lost;

	if (r < 0 && r != -EBADMSG)
		return r;
	lost = is_of_pass(n) && !*registration.mail && !policy_directory(&s->policy, n->account.directory);
	r = store_begin(s->store);
	if (r < 0)
		return r;
	r = tell_admins(s);
	if (r == 0 && (s->policy.notifications.users || is_of_pass(n)))
		r = outbox_tell(s, n, registration.mail);
	r = notice_commit(s, r, lost ? AUDIT_NOTIFY_FAILED : AUDIT_NOTHING, why_name(WHY_REJECTED));
	return r < 0 ? r : 2;
}

static bool sends_mail(const struct policy *p)
{
	return *p->mail.server || *p->mail.directory;
}

/* Without a way to send any, nobody is told, and no minute makes that better. */
static int drop(struct server *s)
{
	_cleanup_(registration_wipe) struct registration registration = {};
	const struct store_notice *n = &s->outbox->telling;
	int r = store_registration(s->store, &n->account, &registration);
	bool owed;

	if (r < 0 && r != -EBADMSG)
		return r;
	owed = *n->address || *registration.mail || is_of_pass(n);
	r = notice_end(s, owed ? AUDIT_NOTIFY_FAILED : AUDIT_NOTHING, why_name(WHY_MISCONFIGURED));
	return r < 0 ? r : 2;
}

/* 1: under way. 0: nothing left. 2: this one is done with, go on. */
static int notify_next(struct server *s)
{
	struct outbox *o = s->outbox;
	int r;

	o->telling.row = 0;
	r = store_notices(s->store, o->notice, 1, take_notice, &o->telling);
	if (r < 0 || o->telling.row == 0)
		return r;
	o->notice = o->telling.row;
	if (!sends_mail(&s->policy))
		return drop(s);
	if (strcmp(o->telling.address, STORE_NOBODY_YET) == 0)
		return spread(s);
	return strcmp(o->telling.address, STORE_ASK_DIRECTORY) == 0 ? ask_directory(s) : notify(s);
}

static void rest(struct server *s)
{
	struct outbox *o = s->outbox;
	struct moment now;
	int64_t open = 0;

	server_now(s, &now);
	o->started = o->notices = true;
	o->next = now.boot + OUTBOX_AGAIN;
	if (store_intent_count(s->store, &open) == 0 && open > 0)
		o->waiting = true;
	server_wake(s);
}

/* One thing after the other: each job's end brings the next. */
static void step(struct server *s)
{
	struct outbox *o = s->outbox;
	int r = 0;

	if (o->busy)
		return;
	if (!s->store) {
		o->waiting = true;
		return;
	}
	if (!o->notices)
		r = reconcile_next(s);
	if (r == 0) {
		o->notices = true;
		do
			r = notify_next(s);
		while (r == 2);
	}
	o->busy = r == 1;
	if (r < 0) {
		server_store_failed(s, r);
		o->waiting = true;
	}
	if (o->busy)
		server_wake(s);
	else
		rest(s);
}

int outbox_init(struct server *s)
{
	s->outbox = calloc(1, sizeof(*s->outbox));
	return s->outbox ? 0 : -ENOMEM;
}

void outbox_deinit(struct server *s)
{
	free(s->outbox);
	s->outbox = NULL;
}

void outbox_wake(struct server *s)
{
	/* A reset may have left a notice behind those that are waiting. */
	if (s->outbox->started)
		step(s);
}

void outbox_tick(struct server *s, int64_t now)
{
	struct outbox *o = s->outbox;

	if (o->busy || (o->started && (!o->waiting || now < o->next)))
		return;
	o->waiting = o->notices = false;
	o->intent = o->notice = 0;
	step(s);
}

bool outbox_waiting(const struct server *s)
{
	return s->outbox->waiting || !s->outbox->started;
}
