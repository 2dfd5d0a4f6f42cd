// SPDX-License-Identifier: LGPL-2.1-or-later
#include "engine/outbox.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

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

struct outbox {
	bool started;	 /* a whole round has been made */
	bool notices;	 /* this round has come to the notices */
	bool busy;	 /* a job is with a worker */
	bool waiting;	 /* something is to be tried again */
	int64_t next;	 /* boot milliseconds */
	int64_t intent, notice; /* rows that are done with in this round */
	struct store_intent now;
};

static void step(struct server *s);

static void take(void *to, const struct store_intent *intent)
{
	*(struct store_intent *)to = *intent;
}

static void context(struct server *s, struct audit_context *ret)
{
	struct moment now;

	server_now(s, &now);
	*ret = (struct audit_context){
		.store = s->store,
		.policy = &s->policy,
		.correlation = s->outbox->now.correlation,
		.seat = "",
		.actor = "ssprd",
		.target = &s->outbox->now.account,
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
	context(s, &audit);
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

static int notice_end(struct server *s, enum audit_deed deed, const char *reason)
{
	struct audit_context audit;
	int r;

	context(s, &audit);
	r = store_begin(s->store);
	if (r == 0)
		r = store_notice_done(s->store, s->outbox->now.row);
	if (r == 0)
		r = audit_deed(&audit, deed, "email", reason);
	if (r == 0)
		return store_commit(s->store);
	store_rollback(s->store);
	return r;
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
		r = notice_end(s, AUDIT_NOTIFIED, "");
	else if (result->why == WHY_REJECTED || now.wall - o->now.at > OUTBOX_GIVE_UP)
		r = notice_end(s, AUDIT_NOTIFY_FAILED, why_name(result->why));
	else
		o->waiting = true;
	if (r < 0)
		server_store_failed(s, r);
	step(s);
}

/* 1: under way. */
static int notify(struct server *s, const char *to)
{
	_cleanup_(job_wipe) struct job job = { .kind = JOB_NOTIFY };
	struct outbox *o = s->outbox;
	int r;

	text_reset_mail(&s->rules, o->now.at, &job);
	snprintf(job.id, sizeof(job.id), "reset-%s", o->now.correlation);
	snprintf(job.to, sizeof(job.to), "%s", to);
	r = jobs_submit(&s->net, &job, on_notified, s);
	return r < 0 ? r : 1;
}

/* The address of an account that has registered none here, as its directory has it. */
static void on_address(void *owner, enum job_kind kind _unused_, const struct job_result *result)
{
	struct server *s = owner;
	struct outbox *o = s->outbox;
	struct job_result none = { .outcome = OUTCOME_REFUSED, .why = WHY_REJECTED };

	if (s->store && result->outcome == OUTCOME_DONE && text_mail_address(result->mail)) {
		if (notify(s, result->mail) < 0)
			on_notified(s, JOB_NOTIFY, &none);
		return;
	}
	/* Nobody to tell, or not to be found out now: as a mail that was refused, or one to be tried again. */
	none.why = result->outcome == OUTCOME_DONE ? WHY_REJECTED : WHY_UNREACHABLE;
	o->busy = true;
	on_notified(s, JOB_NOTIFY, &none);
}

/* Without a way to send any, nobody is told, and no minute makes that better. */
static bool sends_mail(const struct policy *p)
{
	return *p->mail.server || *p->mail.directory;
}

/* 1: under way. 0: nothing left. 2: this one is done with, go on. */
static int notify_next(struct server *s)
{
	_cleanup_(registration_wipe) struct registration registration = {};
	struct outbox *o = s->outbox;
	struct job job = { .kind = JOB_LOOKUP };
	int r;

	o->now.row = 0;
	r = store_notices(s->store, o->notice, 1, take, &o->now);
	if (r < 0 || o->now.row == 0)
		return r;
	o->notice = o->now.row;
	r = store_registration(s->store, &o->now.account, &registration);
	if (r < 0 && r != -EBADMSG)
		return r;
	if (registration.mail[0] && sends_mail(&s->policy))
		return notify(s, registration.mail);
	if (registration.mail[0] || !sends_mail(&s->policy) || !policy_directory(&s->policy, o->now.account.directory)) {
		r = registration.mail[0] ? notice_end(s, AUDIT_NOTIFY_FAILED, why_name(WHY_MISCONFIGURED)) :
					   store_notice_done(s->store, o->now.row);
		return r < 0 ? r : 2;
	}
	job.account = o->now.account;
	r = lookup_submit(s, &job, LOOKUP_ANYBODY, on_address, s);
	return r < 0 ? r : 1;
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
