// SPDX-License-Identifier: LGPL-2.1-or-later
#include "directory/approval.h"

#include <errno.h>
#include <inttypes.h>
#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/boot.h"
#include "base/cleanup.h"
#include "base/crypto.h"
#include "base/log.h"
#include "base/text.h"
#include "directory/id_token.h"
#include "web/token.h"

#define BODY 1024
#define PATH 96
#define ISSUER 320
/* RFC 8628 3.5: where the server says nothing, and what slow_down adds; seconds. */
#define INTERVAL 5
#define INTERVAL_MAX 60
#define SLOWER 5
/* A person waits before the screen. */
#define ASK_MS 10000
#define LIFE_MAX 900

/* One sign-in that is under way at the directory's login host. */
struct approval {
	const struct entra *entra;
	struct http *http;
	int64_t date; /* of the last answer */
	int64_t made, interval;
	const char *code;
};

static void approval_close(struct approval *a)
{
	http_close(a->http);
}

static const struct policy_entra *policy(const struct approval *a)
{
	return &a->entra->directory->entra;
}

static void refuse(struct job_result *ret, enum why why, const char *format, ...) _printf_(3, 4);

static void refuse(struct job_result *ret, enum why why, const char *format, ...)
{
	char text[2 * JOB_DETAIL];
	va_list ap;

	va_start(ap, format);
	vsnprintf(text, sizeof(text), format, ap);
	va_end(ap);
	ret->outcome = OUTCOME_REFUSED;
	ret->why = why;
	text_clean(text, strlen(text), ret->detail, sizeof(ret->detail));
}

static int approval_open(const struct entra *e, struct approval *ret, struct job_result *ret_result)
{
	const struct http_place place = {
		.trust = e->trust, .host = entra_login(&e->directory->entra), .proxy = e->directory->entra.proxy, .peer = e->peer
	};
	int r = http_open(&place, &ret->http);

	ret->entra = e;
	if (r < 0)
		refuse(ret_result, WHY_BROKEN, "%s", strerror(-r));
	return r;
}

/* ---- one request ---- */

/* An answer in JSON, whatever its status; or a refusal in *ret_result and -EIO. */
static int ask(struct approval *a, struct http_request *q, const char *place, struct json **ret, int *ret_status,
	       struct job_result *ret_result)
{
	_cleanup_(http_answer_wipe) struct http_answer answer = {};
	char path[PATH], id[CRYPTO_GUID], header[80];

	if (crypto_guid(id) < 0) {
		refuse(ret_result, WHY_BROKEN, "no random numbers");
		return -EIO;
	}
	snprintf(header, sizeof(header), "client-request-id: %s", id);
	snprintf(path, sizeof(path), "/%.36s/%s", policy(a)->tenant, place);
	q->path = path;
	q->headers[0] = header;
	http_ask(a->http, q, &answer);
	q->path = q->headers[0] = NULL;
	a->date = answer.date ? answer.date : (int64_t)time(NULL);
	*ret_status = answer.status;
	if (answer.end != HTTP_ANSWERED)
		refuse(ret_result, WHY_UNREACHABLE, "%s: %s", place, answer.said);
	else if (answer.status == 429 || answer.status >= 500)
		refuse(ret_result, WHY_UNREACHABLE, "%s answers %d", place, answer.status);
	else if (!answer.json || json_parse(answer.body ? answer.body : "", answer.len, ret) < 0)
		refuse(ret_result, WHY_BROKEN, "%s answers %d without JSON", place, answer.status);
	else
		return 0;
	return -EIO;
}

static int post(struct approval *a, const char *place, const char *body, struct json **ret, int *ret_status,
		struct job_result *ret_result)
{
	struct http_request q = {
		.method = "POST", .type = "application/x-www-form-urlencoded", .body = body, .len = strlen(body)
	};

	return ask(a, &q, place, ret, ret_status, ret_result);
}

/* ---- APPROVAL ---- */

static bool take(const char *text, char *ret, size_t size)
{
	if (!text || !*text || strlen(text) >= size || !text_printable(text, strlen(text)))
		return false;
	memcpy(ret, text, strlen(text) + 1);
	return true;
}

static int64_t bounded(int64_t n, int64_t most)
{
	return n < 1 ? 1 : n < most ? n : most;
}

