// SPDX-License-Identifier: LGPL-2.1-or-later
#include "flow/flow.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/phone.h"
#include "flow/password.h"
#include "flow/phone_texts.h"
#include "flow/texts.h"

/* The third wrong password in a row asks; the ones before only tell. */
#define FLOW_ASK_AFTER 3
#define FLOW_CHALLENGE_TIME (2 * 60 * 1000)

#define BIT(n) (1u << (n))

/* Which event may come in which state. DONE is judged further by its job in permitted(). */
static const uint8_t events_of[] = {
	[FLOW_IDLE] = BIT(EVENT_START),
	[FLOW_CHALLENGE] = BIT(EVENT_ANSWER) | BIT(EVENT_TICK) | BIT(EVENT_CANCEL),
	[FLOW_LOOKING] = BIT(EVENT_DONE) | BIT(EVENT_TICK) | BIT(EVENT_CANCEL),
	[FLOW_MENU] = BIT(EVENT_ANSWER) | BIT(EVENT_DONE) | BIT(EVENT_TICK) | BIT(EVENT_CANCEL),
	[FLOW_NUMBER] = BIT(EVENT_ANSWER) | BIT(EVENT_DONE) | BIT(EVENT_TICK) | BIT(EVENT_CANCEL),
	[FLOW_NUMBERING] = BIT(EVENT_DONE) | BIT(EVENT_TICK) | BIT(EVENT_CANCEL),
	[FLOW_CODE] = BIT(EVENT_ANSWER) | BIT(EVENT_DONE) | BIT(EVENT_TICK) | BIT(EVENT_CANCEL),
	[FLOW_VERIFYING] = BIT(EVENT_DONE) | BIT(EVENT_TICK) | BIT(EVENT_CANCEL),
	[FLOW_OPENING] = BIT(EVENT_DONE) | BIT(EVENT_TICK) | BIT(EVENT_CANCEL),
	[FLOW_APPROVAL] = BIT(EVENT_ANSWER) | BIT(EVENT_DONE) | BIT(EVENT_TICK) | BIT(EVENT_CANCEL),
	[FLOW_APPROVING] = BIT(EVENT_DONE) | BIT(EVENT_TICK) | BIT(EVENT_CANCEL),
	[FLOW_NEW] = BIT(EVENT_ANSWER) | BIT(EVENT_DONE) | BIT(EVENT_TICK) | BIT(EVENT_CANCEL),
	[FLOW_SCREENING] = BIT(EVENT_DONE) | BIT(EVENT_TICK) | BIT(EVENT_CANCEL),
	[FLOW_AGAIN] = BIT(EVENT_ANSWER) | BIT(EVENT_DONE) | BIT(EVENT_TICK) | BIT(EVENT_CANCEL),
	[FLOW_WRITING] = BIT(EVENT_DONE) | BIT(EVENT_TICK) | BIT(EVENT_CANCEL),
	[FLOW_RECONCILING] = BIT(EVENT_DONE) | BIT(EVENT_TICK) | BIT(EVENT_CANCEL),
	[FLOW_OVER] = 0,
};

/* The job that a state waits for. A delivery may end at any time after it was asked for. */
static const enum job_kind job_of[] = {
	[FLOW_LOOKING] = JOB_LOOKUP,
	[FLOW_NUMBERING] = JOB_NUMBER,
	[FLOW_VERIFYING] = JOB_VERIFY,
	[FLOW_OPENING] = JOB_APPROVAL,
	[FLOW_APPROVING] = JOB_APPROVE,
	[FLOW_SCREENING] = JOB_BREACHED,
	[FLOW_WRITING] = JOB_RESET,
	[FLOW_RECONCILING] = JOB_LOOKUP,
	[FLOW_OVER] = JOB_NONE,
};

static bool permitted(const struct flow *f, const struct event *ev)
{
	if (!(events_of[f->state] & BIT(ev->type)))
		return false;
	return ev->type != EVENT_DONE || ev->job == JOB_DELIVER || ev->job == job_of[f->state];
}

static unsigned int gates(const struct flow *f)
{
	return policy_required(f->rules->policy, f->admin);
}

static const struct method *asking(const struct flow *f)
{
	return f->rules->methods[f->method];
}

static void fact(struct effects *ret, enum fact_kind kind, const char *method, enum why why)
{
	if (ret->facts_n < FLOW_FACTS)
		ret->facts[ret->facts_n++] = (struct fact){ .kind = kind, .method = method, .why = why };
}

