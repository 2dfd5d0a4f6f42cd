// SPDX-License-Identifier: LGPL-2.1-or-later
#include "engine/carry.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/boot.h"
#include "base/cleanup.h"
#include "base/log.h"
#include "base/text.h"
#include "engine/audit.h"
#include "engine/lookup.h"
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

/* With what the history will know of the password, so that no way to find the outcome out loses it. */
static int keep_intent(struct session *x, const struct secret *password, const struct moment *now)
{
	struct store_intent intent = { .at = now->wall, .lasting = now->lasting, .account = x->flow.account };
	int r = store_history_make(x->server->store, &x->flow.account, password, x->server->policy.password.history,
				   &intent.history);

	if (r < 0)
		return r;
	memcpy(intent.correlation, x->correlation, sizeof(intent.correlation));
	return store_intent_add(x->server->store, &intent, &x->intent);
}

/* Entra: a successful reset clears the counters, but that of resets. */
static int clear_limits(struct session *x, const struct moment *now)
{
	char who[STORE_WHO];
	int r = carry_who(x, who);

	return r < 0 ? r : store_limits_succeeded(x->server->store, &x->server->policy.limits, who, now->lasting);
}

static int count_reset(struct session *x, const struct moment *now)
{
	char who[STORE_WHO];
	int r = carry_who(x, who);

	return r < 0 ? r : store_reset_count(x->server->store, &x->server->policy.limits, who, now->lasting);
}

/* What is registered here belongs to nobody any more; an administrator sees it in the list (F22). */
static int note_gone(struct session *x, const struct moment *now)
{
	return store_account_gone(x->server->store, &x->flow.account, now->wall);
}

/* The try was no failure. */
static int take_back(struct session *x, int64_t attempt, bool last, const struct moment *now)
{
	char who[STORE_WHO];
	const struct store_release release = { .who = who, .attempt = attempt, .last = last, .now = now->lasting };
	int r = carry_who(x, who);

	return r == 0 ? store_try_release(x->server->store, &x->server->policy.limits, &release) : r;
}

/*
 * A number that was right counts like one that was wrong until its code has come back: or the limits would tell which it was. The
 * tries at this dialogue's right ones were no failures after all.
 */
static int release_numbers(struct session *x, const struct fact *passed, const struct moment *now)
{
	/* The flow asks for the next one already. */
	const struct method *method = method_find(passed->method);
	struct session_beyond *b = x->beyond;
	int r = 0;

	if (!b || !method || method->family != FAMILY_PHONE)
		return 0;
	for (unsigned int i = 0; i < b->numbers_n && r == 0; i++)
		r = take_back(x, b->numbers[i], false, now);
	return r;
}

static int use_up(struct session *x, const struct fact *passed, const struct proven *p, const struct moment *now)
{
	int r;

	if (!p->live)
		return -EPROTO;
	r = store_proof_use(x->server->store, p->account, &p->proof);
	if (r == 0)
		r = take_back(x, p->attempt, p->last, now);
	if (r == 0)
		r = release_numbers(x, passed, now);
	return r > 0 ? -EALREADY : r;
}

static const struct store_aliases *aliases(const struct session *x)
{
	return x->beyond ? &x->beyond->aliases : NULL;
}

/* What was counted for the message that was too many is rolled back; that it came so soon after the others is not. */
static void block_overrun(struct session *x, const struct moment *now)
{
	char who[STORE_WHO];
	const struct store_try send = { .who = who, .gate = "", .seat = x->seat, .at = now->lasting, .aliases = aliases(x) };
	int r = carry_who(x, who);

	if (r == 0)
		r = store_send_overrun(x->server->store, &x->server->policy.limits, &send);
	if (r < 0)
		server_store_failed(x->server, r);
}

/* -EDQUOT: no more messages for this account, this seat, or at all. */
static int count_send(struct session *x, const struct moment *now)
{
	char who[STORE_WHO];
	const struct store_try send = { .who = who, .gate = "", .seat = x->seat, .at = now->lasting, .aliases = aliases(x) };
	int r = carry_who(x, who);

	if (r == 0)
		r = store_send(x->server->store, &x->server->policy.limits, &send);
	return r > 0 ? -EDQUOT : r;
}

