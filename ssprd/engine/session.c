// SPDX-License-Identifier: LGPL-2.1-or-later
#include "engine/session.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "base/boot.h"
#include "base/cleanup.h"
#include "base/log.h"
#include "base/text.h"
#include "engine/audit.h"
#include "engine/outbox.h"
#include "flow/texts.h"
#include "method/methods.h"

/* A connection that says nothing is no dialogue. */
#define SESSION_BEGIN (10 * 1000)
#define SESSION_PER_USER 4

struct session {
	struct session *next, **at;
	struct server *server;
	sd_event_source *io;
	int fd;
	uid_t peer;
	bool user_socket;
	unsigned int jobs; /* with a worker */
	int64_t accepted;
	int64_t intent; /* row; 0: none */
	char seat[SEATS_SEAT];
	char correlation[STORE_CORRELATION];
	struct flow flow;
};

/* A proof that was right: what it uses up, to be committed with the fact. */
struct session_proof {
	bool live, last;
	int64_t account, attempt;
	struct proof proof;
};

static void session_free(struct session *x)
{
	struct server *s = x->server;

	if (x->jobs > 0) {
		jobs_forget(&s->local, x);
		jobs_forget(&s->net, x);
	}
	*x->at = x->next;
	if (x->next)
		x->next->at = x->at;
	*(x->user_socket ? &s->user_dialogues : &s->dialogues) -= 1;
	sd_event_source_disable_unref(x->io);
	closep(&x->fd);
	explicit_bzero(x, sizeof(*x));
	free(x);
}

static void session_hang_up(struct session *x)
{
	x->io = sd_event_source_disable_unref(x->io);
	closep(&x->fd);
	x->fd = -1;
}

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

static int session_who(struct session *x, char ret[static STORE_WHO])
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
	int r = session_who(x, who);

	return r < 0 ? r : store_limits_clear(x->server->store, who);
}

static int use_up(struct session *x, const struct session_proof *p)
{
	struct store *store = x->server->store;
	char who[STORE_WHO];
	int r;

	if (!p->live)
		return -EPROTO;
	r = session_who(x, who);
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
	int r = session_who(x, who);

	if (r == 0)
		r = store_send(x->server->store, &x->server->policy.limits, &send);
	return r > 0 ? -EDQUOT : r;
}