/* With what the directory said of it. */
static void fact_of(struct effects *ret, enum fact_kind kind, const struct job_result *r)
{
	fact(ret, kind, NULL, r->why);
	if (*r->detail && ret->facts_n > 0)
		ret->facts[ret->facts_n - 1].detail = r->detail;
}

static const struct job_result broken = { .why = WHY_BROKEN }, unreachable = { .why = WHY_UNREACHABLE };

/* The audit hears of a dialogue when something was tried or sent in it; one that only looks leaves no row. */
static void begin(struct flow *f, struct effects *ret)
{
	if (f->begun)
		return;
	f->begun = true;
	fact(ret, FACT_STARTED, NULL, WHY_NONE);
	if (f->decoy)
		fact(ret, FACT_NOT_RESETTABLE, NULL, f->decoy_why);
}

static void ask(struct effects *ret, enum step_kind kind, const char *info, const char *prompt, const char *lost)
{
	ret->step.kind = kind;
	ret->step.lost = lost;
	snprintf(ret->step.info, sizeof(ret->step.info), "%s", info);
	snprintf(ret->step.prompt, sizeof(ret->step.prompt), "%s", prompt);
}

static void end(struct flow *f, struct effects *ret, enum step_result result, const char *info)
{
	f->state = FLOW_OVER;
	ask(ret, STEP_END, info, "", NULL);
	ret->step.result = result;
}

/* With the ways to the helpdesk. */
static void end_stuck(struct flow *f, struct effects *ret, enum step_result result, enum text_stuck which)
{
	end(f, ret, result, "");
	text_stuck(f->rules->policy, which, &ret->step);
}

static void end_unavailable(struct flow *f, struct effects *ret, const struct job_result *r)
{
	fact_of(ret, FACT_UNAVAILABLE, r);
	end_stuck(f, ret, RESULT_FAILED, STUCK_UNAVAILABLE);
}

static void end_blocked(struct flow *f, struct effects *ret)
{
	fact(ret, FACT_BLOCKED, NULL, WHY_BUSY);
	end_stuck(f, ret, RESULT_MAXTRIES, STUCK_TOO_MANY);
}

static void end_cancelled(struct flow *f, struct effects *ret)
{
	if (f->begun)
		fact(ret, FACT_CANCELLED, NULL, WHY_NONE);
	if (f->failed)
		end_stuck(f, ret, RESULT_FAILED, STUCK_CANCELLED);
	else
		end(f, ret, RESULT_FAILED, "Cancelled. Nothing was changed.");
}

static void end_expired(struct flow *f, struct effects *ret)
{
	if (f->state == FLOW_CHALLENGE) {
		end(f, ret, RESULT_IGNORE, "");
		return;
	}
	if (f->begun)
		fact(ret, FACT_EXPIRED, NULL, WHY_NONE);
	if (f->failed)
		end_stuck(f, ret, RESULT_FAILED, STUCK_EXPIRED);
	else
		end(f, ret, RESULT_FAILED, "Time is up. Nothing was changed. Start again.");
}

static void proof_failed(struct flow *f, struct effects *ret, enum why why)
{
	f->failed = true;
	fact(ret, FACT_PROOF_FAILED, asking(f)->name, why);
}

/* ---- proving ---- */

static void ask_code(struct flow *f, struct effects *ret, const char *info)
{
	const struct method *m = asking(f);

	f->state = FLOW_CODE;
	ask(ret, m->hidden ? STEP_ASK_HIDDEN : STEP_ASK, info, m->prompt, text_lost_unchanged);
}

static void ask_gate(struct flow *f, struct effects *ret)
{
	char info[FLOW_INFO];

	text_gate(gates(f), asking(f), f->gate, info, sizeof(info));
	ask_code(f, ret, info);
}

/* Stands in logs of mail servers, so nothing of the code may be in it. */
static void message_id(const struct code *c, char *ret, size_t size)
{
	char hex[2 * sizeof(c->nonce) + 1];

	crypto_hex(c->nonce, sizeof(c->nonce), hex);
	snprintf(ret, size, "code-%s", hex);
}

static void text_code(const struct flow *f, const char *digits, struct job *ret)
{
	if (asking(f)->channel == CHANNEL_MAIL)
		text_code_mail(f->rules, digits, ret);
	else
		text_code_phone(f->rules, asking(f)->channel, f->language, digits, ret);
}

