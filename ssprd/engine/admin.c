// SPDX-License-Identifier: LGPL-2.1-or-later
#include "engine/admin.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>

#include "base/cleanup.h"
#include "base/log.h"
#include "base/text.h"
#include "engine/admin_verbs.h"
#include "engine/audit.h"
#include "engine/lookup.h"
#include "engine/outbox.h"
#include "engine/peer.h"
#include "method/methods.h"

#define ADMINS_MAX 16
#define ENROL_TRIES 3

struct admin {
	struct admin *next, **at;
	struct server *server;
	sd_event_source *io;
	int fd;
	unsigned int jobs;
	char correlation[STORE_CORRELATION];
	char actor[STORE_ISSUER];
	/* An authenticator that waits for its first code; it is in no database yet. */
	struct account enrolling;
	struct secret seed;
	unsigned int tries;
	/* Directories that are being checked, one after the other. */
	size_t checking;
	char check_user[ACCOUNT_NAME], check_directory[ACCOUNT_DIRECTORY];
};

static void admin_free(struct admin *a)
{
	if (a->jobs > 0)
		lookup_forget(a->server, a);
	*a->at = a->next;
	if (a->next)
		a->next->at = a->at;
	a->server->admins_n--;
	sd_event_source_disable_unref(a->io);
	close(a->fd);
	explicit_bzero(a, sizeof(*a));
	free(a);
}

static struct wire *message(struct admin *a, enum wire_type type)
{
	wire_start(&a->server->out, type);
	return &a->server->out;
}

static void put(struct admin *a)
{
	if (wire_send(a->fd, &a->server->out) < 0)
		log_warning("ssprctl does not read its answers");
	wire_wipe(&a->server->out);
}

static void row(struct admin *a, enum wire_type type, const char *const *columns, size_t n)
{
	struct wire *w = message(a, type);

	for (size_t i = 0; i < n; i++)
		wire_text(w, (unsigned int)(WIRE_COLUMN + i), columns[i]);
	put(a);
}

static void end(struct admin *a, enum wire_status status, const char *text)
{
	struct wire *w = message(a, WIRE_END);

	wire_u8(w, WIRE_STATUS, status);
	if (*text)
		wire_text(w, WIRE_TEXT, text);
	put(a);
}

static void end_page(struct admin *a, uint64_t after)
{
	struct wire *w = message(a, WIRE_END);

	wire_u8(w, WIRE_STATUS, STATUS_OK);
	wire_u64(w, WIRE_AFTER, after);
	put(a);
}

static void failed(struct admin *a, int error)
{
	char text[128];

	server_store_failed(a->server, error);
	snprintf(text, sizeof(text), "the database failed: %s", strerror(-error));
	end(a, STATUS_FAILED, text);
}

static void when(int64_t at, char *ret, size_t size)
{
	time_t t = (time_t)at;
	struct tm tm;

	ret[0] = 0;
	if (at > 0 && gmtime_r(&t, &tm))
		strftime(ret, size, "%Y-%m-%dT%H:%M:%SZ", &tm);
}

static void number(int64_t n, char *ret, size_t size)
{
	snprintf(ret, size, "%" PRId64, n);
}

static int64_t wall(struct admin *a)
{
	struct moment now;

	server_now(a->server, &now);
	return now.wall;
}

static int audit(struct admin *a, const struct account *target, enum audit_deed deed, const char *method,
		 const char *reason)
{
	const struct audit_context c = {
		.store = a->server->store,
		.policy = &a->server->policy,
		.correlation = a->correlation,
		.seat = "",
		.actor = a->actor,
		.target = target,
		.at = wall(a),
	};

	return audit_deed(&c, deed, method, reason);
}

/* A change and its audit row, or neither; told when it is neither. */
static bool finished(struct admin *a, int r, const struct account *target, enum audit_deed deed, const char *method)
{
	return admin_finished(a, r, target, deed, method, "");
}

static void finish(struct admin *a, int r, const struct account *target, enum audit_deed deed, const char *method)
{
	if (finished(a, r, target, deed, method))
		end(a, STATUS_OK, "");
}

/* ---- for the other files of requests ---- */

struct server *admin_server(struct admin *a)
{
	return a->server;
}

const char *admin_actor(const struct admin *a)
{
	return a->actor;
}

const char *admin_correlation(const struct admin *a)
{
	return a->correlation;
}

