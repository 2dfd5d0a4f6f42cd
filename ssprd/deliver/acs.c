// SPDX-License-Identifier: LGPL-2.1-or-later
/* Azure Communication Services: text messages, API 2021-03-07, each request signed by the resource's access key. */
#include "deliver/acs.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "base/cleanup.h"
#include "base/crypto.h"
#include "base/json.h"
#include "deliver/provider.h"

#define PATH "/sms?api-version=2021-03-07"
#define BODY (6 * JOB_BODY + 512)
#define DATE 40

int acs_sign(const struct acs_request *q, const struct secret *key, char ret_hash[static ACS_HASH],
	     char ret_authorization[static ACS_AUTHORIZATION])
{
	_cleanup_(secret_wipe) struct secret bare = {};
	uint8_t hash[CRYPTO_MAC], mac[CRYPTO_MAC];
	char text[1024], signature[CRYPTO_BASE64(CRYPTO_MAC)];
	int r, n;

	r = crypto_unbase64(key->b, key->len, bare.b, SECRET_MAX, &bare.len);
	if (r < 0)
		return -EINVAL;
	r = crypto_sha256(q->body, q->len, hash);
	if (r < 0)
		return r;
	crypto_base64(hash, sizeof(hash), ret_hash);
	n = snprintf(text, sizeof(text), "%s\n%s\n%s;%s;%s", q->verb, q->path, q->date, q->host, ret_hash);
	if (n < 0 || (size_t)n >= sizeof(text))
		return -EMSGSIZE;
	r = crypto_hmac(bare.b, bare.len, text, (size_t)n, mac);
	if (r < 0)
		return r;
	crypto_base64(mac, sizeof(mac), signature);
	snprintf(ret_authorization, ACS_AUTHORIZATION, "HMAC-SHA256 SignedHeaders=x-ms-date;host;x-ms-content-sha256&Signature=%s",
		 signature);
	return 0;
}

static int http_date(int64_t at, char ret[static DATE])
{
	static const char days[][4] = { "Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat" };
	static const char months[][4] = { "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec" };
	time_t t = (time_t)at;
	struct tm tm;

	/* Whatever the locale. */
	if (!gmtime_r(&t, &tm))
		return -EINVAL;
	snprintf(ret, DATE, "%s, %02d %s %04d %02d:%02d:%02d GMT", days[tm.tm_wday], tm.tm_mday, months[tm.tm_mon],
		 (1900 + tm.tm_year) % 10000, tm.tm_hour, tm.tm_min, tm.tm_sec);
	return 0;
}

/* Of "code-" and 32 digits: the same for each try, so that a message comes once however often it is sent. */
static bool message_guid(const char *id, char ret[static CRYPTO_GUID])
{
	const char *hex = strchr(id, '-');

	if (!hex || strspn(hex + 1, "0123456789abcdef") != 32 || hex[33])
		return false;
	hex++;
	snprintf(ret, CRYPTO_GUID, "%.8s-%.4s-%.4s-%.4s-%.12s", hex, hex + 8, hex + 12, hex + 16, hex + 20);
	return true;
}

static void member(struct json_writer *w, const char *before, const char *text)
{
	json_raw(w, before);
	json_string(w, text, strlen(text));
}

static int write_body(const struct provider_way *way, const struct job *job, struct json_writer *w)
{
	char guid[CRYPTO_GUID], first[DATE];

	member(w, "{\"from\":", way->carrier->from);
	member(w, ",\"message\":", job->body);
	member(w, ",\"smsRecipients\":[{\"to\":", job->to);
	/* That it can be sent again rests on them. */
	if (!message_guid(job->id, guid) || http_date(way->first, first) < 0)
		return -EINVAL;
	member(w, ",\"repeatabilityRequestId\":", guid);
	member(w, ",\"repeatabilityFirstSent\":", first);
	json_raw(w, "}],\"smsSendOptions\":{\"enableDeliveryReport\":false}}");
	return w->failed ? -EMSGSIZE : 0;
}