static int send_code(struct flow *f, const struct event *ev, struct effects *ret)
{
	const struct policy_limits *limits = &f->rules->policy->limits;
	char digits[CODE_DIGITS + 1];
	int r;

	r = code_make(&f->rules->code_key, &f->account, ev->entropy, &ev->now, limits->code_lifetime, limits->code_tries, &f->code,
		      digits);
	if (r < 0)
		return r;
	f->sends++;
	f->code_method = f->method;
	begin(f, ret);
	fact(ret, FACT_CODE_SENT, asking(f)->name, WHY_NONE);
	ret->job.kind = JOB_DELIVER;
	ret->job.account = f->account;
	ret->job.life = (uint32_t)limits->code_lifetime;
	text_code(f, digits, &ret->job);
	message_id(&f->code, ret->job.id, sizeof(ret->job.id));
	explicit_bzero(digits, sizeof(digits));
	if (asking(f)->number)
		ask_code(f, ret, text_on_its_way);
	else
		ask_gate(f, ret);
	return 0;
}

static void ask_number(struct flow *f, struct effects *ret, const char *info)
{
	f->state = FLOW_NUMBER;
	ask(ret, STEP_ASK, info, asking(f)->number_prompt, text_lost_unchanged);
}

/* A new code, or what must come before it. */
static int offer_code(struct flow *f, const struct event *ev, struct effects *ret)
{
	char info[FLOW_INFO];

	f->resumed = false;
	if (f->sends >= f->rules->policy->limits.code_sends) {
		ask_code(f, ret, f->code_method == f->method ? "No more codes can be sent now. Enter the last one." :
							       "No more codes can be sent now. Press Enter for another way.");
		return 0;
	}
	if (!asking(f)->number)
		return send_code(f, ev, ret);
	text_number(gates(f), asking(f), f->gate, info, sizeof(info));
	ask_number(f, ret, info);
	return 0;
}

static void ask_menu(struct flow *f, struct effects *ret);

static int on_number(struct flow *f, const struct event *ev, struct effects *ret)
{
	char number[PHONE] = "";

	if (ev->answer->len == 0) {
		ask_menu(f, ret);
		return 0;
	}
	if (phone_parse(ev->answer->b, ev->answer->len, number) < 0) {
		ask_number(f, ret, text_no_number);
		return 0;
	}
	f->state = FLOW_NUMBERING;
	ret->job.kind = JOB_NUMBER;
	ret->job.account = f->account;
	return secret_set(&ret->job.secret, number, strlen(number));
}

/* What was typed is right or wrong, and nobody in front of the screen is to know which: the same code is made, and only kept from its way. */
static int on_numbered(struct flow *f, const struct event *ev, struct effects *ret)
{
	const struct job_result *r = &ev->result;
	bool matched = r->outcome == OUTCOME_DONE && !f->decoy;
	int made;

	if (r->outcome == OUTCOME_UNKNOWN) {
		end_unavailable(f, ret, &broken);
		return 0;
	}
	if (r->outcome == OUTCOME_REFUSED && r->why == WHY_BUSY) {
		end_blocked(f, ret);
		return 0;
	}
	begin(f, ret);
	/* Not proof_failed(): who gives up now must not be told by the ways to the helpdesk that it was wrong. */
	if (!matched)
		fact(ret, FACT_PROOF_FAILED, asking(f)->name, WHY_NONE);
	if (r->outcome == OUTCOME_REFUSED && r->why == WHY_LOCKED) {
		end_blocked(f, ret);
		return 0;
	}
	made = send_code(f, ev, ret);
	/* No answer has this hash: there is nothing to guess. */
	if (!matched)
		explicit_bzero(f->code.mac, sizeof(f->code.mac));
	return made;
}

/* Counts like a message: each one is a request to the directory. */
static void open_approval(struct flow *f, struct effects *ret)
{
	f->state = FLOW_OPENING;
	begin(f, ret);
	fact(ret, FACT_CODE_SENT, asking(f)->name, WHY_NONE);
	ret->job.kind = JOB_APPROVAL;
	ret->job.account = f->account;
}

static int open_method(struct flow *f, const struct event *ev, struct effects *ret)
{
	char info[FLOW_INFO];

	if (asking(f)->approves) {
		open_approval(f, ret);
		return 0;
	}
	if (!asking(f)->sends) {
		ask_gate(f, ret);
		return 0;
	}
	if (f->resumed && f->code_method == f->method && code_alive(&f->code, &ev->now)) {
		text_resume(f->code.sent, info, sizeof(info));
		ask_code(f, ret, info);
		return 0;
	}
	return offer_code(f, ev, ret);
}