void admin_row(struct admin *a, enum wire_type type, const char *const *columns, size_t n)
{
	row(a, type, columns, n);
}

void admin_end(struct admin *a, enum wire_status status, const char *text)
{
	end(a, status, text);
}

void admin_failed(struct admin *a, int error)
{
	failed(a, error);
}

void admin_end_page(const struct admin_page *p, int r)
{
	if (r < 0)
		failed(p->admin, r);
	else if (p->rows == WIRE_PAGE)
		end_page(p->admin, p->last);
	else
		end(p->admin, STATUS_OK, "");
}

void admin_time(int64_t at, char *ret, size_t size)
{
	when(at, ret, size);
}

int admin_audit(struct admin *a, const struct account *target, enum audit_deed deed, const char *method, const char *reason)
{
	return audit(a, target, deed, method, reason);
}

bool admin_finished(struct admin *a, int r, const struct account *target, enum audit_deed deed, const char *method, const char *reason)
{
	if (r == 0)
		r = audit(a, target, deed, method, reason);
	if (r == 0)
		r = store_commit(a->server->store);
	else
		store_rollback(a->server->store);
	if (r < 0)
		failed(a, r);
	return r == 0;
}

/* ---- status ---- */

static void item(struct admin *a, const char *name, const char *value)
{
	const char *const columns[] = { name, value };

	row(a, WIRE_ROW, columns, 2);
}

static void item_number(struct admin *a, const char *name, int64_t n)
{
	char text[24];

	number(n, text, sizeof(text));
	item(a, name, text);
}

static void status_store(struct admin *a)
{
	struct store *store = a->server->store;
	int64_t accounts = 0, pending = 0;
	struct moment now;

	if (store_account_count(store, &accounts) < 0 || store_intent_count(store, &pending) < 0)
		return;
	server_now(a->server, &now);
	item_number(a, "registered users", accounts);
	item_number(a, "writes not confirmed", pending);
	if (now.wall < now.lasting - 300)
		item(a, "clock", "behind: authenticator codes are refused; if it is right: ssprctl clock accept");
	else
		item(a, "clock", "good");
}

static void on_status(struct admin *a, const struct admin_request *q _unused_)
{
	static const char *const head[] = { "item", "value" };
	static const char *const enabled[] = { "none", "selected", "all" };
	struct server *s = a->server;
	char text[160];

	row(a, WIRE_HEAD, head, 2);
	item(a, "version", PACKAGE_VERSION);
	item(a, "state", s->store ? "ready" : "refusing every reset");
	if (!s->store)
		item(a, "why", s->why);
	item(a, "enabled", enabled[s->policy.enabled]);
	item_number(a, "methods required", s->policy.required);
	text[0] = 0;
	for (size_t i = 0, at = 0; i < s->rules.methods_n && at < sizeof(text); i++)
		at += (size_t)snprintf(text + at, sizeof(text) - at, "%s%s", i ? " " : "", s->rules.methods[i]->name);
	item(a, "methods", text);
	item_number(a, "dialogues", s->dialogues + s->user_dialogues);
	if (s->store)
		status_store(a);
	end(a, STATUS_OK, "");
}

/* ---- users ---- */

struct page {
	struct admin *admin;
	uint64_t last;
	unsigned int rows;
};

static void user_row(void *to, const struct store_account_row *r)
{
	struct page *p = to;
	char methods[96], blocked[32], recovery[16], id[80], gone[32], mobile[PHONE_MASKED] = "", office[PHONE_MASKED] = "";
	struct moment now;
	const char *const columns[] = { r->account.name, id, methods, recovery, blocked, gone, mobile, office };

	server_now(p->admin->server, &now);
	snprintf(id, sizeof(id), "%s:%s", r->account.directory, r->account.object);
	snprintf(methods, sizeof(methods), "%s%s%s", r->authenticators ? "authenticator " : "",
		 r->addresses ? "email " : "", r->recovery_codes ? "recovery-code " : "");
	if (*methods)
		methods[strlen(methods) - 1] = 0;
	number(r->recovery_codes, recovery, sizeof(recovery));
	when(r->blocked_until > now.lasting ? r->blocked_until : 0, blocked, sizeof(blocked));
	when(r->gone, gone, sizeof(gone));
	if (*r->mobile)
		phone_mask(r->mobile, mobile);
	if (*r->office)
		phone_mask(r->office, office);
	row(p->admin, WIRE_ROW, columns, ARRAY_SIZE(columns));
	p->last = (uint64_t)r->row;
	p->rows++;
}

