// SPDX-License-Identifier: LGPL-2.1-or-later
#include "web/token.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/file.h>
#include <time.h>
#include <unistd.h>

#include "base/boot.h"
#include "base/cleanup.h"
#include "base/crypto.h"
#include "base/json.h"
#include "base/log.h"
#include "base/text.h"
#include "base/wire.h"
#include "web/certificate.h"
#include "web/credential.h"

#define BODY 8192
#define ASSERTION 4096
#define URL 320
/* The most that a token is kept before it ends, and the longest that one is believed to last. */
#define EARLY_MS (5 * 60 * 1000)
#define LIFE_MAX (24 * 60 * 60)
/* How long the one that fetches is waited for, and how long its failure counts as everybody's. */
#define LOCK_MS 8000
#define LOCK_PAUSE_MS 10
#define FAILED_MS 2000

void token_wipe(struct token *t)
{
	explicit_bzero(t, sizeof(*t));
}

const char *entra_login(const struct policy_entra *p)
{
	static const char *const hosts[] = {
		[CLOUD_GLOBAL] = "login.microsoftonline.com",
		[CLOUD_US_GOV] = "login.microsoftonline.us",
		[CLOUD_US_DOD] = "login.microsoftonline.us",
		[CLOUD_CHINA] = "login.chinacloudapi.cn",
	};

	return *p->login ? p->login : hosts[p->cloud];
}

const char *entra_graph(const struct policy_entra *p)
{
	static const char *const hosts[] = {
		[CLOUD_GLOBAL] = "graph.microsoft.com",
		[CLOUD_US_GOV] = "graph.microsoft.us",
		[CLOUD_US_DOD] = "dod-graph.microsoft.us",
		[CLOUD_CHINA] = "microsoftgraph.chinacloudapi.cn",
	};

	return *p->graph ? p->graph : hosts[p->cloud];
}

static void trouble(struct token_trouble *t, enum why why, const char *format, ...) _printf_(3, 4);

static void trouble(struct token_trouble *t, enum why why, const char *format, ...)
{
	char text[2 * JOB_DETAIL];
	va_list ap;

	va_start(ap, format);
	vsnprintf(text, sizeof(text), format, ap);
	va_end(ap);
	t->why = why;
	text_clean(text, strlen(text), t->detail, sizeof(t->detail));
}

/* ---- the question ---- */

static void write_audience(const struct policy_entra *p, char ret[static URL])
{
	snprintf(ret, URL, "https://%s/%.36s/oauth2/v2.0/token", entra_login(p), p->tenant);
}

/* One that is over, or not valid yet, is not even shown to the server. */
static int judge_dates(const struct credential *c, const struct certificate *certificate, struct token_trouble *ret_trouble)
{
	time_t now = time(NULL);

	if (certificate_not_after(certificate) > now && certificate_not_before(certificate) <= now)
		return 0;
	trouble(ret_trouble, WHY_MISCONFIGURED, "the certificate of the credential %s is %s", c->name,
		certificate_not_after(certificate) <= now ? "expired" : "not valid yet");
	return -EKEYEXPIRED;
}

static int add_assertion(const struct token_source *s, const struct credential *c, char body[static BODY],
			 struct token_trouble *ret_trouble)
{
	_cleanup_(certificate_closep) struct certificate *certificate = NULL;
	char assertion[ASSERTION], audience[URL];
	int r;

	r = credential_certificate(c, s->policy->key, &certificate);
	if (r < 0)
		trouble(ret_trouble, WHY_MISCONFIGURED, "the credential %s must be %s", c->name, credential_right(s->policy->key));
	else
		r = judge_dates(c, certificate, ret_trouble);
	if (r < 0)
		return r;
	write_audience(s->policy, audience);
	r = certificate_assertion(certificate, s->policy->client_id, audience, time(NULL), assertion, sizeof(assertion));
	if (r < 0)
		trouble(ret_trouble, WHY_BROKEN, "the key of the credential %s does not sign", c->name);
	else if (!http_form(body, BODY, "client_assertion_type", "urn:ietf:params:oauth:client-assertion-type:jwt-bearer") ||
		 !http_form(body, BODY, "client_assertion", assertion))
		r = -EMSGSIZE;
	explicit_bzero(assertion, sizeof(assertion));
	return r;
}

