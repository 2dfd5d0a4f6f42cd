// SPDX-License-Identifier: LGPL-2.1-or-later
#include "web/http.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <time.h>

#include "base/boot.h"
#include "base/cleanup.h"
#include "base/text.h"

#define URL 2048
/* A bearer token, and the word before it. */
#define AUTHORIZATION 8448

struct http {
	struct http_place place;
	CURL *curl;
};

/* One request on its way. */
struct asking {
	struct http_answer *answer;
	size_t most;
	bool too_large;
	bool head; /* of the last answer is whole: that of one that was cut is fine to libcurl */
	char error[CURL_ERROR_SIZE];
};

void http_close(struct http *h)
{
	if (h)
		curl_easy_cleanup(h->curl);
	free(h);
}

void http_closep(struct http **h)
{
	http_close(*h);
}

/* A token is among them. */
static void slistp(struct curl_slist **l)
{
	for (struct curl_slist *i = *l; i; i = i->next)
		explicit_bzero(i->data, strlen(i->data));
	curl_slist_free_all(*l);
}

int http_open(const struct http_place *place, struct http **ret)
{
	_cleanup_(http_closep) struct http *h = calloc(1, sizeof(*h));

	if (!h)
		return -ENOMEM;
	if (!*place->host || strpbrk(place->host, "/@?#\\ "))
		return -EINVAL;
	h->place = *place;
	h->curl = curl_easy_init();
	if (!h->curl)
		return -ENOMEM;
	*ret = TAKE_PTR(h);
	return 0;
}

void http_alone(struct http *h)
{
	h->place.peer = -1;
}

void http_answer_wipe(struct http_answer *a)
{
	if (a->body)
		explicit_bzero(a->body, a->len);
	free(a->body);
	*a = (struct http_answer){};
}

/* ---- what comes ---- */

static size_t on_body(char *data, size_t size, size_t n, void *user)
{
	struct asking *s = user;
	struct http_answer *a = s->answer;
	size_t more = size * n;
	char *longer;

	if (more > s->most - a->len) {
		s->too_large = true;
		return 0;
	}
	/* Not realloc(3): what is freed would not be wiped. */
	longer = malloc(a->len + more + 1);
	if (!longer)
		return 0;
	if (a->body) {
		memcpy(longer, a->body, a->len);
		explicit_bzero(a->body, a->len);
		free(a->body);
	}
	memcpy(longer + a->len, data, more);
	a->body = longer;
	a->len += more;
	a->body[a->len] = 0;
	return more;
}

/* Seconds, or a date (RFC 9110 10.2.3); -1 for what is neither. */
static int retry_after(const char *value)
{
	size_t digits = strspn(value, "0123456789");
	time_t at;

	if (digits > 0 && digits < 8 && !value[digits + strspn(value + digits, " ")])
		return (int)strtol(value, NULL, 10);
	at = isalpha((unsigned char)*value) ? curl_getdate(value, NULL) : -1;
	if (at == -1)
		return -1;
	at -= time(NULL);
	return at < 0 ? 0 : at > 86400 ? 86400 : (int)at;
}

static bool is_header(const char *line, const char *name, const char **ret_value)
{
	size_t len = strlen(name);

	if (strncasecmp(line, name, len) != 0 || line[len] != ':')
		return false;
	*ret_value = line + len + 1 + strspn(line + len + 1, " \t");
	return true;
}

/* Keys have a type of their own (RFC 7517, 8.5.2). */
static bool is_json(const char *type)
{
	static const char *const types[] = { "application/json", "application/jwk-set+json" };
	size_t len = strcspn(type, "; ");

	for (size_t i = 0; i < ARRAY_SIZE(types); i++)
		if (len == strlen(types[i]) && strncasecmp(type, types[i], len) == 0)
			return true;
	return false;
}

static void header(struct http_answer *a, const char *line)
{
	const char *value;

	/* Of an answer in front, like 100, nothing is kept. */
	if (strncmp(line, "HTTP/", 5) == 0) {
		a->retry_after = -1;
		a->date = 0;
		*a->request_id = *a->location = 0;
		a->json = false;
	} else if (is_header(line, "retry-after", &value)) {
		a->retry_after = retry_after(value);
	} else if (is_header(line, "date", &value)) {
		time_t at = curl_getdate(value, NULL);

		a->date = at > 0 ? at : 0;
	} else if (is_header(line, "request-id", &value) || is_header(line, "x-ms-request-id", &value)) {
		text_clean(value, strlen(value), a->request_id, sizeof(a->request_id));
	} else if (is_header(line, "location", &value)) {
		text_clean(value, strlen(value), a->location, sizeof(a->location));
	} else if (is_header(line, "content-type", &value)) {
		a->json = is_json(value);
	}
}

