// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * S7: whatever comes in whatever order, a write is asked for only after as many different methods as the policy requires were
 * proven in this flow, for the account that the look-up found, within the time of a verified state, and once at a time; and, where the
 * policy wants that, after the lists of stolen passwords were asked for it.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "flow/flow.h"
#include "method/methods.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct bytes {
	const uint8_t *at;
	size_t left;
};

struct witness {
	unsigned int proven; /* bit per method */
	bool looked_up, eligible, writing, screened;
	bool wrong_number; /* was typed last */
	int64_t verified;
	struct account account;
};

static unsigned int take(struct bytes *b)
{
	if (b->left == 0)
		return 0;
	b->left--;
	return *b->at++;
}

static void take_answer(struct bytes *b, struct secret *ret)
{
	static const char *const usual[] = { "", "1", "2", "739201", "Brand-New-77x", "short", "monica-monica", "\xff\xfe",
					     "+491701234567" };
	unsigned int n = take(b);
	size_t len = n < b->left ? n : b->left;

	if (n < 200) {
		secret_set(ret, usual[n % ARRAY_SIZE(usual)], strlen(usual[n % ARRAY_SIZE(usual)]));
		return;
	}
	secret_set(ret, b->at, len);
	b->at += len;
	b->left -= len;
}

static void take_done(struct bytes *b, bool screens, struct event *ev)
{
	static const enum job_kind kinds[] = { JOB_LOOKUP, JOB_VERIFY, JOB_RESET, JOB_DELIVER };
	unsigned int n = take(b);

	ev->type = EVENT_DONE;
	ev->job = screens && kinds[n & 3] == JOB_DELIVER ? JOB_BREACHED : kinds[n & 3];
	if (ev->job == JOB_VERIFY && (n & 128))
		ev->job = JOB_NUMBER;
	ev->result.outcome = (enum outcome)(1 + (n >> 2 & 3) % 3);
	ev->result.why = (enum why)(take(b) % 40);
	ev->registered = n & 64;
	ev->blocked = (n & 0xb0) == 0xb0;
	snprintf(ev->result.account.directory, sizeof(ev->result.account.directory), "local");
	snprintf(ev->result.account.object, sizeof(ev->result.account.object), "%u", 1000 + (n & 16));
	snprintf(ev->result.account.name, sizeof(ev->result.account.name), "monica");
	snprintf(ev->result.account.mark, sizeof(ev->result.account.mark), "%u", n & 32);
}

static void take_event(struct bytes *b, bool screens, struct event *ev, struct secret *answer)
{
	static const char *const names[] = { "monica", "nobody", "root" };
	unsigned int n = take(b);

	memset(ev->entropy, (int)n, sizeof(ev->entropy));
	switch (n & 7) {
	case 0:
		ev->type = EVENT_START;
		ev->reason = n & 8 ? REASON_FAILED : REASON_KEYWORD;
		ev->failures = n >> 4;
		ev->name = names[n % 3];
		break;
	case 1:
	case 2:
	case 3:
		ev->type = EVENT_ANSWER;
		take_answer(b, answer);
		ev->answer = answer;
		break;
	case 4:
	case 5:
		take_done(b, screens, ev);
		break;
	case 6:
		ev->type = EVENT_TICK;
		break;
	default:
		ev->type = n & 0xf0 ? EVENT_TICK : EVENT_CANCEL;
		break;
	}
}

/* What an honest observer knows before the dispatch. */
static void watch(struct witness *w, const struct flow *f, const struct event *ev)
{
	if (ev->type == EVENT_DONE && ev->job == JOB_LOOKUP && f->state == FLOW_LOOKING && !w->looked_up) {
		w->looked_up = true;
		w->eligible = ev->result.outcome == OUTCOME_DONE && ev->registered && !ev->blocked;
		w->account = ev->result.account;
	}
	if (ev->type == EVENT_DONE && ev->job == JOB_VERIFY && f->state == FLOW_VERIFYING &&
	    ev->result.outcome == OUTCOME_DONE) {
		w->proven |= 1u << f->method;
		w->verified = ev->now.boot;
	}
	if (f->state == FLOW_NEW)
		w->screened = false;
	if (ev->type == EVENT_DONE && ev->job == JOB_BREACHED && f->state == FLOW_SCREENING && ev->result.outcome == OUTCOME_DONE)
		w->screened = true;
	w->wrong_number = ev->type == EVENT_DONE && ev->job == JOB_NUMBER && f->state == FLOW_NUMBERING &&
			  (ev->result.outcome != OUTCOME_DONE || !w->eligible);
	if (ev->type == EVENT_DONE && ev->job == JOB_RESET && f->state == FLOW_WRITING)
		w->writing = false;
}