/* Too many to this number or in all: what is seen at the screen stays the same, the administrator is told. */
static int count_number(struct session *x, const struct fact *sent, const struct audit_context *audit, const struct moment *now)
{
	const struct policy_limits *limits = &x->server->policy.limits;
	const struct fact withheld = { .kind = FACT_CODE_UNDELIVERED, .method = sent->method, .why = WHY_BUSY };
	int r;

	if (!x->beyond || !*x->beyond->number)
		return 0;
	r = store_send_phone(x->server->store, limits, x->beyond->number, now->lasting);
	if (r <= 0)
		return r;
	log_warning(r == 1 ? "a code was not sent: its number has had its messages of this day ([limits] sends-per-day)" :
			     "a code was not sent: all messages of this day are used up ([limits] sms-per-day)");
	explicit_bzero(x->beyond->number, sizeof(x->beyond->number));
	return audit_fact(audit, &withheld);
}

static int carry_out_fact(struct session *x, const struct fact *fact, const struct job *job, const struct proven *proof,
			  const struct moment *now)
{
	switch (fact->kind) {
	case FACT_GATE_PASSED:
		return use_up(x, fact, proof, now);
	case FACT_VERIFIED:
		return count_reset(x, now);
	case FACT_CODE_SENT:
		return count_send(x, now);
	case FACT_INTENT:
		return keep_intent(x, &job->secret, now);
	case FACT_RESET:
		return clear_limits(x, now) < 0 ? -EIO : end_intent(x, "done");
	case FACT_UNCHANGED:
		return fact->why == WHY_NO_ACCOUNT && note_gone(x, now) < 0 ? -EIO : end_intent(x, "failed");
	case FACT_PASSWORD_REFUSED:
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
		r = carry_out_fact(x, &e->facts[i], &e->job, proof, now);
		if (r == 0)
			r = audit_fact(&audit, &e->facts[i]);
		if (r == 0 && e->facts[i].kind == FACT_CODE_SENT && e->job.channel != CHANNEL_MAIL)
			r = count_number(x, &e->facts[i], &audit, now);
	}
	if (r == 0)
		return store_commit(x->server->store);
	store_rollback(x->server->store);
	return r;
}

/* ---- jobs ---- */

static void on_job_done(void *owner, enum job_kind kind, const struct job_result *result);

static int submit(struct session *x, struct job *job)
{
	struct server *s = x->server;
	enum lookup_whom whom = x->flow.state == FLOW_RECONCILING ? LOOKUP_ANYBODY : LOOKUP_IN_SCOPE;
	bool of_nobody = job->kind == JOB_DELIVER || job->kind == JOB_BREACHED;
	int r = of_nobody ? jobs_submit(&s->net, job, on_job_done, x) : lookup_submit(s, job, whom, on_job_done, x);

	if (r == 0) {
		x->jobs++;
		server_wake(x->server);
	}
	return r;
}

/* 0, or -ENOMEM. */
static int need_beyond(struct session *x)
{
	if (!x->beyond)
		x->beyond = calloc(1, sizeof(*x->beyond));
	return x->beyond ? 0 : -ENOMEM;
}

static int tell_integrity(struct session *x, const struct account *a, const struct moment *now)
{
	struct audit_context audit;

	session_audit(x, now, &audit);
	audit.target = a;
	return audit_deed(&audit, AUDIT_INTEGRITY, method_authenticator.name, "");
}

static bool has_sign_in(const struct session *x, const struct account *a)
{
	return policy_directory(&x->server->policy, a->directory) != NULL;
}

/* With a seed that was moved here or forged, an account has nothing registered, and the audit says why. */
static int load_registration(struct session *x, const struct account *a, const struct moment *now,
			     struct registration *ret)
{
	int r = store_registration(x->server->store, a, ret);

	if (r == -EBADMSG)
		r = tell_integrity(x, a, now);
	registration_expire(ret, now->lasting);
	ret->sign_in = has_sign_in(x, a);
	registration_complete(ret, &x->server->policy, x->beyond ? x->beyond->mail : NULL, x->beyond ? x->beyond->mobile : NULL,
			      x->beyond ? x->beyond->office : NULL);
	return r;
}

/* Where a code goes to is read here and now, and never comes from a peer. "": nowhere. */
static const char *address_of(const struct session *x, const struct job *job, const struct registration *registration)
{
	if (x->flow.decoy)
		return "";
	if (job->channel == CHANNEL_MAIL)
		return registration->mail;
	return x->beyond ? x->beyond->number : "";
}

static int send_code(struct session *x, struct job *job, const struct moment *now)
{
	_cleanup_(registration_wipe) struct registration registration = {};
	int r = load_registration(x, &x->flow.account, now, &registration);

	if (r < 0)
		return r;
	snprintf(job->to, sizeof(job->to), "%s", address_of(x, job, &registration));
	if (x->beyond)
		explicit_bzero(x->beyond->number, sizeof(x->beyond->number));
	return *job->to ? submit(x, job) : 0;
}