/* The first method of the policy that may and has not passed a gate yet. */
static int open_gate(struct flow *f, const struct event *ev, struct effects *ret)
{
	for (uint8_t i = 0; i < f->rules->methods_n; i++)
		if (flow_offers(f, i)) {
			f->method = i;
			return open_method(f, ev, ret);
		}
	return -EIO;
}

static void ask_menu(struct flow *f, struct effects *ret)
{
	char info[FLOW_INFO];

	f->state = FLOW_MENU;
	text_menu(f, info, sizeof(info));
	ask(ret, STEP_ASK, info, "Number (Enter to cancel): ", text_lost_unchanged);
}

static int on_menu(struct flow *f, const struct event *ev, struct effects *ret)
{
	unsigned int number = 0;

	if (ev->answer->len == 0) {
		end_cancelled(f, ret);
		return 0;
	}
	for (uint8_t i = 0; i < f->rules->methods_n; i++) {
		if (!flow_offers(f, i))
			continue;
		number++;
		if (ev->answer->len == 1 && ev->answer->b[0] == (char)('0' + number)) {
			f->method = i;
			return open_method(f, ev, ret);
		}
	}
	ask_menu(f, ret);
	return 0;
}

static void ask_approval(struct flow *f, struct effects *ret, const char *info)
{
	f->state = FLOW_APPROVAL;
	ask(ret, STEP_ASK, info, asking(f)->prompt, text_lost_unchanged);
}

static int on_opened(struct flow *f, const struct event *ev, struct effects *ret)
{
	const struct job_result *r = &ev->result;
	char info[FLOW_INFO];

	if (r->outcome != OUTCOME_DONE) {
		fact_of(ret, FACT_CODE_UNDELIVERED, r);
		ret->facts[0].method = asking(f)->name;
		ask_menu(f, ret);
		return 0;
	}
	text_approval(gates(f), f->gate, r->address, r->code, info, sizeof(info));
	ask_approval(f, ret, info);
	memcpy(ret->step.address, r->address, sizeof(ret->step.address));
	return 0;
}

static int on_approval(struct flow *f, const struct event *ev, struct effects *ret)
{
	if (ev->answer->len > 0) {
		ask_menu(f, ret);
		return 0;
	}
	f->state = FLOW_APPROVING;
	ret->job.kind = JOB_APPROVE;
	ret->job.account = f->account;
	ask(ret, STEP_TELL, "", "", text_lost_unchanged);
	return 0;
}

static int on_code(struct flow *f, const struct event *ev, struct effects *ret)
{
	if (ev->answer->len == 0 && f->resumed && f->method == f->code_method)
		return offer_code(f, ev, ret);
	if (ev->answer->len == 0) {
		ask_menu(f, ret);
		return 0;
	}
	f->state = FLOW_VERIFYING;
	ret->job.kind = JOB_VERIFY;
	ret->job.account = f->account;
	ret->job.secret = *ev->answer;
	return 0;
}

static void ask_password(struct flow *f, struct effects *ret, const char *info)
{
	f->state = FLOW_NEW;
	ask(ret, STEP_ASK_HIDDEN, info, "New password: ", text_lost_unchanged);
}

/* The method, and those that would prove the same again. */
static void pass_family(struct flow *f)
{
	f->passed |= (uint8_t)BIT(f->method);
	for (uint8_t i = 0; i < f->rules->methods_n; i++)
		if (asking(f)->family != FAMILY_NONE && f->rules->methods[i]->family == asking(f)->family)
			f->passed |= (uint8_t)BIT(i);
}

static int pass_gate(struct flow *f, const struct event *ev, struct effects *ret)
{
	struct policy_password rules;
	char info[FLOW_INFO];

	fact(ret, FACT_GATE_PASSED, asking(f)->name, WHY_NONE);
	pass_family(f);
	if (asking(f)->sends)
		explicit_bzero(&f->code, sizeof(f->code));
	f->gate++;
	if (f->gate < gates(f))
		return open_gate(f, ev, ret);
	fact(ret, FACT_VERIFIED, NULL, WHY_NONE);
	f->verified = ev->now.boot;
	password_rules(f->rules->policy, &f->account, &rules);
	text_rules(&rules, info, sizeof(info));
	ask_password(f, ret, info);
	return 0;
}

