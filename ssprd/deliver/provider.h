// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

/*
 * Who carries messages to phones: each provider is one file and one row in phone.c. A request is an HTTPS request to one host, with an
 * answer of at most PROVIDER_ANSWER bytes within PROVIDER_TIME; nothing of an answer but numbers goes into a log, since it may quote
 * what was sent.
 */

#include "deliver/persist.h"
#include "flow/job.h"
#include "flow/policy.h"
#include "web/http.h"

#define PROVIDER_ANSWER 65536
#define PROVIDER_TIME 10000
#define PROVIDER_SAID 96

/* One message on its way. */
struct provider_way {
	const char *section; /* "sms", "voice" */
	const struct policy_carrier *carrier;
	const struct trust *trust;
	int peer;
	struct secret secret; /* empty: there is none */
	int64_t first;	      /* when it was first tried, wall seconds */
	char said[PROVIDER_SAID]; /* of the last try, for an administrator */
};

struct provider {
	const char *name;
	bool sms, voice;
	bool needs_secret;
	persist_fn *attempt; /* `way` is a struct provider_way */
};

extern const struct provider provider_twilio, provider_azure, provider_gateway;

/* Asks `host`; what must be as the house rules have it is filled in. *ret is always written. */
void provider_ask(const struct provider_way *way, const char *host, struct http_request *request, struct http_answer *ret);

/* What the status alone means: 2xx is OUTCOME_DONE. Also writes way->said. */
struct verdict provider_judge(struct provider_way *way, const struct http_answer *answer);

/* Said in place of the above; the message was not taken. */
struct verdict provider_refused(struct provider_way *way, enum why why, const char *said, int64_t number);

/* "Basic ..." of user and secret. -EMSGSIZE. */
int provider_basic(const char *user, const struct secret *secret, char *ret, size_t size);

/* Text for an element or attribute of XML. False when it does not fit. */
bool provider_xml(const char *text, size_t len, char *ret, size_t size);