static void users(struct admin *a, const struct admin_request *q, const char *name)
{
	static const char *const head[] = { "name", "account", "methods", "recovery-codes-left", "blocked-until", "gone-since",
					    "mobile", "office" };
	struct page p = { .admin = a };
	int r;

	row(a, WIRE_HEAD, head, ARRAY_SIZE(head));
	r = store_account_list(a->server->store, (int64_t)q->after, name, WIRE_PAGE, user_row, &p);
	if (r < 0)
		failed(a, r);
	else if (*name && p.rows == 0)
		end(a, STATUS_FAILED, "no such registered user; ssprctl user add NAME makes one");
	else if (p.rows == WIRE_PAGE)
		end_page(a, p.last);
	else
		end(a, STATUS_OK, "");
}

static void on_user_list(struct admin *a, const struct admin_request *q)
{
	users(a, q, "");
}

static void on_user_show(struct admin *a, const struct admin_request *q)
{
	users(a, q, q->user);
}

static void add_found(struct admin *a, const struct account *found)
{
	char text[ACCOUNT_DIRECTORY + ACCOUNT_OBJECT + ACCOUNT_NAME + 16];
	struct store *store = a->server->store;
	int64_t account;
	int r = store_begin(store);

	if (r == 0)
		r = store_account_add(store, found, wall(a), &account);
	if (!finished(a, r < 0 ? r : 0, found, AUDIT_USER_ADDED, ""))
		return;
	snprintf(text, sizeof(text), "added %s (%s:%s)", found->name, found->directory, found->object);
	end(a, STATUS_OK, text);
}

static void end_refused(struct admin *a, const struct job_result *result)
{
	char text[JOB_DETAIL + 96];

	snprintf(text, sizeof(text), "the directory says: %s%s%s",
		 result->outcome == OUTCOME_UNKNOWN ? "nothing (are ssprd-local and ssprd-net running?)" : why_name(result->why),
		 *result->detail ? ", " : "", result->detail);
	end(a, STATUS_REFUSED, text);
}

static void on_add_looked_up(void *owner, enum job_kind kind _unused_, const struct job_result *result)
{
	struct admin *a = owner;

	a->jobs--;
	if (!a->server->store)
		end(a, STATUS_FAILED, a->server->why);
	else if (result->outcome == OUTCOME_DONE)
		add_found(a, &result->account);
	else
		end_refused(a, result);
}

static void look_up(struct admin *a, const struct admin_request *q, enum lookup_whom whom, jobs_done_fn *done)
{
	struct job job = { .kind = JOB_LOOKUP };
	int r;

	memcpy(job.account.name, q->user, sizeof(job.account.name));
	memcpy(job.account.directory, q->directory, sizeof(job.account.directory));
	r = lookup_submit(a->server, &job, whom, done, a);
	if (r < 0) {
		failed(a, r);
		return;
	}
	a->jobs++;
	server_wake(a->server);
}

static void on_user_add(struct admin *a, const struct admin_request *q)
{
	look_up(a, q, LOOKUP_ANYBODY, on_add_looked_up);
}

/* ---- could this user reset? ---- */

static void check_row(struct admin *a, const char *level, const char *what, const char *text)
{
	const char *const columns[] = { level, what, text };

	row(a, WIRE_ROW, columns, ARRAY_SIZE(columns));
}

static const char *why_not(const struct job_result *r)
{
	return r->outcome == OUTCOME_UNKNOWN ? "could not be looked up: no answer came" : why_text(r->why);
}

static void check_registration(struct admin *a, const struct job_result *r)
{
	_cleanup_(registration_wipe) struct registration registration = {};
	struct server *s = a->server;
	bool admin = policy_is_admin(&s->policy, r->account.name);
	unsigned int needed = policy_required(&s->policy, admin);
	struct moment now;
	size_t n;
	char text[128];

	if (store_registration(s->store, &r->account, &registration) < 0) {
		check_row(a, "fail", "methods", "what is registered here cannot be read; see the audit");
		return;
	}
	registration.sign_in = policy_directory(&s->policy, r->account.directory) != NULL;
	registration_complete(&registration, &s->policy, r->mail, r->mobile, r->office);
	server_now(s, &now);
	registration_expire(&registration, now.lasting);
	n = methods_registered(&registration, s->rules.methods, s->rules.methods_n, admin);
	snprintf(text, sizeof(text), "%zu of the policy's methods are registered, %u needed%s", n, needed,
		 admin ? ", as for every administrator of the policy" : "");
	check_row(a, n >= needed ? "ok" : "fail", "methods", text);
}