static int on_approved(struct flow *f, const struct event *ev, struct effects *ret)
{
	const struct job_result *r = &ev->result;

	if (r->outcome == OUTCOME_DONE && !f->decoy)
		return pass_gate(f, ev, ret);
	if (r->outcome == OUTCOME_REFUSED && r->why == WHY_PENDING) {
		ask_approval(f, ret, "You have not signed in there so far. Finish it, then press Enter here.");
		return 0;
	}
	if (r->outcome == OUTCOME_UNKNOWN || (r->outcome == OUTCOME_REFUSED && r->why > WHY_BUSY && r->why < WHY_PENDING)) {
		ask_approval(f, ret, "That cannot be checked now. Press Enter to ask again, or type 0 for another way.");
		return 0;
	}
	if (r->why == WHY_BUSY) {
		end_blocked(f, ret);
		return 0;
	}
	proof_failed(f, ret, r->why == WHY_LOCKED ? WHY_NONE : r->why);
	if (r->why == WHY_LOCKED)
		end_blocked(f, ret);
	else
		ask_menu(f, ret);
	return 0;
}

static int on_verified(struct flow *f, const struct event *ev, struct effects *ret)
{
	const struct job_result *r = &ev->result;

	if (r->outcome == OUTCOME_UNKNOWN) {
		end_unavailable(f, ret, &broken);
		return 0;
	}
	if (r->outcome == OUTCOME_REFUSED && r->why == WHY_BUSY) {
		end_blocked(f, ret);
		return 0;
	}
	begin(f, ret);
	/* A decoy has nothing to pass with, whatever the other side of this function believes. */
	if (r->outcome == OUTCOME_DONE && !f->decoy)
		return pass_gate(f, ev, ret);
	proof_failed(f, ret, WHY_NONE);
	if (r->why == WHY_LOCKED)
		end_blocked(f, ret);
	else if (asking(f)->sends && !code_alive(&f->code, &ev->now))
		ask_code(f, ret, "That code is not right, and it no longer counts. Press Enter for another.");
	else
		ask_code(f, ret, "That code is not right. Try again, or press Enter for another way.");
	return 0;
}

/* ---- the new password ---- */

static int fingerprint(const struct flow *f, const struct secret *password, uint8_t ret[static CRYPTO_MAC])
{
	return crypto_mac(&f->rules->code_key, "new password", 12, password->b, password->len, ret);
}

static void refuse_password(struct flow *f, struct effects *ret, enum why why, const char *info)
{
	f->failed = true;
	if (why != WHY_NONE)
		fact(ret, FACT_PASSWORD_REFUSED, NULL, why);
	if (++f->new_tries >= f->rules->policy->limits.new_password_tries)
		end_stuck(f, ret, RESULT_FAILED, STUCK_PASSWORD);
	else
		ask_password(f, ret, info);
}

static void ask_again(struct flow *f, struct effects *ret)
{
	f->state = FLOW_AGAIN;
	ask(ret, STEP_ASK_HIDDEN, "", "New password again: ", text_lost_unconfirmed);
}

/* The password itself is not kept for the answer: what is typed the second time must be the same. */
static int screen(struct flow *f, const struct secret *password, struct effects *ret)
{
	uint8_t digest[CRYPTO_SHA1];
	int r = crypto_sha1(password->b, password->len, digest);

	if (r < 0)
		return r;
	f->state = FLOW_SCREENING;
	ret->job.kind = JOB_BREACHED;
	ret->job.secret.len = 2 * sizeof(digest);
	crypto_hex(digest, sizeof(digest), ret->job.secret.b);
	explicit_bzero(digest, sizeof(digest));
	ask(ret, STEP_TELL, "", "", text_lost_unchanged);
	return 0;
}

static int on_screened(struct flow *f, const struct event *ev, struct effects *ret)
{
	const struct job_result *r = &ev->result;
	const struct policy_password *rules = &f->rules->policy->password;
	bool asked = r->outcome == OUTCOME_DONE || (r->outcome == OUTCOME_REFUSED && r->why == WHY_BREACHED);
	enum why why = asked ? r->why : WHY_UNREACHABLE;
	char info[FLOW_INFO];

	if (r->outcome == OUTCOME_DONE || (!asked && rules->breached_unreachable == UNREACHABLE_ALLOW)) {
		ask_again(f, ret);
		return 0;
	}
	text_broken_rule(rules, why, info, sizeof(info));
	refuse_password(f, ret, why, info);
	return 0;
}