/* 0, or the trouble that keeps this credential from being used. */
static int write_body(const struct token_source *s, const struct credential *c, char body[static BODY],
		      struct token_trouble *ret_trouble)
{
	char scope[URL];

	trouble(ret_trouble, WHY_BROKEN, "the credential %s is too long", c->name);
	snprintf(scope, sizeof(scope), "https://%s/.default", entra_graph(s->policy));
	*body = 0;
	if (!http_form(body, BODY, "client_id", s->policy->client_id) || !http_form(body, BODY, "scope", scope) ||
	    !http_form(body, BODY, "grant_type", "client_credentials"))
		return -EMSGSIZE;
	if (c->certificate)
		return add_assertion(s, c, body, ret_trouble);
	return http_form(body, BODY, "client_secret", c->b) ? 0 : -EMSGSIZE;
}

/* ---- the answer ---- */

/* Of the numbers that Microsoft gives its errors: what an administrator is to do. */
static const struct hint {
	int64_t number;
	bool credential; /* another credential may do */
	const char *text;
} hints[] = {
	{ 7000215, true, "the client secret is not the one of the application" },
	{ 7000222, true, "the client secret has expired: make a new one" },
	{ 700027, true, "the certificate is not one of the application: upload it" },
	{ 50012, true, "the certificate is not one of the application: upload it" },
	{ 700024, false, "the assertion is outside its time: is this machine's clock right?" },
	{ 700016, false, "the tenant has no application client-id" },
	{ 7000112, false, "the application is disabled in the tenant" },
	{ 90002, false, "there is no such tenant: see tenant and cloud" },
	{ 900023, false, "there is no such tenant: see tenant and cloud" },
	{ 500011, false, "the tenant does not know this Graph host: see cloud and graph" },
	{ 53003, false, "Conditional Access blocks the application" },
};

static const struct hint *find_hint(const struct json *error)
{
	const struct json *numbers = json_member(error, "error_codes");
	int64_t number;

	for (size_t i = 0; i < json_length(numbers); i++)
		for (size_t h = 0; h < ARRAY_SIZE(hints); h++)
			if (json_number(json_item(numbers, i), &number) == 0 && number == hints[h].number)
				return &hints[h];
	return NULL;
}

static const char *or_nothing(const char *text)
{
	return text ? text : "-";
}

static void tell_ids(const struct json *error, char *ret, size_t size)
{
	snprintf(ret, size, "(trace %.40s, correlation %.40s)", or_nothing(json_text_of(error, "trace_id")),
		 or_nothing(json_text_of(error, "correlation_id")));
}

/* An error of RFC 6749. 1: another credential may do better; -EPERM: none would. */
static int refused(const struct credential *c, const struct http_answer *a, const struct json *error,
		   struct token_trouble *ret)
{
	const char *name = or_nothing(json_text_of(error, "error"));
	const struct hint *hint = find_hint(error);
	char ids[128], number[32] = "";
	int64_t n;

	tell_ids(error, ids, sizeof(ids));
	if (hint || json_number(json_item(json_member(error, "error_codes"), 0), &n) == 0)
		snprintf(number, sizeof(number), " AADSTS%" PRId64, hint ? hint->number : n);
	ret->retry_after = a->retry_after;
	if (a->status == 429 || a->status == 503 || strcmp(name, "temporarily_unavailable") == 0)
		trouble(ret, WHY_BUSY, "the token endpoint is busy: %d %.30s %s", a->status, name, ids);
	else if (a->status >= 500)
		trouble(ret, WHY_UNREACHABLE, "the token endpoint fails: %d %.30s %s", a->status, name, ids);
	else
		trouble(ret, WHY_MISCONFIGURED, "%.30s%s: %s; credential %s %s", name, number,
			hint ? hint->text : "the application is refused", c->name, ids);
	return strcmp(name, "invalid_client") == 0 || (hint && hint->credential) ? 1 : -EPERM;
}