static void check_limits(struct admin *a, const struct account *account)
{
	char who[STORE_WHO];
	struct moment now;
	int r;

	server_now(a->server, &now);
	r = store_who(a->server->store, account, who);
	if (r == 0)
		r = store_blocked(a->server->store, who, now.lasting);
	if (r > 0)
		check_row(a, "fail", "limits", "blocked after too many tries; ssprctl user unlock NAME lifts it");
	else if (r == 0)
		check_row(a, "ok", "limits", "not blocked");
}

static void on_check_looked_up(void *owner, enum job_kind kind _unused_, const struct job_result *result)
{
	static const char *const head[] = { "level", "what", "text" };
	const struct account *found = &result->account;
	struct admin *a = owner;
	char text[ACCOUNT_DIRECTORY + ACCOUNT_OBJECT + ACCOUNT_NAME + 8];

	a->jobs--;
	row(a, WIRE_HEAD, head, ARRAY_SIZE(head));
	if (a->server->policy.enabled == ENABLED_NONE)
		check_row(a, "fail", "policy", "[properties] enabled = none: nobody may reset");
	snprintf(text, sizeof(text), "%s (%s:%s)", found->name, found->directory, found->object);
	if (*found->object)
		check_row(a, "ok", "account", text);
	check_row(a, result->outcome == OUTCOME_DONE ? "ok" : "fail", "directory",
		  result->outcome == OUTCOME_DONE ? "the directory would let this account be reset" : why_not(result));
	if (*result->detail)
		check_row(a, "warn", "directory", result->detail);
	if (*found->object && a->server->store) {
		check_registration(a, result);
		check_limits(a, found);
	}
	end(a, STATUS_OK, "");
}

static void on_user_check(struct admin *a, const struct admin_request *q)
{
	look_up(a, q, LOOKUP_IN_SCOPE, on_check_looked_up);
}

/* ---- Entra ---- */

/* One row for each line "level TAB what TAB text" of the report. */
static void report_rows(struct admin *a, const char *directory, const char *report)
{
	char copy[JOB_REPORT], *save = NULL;

	snprintf(copy, sizeof(copy), "%s", report);
	for (char *line = strtok_r(copy, "\n", &save); line; line = strtok_r(NULL, "\n", &save)) {
		char *rest = line;
		const char *level = strsep(&rest, "\t"), *what = strsep(&rest, "\t");
		const char *const columns[] = { directory, level, what, rest };

		if (rest)
			row(a, WIRE_ROW, columns, ARRAY_SIZE(columns));
	}
}

static void entra_next(struct admin *a);

static void on_entra_checked(void *owner, enum job_kind kind _unused_, const struct job_result *result)
{
	struct admin *a = owner;
	const char *directory = a->server->policy.directories[a->checking].name;
	char report[JOB_DETAIL + 64];

	a->jobs--;
	if (result->outcome == OUTCOME_DONE) {
		report_rows(a, directory, result->report);
	} else {
		snprintf(report, sizeof(report), "fail\tdirectory\t%s", why_not(result));
		report_rows(a, directory, report);
	}
	a->checking++;
	entra_next(a);
}

/* One directory after the other; the answer to each brings the next. */
static void entra_next(struct admin *a)
{
	const struct policy *p = &a->server->policy;
	struct job job = { .kind = JOB_CHECK };
	int r;

	while (a->checking < p->directories_n && *a->check_directory &&
	       strcmp(a->check_directory, p->directories[a->checking].name) != 0)
		a->checking++;
	if (a->checking == p->directories_n) {
		end(a, STATUS_OK, "");
		return;
	}
	memcpy(job.account.directory, p->directories[a->checking].name, sizeof(job.account.directory));
	memcpy(job.account.name, a->check_user, sizeof(job.account.name));
	r = lookup_submit(a->server, &job, LOOKUP_IN_SCOPE, on_entra_checked, a);
	if (r < 0) {
		failed(a, r);
		return;
	}
	a->jobs++;
	server_wake(a->server);
}