/* Where a name that nobody has would be. */
static const char *directory_of_name(const struct policy *p, const char *name)
{
	const char *at = strchr(name, '@');

	for (size_t i = 0; at && i < p->directories_n; i++)
		for (size_t k = 0; k < p->directories[i].entra.domains.n; k++)
			if (strcasecmp(at + 1, p->directories[i].entra.domains.item[k]) == 0)
				return p->directories[i].name;
	return p->directories[0].name;
}

/* A decoy's sign-in begins like any other, at the directory that would know the name. */
static int begin_approval(struct session *x, struct job *job)
{
	const struct policy *p = &x->server->policy;

	if (!policy_directory(p, job->account.directory))
		snprintf(job->account.directory, sizeof(job->account.directory), "%s",
			 directory_of_name(p, job->account.name));
	return submit(x, job);
}

static void keep_ticket(struct session *x, struct job_result *result)
{
	int64_t life = (int64_t)result->life * 1000;

	if (result->outcome != OUTCOME_DONE)
		return;
	if (need_beyond(x) < 0) {
		*result = (struct job_result){ .outcome = OUTCOME_UNKNOWN, .why = WHY_BROKEN };
		return;
	}
	x->beyond->ticket = result->ticket;
	x->beyond->ticket_until = boot_ms() + life;
}