static int carry_out_fact(struct session *x, const struct fact *fact, const struct session_proof *proof,
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

static int commit_facts(struct session *x, const struct effects *e, const struct session_proof *proof,
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

static int ask_method(struct session *x, const struct job *job, const struct moment *now, struct session_proof *ret,
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
static int verify(struct session *x, const struct job *job, const struct moment *now, struct session_proof *proof,
		  struct job_result *ret)
{
	struct store *store = x->server->store;
	char who[STORE_WHO];
	struct store_try try = { .who = who, .seat = x->seat, .at = now->lasting };
	bool right = false;
	int r = session_who(x, who);

	try.gate = x->server->rules.methods[x->flow.method]->name;
	*proof = (struct session_proof){};
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
static int start_job(struct session *x, struct job *job, const struct moment *now, struct session_proof *proof,
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

/* ---- steps ---- */

static int show(struct session *x, const struct step *step)
{
	struct wire *out = &x->server->out;
	int r;

	if (step->kind == 0 || x->fd < 0)
		return 0;
	wire_start(out, WIRE_STEP);
	wire_u8(out, WIRE_KIND, step->kind);
	wire_text(out, WIRE_INFO, step->info);
	if (*step->prompt)
		wire_text(out, WIRE_PROMPT, step->prompt);
	if (step->kind == STEP_END)
		wire_u8(out, WIRE_RESULT, step->result);
	wire_text(out, WIRE_LOST, step->lost);
	r = wire_send(x->fd, out);
	wire_wipe(out);
	return r;
}

static void show_unavailable(struct session *x)
{
	struct step step = { .kind = STEP_END, .result = RESULT_FAILED };

	text_unavailable(&x->server->policy, step.info, sizeof(step.info));
	show(x, &step);
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
static int carry_out(struct session *x, struct effects *e, struct session_proof *proof, struct event *ev)
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
		show_unavailable(x);
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
	r = show(x, &e->step);
	/* A peer that is gone or does not read is noticed by its socket. */
	return r == -EMSGSIZE ? r : 0;
}

/* True when the session is gone. */
static bool run(struct session *x, struct event *ev)
{
	/* One at a time, wiped after each dispatch; too large for the stack of every caller. */
	static struct effects effects;
	struct session_proof proof = {};
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
	if (!x->user_socket || result->outcome == OUTCOME_UNKNOWN || strcmp(result->account.object, own) == 0)
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
	run(x, &ev);
	explicit_bzero(&code, sizeof(code));
}

/* ---- what comes from the peer ---- */

#define SESSION_WORD 48

/* What a login program of root says of its seat is true; what a peer of user.sock says is not, so its seat is its uid. */
static void take_seat(struct session *x, const struct wire_message *m, const char *service)
{
	char tty[SESSION_WORD] = "", clean[SESSION_WORD];

	if (x->user_socket) {
		snprintf(x->seat, sizeof(x->seat), "uid %u", (unsigned int)x->peer);
		return;
	}
	if (wire_get_text(m, WIRE_TTY, tty, sizeof(tty)) < 0 || !*tty)
		snprintf(tty, sizeof(tty), "%s", service);
	text_clean(tty, strlen(tty), clean, sizeof(clean));
	snprintf(x->seat, sizeof(x->seat), "%s", strncmp(clean, "/dev/", 5) == 0 ? clean + 5 : clean);
}

struct session_begin {
	char name[ACCOUNT_NAME], service[SESSION_WORD];
	enum wire_reason reason;
};

static bool printable_text(const struct wire_message *m, enum wire_tag tag, char *ret, size_t size)
{
	return wire_get_text(m, tag, ret, size) == 0 && *ret && text_printable(ret, strlen(ret));
}

static bool read_begin(const struct wire_message *m, struct session_begin *ret)
{
	unsigned int reason;

	if (!printable_text(m, WIRE_USER, ret->name, sizeof(ret->name)) ||
	    !printable_text(m, WIRE_SERVICE, ret->service, sizeof(ret->service)) ||
	    wire_get_u8(m, WIRE_REASON, &reason) < 0)
		return false;
	ret->reason = (enum wire_reason)reason;
	return reason == REASON_KEYWORD || reason == REASON_FAILED;
}

static void refuse(struct session *x, enum step_result result, bool tell)
{
	struct step step = { .kind = STEP_END, .result = result };

	if (tell)
		text_unavailable(&x->server->policy, step.info, sizeof(step.info));
	show(x, &step);
	session_free(x);
}

static bool welcome(const struct session *x, const char *service)
{
	const struct policy *p = &x->server->policy;

	return x->user_socket ? p->self_service : policy_list_has(&p->services, service);
}

/* The first event of a dialogue, with what is remembered of this user at this seat. */
static void start(struct session *x, const struct session_begin *b)
{
	struct event ev = { .type = EVENT_START, .reason = b->reason, .name = b->name };
	struct seats *seats = &x->server->seats;

	if (b->reason == REASON_FAILED)
		ev.failures = seats_failed(seats, b->name, x->seat, boot_ms());
	else
		seats_forget_failures(seats, b->name, x->seat);
	run(x, &ev);
}

static void begin(struct session *x, const struct wire_message *m)
{
	struct session_begin b;
	unsigned int version;

	if (wire_get_u16(m, WIRE_VERSION, &version) < 0 || version != WIRE_VERSION_NOW) {
		refuse(x, RESULT_IGNORE, false);
	} else if (!read_begin(m, &b) || audit_correlation(x->correlation) < 0) {
		session_free(x);
	} else if (!welcome(x, b.service)) {
		refuse(x, RESULT_IGNORE, false);
	} else if (!x->server->store) {
		refuse(x, b.reason == REASON_KEYWORD ? RESULT_FAILED : RESULT_IGNORE, b.reason == REASON_KEYWORD);
	} else {
		take_seat(x, m, b.service);
		start(x, &b);
	}
}

static void keep_code(struct session *x)
{
	struct moment now;
	char who[STORE_WHO];

	server_now(x->server, &now);
	if (x->server->store && flow_resumable(&x->flow, &now) && session_who(x, who) == 0)
		seats_keep_code(&x->server->seats, who, x->seat, &x->flow.code, x->flow.code_method);
}

/*
 * The peer is gone or says so. A write that is under way is finished and written down all the same, and a code that is on
 * its way arrives: the next dialogue at this seat may ask for it.
 */
static void leave(struct session *x)
{
	struct event ev = { .type = EVENT_CANCEL };

	session_hang_up(x);
	if (x->flow.state == FLOW_IDLE) {
		session_free(x);
		return;
	}
	keep_code(x);
	jobs_release(&x->server->net, x);
	run(x, &ev);
}

static void answered(struct session *x, const struct wire_message *m)
{
	_cleanup_(secret_wipe) struct secret answer = {};
	struct event ev = { .type = EVENT_ANSWER, .answer = &answer };

	if (wire_get_secret(m, WIRE_TEXT, &answer) < 0) {
		/* Longer than any answer can be: as wrong as any. A spoilt message ends like a lost one. */
		if (!m->tag[WIRE_TEXT].at) {
			leave(x);
			return;
		}
		memset(answer.b, 'x', SECRET_MAX);
		answer.len = SECRET_MAX;
	}
	run(x, &ev);
}

/* Something that is no message of this protocol, or not its turn. */
static void violate(struct session *x)
{
	struct event ev = { .type = EVENT_START };

	if (x->flow.state == FLOW_IDLE) {
		session_free(x);
		return;
	}
	/* START is permitted once; its second coming makes the flow end as it should. */
	run(x, &ev);
}

static void heard(struct session *x, const struct wire_message *m)
{
	bool fresh = x->flow.state == FLOW_IDLE;

	if (m->type == WIRE_BEGIN && fresh)
		begin(x, m);
	else if (m->type == WIRE_ANSWER && !fresh)
		answered(x, m);
	else if (m->type == WIRE_CANCEL)
		leave(x);
	else
		violate(x);
}

static int on_readable(sd_event_source *source _unused_, int fd, uint32_t events _unused_, void *user)
{
	struct session *x = user;
	struct wire *in = &x->server->in;
	struct wire_message m;
	int r = wire_receive(fd, in);

	if (r == -EAGAIN)
		return 0;
	if (r == 0 && wire_parse(in->b, in->len, &m) == 0)
		heard(x, &m);
	else if (r == -EBADMSG || r == 0)
		violate(x);
	else
		leave(x);
	wire_wipe(in);
	return 0;
}

/* ---- arrival ---- */

static unsigned int of_user(const struct server *s, uid_t uid)
{
	unsigned int n = 0;

	for (const struct session *x = s->sessions; x; x = x->next)
		n += x->user_socket && x->peer == uid;
	return n;
}

static void deny(struct server *s, enum server_socket which, uid_t uid)
{
	struct account nobody = {};
	struct audit_context audit = { .store = s->store, .policy = &s->policy, .correlation = "", .target = &nobody };
	struct moment now;
	char actor[32];

	if (!s->store)
		return;
	server_now(s, &now);
	snprintf(actor, sizeof(actor), "uid %u", (unsigned int)uid);
	audit.actor = actor;
	audit.at = now.wall;
	audit.seat = which == SERVER_LOGIN ? "login.sock" : "user.sock";
	audit_deed(&audit, AUDIT_PEER_DENIED, "", "");
}

static bool admitted(struct server *s, enum server_socket which, uid_t uid)
{
	const struct policy_limits *limits = &s->policy.limits;

	if (which == SERVER_LOGIN && uid != 0) {
		deny(s, which, uid);
		return false;
	}
	/* A peer of another user namespace shows as this one: whoever it is, it is not known. */
	if (which == SERVER_USER && uid == 65534) {
		deny(s, which, uid);
		return false;
	}
	if (which == SERVER_LOGIN)
		return s->dialogues < limits->dialogues;
	return s->user_dialogues < limits->user_dialogues && of_user(s, uid) < SESSION_PER_USER;
}

static int session_new(struct server *s, enum server_socket which, int fd, uid_t uid, struct session **ret)
{
	struct session *x = calloc(1, sizeof(*x));
	struct moment now;

	if (!x)
		return -ENOMEM;
	server_now(s, &now);
	*x = (struct session){
		.next = s->sessions,
		.at = &s->sessions,
		.server = s,
		.fd = fd,
		.peer = uid,
		.user_socket = which == SERVER_USER,
		.accepted = now.boot,
	};
	flow_init(&x->flow, &s->rules);
	if (s->sessions)
		s->sessions->at = &x->next;
	s->sessions = x;
	*(x->user_socket ? &s->user_dialogues : &s->dialogues) += 1;
	*ret = x;
	return 0;
}

void session_accept(struct server *s, enum server_socket which, int fd)
{
	_cleanup_(closep) int mine = fd;
	struct session *x;
	struct ucred peer;
	socklen_t len = sizeof(peer);

	if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &len) < 0 || !admitted(s, which, peer.uid))
		return;
	if (session_new(s, which, fd, peer.uid, &x) < 0)
		return;
	TAKE_FD(mine);
	if (sd_event_add_io(s->event, &x->io, fd, EPOLLIN, on_readable, x) < 0) {
		session_free(x);
		return;
	}
	server_wake(s);
}

void sessions_tick(struct server *s)
{
	struct moment now;

	server_now(s, &now);
	for (struct session *x = s->sessions, *next; x; x = next) {
		struct event ev = { .type = EVENT_TICK };

		next = x->next;
		if (x->flow.state == FLOW_IDLE && now.boot - x->accepted >= SESSION_BEGIN)
			session_free(x);
		else if (x->flow.state != FLOW_IDLE && now.boot >= flow_deadline(&x->flow))
			run(x, &ev);
	}
}

bool sessions_write(const struct server *s, int64_t intent)
{
	for (const struct session *x = s->sessions; x; x = x->next)
		if (x->intent == intent)
			return true;
	return false;
}

void sessions_close(struct server *s)
{
	while (s->sessions)
		session_free(s->sessions);
}