/* What could not stand in a header is no token. */
static bool fits(const char *token)
{
	return token && *token && strlen(token) < TOKEN_MAX && strspn(token, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
									     "0123456789-._~+/=") == strlen(token);
}

static int take_token(const struct json *answer, struct token *ret, int64_t *ret_life, struct token_trouble *ret_trouble)
{
	const char *type = json_text_of(answer, "token_type"), *token = json_text_of(answer, "access_token");
	int64_t life;

	if (!type || strcasecmp(type, "Bearer") != 0 || !fits(token) ||
	    json_number(json_member(answer, "expires_in"), &life) < 0 || life < 1) {
		trouble(ret_trouble, WHY_BROKEN, "the token endpoint gives no token that could be used");
		return -EBADMSG;
	}
	snprintf(ret->b, sizeof(ret->b), "%s", token);
	*ret_life = life < LIFE_MAX ? life : LIFE_MAX;
	return 0;
}

/* 0; 1: another credential may do better; negative. */
static int understand(const struct credential *c, const struct http_answer *a, struct token *ret, int64_t *ret_life,
		      struct token_trouble *ret_trouble)
{
	_cleanup_(json_freep) struct json *json = NULL;

	if (a->end != HTTP_ANSWERED) {
		trouble(ret_trouble, a->end == HTTP_IMPOSSIBLE ? WHY_BROKEN : WHY_UNREACHABLE, "the token endpoint %s: %s",
			a->end == HTTP_UNTRUSTED ? "is not to be trusted" : "is not reached", a->said);
		return -EIO;
	}
	if (!a->json || json_parse(a->body ? a->body : "", a->len, &json) < 0 || !json_is_object(json)) {
		trouble(ret_trouble, a->status >= 500 ? WHY_UNREACHABLE : WHY_BROKEN,
			"the token endpoint answers %d without JSON; is something between?", a->status);
		ret_trouble->retry_after = a->retry_after;
		if (a->status == 429 || (a->status == 503 && a->retry_after >= 0))
			ret_trouble->why = WHY_BUSY;
		return -EBADMSG;
	}
	return a->status == 200 ? take_token(json, ret, ret_life, ret_trouble) : refused(c, a, json, ret_trouble);
}

static int ask(const struct token_source *s, struct http *http, const struct credential *c, struct token *ret,
	       int64_t *ret_life, struct token_trouble *ret_trouble)
{
	_cleanup_(http_answer_wipe) struct http_answer answer = {};
	char body[BODY], path[URL], id[CRYPTO_GUID], header[80];
	struct http_request request = {
		.method = "POST", .path = path, .type = "application/x-www-form-urlencoded", .body = body, .headers = { header }
	};
	int r = write_body(s, c, body, ret_trouble);

	if (r == 0)
		r = crypto_guid(id);
	if (r == 0) {
		snprintf(header, sizeof(header), "client-request-id: %s", id);
		snprintf(path, sizeof(path), "/%.36s/oauth2/v2.0/token", s->policy->tenant);
		request.len = strlen(body);
		http_ask(http, &request, &answer);
		r = understand(c, &answer, ret, ret_life, ret_trouble);
	} else {
		r = 1; /* of this credential only */
	}
	explicit_bzero(body, sizeof(body));
	return r;
}