static int on_new(struct flow *f, const struct event *ev, struct effects *ret)
{
	struct policy_password rules;
	char info[FLOW_INFO];
	enum why why;

	if (ev->answer->len == 0) {
		end_cancelled(f, ret);
		return 0;
	}
	password_rules(f->rules->policy, &f->account, &rules);
	why = password_check(&rules, ev->answer, f->account.name, f->names);
	if (why != WHY_NONE) {
		text_broken_rule(&rules, why, info, sizeof(info));
		refuse_password(f, ret, why, info);
		return 0;
	}
	if (rules.breached == BREACHED_OFF)
		ask_again(f, ret);
	else if (screen(f, ev->answer, ret) < 0)
		return -EIO;
	return fingerprint(f, ev->answer, f->first);
}

/* Its directory is elsewhere, of many servers. */
static bool remote(const struct flow *f)
{
	return policy_directory(f->rules->policy, f->account.directory) != NULL;
}

static int on_again(struct flow *f, const struct event *ev, struct effects *ret)
{
	uint8_t second[CRYPTO_MAC];
	int r = fingerprint(f, ev->answer, second);
	bool same = r == 0 && bytes_equal(second, f->first, sizeof(second));

	explicit_bzero(f->first, sizeof(f->first));
	if (r < 0)
		return r;
	if (!same) {
		refuse_password(f, ret, WHY_NONE, "The two passwords were not the same. Nothing was changed yet.");
		return 0;
	}
	f->state = FLOW_WRITING;
	fact(ret, FACT_INTENT, NULL, WHY_NONE);
	ret->job.kind = JOB_RESET;
	ret->job.account = f->account;
	ret->job.secret = *ev->answer;
	if (remote(f))
		ask(ret, STEP_TELL, "Your password is being changed. Please wait.", "", text_lost_unconfirmed);
	return 0;
}

static void end_reset(struct flow *f, struct effects *ret, const struct job_result *r)
{
	fact_of(ret, FACT_RESET, r);
	end(f, ret, RESULT_DONE,
	    remote(f) ? "Password changed. Sign in with your new password; it can take a minute until it works." :
			"Password changed. Sign in with your new password.");
}

static void end_unchanged(struct flow *f, struct effects *ret, const struct job_result *r)
{
	fact_of(ret, FACT_UNCHANGED, r);
	if (r->why == WHY_BUSY)
		end(f, ret, RESULT_FAILED, "The directory is busy. Nothing was changed. Try again in a few minutes.");
	else
		end_stuck(f, ret, RESULT_FAILED, STUCK_UNCHANGED);
}

static bool about_password(enum why why)
{
	return why >= WHY_TOO_SHORT && why <= WHY_BREACHED;
}

static int on_written(struct flow *f, const struct event *ev, struct effects *ret)
{
	const struct job_result *r = &ev->result;
	struct policy_password rules;
	char info[FLOW_INFO];

	if (r->outcome == OUTCOME_DONE) {
		end_reset(f, ret, r);
	} else if (r->outcome == OUTCOME_UNKNOWN) {
		f->state = FLOW_RECONCILING;
		ret->job.kind = JOB_LOOKUP;
		ret->job.account = f->account;
	} else if (about_password(r->why) && !f->gone) {
		password_rules(f->rules->policy, &f->account, &rules);
		text_broken_rule(&rules, r->why, info, sizeof(info));
		refuse_password(f, ret, r->why, info);
	} else {
		end_unchanged(f, ret, r);
	}
	return 0;
}

static int on_reconciled(struct flow *f, const struct event *ev, struct effects *ret)
{
	const struct job_result *r = &ev->result;
	const struct job_result unchanged = { .why = WHY_BROKEN };
	bool found = r->outcome == OUTCOME_DONE && strcmp(r->account.object, f->account.object) == 0;

	if (found && strcmp(r->account.mark, f->account.mark) != 0) {
		end_reset(f, ret, r);
	} else if (found && !remote(f)) {
		end_unchanged(f, ret, &unchanged);
	} else {
		/* A directory of many servers may show the old mark for a while: the outbox looks again later. */
		fact(ret, FACT_UNKNOWN, NULL, WHY_BROKEN);
		end_stuck(f, ret, RESULT_ABORT, STUCK_UNKNOWN);
	}
	return 0;
}

/* ---- the beginning ---- */

static void look_up(struct flow *f, struct effects *ret)
{
	f->state = FLOW_LOOKING;
	ret->job.kind = JOB_LOOKUP;
	ret->job.account = f->account;
}