static void on_entra_check(struct admin *a, const struct admin_request *q)
{
	static const char *const head[] = { "directory", "level", "what", "text" };
	const struct policy *p = &a->server->policy;

	if (p->directories_n == 0) {
		end(a, STATUS_FAILED, "there is no [directory NAME] of type entra; ssprctl entra setup tells how to make one");
		return;
	}
	if (*q->directory && !policy_directory(p, q->directory)) {
		end(a, STATUS_FAILED, "there is no [directory NAME] of this name");
		return;
	}
	memcpy(a->check_user, q->user, sizeof(a->check_user));
	memcpy(a->check_directory, q->directory, sizeof(a->check_directory));
	a->checking = 0;
	row(a, WIRE_HEAD, head, ARRAY_SIZE(head));
	entra_next(a);
}

/* The registered account of this name; told when there is none. */
static bool registered_user(struct admin *a, const char *name, struct account *ret, int64_t *ret_row)
{
	int r = store_account_by_name(a->server->store, name, ret, ret_row);

	if (r < 0)
		failed(a, r);
	else if (r > 0)
		end(a, STATUS_FAILED, "no such registered user; ssprctl user add NAME makes one");
	return r == 0;
}

bool admin_registered(struct admin *a, const char *name, struct account *ret, int64_t *ret_row)
{
	return registered_user(a, name, ret, ret_row);
}

static void on_user_remove(struct admin *a, const struct admin_request *q)
{
	struct store *store = a->server->store;
	struct account account;
	int64_t account_row;
	int r;

	if (!registered_user(a, q->user, &account, &account_row))
		return;
	r = store_begin(store);
	if (r == 0)
		r = store_account_remove(store, account_row);
	finish(a, r, &account, AUDIT_USER_REMOVED, "");
}

static void unlock(struct admin *a, const struct account *account)
{
	struct store *store = a->server->store;
	char who[STORE_WHO];
	int r = store_who(store, account, who);

	if (r == 0)
		r = store_begin(store);
	if (r == 0)
		r = store_limits_clear(store, who);
	finish(a, r, account, AUDIT_USER_UNLOCKED, "");
}

static void on_unlock_looked_up(void *owner, enum job_kind kind _unused_, const struct job_result *result)
{
	struct admin *a = owner;

	a->jobs--;
	if (!a->server->store)
		end(a, STATUS_FAILED, a->server->why);
	else if (*result->account.object)
		unlock(a, &result->account);
	else
		end_refused(a, result);
}

/* Who has registered elsewhere, and nothing here, may be blocked too. */
static void on_user_unlock(struct admin *a, const struct admin_request *q)
{
	struct account account;
	int64_t account_row;
	int r = store_account_by_name(a->server->store, q->user, &account, &account_row);

	if (r < 0)
		failed(a, r);
	else if (r == 0)
		unlock(a, &account);
	else
		look_up(a, q, LOOKUP_ANYBODY, on_unlock_looked_up);
}

/* ---- enrolment ---- */

static void enrol_authenticator(struct admin *a, const struct account *account)
{
	static const char *const head[] = { "uri" };
	_cleanup_(secret_wipe) struct secret uri = {};
	const char *const columns[] = { uri.b };
	int r = authenticator_seed(&a->seed);

	if (r == 0)
		r = authenticator_uri(&a->seed, account->name, a->server->rules.host, &uri);
	if (r < 0) {
		end(a, STATUS_FAILED, "no seed could be made");
		return;
	}
	a->enrolling = *account;
	a->tries = ENROL_TRIES;
	row(a, WIRE_HEAD, head, 1);
	row(a, WIRE_ROW, columns, 1);
	end(a, STATUS_ASK, "First code of the app");
}

static void keep_authenticator(struct admin *a, int64_t step)
{
	struct store *store = a->server->store;
	int64_t account_row;
	int r = store_begin(store);

	if (r == 0)
		r = store_account_add(store, &a->enrolling, wall(a), &account_row);
	if (r >= 0)
		r = store_authenticator_set(store, &a->enrolling, account_row, &a->seed, step, wall(a));
	finish(a, r, &a->enrolling, AUDIT_REGISTERED, method_authenticator.name);
}

static void enrol_forget(struct admin *a)
{
	secret_wipe(&a->seed);
	a->tries = 0;
}

