// SPDX-License-Identifier: LGPL-2.1-or-later
#include "engine/carry.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/log.h"
#include "engine/audit.h"
#include "engine/outbox.h"
#include "method/methods.h"

/* A proof that was right: what it uses up, to be committed with the fact. */
struct proven {
	bool live, last;
	int64_t account, attempt;
	struct proof proof;
};

static void session_audit(struct session *x, const struct moment *now, struct audit_context *ret)
{
	*ret = (struct audit_context){
		.store = x->server->store,
		.policy = &x->server->policy,
		.correlation = x->correlation,
		.seat = x->seat,
		.actor = x->user_socket ? "user" : "login",
		.target = &x->flow.account,
		.at = now->wall,
	};
}

int carry_who(struct session *x, char ret[static STORE_WHO])
{
	return store_who(x->server->store, &x->flow.account, ret);
}

/* ---- facts ---- */

/* From here on, committed or not, the row is no longer this dialogue's: what is left open is the outbox's. */
static int end_intent(struct session *x, const char *state)
{
	int64_t row = x->intent;
	int r;

	x->intent = 0;
	r = row ? store_intent_end(x->server->store, row, state) : 0;
	if (r > 0)
		log_error("write %lld had an outcome already", (long long)row);
	return r < 0 ? r : 0;
}

static int keep_intent(struct session *x, const struct moment *now)
{
	struct store_intent intent = { .at = now->wall, .account = x->flow.account };

	memcpy(intent.correlation, x->correlation, sizeof(intent.correlation));
	return store_intent_add(x->server->store, &intent, &x->intent);
}

/* Entra: a successful reset clears the counters. */
static int clear_limits(struct session *x)
{
	char who[STORE_WHO];
	int r = carry_who(x, who);

	return r < 0 ? r : store_limits_clear(x->server->store, who);
}

static int use_up(struct session *x, const struct proven *p)
{
	struct store *store = x->server->store;
	char who[STORE_WHO];
	int r;

	if (!p->live)
		return -EPROTO;
	r = carry_who(x, who);
	if (r == 0)
		r = store_proof_use(store, p->account, &p->proof);
	if (r == 0)
		r = store_try_release(store, p->attempt, p->last ? who : NULL);
	return r > 0 ? -EALREADY : r;
}

/* -EDQUOT: no more messages for this account, this seat, or at all. */
static int count_send(struct session *x, const struct moment *now)
{
	char who[STORE_WHO];
	const struct store_try send = { .who = who, .gate = "", .seat = x->seat, .at = now->lasting };
	int r = carry_who(x, who);

	if (r == 0)
		r = store_send(x->server->store, &x->server->policy.limits, &send);
	return r > 0 ? -EDQUOT : r;
}

static int carry_out_fact(struct session *x, const struct fact *fact, const struct proven *proof,
			  const struct moment *now)
{
	switch (fact->kind) {
	case FACT_GATE_PASSED:
		return use_up(x, proof);
	case FACT_CODE_SENT:
		return count_send(x, now);
	case FACT_INTENT:
		return keep_intent(x, now);
	case FACT_RESET:
		return clear_limits(x) < 0 ? -EIO : end_intent(x, "done");
	case FACT_PASSWORD_REFUSED:
	case FACT_UNCHANGED:
		return end_intent(x, "failed");
	case FACT_UNKNOWN:
		return end_intent(x, "unknown");
	default:
		return 0;
	}
}

static int commit_facts(struct session *x, const struct effects *e, const struct proven *proof,
			const struct moment *now)
{
	struct audit_context audit;
	int r;

	if (e->facts_n == 0)
		return 0;
	if (!x->server->store)
		return -EROFS;
	session_audit(x, now, &audit);
	r = store_begin(x->server->store);
	for (size_t i = 0; i < e->facts_n && r == 0; i++) {
		r = carry_out_fact(x, &e->facts[i], proof, now);
		if (r == 0)
			r = audit_fact(&audit, &e->facts[i]);
	}
	if (r == 0)
		return store_commit(x->server->store);
	store_rollback(x->server->store);
	return r;
}

/* ---- jobs ---- */

static void on_job_done(void *owner, enum job_kind kind, const struct job_result *result);

static int submit(struct session *x, struct jobs *jobs, struct job *job)
{
	int r = jobs_submit(jobs, job, on_job_done, x);

	if (r == 0) {
		x->jobs++;
		server_wake(x->server);
	}
	return r;
}

static void scope(const struct session *x, struct job *job)
{
	if (!*job->account.directory)
		snprintf(job->account.directory, sizeof(job->account.directory), "local");
	if (x->server->policy.enabled == ENABLED_SELECTED)
		snprintf(job->group, sizeof(job->group), "%.63s", x->server->policy.group);
}

