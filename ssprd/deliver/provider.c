// SPDX-License-Identifier: LGPL-2.1-or-later
#include "deliver/provider.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/boot.h"
#include "base/cleanup.h"
#include "base/crypto.h"

void provider_ask(const struct provider_way *way, const char *host, struct http_request *request, struct http_answer *ret)
{
	const struct http_place place = { .trust = way->trust, .host = host, .proxy = way->carrier->proxy, .peer = way->peer };
	_cleanup_(http_closep) struct http *http = NULL;

	request->effect = true;
	request->most = PROVIDER_ANSWER;
	request->until = boot_ms() + PROVIDER_TIME;
	if (http_open(&place, &http) < 0)
		*ret = (struct http_answer){ .end = HTTP_IMPOSSIBLE, .retry_after = -1, .said = "this is no host" };
	else
		http_ask(http, request, ret);
}

static void say(struct provider_way *way, const char *text)
{
	snprintf(way->said, sizeof(way->said), "%.90s", text);
}

static struct verdict not_answered(struct provider_way *way, const struct http_answer *a)
{
	struct verdict v = { .outcome = OUTCOME_REFUSED, .why = WHY_UNREACHABLE };

	say(way, a->said);
	/* What has left may have been taken, and nobody wants two calls. */
	if (a->end == HTTP_LOST || (a->end == HTTP_GIVEN_UP && a->sent))
		v.outcome = OUTCOME_UNKNOWN;
	else if (a->end == HTTP_IMPOSSIBLE)
		v.why = WHY_MISCONFIGURED;
	v.again = a->end == HTTP_NOT_SENT;
	return v;
}

static const char *hint(int status)
{
	if (status == 401)
		return ": the credential or the account is not right";
	if (status == 403)
		return ": the account may not do this";
	if (status == 404 || status == 405)
		return ": account, endpoint or url is not right";
	return status / 100 == 3 ? ": a redirect, which is not followed" : "";
}

struct verdict provider_judge(struct provider_way *way, const struct http_answer *a)
{
	struct verdict v = { .outcome = OUTCOME_REFUSED, .why = WHY_REJECTED };

	if (a->end != HTTP_ANSWERED)
		return not_answered(way, a);
	snprintf(way->said, sizeof(way->said), "HTTP %d%s", a->status, hint(a->status));
	if (a->status / 100 == 2)
		return (struct verdict){ .outcome = OUTCOME_DONE };
	/* 503 alone may be a proxy's, behind which the message was taken; who names a time has refused it (F23, F24). */
	if (a->status == 429 || (a->status == 503 && a->retry_after >= 0))
		return (struct verdict){ .outcome = OUTCOME_REFUSED,
					 .why = WHY_UNREACHABLE,
					 .again = true,
					 .wait = a->retry_after > 0 ? (unsigned int)a->retry_after : 0 };
	if (a->status >= 500)
		return (struct verdict){ .outcome = OUTCOME_UNKNOWN, .why = WHY_UNREACHABLE };
	if (*hint(a->status))
		v.why = WHY_MISCONFIGURED;
	return v;
}

struct verdict provider_refused(struct provider_way *way, enum why why, const char *said, int64_t number)
{
	if (number)
		snprintf(way->said, sizeof(way->said), "%.60s %" PRId64, said, number);
	else
		say(way, said);
	return (struct verdict){ .outcome = OUTCOME_REFUSED, .why = why };
}

int provider_basic(const char *user, const struct secret *secret, char *ret, size_t size)
{
	char both[CONF_TEXT + SECRET_MAX + 2];
	int n = snprintf(both, sizeof(both), "%s:%s", user, secret->b), r = -EMSGSIZE;

	if (n > 0 && (size_t)n < sizeof(both) && CRYPTO_BASE64((size_t)n) + sizeof("Basic ") <= size) {
		memcpy(ret, "Basic ", sizeof("Basic "));
		crypto_base64(both, (size_t)n, ret + strlen("Basic "));
		r = 0;
	}
	explicit_bzero(both, sizeof(both));
	return r;
}

bool provider_xml(const char *text, size_t len, char *ret, size_t size)
{
	size_t n = 0;

	for (; len > 0; text++, len--) {
		const char *as = *text == '<' ? "&lt;" : *text == '>' ? "&gt;" : *text == '&' ? "&amp;" : *text == '"' ? "&quot;" :
				 *text == '\'' ? "&apos;" : NULL;
		const char plain[] = { *text, 0 };
		size_t more = strlen(as ? as : plain);

		if (n + more >= size)
			return false;
		memcpy(ret + n, as ? as : plain, more);
		n += more;
	}
	ret[n] = 0;
	return true;
}