static int ask_method(struct session *x, const struct job *job, const struct moment *now, struct proven *ret,
		      bool *ret_right)
{
	_cleanup_(registration_wipe) struct registration registration = {};
	const struct server *s = x->server;
	const struct method *method = s->rules.methods[x->flow.method];
	/* A code proves what it was sent by, and nothing else. */
	struct code none = {}, *code = x->flow.code_method == x->flow.method ? &x->flow.code : &none;
	const struct proof_question question = {
		.account = &x->flow.account,
		.registration = &registration,
		.code = code,
		.code_key = &s->rules.code_key,
		.recovery_key = store_recovery_key(s->store),
		.pass_key = store_pass_key(s->store),
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

/* Counted first, and on the disk, before anything is asked. 0, 1: *ret says that the limits forbid it, or negative. */
static int count_try(struct session *x, const struct moment *now, int64_t *ret_attempt, bool *ret_last,
		     struct job_result *ret)
{
	char who[STORE_WHO];
	struct store_try try = { .who = who, .seat = x->seat, .at = now->lasting, .aliases = aliases(x) };
	int r = carry_who(x, who);

	try.gate = x->server->rules.methods[x->flow.method]->name;
	if (r == 0)
		r = store_try(x->server->store, &x->server->policy.limits, &try, ret_attempt);
	if (r == 2) {
		*ret = (struct job_result){ .outcome = OUTCOME_REFUSED, .why = WHY_BUSY };
		return 1;
	}
	*ret_last = r == 1;
	return r < 0 ? r : 0;
}

/* Nobody was refused: the sign-in is not finished, or nobody could be asked. */
static int uncount_try(struct session *x)
{
	struct store *store = x->server->store;
	struct moment now;
	int r = store_begin(store);

	if (r < 0)
		return r;
	server_now(x->server, &now);
	r = take_back(x, x->beyond->attempt, x->beyond->last, &now);
	if (r >= 0)
		return store_commit(store);
	store_rollback(store);
	return r;
}

void carry_left(struct session *x)
{
	if (x->flow.state == FLOW_APPROVING && x->server->store && uncount_try(x) < 0)
		server_store_failed(x->server, -EIO);
}

static int ask_approval(struct session *x, struct job *job, const struct moment *now, struct job_result *ret)
{
	struct session_beyond *b = x->beyond;
	int r;

	if (!b || b->ticket.len == 0 || boot_ms() >= b->ticket_until) {
		*ret = (struct job_result){ .outcome = OUTCOME_REFUSED, .why = WHY_DECLINED };
		return 1;
	}
	r = count_try(x, now, &b->attempt, &b->last, ret);
	if (r != 0)
		return r;
	job->secret = b->ticket;
	return begin_approval(x, job);
}

/* What came of the try that was counted; a decoy has nothing to pass with, whoever signed in. */
static void judge_approval(struct session *x, struct job_result *result, struct proven *ret)
{
	struct session_beyond *b = x->beyond;
	bool declined = result->outcome == OUTCOME_REFUSED &&
			(result->why == WHY_OTHER_ACCOUNT || result->why == WHY_DECLINED);

	if (result->outcome == OUTCOME_DONE && (x->flow.decoy || !has_sign_in(x, &x->flow.account))) {
		*result = (struct job_result){ .outcome = OUTCOME_REFUSED, .why = WHY_OTHER_ACCOUNT };
		declined = true;
	}
	if (result->outcome == OUTCOME_DONE) {
		secret_wipe(&b->ticket);
		*ret = (struct proven){ .live = true, .last = b->last, .attempt = b->attempt };
	} else if (declined) {
		secret_wipe(&b->ticket);
		if (b->last)
			result->why = WHY_LOCKED;
	} else if (x->server->store && uncount_try(x) < 0) {
		server_store_failed(x->server, -EIO);
	}
}

static int verify(struct session *x, const struct job *job, const struct moment *now, struct proven *proof,
		  struct job_result *ret)
{
	bool right = false;
	int r;

	*proof = (struct proven){};
	r = count_try(x, now, &proof->attempt, &proof->last, ret);
	if (r != 0)
		return r;
	r = ask_method(x, job, now, proof, &right);
	if (r < 0)
		return r;
	proof->live = right;
	*ret = right ? (struct job_result){ .outcome = OUTCOME_DONE } :
		       (struct job_result){ .outcome = OUTCOME_REFUSED, .why = proof->last ? WHY_LOCKED : WHY_NONE };
	return 1;
}

/* The registered number, if it is the one that was typed; else "". */
static int compare_number(struct session *x, const struct job *job, const struct moment *now, char ret[static PHONE])
{
	_cleanup_(registration_wipe) struct registration registration = {};
	const struct method *method = x->server->rules.methods[x->flow.method];
	char known[PHONE] = "";
	int r = load_registration(x, &x->flow.account, now, &registration);
	bool same;

	if (r < 0)
		return r;
	if (method->number)
		snprintf(known, sizeof(known), "%s", method->number(&registration));
	/* The secret's place is larger, and zero behind its end. */
	same = bytes_equal(job->secret.b, known, sizeof(known)) && *known && !x->flow.decoy;
	snprintf(ret, PHONE, "%s", same ? known : "");
	explicit_bzero(known, sizeof(known));
	return 0;
}

/* Like any other proof it is counted before it is looked at. After the last try the code could not be entered any more. */
static int check_number(struct session *x, const struct job *job, const struct moment *now, struct job_result *ret)
{
	int64_t attempt = 0;
	bool last = false;
	int r = need_beyond(x);

	if (r == 0)
		r = count_try(x, now, &attempt, &last, ret);
	if (r != 0)
		return r;
	r = compare_number(x, job, now, x->beyond->number);
	if (r < 0)
		return r;
	*ret = (struct job_result){ .outcome = OUTCOME_REFUSED, .why = last ? WHY_LOCKED : WHY_NONE };
	if (last)
		explicit_bzero(x->beyond->number, sizeof(x->beyond->number));
	if (!*x->beyond->number)
		return 1;
	if (x->beyond->numbers_n < ARRAY_SIZE(x->beyond->numbers))
		x->beyond->numbers[x->beyond->numbers_n++] = attempt;
	*ret = (struct job_result){ .outcome = OUTCOME_DONE };
	return 1;
}

/* A password of the account's history goes to no writer; the flow asks for another one, as when the writer knows it. */
static int write_password(struct session *x, struct job *job, struct job_result *ret)
{
	unsigned int history = x->server->policy.password.history;
	int r = history > 0 ? store_history_has(x->server->store, &job->account, &job->secret, history) : 0;

	if (r == 0)
		return submit(x, job);
	if (r > 0)
		*ret = (struct job_result){ .outcome = OUTCOME_REFUSED, .why = WHY_USED_BEFORE };
	return r;
}

/* 0: under way, or nothing more to do. 1: done at once, *ret says how. Negative: it could not even be tried. */
static int start_job(struct session *x, struct job *job, const struct moment *now, struct proven *proof,
		     struct job_result *ret)
{
	bool usable = x->server->store != NULL;

	switch (job->kind) {
	case JOB_LOOKUP:
	case JOB_BREACHED:
		return submit(x, job);
	case JOB_RESET:
		return usable ? write_password(x, job, ret) : -EROFS;
	case JOB_APPROVAL:
		return begin_approval(x, job);
	case JOB_APPROVE:
		return usable ? ask_approval(x, job, now, ret) : -EROFS;
	case JOB_DELIVER:
		return usable ? send_code(x, job, now) : -EROFS;
	case JOB_NUMBER:
		return usable ? check_number(x, job, now, ret) : -EROFS;
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
		block_overrun(x, &ev->now);
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

static bool carry_proof(struct session *x, struct event *ev, struct proven *proven)
{
	/* One at a time, wiped after each dispatch; too large for the stack of every caller. */
	static struct effects effects;
	struct proven proof = *proven;
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

/* True when the session is gone. */
bool carry_event(struct session *x, struct event *ev)
{
	struct proven nothing = {};

	return carry_proof(x, ev, &nothing);
}

/* ---- what comes back from the workers ---- */

/* As whom else what was typed counts; whom it counts as is not among them. */
static int keep_aliases(struct session *x, const struct job_result *result, const char *who)
{
	struct store_aliases *a;

	if (result->spelt_n == 0)
		return 0;
	if (need_beyond(x) < 0)
		return -ENOMEM;
	a = &x->beyond->aliases;
	for (size_t i = 0; i < result->spelt_n; i++) {
		struct account nobody = {};
		int r;

		memcpy(nobody.name, result->spelt[i], sizeof(nobody.name));
		r = store_who(x->server->store, &nobody, a->who[a->n]);
		if (r < 0)
			return r;
		a->n += strcmp(a->who[a->n], who) != 0;
	}
	return 0;
}

/* 1: blocked, by whatever name. */
static int is_blocked(struct session *x, const char *who, int64_t now)
{
	const struct store_aliases *a = aliases(x);
	int r = store_blocked(x->server->store, who, now);

	for (size_t i = 0; a && i < a->n && r == 0; i++)
		r = store_blocked(x->server->store, a->who[i], now);
	return r;
}

static void standing(struct session *x, struct event *ev, struct code *code)
{
	_cleanup_(registration_wipe) struct registration registration = {};
	struct server *s = x->server;
	const struct account *a = &ev->result.account;
	struct account typed = x->flow.account;
	char who[STORE_WHO];
	bool admin;
	int r;

	if (!s->store)
		return;
	r = store_who(s->store, *a->object || *a->name ? a : &typed, who);
	if (r == 0)
		r = keep_aliases(x, &ev->result, who);
	if (r == 0 && ev->result.outcome == OUTCOME_DONE)
		r = load_registration(x, a, &ev->now, &registration);
	if (r == 0)
		r = is_blocked(x, who, ev->now.lasting);
	if (r < 0) {
		server_store_failed(s, r);
		ev->result = (struct job_result){ .outcome = OUTCOME_UNKNOWN, .why = WHY_BROKEN };
		return;
	}
	ev->blocked = r > 0;
	admin = policy_is_admin(&s->policy, a->name);
	ev->registered = methods_registered(&registration, s->rules.methods, s->rules.methods_n, admin) >=
			 policy_required(&s->policy, admin);
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

static void keep_contact(struct session *x, struct job_result *result)
{
	bool mail = text_mail_address(result->mail);

	if (result->outcome != OUTCOME_DONE || (!mail && !*result->mobile && !*result->office))
		return;
	if (need_beyond(x) < 0) {
		*result = (struct job_result){ .outcome = OUTCOME_UNKNOWN, .why = WHY_BROKEN };
		return;
	}
	if (mail)
		memcpy(x->beyond->mail, result->mail, sizeof(x->beyond->mail));
	memcpy(x->beyond->mobile, result->mobile, sizeof(x->beyond->mobile));
	memcpy(x->beyond->office, result->office, sizeof(x->beyond->office));
}

static void on_job_done(void *owner, enum job_kind kind, const struct job_result *result)
{
	struct session *x = owner;
	struct event ev = { .type = EVENT_DONE, .job = kind, .result = *result };
	struct proven proof = {};
	struct code code = {};

	x->jobs--;
	if (kind == JOB_LOOKUP && x->flow.state == FLOW_LOOKING) {
		own_account_only(x, &ev.result);
		server_now(x->server, &ev.now);
		keep_contact(x, &ev.result);
		standing(x, &ev, &code);
	}
	if (kind == JOB_APPROVAL)
		keep_ticket(x, &ev.result);
	if (kind == JOB_APPROVE)
		judge_approval(x, &ev.result, &proof);
	carry_proof(x, &ev, &proof);
	job_result_wipe(&ev.result);
	explicit_bzero(&code, sizeof(code));
}