static bool make_ticket(const struct approval *a, const struct json *answer, struct secret *ret)
{
	const char *code = json_text_of(answer, "device_code");
	int64_t interval = bounded(json_number_of(answer, "interval", INTERVAL), INTERVAL_MAX);
	char text[SECRET_MAX + 1];
	int n;
	bool ok;

	if (!code || !*code)
		return false;
	n = snprintf(text, sizeof(text), "%" PRId64 " %" PRId64 " %s", a->date, interval, code);
	ok = n > 0 && (size_t)n < sizeof(text) && secret_set(ret, text, (size_t)n) == 0;
	explicit_bzero(text, sizeof(text));
	return ok;
}

static void take_approval(const struct approval *a, const struct json *answer, struct job_result *ret)
{
	static const char scheme[] = "https://";

	if (!take(json_text_of(answer, "user_code"), ret->code, sizeof(ret->code)) ||
	    !take(json_text_of(answer, "verification_uri"), ret->address, sizeof(ret->address)) ||
	    strncmp(ret->address, scheme, sizeof(scheme) - 1) != 0 || !make_ticket(a, answer, &ret->ticket)) {
		*ret->code = *ret->address = 0;
		refuse(ret, WHY_BROKEN, "the device code answer lacks what is needed");
		return;
	}
	ret->life = (uint32_t)bounded(json_number_of(answer, "expires_in", LIFE_MAX), LIFE_MAX);
	ret->outcome = OUTCOME_DONE;
}

static const char *error_of(const struct json *answer)
{
	const char *error = json_text_of(answer, "error");

	return error ? error : "no error named";
}

/* Microsoft's text begins with its number, and goes on with what stands in no journal. */
static void refuse_by_error(const struct json *answer, enum why why, const char *hint, struct job_result *ret)
{
	const char *text = json_text_of(answer, "error_description"), *trace = json_text_of(answer, "trace_id");

	refuse(ret, why, "%s %.16s: %s (trace %.40s)", error_of(answer), text && strncmp(text, "AADSTS", 6) == 0 ? text : "-", hint,
	       trace ? trace : "-");
}

void approval_begin(const struct entra *e, const struct job *job _unused_, struct job_result *ret)
{
	_cleanup_(approval_close) struct approval a = {};
	_cleanup_(json_freep) struct json *answer = NULL;
	char body[BODY] = "";
	int status;

	if (approval_open(e, &a, ret) < 0)
		return;
	if (!http_form(body, sizeof(body), "client_id", policy(&a)->client_id) || !http_form(body, sizeof(body), "scope", "openid profile"))
		refuse(ret, WHY_BROKEN, "the request is too long");
	else if (post(&a, "oauth2/v2.0/devicecode", body, &answer, &status, ret) < 0)
		;
	else if (status == 200)
		take_approval(&a, answer, ret);
	else
		refuse_by_error(answer, WHY_MISCONFIGURED, "the application must allow public client flows, see ssprctl entra setup",
				ret);
	if (ret->outcome != OUTCOME_DONE)
		log_warning("directory %s: no sign-in by device code: %s", e->directory->name, ret->detail);
}

/* ---- the id_token ---- */

/* Azure China issues under the name that its login host has had since 2020. */
static void write_issuer(const struct policy_entra *p, char ret[static ISSUER])
{
	const char *host = p->cloud == CLOUD_CHINA && !*p->login ? "login.partner.microsoftonline.cn" : entra_login(p);

	snprintf(ret, ISSUER, "https://%s/%.36s/v2.0", host, p->tenant);
}

static void judge_token(struct approval *a, const char *token, const struct account *account, struct job_result *ret)
{
	_cleanup_(json_freep) struct json *keys = NULL;
	struct http_request q = { .method = "GET" };
	char issuer[ISSUER];
	const struct id_token_wanted wanted = {
		.client_id = policy(a)->client_id,
		.issuer = issuer,
		.tenant = policy(a)->tenant,
		.object = account->object,
		.since = a->made,
		.now = a->date,
	};
	const char *wrong = "";
	enum why why;
	int status;

	if (ask(a, &q, "discovery/v2.0/keys", &keys, &status, ret) < 0)
		return;
	write_issuer(policy(a), issuer);
	why = id_token_judge(&wanted, token, keys, &wrong);
	if (why == WHY_NONE)
		ret->outcome = OUTCOME_DONE;
	else
		refuse(ret, why, "the id_token %s", wrong);
}