/* The first code shows that the app has the seed, and that both clocks agree. It is then used. */
static void on_first_code(struct admin *a, const struct secret *answer)
{
	struct registration registration = { .has_authenticator = true, .seed = a->seed };
	struct moment now;
	const struct proof_question question = { .registration = &registration, .answer = answer, .now = &now };
	struct proof proof = {};
	bool right;

	server_now(a->server, &now);
	right = method_authenticator.verify(&question, &proof);
	registration_wipe(&registration);
	if (!right && --a->tries > 0) {
		end(a, STATUS_ASK, "That code is not right (is the clock?). Next code of the app");
		return;
	}
	if (right)
		keep_authenticator(a, proof.step);
	else
		end(a, STATUS_REFUSED, "that code is not right; nothing was registered");
	enrol_forget(a);
}

static void enrol_email(struct admin *a, const struct account *account, int64_t account_row, const char *to)
{
	struct store *store = a->server->store;
	int r;

	if (!text_mail_address(to)) {
		end(a, STATUS_FAILED, "that is not one mail address, like monica@example.org");
		return;
	}
	r = store_begin(store);
	if (r == 0)
		r = store_mail_set(store, account_row, to, wall(a));
	finish(a, r, account, AUDIT_REGISTERED, method_email.name);
}

static void enrol_phone(struct admin *a, const struct account *account, int64_t account_row, const char *kind, const char *to)
{
	const struct policy_phone *rules = &a->server->policy.phone_rules;
	struct store *store = a->server->store;
	char number[PHONE], text[160];
	enum phone_rule rule;
	int r;

	if (phone_parse(to, strlen(to), number) < 0) {
		end(a, STATUS_FAILED, "that is not a whole number with its country code, like +1 425 5550100");
		return;
	}
	rule = phone_judge(number, &rules->countries, &rules->deny_prefixes);
	if (rule != PHONE_ALLOWED) {
		snprintf(text, sizeof(text), "that number %s", phone_rule_text(rule));
		end(a, STATUS_REFUSED, text);
		return;
	}
	r = store_begin(store);
	if (r == 0)
		r = store_phone_set(store, account_row, kind, number, wall(a));
	finish(a, r, account, AUDIT_REGISTERED, kind);
}

static int make_codes(struct admin *a, struct registration_recovery *ret, struct secret *ret_codes)
{
	int r = 0;

	for (size_t i = 0; i < RECOVERY_CODES && r == 0; i++)
		r = recovery_make(store_recovery_key(a->server->store), &ret_codes[i], &ret[i]);
	return r;
}

static void enrol_recovery(struct admin *a, const struct account *account, int64_t account_row)
{
	static const char *const head[] = { "code" };
	struct registration_recovery kept[RECOVERY_CODES];
	struct secret codes[RECOVERY_CODES] = {};
	struct store *store = a->server->store;
	int r = make_codes(a, kept, codes);

	if (r == 0)
		r = store_begin(store);
	if (r == 0)
		r = store_recovery_set(store, account_row, kept, RECOVERY_CODES, wall(a));
	if (finished(a, r, account, AUDIT_REGISTERED, method_recovery.name)) {
		row(a, WIRE_HEAD, head, 1);
		for (size_t i = 0; i < RECOVERY_CODES; i++) {
			const char *const columns[] = { codes[i].b };

			row(a, WIRE_ROW, columns, 1);
		}
		end(a, STATUS_OK, "");
	}
	explicit_bzero(codes, sizeof(codes));
}

static void on_user_enrol(struct admin *a, const struct admin_request *q)
{
	struct account account;
	int64_t account_row;

	if (!registered_user(a, q->user, &account, &account_row))
		return;
	if (strcmp(q->method, method_authenticator.name) == 0)
		enrol_authenticator(a, &account);
	else if (strcmp(q->method, method_email.name) == 0)
		enrol_email(a, &account, account_row, q->to);
	else if (strcmp(q->method, method_recovery.name) == 0)
		enrol_recovery(a, &account, account_row);
	else if (strcmp(q->method, "mobile") == 0 || strcmp(q->method, "office") == 0)
		enrol_phone(a, &account, account_row, q->method, q->to);
	else
		end(a, STATUS_FAILED, "the method is one of: authenticator, email, recovery-code, mobile, office");
}

/* ---- audit, pending, clock ---- */

static void audit_row(void *to, const struct store_audit *r)
{
	struct page *p = to;
	char at[32];
	const char *const columns[] = { at,	    r->activity, r->result, r->reason,	    r->method, r->target,
					r->object, r->seat,	 r->actor,  r->correlation };

	when(r->at, at, sizeof(at));
	row(p->admin, WIRE_ROW, columns, ARRAY_SIZE(columns));
	p->last = (uint64_t)r->row;
	p->rows++;
}