static int tell_integrity(struct session *x, const struct account *a, const struct moment *now)
{
	struct audit_context audit;

	session_audit(x, now, &audit);
	audit.target = a;
	return audit_deed(&audit, AUDIT_INTEGRITY, method_authenticator.name, "");
}

/* With a seed that was moved here or forged, an account has nothing registered, and the audit says why. */
static int load_registration(struct session *x, const struct account *a, const struct moment *now,
			     struct registration *ret)
{
	int r = store_registration(x->server->store, a, ret);

	return r == -EBADMSG ? tell_integrity(x, a, now) : r;
}

/* The address is read here and now, and never comes from a peer. A decoy has none: its code goes nowhere. */
static int send_code(struct session *x, struct job *job, const struct moment *now)
{
	_cleanup_(registration_wipe) struct registration registration = {};
	int r = load_registration(x, &x->flow.account, now, &registration);

	if (r < 0)
		return r;
	if (x->flow.decoy || !registration.mail[0])
		return 0;
	memcpy(job->to, registration.mail, sizeof(job->to));
	return submit(x, &x->server->net, job);
}

static int ask_method(struct session *x, const struct job *job, const struct moment *now, struct proven *ret,
		      bool *ret_right)
{
	_cleanup_(registration_wipe) struct registration registration = {};
	const struct server *s = x->server;
	const struct method *method = s->rules.methods[x->flow.method];
	const struct proof_question question = {
		.account = &x->flow.account,
		.registration = &registration,
		.code = &x->flow.code,
		.code_key = &s->rules.code_key,
		.recovery_key = store_recovery_key(s->store),
		.answer = &job->secret,
		.now = now,
	};
	int r = load_registration(x, &x->flow.account, now, &registration);
	bool right;

	if (r < 0)
		return r;
	right = method->verify(&question, &ret->proof);
	*ret_right = right && method->registered(&registration) && !x->flow.decoy;
	ret->account = registration.account;
	return 0;
}

/* Counted first, and on the disk, before anything is compared. */
static int verify(struct session *x, const struct job *job, const struct moment *now, struct proven *proof,
		  struct job_result *ret)
{
	struct store *store = x->server->store;
	char who[STORE_WHO];
	struct store_try try = { .who = who, .seat = x->seat, .at = now->lasting };
	bool right = false;
	int r = carry_who(x, who);

	try.gate = x->server->rules.methods[x->flow.method]->name;
	*proof = (struct proven){};
	if (r == 0)
		r = store_try(store, &x->server->policy.limits, &try, &proof->attempt);
	if (r == 2) {
		*ret = (struct job_result){ .outcome = OUTCOME_REFUSED, .why = WHY_BUSY };
		return 1;
	}
	if (r < 0)
		return r;
	proof->last = r == 1;
	r = ask_method(x, job, now, proof, &right);
	if (r < 0)
		return r;
	proof->live = right;
	*ret = right ? (struct job_result){ .outcome = OUTCOME_DONE } :
		       (struct job_result){ .outcome = OUTCOME_REFUSED, .why = proof->last ? WHY_LOCKED : WHY_NONE };
	return 1;
}

/* 0: under way, or nothing more to do. 1: done at once, *ret says how. Negative: it could not even be tried. */
static int start_job(struct session *x, struct job *job, const struct moment *now, struct proven *proof,
		     struct job_result *ret)
{
	bool usable = x->server->store != NULL;

	switch (job->kind) {
	case JOB_LOOKUP:
	case JOB_RESET:
		scope(x, job);
		return submit(x, &x->server->local, job);
	case JOB_DELIVER:
		return usable ? send_code(x, job, now) : -EROFS;
	case JOB_VERIFY:
		return usable ? verify(x, job, now, proof, ret) : -EROFS;
	default:
		return 0;
	}
}

/* ---- the loop of event and effects ---- */

static int prepare(struct session *x, struct event *ev)
{
	server_now(x->server, &ev->now);
	return crypto_random(ev->entropy, sizeof(ev->entropy));
}

/* The write is with the worker: from here on only its outcome ends the session. */
static bool write_under_way(const struct session *x, const struct effects *e)
{
	return flow_writing(&x->flow) && e->job.kind != JOB_RESET;
}

static bool tells_outcome(const struct effects *e)
{
	for (size_t i = 0; i < e->facts_n; i++)
		if (e->facts[i].kind == FACT_RESET || e->facts[i].kind == FACT_UNCHANGED || e->facts[i].kind == FACT_UNKNOWN)
			return true;
	return false;
}

/*
 * Carries out the effects of one dispatch. 0: done. 1: *ev is the next event. Negative: the session is to end, the user has been
 * told.
 */