/* Two proofs by one phone are one. */
static unsigned int gates(const struct flow_rules *rules, unsigned int proven)
{
	bool phone = false;
	unsigned int n = 0;

	for (size_t i = 0; i < rules->methods_n; i++) {
		if (!(proven & 1u << i))
			continue;
		if (rules->methods[i]->family == FAMILY_PHONE)
			phone = true;
		else
			n++;
	}
	return n + phone;
}

static bool provable(const struct flow *f)
{
	static const uint8_t none[CRYPTO_MAC];

	return memcmp(f->code.mac, none, sizeof(none)) != 0;
}

static void judge(struct witness *w, const struct flow *f, const struct effects *e, int64_t now)
{
	const struct policy *p = f->rules->policy;

	if (e->job.kind == JOB_RESET) {
		unsigned int needed = policy_required(p, policy_is_admin(p, w->account.name));

		if (!w->eligible || gates(f->rules, w->proven) < needed || w->writing ||
		    strcmp(e->job.account.object, w->account.object) != 0 ||
		    now >= w->verified + p->limits.verified * 1000 || e->job.secret.len == 0 ||
		    (p->password.breached && !w->screened))
			abort();
		w->writing = true;
	}
	if (e->step.kind == STEP_END && e->step.result == RESULT_DONE && !w->eligible)
		abort();
	if (w->wrong_number && f->state == FLOW_CODE && provable(f))
		abort();
	if (strlen(e->step.info) >= 150 || strlen(e->step.prompt) >= 30)
		abort();
}

static void policy_of(unsigned int n, struct policy *ret)
{
	*ret = (struct policy){
		.enabled = ENABLED_ALL,
		.required = 1 + (n & 1),
		.hide_account_state = n & 2,
		.limits = { .dialogue = 900, .verified = 180, .code_lifetime = 300, .code_tries = 5, .code_sends = 3,
			    .new_password_tries = 5 },
		.password = { .min_length = 8, .max_length = 256, .min_classes = 1, .protection = n & 4, .history = n & 8 ? 5 : 0,
			      .breached = n & 16 ? BREACHED_REFUSE : BREACHED_OFF },
		.admins = { .n = (n & 4) / 4, .item = { "monica" } },
		.helpdesk = "https://helpdesk.example.org/a/rather/long/address/of/a/page",
		.helpdesk_mail = "helpdesk@mail.of.the.organisation.example.org",
		.phone = "+1 555 0100 extension 12345678",
	};
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct effects effects;
	struct bytes b = { .at = data, .left = size };
	struct witness w = {};
	struct flow_rules rules = {
		.methods = { &method_authenticator, &method_email, &method_recovery, &method_sms, &method_voice },
		.methods_n = 5,
		.host = "lab",
	};
	struct policy policy;
	struct flow f;
	int64_t now = 1000000;

	policy_of(take(&b), &policy);
	rules.policy = &policy;
	flow_init(&f, &rules);
	while (b.left > 0) {
		struct secret answer = {};
		struct event ev = {};

		take_event(&b, policy.password.breached, &ev, &answer);
		now += take(&b) * 500;
		ev.now = (struct moment){ .boot = now, .wall = now / 1000, .lasting = now / 1000 };
		watch(&w, &f, &ev);
		flow_dispatch(&f, &ev, &effects);
		judge(&w, &f, &effects, now);
	}
	effects_wipe(&effects);
	return 0;
}