/* Each credential in turn, until one is taken or the trouble has nothing to do with it. */
static int fetch(const struct token_source *s, struct token *ret, int64_t *ret_life, struct token_trouble *ret_trouble)
{
	_cleanup_(http_closep) struct http *http = NULL;
	const struct http_place place = {
		.trust = s->trust, .host = entra_login(s->policy), .proxy = s->policy->proxy, .peer = s->peer
	};
	int r = http_open(&place, &http), tried = 1;

	trouble(ret_trouble, r < 0 ? WHY_BROKEN : WHY_MISCONFIGURED,
		r < 0 ? "[directory %s] login is no host" : "there is no credential sspr-%s-certificate or sspr-%s-secret", s->name,
		s->name);
	for (size_t i = 0; i < CREDENTIALS && r == 0 && tried == 1; i++) {
		_cleanup_(credential_wipe) struct credential c = {};
		int found = credential_read(s->name, i, &c);

		if (found == 0)
			tried = ask(s, http, &c, ret, ret_life, ret_trouble);
		else if (found != -ENOENT)
			trouble(ret_trouble, WHY_MISCONFIGURED, "the credential %s cannot be read: %s", c.name, strerror(-found));
		if (tried == 1 && found == 0)
			log_warning("directory %s: %s", s->name, ret_trouble->detail);
	}
	return r < 0 ? r : tried == 0 ? 0 : -EPERM;
}

/* ---- the one that is kept ---- */

/* Stands for everything that a kept token depends on, so that none outlives a change of it. */
static int fingerprint(const struct token_source *s, char ret[static 2 * CRYPTO_MAC + 1])
{
	const struct policy_entra *p = s->policy;
	uint8_t digest[CRYPTO_MAC];
	char text[4 * CONF_TEXT];
	int r;

	snprintf(text, sizeof(text), "%s %s %s %s", entra_login(p), entra_graph(p), p->tenant, p->client_id);
	r = credentials_digest(s->name, p->key, text, digest);
	if (r == 0)
		crypto_hex(digest, sizeof(digest), ret);
	return r;
}

/* "FINGERPRINT BOOT-MILLISECONDS TOKEN": good until then. With FAILED in place of the token: until then, nobody need try. */
#define KEPT (2 * CRYPTO_MAC + 24 + TOKEN_MAX)
#define FAILED "!"

/* -1: there is no place to keep it. */
static int open_kept(const char *name)
{
	const char *directory = secure_getenv("RUNTIME_DIRECTORY");
	char path[192];

	if (!directory || (size_t)snprintf(path, sizeof(path), "%s/token-%s", directory, name) >= sizeof(path))
		return -1;
	return open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW | O_NOCTTY, 0600);
}

/* False when others have held it for too long. */
static bool lock(int fd, int how)
{
	int64_t end = boot_ms() + LOCK_MS;

	while (flock(fd, how | LOCK_NB) < 0) {
		if ((errno != EWOULDBLOCK && errno != EINTR) || boot_ms() >= end)
			return false;
		nanosleep(&(struct timespec){ .tv_nsec = LOCK_PAUSE_MS * 1000000L }, NULL);
	}
	return true;
}

/* What stands behind our fingerprint and a time that is not over, within `text`; or NULL. */
static const char *kept(int fd, const char *print, char text[static KEPT])
{
	ssize_t n = pread(fd, text, KEPT - 1, 0);
	int64_t until;
	char *end;

	text[n > 0 ? n : 0] = 0;
	if (strncmp(text, print, 2 * CRYPTO_MAC) != 0 || text[2 * CRYPTO_MAC] != ' ')
		return NULL;
	until = strtoll(text + 2 * CRYPTO_MAC + 1, &end, 10);
	return *end == ' ' && until > boot_ms() ? end + 1 : NULL;
}

/* 0; 1 when it must be fetched; -EAGAIN when that has just failed. */
static int read_kept(int fd, const char *print, const struct token *refused, struct token *ret)
{
	char text[KEPT];
	const char *token = kept(fd, print, text);
	int r = 1;

	if (token && strcmp(token, FAILED) == 0)
		r = -EAGAIN;
	else if (token && fits(token) && !(refused && strcmp(token, refused->b) == 0)) {
		snprintf(ret->b, sizeof(ret->b), "%s", token);
		r = 0;
	}
	explicit_bzero(text, sizeof(text));
	return r;
}