static size_t on_header(char *data, size_t size, size_t n, void *user)
{
	struct asking *s = user;
	char line[512];

	text_clean(data, size * n, line, sizeof(line));
	header(s->answer, line);
	if (!*line)
		s->head = true;
	else if (strncmp(line, "HTTP/", 5) == 0)
		s->head = false;
	return size * n;
}

/* ---- what goes ---- */

static bool append(struct curl_slist **list, const char *line)
{
	struct curl_slist *longer = curl_slist_append(*list, line);

	if (longer)
		*list = longer;
	return longer;
}

static bool append_authorization(struct curl_slist **list, const char *scheme, const char *value)
{
	char line[AUTHORIZATION];
	int n = snprintf(line, sizeof(line), "Authorization: %s%s", scheme, value);
	bool ok = n > 0 && (size_t)n < sizeof(line) && append(list, line);

	explicit_bzero(line, sizeof(line));
	return ok;
}

static bool headers(const struct http_request *q, struct curl_slist **list)
{
	/* An empty one goes without: libcurl would call nothing a form. */
	char type[96] = "Content-Type:";
	/* Without the second, libcurl would ask for leave before a body, and wait for it. */
	bool ok = append(list, "Accept: application/json") && append(list, "Expect:");

	if (ok && q->token)
		ok = append_authorization(list, "Bearer ", q->token);
	else if (ok && q->authorization)
		ok = append_authorization(list, "", q->authorization);
	if (q->type)
		snprintf(type, sizeof(type), "Content-Type: %s", q->type);
	ok = ok && append(list, type);
	for (size_t i = 0; ok && i < ARRAY_SIZE(q->headers) && q->headers[i]; i++)
		ok = append(list, q->headers[i]);
	return ok;
}

static bool address(const struct http *h, CURL *c, const char *path)
{
	char url[URL];
	int n = snprintf(url, sizeof(url), "https://%s%s", h->place.host, path);

	return n > 0 && (size_t)n < sizeof(url) && *path == '/' && curl_easy_setopt(c, CURLOPT_URL, url) == CURLE_OK;
}

static bool body(CURL *c, const struct http_request *q)
{
	if (!q->type)
		return strcmp(q->method, "GET") == 0 ||
		       (curl_easy_setopt(c, CURLOPT_POSTFIELDSIZE, 0L) == CURLE_OK &&
			curl_easy_setopt(c, CURLOPT_POSTFIELDS, "") == CURLE_OK);
	return curl_easy_setopt(c, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)q->len) == CURLE_OK &&
	       curl_easy_setopt(c, CURLOPT_POSTFIELDS, q->body) == CURLE_OK;
}

static long time_left(int64_t until)
{
	int64_t left = until ? until - boot_ms() : TRUST_TRANSFER_MS;

	return left < 1 ? 1 : left < TRUST_TRANSFER_MS ? (long)left : TRUST_TRANSFER_MS;
}

static bool prepare(const struct http *h, const struct http_request *q, struct curl_slist *list, struct asking *s)
{
	/* What has an effect is finished, whoever still waits for it. */
	static const int nobody = -1;
	CURL *c = h->curl;

	curl_easy_reset(c);
	return trust_harden(h->place.trust, c, "https", h->place.proxy) &&
	       trust_watch(c, q->effect ? &nobody : &h->place.peer) &&
	       address(h, c, q->path) && body(c, q) && curl_easy_setopt(c, CURLOPT_CUSTOMREQUEST, q->method) == CURLE_OK &&
	       curl_easy_setopt(c, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1) == CURLE_OK &&
	       curl_easy_setopt(c, CURLOPT_FRESH_CONNECT, q->effect ? 1L : 0L) == CURLE_OK &&
	       curl_easy_setopt(c, CURLOPT_SUPPRESS_CONNECT_HEADERS, 1L) == CURLE_OK &&
	       curl_easy_setopt(c, CURLOPT_TIMEOUT_MS, time_left(q->until)) == CURLE_OK &&
	       curl_easy_setopt(c, CURLOPT_HTTPHEADER, list) == CURLE_OK &&
	       curl_easy_setopt(c, CURLOPT_ERRORBUFFER, s->error) == CURLE_OK &&
	       curl_easy_setopt(c, CURLOPT_HEADERFUNCTION, on_header) == CURLE_OK &&
	       curl_easy_setopt(c, CURLOPT_HEADERDATA, s) == CURLE_OK &&
	       curl_easy_setopt(c, CURLOPT_WRITEFUNCTION, on_body) == CURLE_OK &&
	       curl_easy_setopt(c, CURLOPT_WRITEDATA, s) == CURLE_OK;
}