static void on_audit(struct admin *a, const struct admin_request *q)
{
	static const char *const head[] = { "time",   "activity", "result", "reason", "method",
					    "target", "account",  "seat",   "actor",  "correlation" };
	struct page p = { .admin = a };
	int r;

	row(a, WIRE_HEAD, head, ARRAY_SIZE(head));
	r = store_audit_list(a->server->store, (int64_t)q->after, (int64_t)q->since, q->user, WIRE_PAGE, audit_row, &p);
	if (r < 0)
		failed(a, r);
	else if (p.rows == WIRE_PAGE)
		end_page(a, p.last);
	else
		end(a, STATUS_OK, "");
}

static void on_audit_verify(struct admin *a, const struct admin_request *q _unused_)
{
	char text[128];
	int64_t broken = 0, rows = 0;
	int r = store_audit_verify(a->server->store, &broken, &rows);

	if (r < 0) {
		failed(a, r);
		return;
	}
	if (r > 0)
		snprintf(text, sizeof(text), "the audit was changed: the chain breaks at row %" PRId64, broken);
	else
		snprintf(text, sizeof(text), "%" PRId64 " rows, the chain holds", rows);
	end(a, r > 0 ? STATUS_FAILED : STATUS_OK, text);
}

static void pending_row(void *to, const struct store_intent *i)
{
	struct page *p = to;
	char at[32];
	const char *const columns[] = { at, i->account.name, i->unknown ? "unknown" : "under way", i->correlation };

	when(i->at, at, sizeof(at));
	row(p->admin, WIRE_ROW, columns, ARRAY_SIZE(columns));
	p->last = (uint64_t)i->row;
	p->rows++;
}

static void on_pending(struct admin *a, const struct admin_request *q)
{
	static const char *const head[] = { "time", "name", "state", "correlation" };
	struct page p = { .admin = a };
	int r;

	row(a, WIRE_HEAD, head, ARRAY_SIZE(head));
	r = store_intents(a->server->store, (int64_t)q->after, WIRE_PAGE, pending_row, &p);
	if (r < 0)
		failed(a, r);
	else if (p.rows == WIRE_PAGE)
		end_page(a, p.last);
	else
		end(a, STATUS_OK, "");
}

static void on_clock_accept(struct admin *a, const struct admin_request *q _unused_)
{
	const struct account nobody = {};
	struct server *s = a->server;
	int r = store_begin(s->store);

	if (r == 0)
		r = clock_accept(&s->clock, s->store);
	if (r == 0)
		r = store_limits_clamp(s->store, wall(a), s->policy.limits.block);
	finish(a, r, &nobody, AUDIT_CLOCK_ACCEPTED, "");
}

/* ---- requests ---- */

static const struct admin_verb {
	const char *name;
	bool without_store, needs_user;
	void (*fn)(struct admin *a, const struct admin_request *q);
} verbs[] = {
	{ "status", true, false, on_status },
	{ "user-add", false, true, on_user_add },
	{ "user-list", false, false, on_user_list },
	{ "user-show", false, true, on_user_show },
	{ "user-remove", false, true, on_user_remove },
	{ "user-unlock", false, true, on_user_unlock },
	{ "user-enrol", false, true, on_user_enrol },
	{ "user-check", false, true, on_user_check },
	{ "entra-check", true, false, on_entra_check },
	{ "limits", false, false, admin_limits },
	{ "limits-clear", false, false, admin_limits_clear },
	{ "pass-issue", false, true, admin_pass_issue },
	{ "pass-list", false, false, admin_pass_list },
	{ "pass-revoke", false, true, admin_pass_revoke },
	{ "audit", false, false, on_audit },
	{ "audit-verify", false, false, on_audit_verify },
	{ "pending", false, false, on_pending },
	{ "clock-accept", false, false, on_clock_accept },
};

static const struct admin_verb *find_verb(const struct wire_message *m)
{
	char name[32];

	if (wire_get_text(m, WIRE_VERB, name, sizeof(name)) < 0)
		return NULL;
	for (size_t i = 0; i < ARRAY_SIZE(verbs); i++)
		if (strcmp(verbs[i].name, name) == 0)
			return &verbs[i];
	return NULL;
}

