// SPDX-License-Identifier: LGPL-2.1-or-later
#include "deliver/phone.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "base/cleanup.h"
#include "base/handover.h"
#include "base/log.h"
#include "base/phone.h"
#include "base/text.h"
#include "deliver/provider.h"

static const struct provider *const providers[] = {
	[PROVIDER_TWILIO] = &provider_twilio,
	[PROVIDER_GATEWAY] = &provider_gateway,
	[PROVIDER_AZURE] = &provider_azure,
};

static void way_wipe(struct provider_way *w)
{
	explicit_bzero(w, sizeof(*w));
}

static void refuse(struct job_result *ret, enum why why)
{
	*ret = (struct job_result){ .outcome = OUTCOME_REFUSED, .why = why };
}

/* Editors put a newline at the end of a file, which no secret of a provider has. */
static int read_secret(struct provider_way *way)
{
	struct secret *s = &way->secret;
	char name[32];
	int r;

	snprintf(name, sizeof(name), "sspr-%s-secret", way->section);
	r = handover_credential(name, s->b, SECRET_MAX, &s->len);
	if (r < 0)
		return r;
	while (s->len > 0 && (s->b[s->len - 1] == '\n' || s->b[s->len - 1] == '\r'))
		s->b[--s->len] = 0;
	return s->len > 0 && text_printable(s->b, s->len) ? 0 : -EINVAL;
}

static const struct provider *choose(const struct phone *p, const struct job *job, int peer, struct provider_way *ret)
{
	bool call = job->channel == CHANNEL_VOICE;
	const struct policy_carrier *c = call ? &p->policy->voice : &p->policy->sms;
	const struct provider *provider = c->provider < ARRAY_SIZE(providers) ? providers[c->provider] : NULL;

	*ret = (struct provider_way){
		.section = call ? "voice" : "sms", .carrier = c, .trust = call ? p->voice : p->sms, .peer = peer, .first = time(NULL)
	};
	return provider && ret->trust && (call ? provider->voice : provider->sms) ? provider : NULL;
}

static bool only(const char *text, const char *set)
{
	return strspn(text, set) == strlen(text);
}

/* A call has lines; in a message, a line break is somebody else's. */
static bool text_allowed(const struct job *job)
{
	for (const char *line = job->body;;) {
		size_t len = strcspn(line, "\n");

		if (!text_printable(line, len))
			return false;
		if (!line[len])
			return *job->body;
		if (job->channel != CHANNEL_VOICE)
			return false;
		line += len + 1;
	}
}

static bool job_allowed(const struct phone *p, const struct job *job)
{
	const struct policy_phone *rules = &p->policy->phone_rules;
	char number[PHONE];
	enum phone_rule rule;

	if (phone_parse(job->to, strlen(job->to), number) < 0 || strcmp(number, job->to) != 0 || !text_allowed(job) ||
	    !only(job->code, "0123456789") ||
	    !only(job->lang, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ-") ||
	    !only(job->id, "abcdefghijklmnopqrstuvwxyz0123456789-")) {
		log_warning("there is a message to a phone with a number or a text that is none");
		return false;
	}
	rule = phone_judge(number, &rules->countries, &rules->deny_prefixes);
	if (rule != PHONE_ALLOWED)
		log_warning("%s: the number %s", job->id, phone_rule_text(rule));
	return rule == PHONE_ALLOWED;
}

static void tell(const struct provider *provider, const struct provider_way *way, const struct job *job, struct verdict v)
{
	char number[PHONE_MASKED];

	phone_mask(job->to, number);
	if (v.outcome == OUTCOME_DONE)
		log_info("%s %s to %s was taken by %s: %s", way->section, job->id, number, provider->name, way->said);
	else
		log_warning("%s %s to %s was not taken by %s%s: %s", way->section, job->id, number, provider->name,
			    v.outcome == OUTCOME_UNKNOWN ? " for certain" : "", way->said);
}

void phone_deliver(const struct phone *p, int peer, int leave, const struct job *job, struct job_result *ret)
{
	_cleanup_(way_wipe) struct provider_way way = {};
	const struct provider *provider = choose(p, job, peer, &way);
	struct verdict v;
	int r;

	if (!job_allowed(p, job))
		return refuse(ret, WHY_REJECTED);
	if (!provider) {
		log_error("there is a message to a phone to send, but [%s] has no provider", way.section);
		return refuse(ret, WHY_MISCONFIGURED);
	}
	r = read_secret(&way);
	if (r < 0 && (provider->needs_secret || r != -ENOENT)) {
		log_error("[%s] provider = %s needs the credential sspr-%s-secret: %s", way.section, provider->name, way.section,
			  strerror(-r));
		return refuse(ret, WHY_MISCONFIGURED);
	}
	v = persist(provider->attempt, &way, peer, leave, job);
	tell(provider, &way, job, v);
	*ret = (struct job_result){ .outcome = v.outcome, .why = v.why };
	if (v.outcome != OUTCOME_DONE)
		snprintf(ret->detail, sizeof(ret->detail), "%s: %s", provider->name, way.said);
}