/* ---- what came of it ---- */

/* Something of the request has left, over TLS that was verified. On a kept connection that is so from its first byte on. */
static bool was_sent(CURL *c)
{
	curl_off_t tls = 0;
	long connections = 0, bytes = 0;

	curl_easy_getinfo(c, CURLINFO_APPCONNECT_TIME_T, &tls);
	curl_easy_getinfo(c, CURLINFO_NUM_CONNECTS, &connections);
	curl_easy_getinfo(c, CURLINFO_REQUEST_SIZE, &bytes);
	return bytes > 0 && (tls > 0 || connections == 0);
}

static enum http_end end_of(CURLcode code, bool sent)
{
	if (code == CURLE_OK)
		return HTTP_ANSWERED;
	if (code == CURLE_ABORTED_BY_CALLBACK)
		return HTTP_GIVEN_UP;
	if (sent)
		return HTTP_LOST;
	if (trust_is_untrusted(code))
		return HTTP_UNTRUSTED;
	return trust_is_impossible(code) ? HTTP_IMPOSSIBLE : HTTP_NOT_SENT;
}

static void conclude(const struct http *h, CURLcode code, const struct asking *s, struct http_answer *ret)
{
	long status = 0;

	if (code == CURLE_OK && !s->head)
		code = CURLE_PARTIAL_FILE;
	curl_easy_getinfo(h->curl, CURLINFO_RESPONSE_CODE, &status);
	ret->status = (int)status;
	ret->sent = was_sent(h->curl);
	ret->slow = code == CURLE_OPERATION_TIMEDOUT;
	ret->end = end_of(code, ret->sent);
	if (s->too_large)
		snprintf(ret->said, sizeof(ret->said), "the answer has more than %zu bytes", s->most);
	else if (code != CURLE_OK)
		text_clean(*s->error ? s->error : curl_easy_strerror(code),
			   strlen(*s->error ? s->error : curl_easy_strerror(code)), ret->said, sizeof(ret->said));
}

void http_ask(struct http *h, const struct http_request *request, struct http_answer *ret)
{
	_cleanup_(slistp) struct curl_slist *list = NULL;
	struct asking s = { .answer = ret, .most = request->most ? request->most : HTTP_BODY_MAX };

	*ret = (struct http_answer){ .retry_after = -1 };
	if (request->until && request->until <= boot_ms()) {
		*ret = (struct http_answer){ .end = HTTP_NOT_SENT, .retry_after = -1, .said = "there is no time left" };
		return;
	}
	if (headers(request, &list) && prepare(h, request, list, &s))
		conclude(h, curl_easy_perform(h->curl), &s, ret);
	else
		*ret = (struct http_answer){ .end = HTTP_IMPOSSIBLE, .retry_after = -1, .said = "libcurl lacks what is needed" };
	/* The handle outlives what it points to. */
	curl_easy_reset(h->curl);
}

int http_escape(const char *text, char *ret, size_t size)
{
	static const char plain[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-._~";
	size_t n = 0;

	for (; *text; text++) {
		if (n + 4 > size) {
			*ret = 0;
			return -EMSGSIZE;
		}
		if (strchr(plain, *text))
			ret[n++] = *text;
		else
			n += (size_t)snprintf(ret + n, 4, "%%%02X", (unsigned char)*text);
	}
	if (n >= size)
		return -EMSGSIZE;
	ret[n] = 0;
	return 0;
}

bool http_form(char *body, size_t size, const char *name, const char *value)
{
	size_t at = strlen(body);
	int n = snprintf(body + at, size - at, "%s%s=", at ? "&" : "", name);

	return n > 0 && (size_t)n < size - at && http_escape(value, body + at + n, size - at - (size_t)n) == 0;
}