/* ---- APPROVE ---- */

static bool read_ticket(const char *ticket, struct approval *ret)
{
	char *end;

	ret->made = strtoll(ticket, &end, 10);
	if (ret->made <= 0 || *end != ' ')
		return false;
	ret->interval = strtoll(end + 1, &end, 10);
	ret->code = end + 1;
	return ret->interval > 0 && *end == ' ' && *ret->code;
}

/* What RFC 8628 3.5 and Microsoft's page name; WHY_PENDING: ask again. */
static void judge_error(struct approval *a, const struct json *answer, struct job_result *ret)
{
	static const struct {
		const char *error;
		enum why why;
		const char *hint;
	} errors[] = {
		{ "authorization_pending", WHY_PENDING, "nobody has signed in so far" },
		{ "slow_down", WHY_PENDING, "asked too often" },
		{ "authorization_declined", WHY_DECLINED, "the user declined" },
		{ "access_denied", WHY_DECLINED, "the user declined" },
		{ "expired_token", WHY_DECLINED, "the code is over" },
		{ "bad_verification_code", WHY_DECLINED, "the code is not known" },
		{ "invalid_grant", WHY_DECLINED, "refused, as by Conditional Access" },
		{ "interaction_required", WHY_DECLINED, "refused, as by Conditional Access" },
	};
	const char *error = error_of(answer);

	for (size_t i = 0; i < ARRAY_SIZE(errors); i++)
		if (strcmp(errors[i].error, error) == 0) {
			if (strcmp(error, "slow_down") == 0)
				a->interval += SLOWER;
			refuse_by_error(answer, errors[i].why, errors[i].hint, ret);
			return;
		}
	refuse_by_error(answer, WHY_MISCONFIGURED, "the application must allow public client flows", ret);
}

static void ask_once(struct approval *a, const char *body, const struct account *account, struct job_result *ret)
{
	_cleanup_(json_freep) struct json *answer = NULL;
	const char *token;
	int status;

	*ret = (struct job_result){};
	if (post(a, "oauth2/v2.0/token", body, &answer, &status, ret) < 0)
		return;
	token = json_text_of(answer, "id_token");
	if (status != 200)
		judge_error(a, answer, ret);
	else if (token)
		judge_token(a, token, account, ret);
	else
		refuse(ret, WHY_BROKEN, "the answer has no id_token");
}

/* True when nobody minded. */
static bool pause_for(int peer, int64_t seconds)
{
	struct pollfd fd = { .fd = peer, .events = POLLIN };

	return poll(&fd, 1, (int)(seconds * 1000)) == 0;
}

static bool pending(const struct job_result *r)
{
	return r->outcome == OUTCOME_REFUSED && r->why == WHY_PENDING;
}

void approval_ask(const struct entra *e, const struct job *job, struct job_result *ret)
{
	_cleanup_(approval_close) struct approval a = {};
	int64_t end = boot_ms() + ASK_MS;
	char body[BODY] = "";

	/* A decoy has no object, and its ticket is asked for all the same: it must not be told from others. */
	if (!read_ticket(job->secret.b, &a) ||
	    !http_form(body, sizeof(body), "grant_type", "urn:ietf:params:oauth:grant-type:device_code") ||
	    !http_form(body, sizeof(body), "client_id", e->directory->entra.client_id) || !http_form(body, sizeof(body), "device_code", a.code)) {
		refuse(ret, WHY_OTHER_ACCOUNT, "there is no ticket to ask with");
		return;
	}
	if (approval_open(e, &a, ret) == 0)
		do
			ask_once(&a, body, &job->account, ret);
		while (pending(ret) && boot_ms() + a.interval * 1000 < end && pause_for(e->peer, a.interval));
	explicit_bzero(body, sizeof(body));
	if (ret->outcome != OUTCOME_DONE && ret->why != WHY_PENDING)
		log_warning("directory %s: a sign-in by device code does not count: %s", e->directory->name, ret->detail);
}