static int on_start(struct flow *f, const struct event *ev, struct effects *ret)
{
	char info[FLOW_INFO];

	f->started = ev->now.boot;
	f->language = (uint8_t)phone_language(ev->locale);
	snprintf(f->account.name, sizeof(f->account.name), "%s", ev->name);
	if (f->rules->policy->enabled == ENABLED_NONE) {
		end(f, ret, RESULT_IGNORE, "");
	} else if (ev->reason == REASON_KEYWORD) {
		look_up(f, ret);
		/* A login program does not wait long for a first word, and a directory may be slow. */
		ask(ret, STEP_TELL, "", "", text_lost_unchanged);
	} else if (ev->failures < FLOW_ASK_AFTER) {
		end(f, ret, RESULT_IGNORE, "Forgot your password? Type \"forgot\" as the password to reset it.");
	} else {
		f->state = FLOW_CHALLENGE;
		f->challenge = (uint16_t)code_number(ev->entropy, 1000, 9999);
		snprintf(info, sizeof(info), "Forgot your password? Type %u to reset it, or press Enter.",
			 (unsigned int)f->challenge);
		ask(ret, STEP_ASK, info, "Number: ", NULL);
	}
	return 0;
}

static int on_challenge(struct flow *f, const struct event *ev, struct effects *ret)
{
	char right[8];
	int len = snprintf(right, sizeof(right), "%u", (unsigned int)f->challenge);

	if (ev->answer->len == (size_t)len && memcmp(ev->answer->b, right, (size_t)len) == 0)
		look_up(f, ret);
	else
		end(f, ret, RESULT_IGNORE, "");
	return 0;
}

/* Trouble that strikes every account alike, so that telling of it tells nothing of this one. */
static bool about_machinery(const struct job_result *r)
{
	return r->outcome == OUTCOME_UNKNOWN || (r->why >= WHY_BUSY && !*r->account.object);
}

static int on_looked_up(struct flow *f, const struct event *ev, struct effects *ret)
{
	const struct job_result *r = &ev->result;
	enum why why = r->outcome != OUTCOME_DONE ? r->why : ev->registered ? WHY_NONE : WHY_NOT_REGISTERED;

	if (r->outcome != OUTCOME_DONE && about_machinery(r)) {
		end_unavailable(f, ret, r->outcome == OUTCOME_UNKNOWN ? &unreachable : r);
		return 0;
	}
	if (*r->account.object)
		f->account = r->account;
	else if (*r->account.name)
		memcpy(f->account.name, r->account.name, sizeof(f->account.name));
	/* By the name alone, for a decoy too: how many steps there are must not tell whether there is such an account. */
	f->admin = policy_is_admin(f->rules->policy, f->account.name);
	if (ev->blocked) {
		end_blocked(f, ret);
		return 0;
	}
	memcpy(f->names, r->names, sizeof(f->names));
	f->decoy = r->outcome != OUTCOME_DONE || !ev->registered;
	f->decoy_why = why;
	if (f->decoy && !f->rules->policy->hide_account_state) {
		end(f, ret, RESULT_FAILED, "");
		text_not_resettable(f->rules->policy, why, &ret->step);
		return 0;
	}
	if (ev->resume && code_alive(ev->resume, &ev->now)) {
		f->code = *ev->resume;
		f->code_method = (uint8_t)ev->resume_method;
		f->resumed = true;
	}
	return open_gate(f, ev, ret);
}

/* ---- dispatch ---- */

static int on_delivered(struct flow *f, const struct event *ev, struct effects *ret)
{
	const char *method = f->rules->methods[f->code_method]->name;
	const struct job_result *r = &ev->result;

	if (r->outcome != OUTCOME_DONE && r->why == WHY_BUSY && !flow_writing(f)) {
		end_blocked(f, ret);
		return 0;
	}
	if (r->outcome == OUTCOME_DONE)
		fact(ret, FACT_CODE_DELIVERED, method, WHY_NONE);
	else
		fact(ret, FACT_CODE_UNDELIVERED, method, r->why);
	if (*r->detail)
		ret->facts[0].detail = r->detail;
	return 0;
}

static int on_cancel(struct flow *f, struct effects *ret)
{
	if (flow_writing(f))
		f->gone = true;
	else
		end_cancelled(f, ret);
	return 0;
}

static int on_tick(struct flow *f, const struct event *ev, struct effects *ret)
{
	if (ev->now.boot >= flow_deadline(f))
		end_expired(f, ret);
	return 0;
}