/* What is missing stays empty; what does not fit spoils the request. */
static int read_request(const struct wire_message *m, struct admin_request *ret)
{
	const int results[] = {
		wire_get_text(m, WIRE_USER, ret->user, sizeof(ret->user)),
		wire_get_text(m, WIRE_DIRECTORY, ret->directory, sizeof(ret->directory)),
		wire_get_text(m, WIRE_NAME, ret->method, sizeof(ret->method)),
		wire_get_text(m, WIRE_TO, ret->to, sizeof(ret->to)),
		wire_get_text(m, WIRE_DETAIL, ret->detail, sizeof(ret->detail)),
		wire_get_u32(m, WIRE_LIFE, &ret->life),
		wire_get_u64(m, WIRE_SINCE, &ret->since),
		wire_get_u64(m, WIRE_AFTER, &ret->after),
	};

	for (size_t i = 0; i < ARRAY_SIZE(results); i++)
		if (results[i] < 0 && results[i] != -ENOENT)
			return -EBADMSG;
	return 0;
}

static void request(struct admin *a, const struct wire_message *m)
{
	const struct admin_verb *verb = find_verb(m);
	struct admin_request q = {};
	unsigned int version;

	enrol_forget(a);
	if (wire_get_u16(m, WIRE_VERSION, &version) < 0 || version != WIRE_VERSION_NOW)
		end(a, STATUS_FAILED, "ssprctl and ssprd are of different versions");
	else if (!verb)
		end(a, STATUS_FAILED, "ssprd does not know this request");
	else if (read_request(m, &q) < 0 || !text_printable(q.user, strlen(q.user)))
		end(a, STATUS_FAILED, "a name or an address is too long, or has control characters");
	else if (verb->needs_user && !*q.user)
		end(a, STATUS_FAILED, "the request needs a user");
	else if (!verb->without_store && !a->server->store)
		end(a, STATUS_FAILED, a->server->why);
	else if (a->jobs > 0)
		end(a, STATUS_FAILED, "one request after the other");
	else
		verb->fn(a, &q);
}

static void answer(struct admin *a, const struct wire_message *m)
{
	_cleanup_(secret_wipe) struct secret text = {};

	if (a->tries == 0 || !a->server->store || wire_get_secret(m, WIRE_TEXT, &text) < 0)
		end(a, STATUS_FAILED, "nothing was asked");
	else
		on_first_code(a, &text);
}

static int on_readable(sd_event_source *source _unused_, int fd, uint32_t events _unused_, void *user)
{
	struct admin *a = user;
	struct wire *in = &a->server->in;
	struct wire_message m;
	int r = wire_receive(fd, in);

	if (r == -EAGAIN)
		return 0;
	if (r == 0)
		r = wire_parse(in->b, in->len, &m);
	if (r == 0 && m.type == WIRE_REQUEST)
		request(a, &m);
	else if (r == 0 && m.type == WIRE_ANSWER)
		answer(a, &m);
	else
		admin_free(a);
	wire_wipe(in);
	return 0;
}

/* Who signed in and then became root; SUDO_USER is only what somebody says. */
static void name_actor(struct admin *a, int fd, const struct ucred *peer)
{
	uid_t login;

	if (peer_login(fd, peer, &login) == 0 && login != 0)
		snprintf(a->actor, sizeof(a->actor), "root by uid %u", (unsigned int)login);
	else
		snprintf(a->actor, sizeof(a->actor), "root");
}

void admin_accept(struct server *s, int fd)
{
	_cleanup_(closep) int mine = fd;
	struct ucred peer;
	socklen_t len = sizeof(peer);
	struct admin *a;

	if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &len) < 0 || peer.uid != 0 || s->admins_n >= ADMINS_MAX)
		return;
	a = calloc(1, sizeof(*a));
	if (!a || crypto_guid(a->correlation) < 0) {
		free(a);
		return;
	}
	a->server = s;
	name_actor(a, fd, &peer);
	a->fd = TAKE_FD(mine);
	a->at = &s->admins;
	a->next = s->admins;
	if (s->admins)
		s->admins->at = &a->next;
	s->admins = a;
	s->admins_n++;
	if (sd_event_add_io(s->event, &a->io, a->fd, EPOLLIN, on_readable, a) < 0)
		admin_free(a);
}

void admins_close(struct server *s)
{
	while (s->admins)
		admin_free(s->admins);
}