/* 202 says that the list was taken; whether the one message was, stands in it. */
static struct verdict judge_taken(struct provider_way *way, const struct http_answer *answer)
{
	_cleanup_(json_freep) struct json *root = NULL;
	const struct json *one;
	int64_t status;

	if (!answer->json || !answer->body || json_parse(answer->body, answer->len, &root) < 0)
		return provider_refused(way, WHY_MISCONFIGURED, "the answer is not Azure's, with HTTP", answer->status);
	one = json_item(json_member(root, "value"), 0);
	status = json_number_of(one, "httpStatusCode", 0);
	if (json_is_true(json_member(one, "successful")) && status / 100 == 2)
		return (struct verdict){ .outcome = OUTCOME_DONE };
	snprintf(way->said, sizeof(way->said), "HTTP %d, but %lld for this message", answer->status, (long long)status);
	if (status == 429 || status >= 500)
		return (struct verdict){ .outcome = OUTCOME_REFUSED, .why = WHY_UNREACHABLE, .again = true };
	return (struct verdict){ .outcome = OUTCOME_REFUSED,
				 .why = status == 401 || status == 403 || status == 404 ? WHY_MISCONFIGURED : WHY_REJECTED };
}

struct signed_headers {
	char hash[ACS_HASH], authorization[ACS_AUTHORIZATION], date[DATE + 16], digest[ACS_HASH + 32];
};

/* A port that goes without saying does not stand in the header that is signed. */
static void host_of(const char *endpoint, char *ret, size_t size)
{
	size_t len = strlen(endpoint), end = len > 4 && strcmp(endpoint + len - 4, ":443") == 0 ? len - 4 : len;

	snprintf(ret, size, "%.*s", (int)end, endpoint);
}

static int sign(const struct provider_way *way, const char *body, size_t len, struct signed_headers *ret)
{
	char date[DATE], host[CONF_TEXT];
	struct acs_request q = { .verb = "POST", .path = PATH, .host = host, .date = date, .body = body, .len = len };
	int r = http_date(time(NULL), date);

	host_of(way->carrier->endpoint, host, sizeof(host));
	if (r == 0)
		r = acs_sign(&q, &way->secret, ret->hash, ret->authorization);
	snprintf(ret->date, sizeof(ret->date), "x-ms-date: %s", date);
	snprintf(ret->digest, sizeof(ret->digest), "x-ms-content-sha256: %s", ret->hash);
	return r;
}

static struct verdict attempt(void *to, const struct job *job)
{
	_cleanup_(http_answer_wipe) struct http_answer answer = {};
	struct provider_way *way = to;
	struct signed_headers headers = {};
	char body[BODY];
	struct json_writer w = { .b = body, .size = sizeof(body) };
	struct http_request request = { .method = "POST", .path = PATH, .type = "application/json", .body = body };
	struct verdict v;

	if (write_body(way, job, &w) < 0)
		return provider_refused(way, WHY_REJECTED, "the message is too long, or no text", 0);
	request.len = w.len;
	if (sign(way, body, w.len, &headers) < 0) {
		explicit_bzero(body, sizeof(body));
		return provider_refused(way, WHY_MISCONFIGURED, "the credential is no access key of Azure: it is not base 64", 0);
	}
	request.authorization = headers.authorization;
	request.headers[0] = headers.date;
	request.headers[1] = headers.digest;
	provider_ask(way, way->carrier->endpoint, &request, &answer);
	explicit_bzero(body, sizeof(body));
	v = provider_judge(way, &answer);
	/* Sent again it is the same request. */
	v.again = v.again || v.outcome == OUTCOME_UNKNOWN;
	return v.outcome == OUTCOME_DONE ? judge_taken(way, &answer) : v;
}

const struct provider provider_azure = { .name = "azure", .sms = true, .needs_secret = true, .attempt = attempt };