static int on_done(struct flow *f, const struct event *ev, struct effects *ret)
{
	static int (*const handlers[])(struct flow *, const struct event *, struct effects *) = {
		[FLOW_LOOKING] = on_looked_up,
		[FLOW_NUMBERING] = on_numbered,
		[FLOW_VERIFYING] = on_verified,
		[FLOW_OPENING] = on_opened,
		[FLOW_APPROVING] = on_approved,
		[FLOW_SCREENING] = on_screened,
		[FLOW_WRITING] = on_written,
		[FLOW_RECONCILING] = on_reconciled,
	};

	return ev->job == JOB_DELIVER ? on_delivered(f, ev, ret) : handlers[f->state](f, ev, ret);
}

static int on_answer(struct flow *f, const struct event *ev, struct effects *ret)
{
	static int (*const handlers[])(struct flow *, const struct event *, struct effects *) = {
		[FLOW_CHALLENGE] = on_challenge, [FLOW_MENU] = on_menu,	  [FLOW_CODE] = on_code,
		[FLOW_NEW] = on_new,		 [FLOW_AGAIN] = on_again, [FLOW_APPROVAL] = on_approval,
		[FLOW_NUMBER] = on_number,
	};

	if (ev->now.boot >= flow_deadline(f)) {
		end_expired(f, ret);
		return 0;
	}
	return handlers[f->state](f, ev, ret);
}

static int violate(struct flow *f, struct effects *ret)
{
	fact(ret, FACT_VIOLATION, NULL, WHY_NONE);
	if (flow_writing(f))
		f->gone = true;
	else
		end(f, ret, RESULT_ABORT, "");
	return -EPROTO;
}

static int dispatch(struct flow *f, const struct event *ev, struct effects *ret)
{
	switch (ev->type) {
	case EVENT_START:
		return on_start(f, ev, ret);
	case EVENT_ANSWER:
		return on_answer(f, ev, ret);
	case EVENT_DONE:
		return on_done(f, ev, ret);
	case EVENT_TICK:
		return on_tick(f, ev, ret);
	case EVENT_CANCEL:
		return on_cancel(f, ret);
	}
	return -EPROTO;
}

int flow_dispatch(struct flow *f, const struct event *ev, struct effects *ret)
{
	int r;

	memset(ret, 0, sizeof(*ret));
	if (!permitted(f, ev))
		return violate(f, ret);
	r = dispatch(f, ev, ret);
	if (r < 0) {
		effects_wipe(ret);
		end_unavailable(f, ret, &broken);
		return -EIO;
	}
	return 0;
}

void flow_init(struct flow *f, const struct flow_rules *rules)
{
	*f = (struct flow){ .rules = rules, .state = FLOW_IDLE };
}

int64_t flow_deadline(const struct flow *f)
{
	const struct policy_limits *limits = &f->rules->policy->limits;
	int64_t whole = f->started + limits->dialogue * 1000, verified = f->verified + limits->verified * 1000;

	if (f->state == FLOW_OVER || flow_writing(f))
		return INT64_MAX;
	if (f->state == FLOW_CHALLENGE)
		return f->started + FLOW_CHALLENGE_TIME;
	if (f->state >= FLOW_NEW && f->state <= FLOW_AGAIN && verified < whole)
		return verified;
	return whole;
}

bool flow_resumable(const struct flow *f, const struct moment *now)
{
	return f->code.expires != 0 && code_alive(&f->code, now) && !(f->passed & BIT(f->code_method));
}

void effects_wipe(struct effects *e)
{
	explicit_bzero(e, sizeof(*e));
}

const char *fact_name(enum fact_kind kind)
{
	static const char *const names[] = {
		[FACT_NONE] = "none",
		[FACT_STARTED] = "started",
		[FACT_NOT_RESETTABLE] = "not-resettable",
		[FACT_CODE_SENT] = "code-sent",
		[FACT_CODE_DELIVERED] = "code-delivered",
		[FACT_CODE_UNDELIVERED] = "code-undelivered",
		[FACT_PROOF_FAILED] = "proof-failed",
		[FACT_GATE_PASSED] = "gate-passed",
		[FACT_VERIFIED] = "verified",
		[FACT_BLOCKED] = "blocked",
		[FACT_PASSWORD_REFUSED] = "password-refused",
		[FACT_INTENT] = "intent",
		[FACT_RESET] = "reset",
		[FACT_UNCHANGED] = "unchanged",
		[FACT_UNKNOWN] = "unknown",
		[FACT_CANCELLED] = "cancelled",
		[FACT_EXPIRED] = "expired",
		[FACT_UNAVAILABLE] = "unavailable",
		[FACT_VIOLATION] = "violation",
	};

	return kind < FACT_KINDS ? names[kind] : "?";
}