/* What is cut off by an end in between does not fit the form, or is refused and fetched anew. */
static void keep(int fd, const char *print, const char *token, int64_t ms)
{
	char text[KEPT];
	int n = snprintf(text, sizeof(text), "%s %" PRId64 " %s", print, boot_ms() + ms, token);

	if (n > 0 && (size_t)n < sizeof(text) && (ftruncate(fd, 0) < 0 || pwrite(fd, text, (size_t)n, 0) != n) &&
	    ftruncate(fd, 0) < 0)
		log_warning("an access token cannot be kept: %s", strerror(errno));
	explicit_bzero(text, sizeof(text));
}

static int fetch_and_keep(const struct token_source *s, int fd, const char *print, struct token *ret,
			  struct token_trouble *ret_trouble)
{
	int64_t life = 0, early;
	int r = fetch(s, ret, &life, ret_trouble);

	early = life * 100 < EARLY_MS ? life * 100 : EARLY_MS;
	if (r == 0 && fd >= 0)
		keep(fd, print, ret->b, life * 1000 - early);
	else if (ret_trouble->why == WHY_UNREACHABLE && fd >= 0 && !wire_peer_gone(s->peer))
		keep(fd, print, FAILED, FAILED_MS);
	return r;
}

/* 0: it was kept. 1: it must be fetched, and this child has the lock, if there is one. Negative: neither. */
static int take_kept(int fd, const char *print, const struct token *refused, struct token *ret)
{
	int r = 1;

	if (fd < 0)
		return 1;
	if (lock(fd, LOCK_SH))
		r = read_kept(fd, print, refused, ret);
	if (r == 1)
		r = lock(fd, LOCK_EX) ? read_kept(fd, print, refused, ret) : -EAGAIN;
	return r;
}

int token_get(const struct token_source *s, const struct token *refused, struct token *ret, struct token_trouble *ret_trouble)
{
	_cleanup_(closep) int fd = open_kept(s->name);
	char print[2 * CRYPTO_MAC + 1];
	int r = fingerprint(s, print);

	*ret_trouble = (struct token_trouble){ .why = WHY_BROKEN, .retry_after = -1 };
	if (r == 0)
		r = take_kept(fd, print, refused, ret);
	if (r == -EAGAIN)
		trouble(ret_trouble, WHY_UNREACHABLE, "the token endpoint is not reached, as was just seen");
	return r == 1 ? fetch_and_keep(s, fd, print, ret, ret_trouble) : r;
}

/* ---- what a token says ---- */

static int claims(const struct token *t, struct json **ret)
{
	const char *from = strchr(t->b, '.'), *to = from ? strchr(from + 1, '.') : NULL;
	char text[TOKEN_MAX];
	int n, r;

	if (!to)
		return -EBADMSG;
	n = base64url_read(from + 1, (size_t)(to - from - 1), text, sizeof(text));
	r = n > 0 ? json_parse(text, (size_t)n, ret) : -EBADMSG;
	explicit_bzero(text, sizeof(text));
	return r;
}

int token_roles(const struct token *t, char *ret, size_t size)
{
	_cleanup_(json_freep) struct json *json = NULL;
	const struct json *roles;
	size_t at = 0;
	int r = claims(t, &json);

	if (r < 0)
		return r;
	*ret = 0;
	roles = json_member(json, "roles");
	for (size_t i = 0; i < json_length(roles) && at < size; i++)
		at += (size_t)snprintf(ret + at, size - at, "%s%s", i ? ", " : "", or_nothing(json_text(json_item(roles, i))));
	return at < size ? 0 : -EMSGSIZE;
}

int token_claim(const struct token *t, const char *name, char *ret, size_t size)
{
	_cleanup_(json_freep) struct json *json = NULL;
	const char *text;
	int r = claims(t, &json);

	if (r < 0)
		return r;
	text = json_text_of(json, name);
	if (!text)
		return -ENOENT;
	if (strlen(text) >= size)
		return -EMSGSIZE;
	snprintf(ret, size, "%s", text);
	return 0;
}