static int carry_out(struct session *x, struct effects *e, struct proven *proof, struct event *ev)
{
	struct job_result result = {};
	enum job_kind kind = e->job.kind;
	int r = commit_facts(x, e, proof, &ev->now);

	if (r == -EDQUOT) {
		*ev = (struct event){
			.type = EVENT_DONE,
			.job = JOB_DELIVER,
			.result = { .outcome = OUTCOME_REFUSED, .why = WHY_BUSY },
		};
		return 1;
	}
	if (r < 0 && x->server->store)
		server_store_failed(x->server, r);
	if (r < 0 && !tells_outcome(e) && !write_under_way(x, e)) {
		session_show_unavailable(x);
		return r;
	}
	r = start_job(x, &e->job, &ev->now, proof, &result);
	if (r < 0) {
		/* The flow says what that means in its state. */
		server_store_failed(x->server, r);
		result = (struct job_result){ .outcome = kind == JOB_RESET ? OUTCOME_REFUSED : OUTCOME_UNKNOWN,
					      .why = WHY_BROKEN };
	}
	if (r != 0) {
		*ev = (struct event){ .type = EVENT_DONE, .job = kind, .result = result };
		return 1;
	}
	r = session_show(x, &e->step);
	/* A peer that is gone or does not read is noticed by its socket. */
	return r == -EMSGSIZE ? r : 0;
}

/* True when the session is gone. */
bool carry_event(struct session *x, struct event *ev)
{
	/* One at a time, wiped after each dispatch; too large for the stack of every caller. */
	static struct effects effects;
	struct proven proof = {};
	int r;

	do {
		r = prepare(x, ev);
		if (r == 0)
			r = flow_dispatch(&x->flow, ev, &effects) == -EIO ? -EIO : 0;
		if (r == 0 || effects.step.kind != 0)
			r = carry_out(x, &effects, &proof, ev);
		effects_wipe(&effects);
	} while (r > 0);
	explicit_bzero(ev->entropy, sizeof(ev->entropy));
	if (x->flow.gone && x->fd >= 0)
		session_hang_up(x);
	if (r < 0 || flow_over(&x->flow)) {
		/* Only a dialogue that could write leaves anything behind; a wrong password's hint must not cost queries. */
		if (x->flow.verified != 0)
			outbox_wake(x->server);
		session_free(x);
		return true;
	}
	return false;
}

/* ---- what comes back from the workers ---- */

static void standing(struct session *x, struct event *ev, struct code *code)
{
	_cleanup_(registration_wipe) struct registration registration = {};
	struct server *s = x->server;
	const struct account *a = &ev->result.account;
	struct account typed = x->flow.account;
	char who[STORE_WHO];
	int r;

	if (!s->store)
		return;
	r = store_who(s->store, *a->object ? a : &typed, who);
	if (r == 0 && ev->result.outcome == OUTCOME_DONE)
		r = load_registration(x, a, &ev->now, &registration);
	if (r == 0)
		r = store_blocked(s->store, who, ev->now.lasting);
	if (r < 0) {
		server_store_failed(s, r);
		ev->result = (struct job_result){ .outcome = OUTCOME_UNKNOWN, .why = WHY_BROKEN };
		return;
	}
	ev->blocked = r > 0;
	ev->registered = methods_registered(&registration, s->rules.methods, s->rules.methods_n) >= s->policy.required;
	if (seats_take_code(&s->seats, who, x->seat, &ev->now, code, &ev->resume_method))
		ev->resume = code;
}

/* Who connects to user.sock may speak of their own account only; another one is nobody to them. */
static void own_account_only(struct session *x, struct job_result *result)
{
	struct audit_context audit;
	struct moment now;
	char own[24];

	snprintf(own, sizeof(own), "%u", (unsigned int)x->peer);
	if (!x->user_socket || strcmp(result->account.object, own) == 0)
		return;
	/* Trouble that has nothing to do with whose account it is. */
	if (result->outcome == OUTCOME_UNKNOWN || (!*result->account.object && result->why >= WHY_BUSY))
		return;
	*result = (struct job_result){ .outcome = OUTCOME_REFUSED, .why = WHY_NO_ACCOUNT };
	if (!x->server->store)
		return;
	server_now(x->server, &now);
	session_audit(x, &now, &audit);
	audit.actor = own;
	audit_deed(&audit, AUDIT_PEER_MISMATCH, "", "");
}

static void on_job_done(void *owner, enum job_kind kind, const struct job_result *result)
{
	struct session *x = owner;
	struct event ev = { .type = EVENT_DONE, .job = kind, .result = *result };
	struct code code = {};

	x->jobs--;
	if (kind == JOB_LOOKUP && x->flow.state == FLOW_LOOKING) {
		own_account_only(x, &ev.result);
		server_now(x->server, &ev.now);
		standing(x, &ev, &code);
	}
	carry_event(x, &ev);
	explicit_bzero(&code, sizeof(code));
}
