// SPDX-License-Identifier: LGPL-2.1-or-later
#include "web/graph.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/boot.h"
#include "base/cleanup.h"
#include "base/text.h"

#define GRAPH_V1 "/v1.0"
#define BATCH_BODY 32768
/* Of a path, as much as an administrator needs to know it again. */
#define PATH_TOLD 80
/* What an answer takes after a pause. */
#define ROUND_TRIP_MS 500

struct graph {
	struct token_source source;
	struct http *http;
	bool has_token;
	struct token token;
};

void graph_close(struct graph *g)
{
	if (g) {
		http_close(g->http);
		token_wipe(&g->token);
	}
	free(g);
}

void graph_closep(struct graph **g)
{
	graph_close(*g);
}

int graph_open(const struct token_source *source, struct graph **ret)
{
	_cleanup_(graph_closep) struct graph *g = calloc(1, sizeof(*g));
	int r;

	if (!g)
		return -ENOMEM;
	g->source = *source;
	r = http_open(&(struct http_place){ .trust = source->trust, .host = entra_graph(source->policy),
					    .proxy = source->policy->proxy, .peer = source->peer },
		      &g->http);
	if (r < 0)
		return r;
	*ret = TAKE_PTR(g);
	return 0;
}

void graph_alone(struct graph *g)
{
	g->source.peer = -1;
	http_alone(g->http);
}

void graph_answer_wipe(struct graph_answer *a)
{
	json_free(a->json);
	*a = (struct graph_answer){};
}

/* ---- what an answer means ---- */

static void end_with(struct graph_answer *a, enum graph_end end, enum why why)
{
	a->end = end;
	a->why = why;
}

/* An error of Graph: {"error":{"code","message"}}. */
static void take_error(struct graph_answer *a)
{
	const struct json *error = json_member(a->json, "error");
	const char *code = json_text_of(error, "code"), *message = json_text_of(error, "message");

	if (code)
		text_clean(code, strlen(code), a->code, sizeof(a->code));
	if (message)
		text_clean(message, strlen(message), a->message, sizeof(a->message));
}

/* By its status, and by whether it is Graph that speaks: a 404 of something between is not "no such user". */
static void judge(struct graph_answer *a)
{
	bool of_graph = *a->code;

	if (a->status >= 200 && a->status < 300)
		end_with(a, GRAPH_OK, WHY_NONE);
	else if (a->status == 429 || (a->status == 503 && a->retry_after >= 0))
		end_with(a, GRAPH_BUSY, WHY_BUSY);
	else if (a->status == 401 || a->status == 403)
		end_with(a, GRAPH_DENIED, WHY_MISCONFIGURED);
	else if (a->status == 404 && of_graph)
		end_with(a, GRAPH_NOT_FOUND, WHY_BROKEN);
	else if (a->status >= 400 && a->status < 500 && of_graph)
		end_with(a, GRAPH_BAD, WHY_BROKEN);
	else
		end_with(a, GRAPH_UNCERTAIN, a->status >= 500 ? WHY_UNREACHABLE : WHY_BROKEN);
}

static void tell(struct graph_answer *a, const struct graph_request *q, const char *theirs)
{
	int told = (int)strcspn(q->path, "?");

	snprintf(a->detail, sizeof(a->detail), "%s %.*s: %d%s%s (request-id %s, client-request-id %s)", q->method,
		 told < PATH_TOLD ? told : PATH_TOLD, q->path, a->status, *a->code ? " " : "", a->code, *theirs ? theirs : "-", a->client_id);
}

static void tell_lost(struct graph_answer *a, const struct graph_request *q, const char *said)
{
	int told = (int)strcspn(q->path, "?");

	snprintf(a->detail, sizeof(a->detail), "%s %.*s: %.100s (client-request-id %s)", q->method,
		 told < PATH_TOLD ? told : PATH_TOLD, q->path, said, a->client_id);
}

static void no_answer(const struct http_answer *h, struct graph_answer *ret)
{
	switch (h->end) {
	case HTTP_NOT_SENT:
	case HTTP_UNTRUSTED:
		end_with(ret, GRAPH_UNREACHABLE, WHY_UNREACHABLE);
		break;
	case HTTP_IMPOSSIBLE:
		end_with(ret, GRAPH_UNREACHABLE, WHY_BROKEN);
		break;
	default:
		end_with(ret, h->sent ? GRAPH_UNCERTAIN : GRAPH_UNREACHABLE, WHY_UNREACHABLE);
		break;
	}
}

/* A body that is said to be JSON and is, or none; anything else may be of a portal between. */
static bool take_body(const struct http_answer *h, struct graph_answer *ret)
{
	if (h->len == 0)
		return true;
	return h->json && json_parse(h->body, h->len, &ret->json) == 0;
}

static void understand(const struct graph_request *q, const struct http_answer *h, const char id[static CRYPTO_GUID],
		       struct graph_answer *ret)
{
	bool readable;

	*ret = (struct graph_answer){
		.status = h->status, .retry_after = h->retry_after, .slow = h->slow || h->status == 504
	};
	memcpy(ret->client_id, id, sizeof(ret->client_id));
	if (h->end != HTTP_ANSWERED) {
		no_answer(h, ret);
		tell_lost(ret, q, h->said);
		return;
	}
	readable = take_body(h, ret);
	take_error(ret);
	judge(ret);
	if (ret->end == GRAPH_OK && !readable)
		end_with(ret, GRAPH_UNCERTAIN, WHY_BROKEN);
	tell(ret, q, h->request_id);
}

/* ---- asking ---- */

static int64_t end_of(const struct graph_request *q)
{
	return q->until ? q->until : boot_ms() + TRUST_TRANSFER_MS;
}

/* 0, or no token, as *ret tells. */
static int need_token(struct graph *g, const struct token *refused, struct graph_answer *ret)
{
	struct token_trouble trouble;

	if (g->has_token && !refused)
		return 0;
	g->has_token = token_get(&g->source, refused, &g->token, &trouble) == 0;
	if (g->has_token)
		return 0;
	*ret = (struct graph_answer){ .end = GRAPH_NO_TOKEN, .why = trouble.why, .retry_after = trouble.retry_after };
	memcpy(ret->detail, trouble.detail, sizeof(ret->detail));
	return -EACCES;
}

static void ask_once(struct graph *g, const struct graph_request *q, struct graph_answer *ret)
{
	_cleanup_(http_answer_wipe) struct http_answer answer = {};
	char id[CRYPTO_GUID], header[64];
	struct http_request request = {
		.method = q->method,
		.path = q->path,
		.token = g->token.b,
		.type = q->body ? "application/json" : NULL,
		.body = q->body,
		.len = q->len,
		.effect = q->effect,
		.headers = { header, q->eventual ? "ConsistencyLevel: eventual" : NULL },
		.until = q->until,
	};

	if (crypto_guid(id) < 0) {
		*ret = (struct graph_answer){ .end = GRAPH_UNREACHABLE, .why = WHY_BROKEN };
		return;
	}
	snprintf(header, sizeof(header), "client-request-id: %s", id);
	http_ask(g->http, &request, &answer);
	understand(q, &answer, id, ret);
}

/* Waits as long as the server wants. False when that is too long, or when nobody waits for the answer any more. */
static bool wait_for(const struct graph *g, int retry_after, int64_t until)
{
	struct pollfd peer = { .fd = g->source.peer };
	int64_t end = boot_ms() + (int64_t)retry_after * 1000;

	if (retry_after < 0 || end + ROUND_TRIP_MS > until)
		return false;
	for (int64_t left = end - boot_ms(); left > 0; left = end - boot_ms())
		if (poll(&peer, 1, (int)left) > 0 && (peer.revents & (POLLHUP | POLLERR)))
			return false;
		else if (peer.revents)
			peer.fd = -1; /* it says something, which is read later */
	return true;
}

/* Whether it is worth to ask again: with a fresh token, or after a pause. */
static bool may_again(struct graph *g, const struct graph_answer *a, int64_t until, struct graph_answer *ret)
{
	struct token refused = g->token;
	int r;

	if (a->status != 401) {
		token_wipe(&refused);
		return a->end == GRAPH_BUSY && wait_for(g, a->retry_after, until);
	}
	r = need_token(g, &refused, ret);
	token_wipe(&refused);
	return r == 0;
}

void graph_ask(struct graph *g, const struct graph_request *request, struct graph_answer *ret)
{
	struct graph_request q = *request;
	struct graph_answer first, none = {};

	q.until = end_of(request);
	if (need_token(g, NULL, ret) < 0)
		return;
	ask_once(g, &q, ret);
	if (ret->status != 401 && ret->end != GRAPH_BUSY)
		return;
	first = *ret;
	if (may_again(g, &first, q.until, &none)) {
		graph_answer_wipe(&first);
		ask_once(g, &q, ret);
	} else if (none.end) {
		graph_answer_wipe(&first);
		*ret = none;
	}
}

/* ---- many in one ---- */

/* One batch on its way: which of the caller's requests are asked, by place. */
struct batch {
	const struct graph_request *requests;
	struct graph_answer *answers;
	size_t n, which[GRAPH_BATCH];
};

/* A write without a body and its type is refused as "does not contain Content-Type header or body". */
static const char *body_of(const struct graph_request *q)
{
	return q->body ? q->body : strcmp(q->method, "GET") == 0 ? NULL : "{}";
}

static void write_item(struct json_writer *w, size_t id, const struct graph_request *q)
{
	const char *url = q->path + sizeof(GRAPH_V1) - 1, *body = body_of(q);
	char number[8];

	snprintf(number, sizeof(number), "%zu", id);
	json_raw(w, "{\"id\":");
	json_string(w, number, strlen(number));
	json_raw(w, ",\"method\":");
	json_string(w, q->method, strlen(q->method));
	json_raw(w, ",\"url\":");
	json_string(w, url, strlen(url));
	if (q->eventual)
		json_raw(w, ",\"headers\":{\"ConsistencyLevel\":\"eventual\"}");
	else if (body)
		json_raw(w, ",\"headers\":{\"Content-Type\":\"application/json\"}");
	if (body) {
		json_raw(w, ",\"body\":");
		json_raw(w, body);
	}
	json_raw(w, "}");
}

static void write_batch(const struct batch *b, struct json_writer *w)
{
	json_raw(w, "{\"requests\":[");
	for (size_t i = 0; i < b->n; i++) {
		json_raw(w, i ? "," : "");
		write_item(w, b->which[i], &b->requests[b->which[i]]);
	}
	json_raw(w, "]}");
}

/* Header names have no case, and each server spells them its own way. */
static const char *header_of(const struct json *item, const char *name, const char *other)
{
	const struct json *headers = json_member(item, "headers");
	const char *text = json_text_of(headers, name);

	return text ? text : json_text_of(headers, other);
}

static int retry_after_of(const struct json *item)
{
	const char *text = header_of(item, "Retry-After", "retry-after");
	size_t digits = text ? strspn(text, "0123456789") : 0;

	return digits > 0 && digits < 8 && !text[digits] ? (int)strtol(text, NULL, 10) : -1;
}

static void take_item(const struct json *item, const struct graph_request *q, const struct graph_answer *outer,
		      struct graph_answer *ret)
{
	const char *theirs = header_of(item, "request-id", "Request-Id");
	char id[HTTP_ID] = "of its batch";
	int64_t status;

	if (json_number(json_member(item, "status"), &status) < 0 || status < 100 || status > 599)
		return;
	*ret = (struct graph_answer){
		.status = (int)status, .retry_after = retry_after_of(item), .json = json_keep(json_member(item, "body"))
	};
	memcpy(ret->client_id, outer->client_id, sizeof(ret->client_id));
	take_error(ret);
	judge(ret);
	if (theirs)
		text_clean(theirs, strlen(theirs), id, sizeof(id));
	tell(ret, q, id);
}

static bool of_batch(const struct batch *b, size_t at)
{
	for (size_t i = 0; i < b->n; i++)
		if (b->which[i] == at)
			return true;
	return false;
}

static void take_items(const struct batch *b, const struct graph_answer *outer)
{
	const struct json *responses = json_member(outer->json, "responses");

	for (size_t i = 0; i < json_length(responses); i++) {
		const struct json *item = json_item(responses, i);
		int64_t at;

		if (json_number(json_member(item, "id"), &at) < 0 || at < 0 || !of_batch(b, (size_t)at) ||
		    b->answers[at].end == GRAPH_OK)
			continue;
		graph_answer_wipe(&b->answers[at]);
		take_item(item, &b->requests[at], outer, &b->answers[at]);
	}
}

/* What befell the whole befell each; but that there is no $batch does not mean that there is no such user. */
static void take_outer(const struct batch *b, const struct graph_answer *outer)
{
	for (size_t i = 0; i < b->n; i++) {
		struct graph_answer *a = &b->answers[b->which[i]];

		graph_answer_wipe(a);
		*a = *outer;
		a->json = NULL;
		if (a->end == GRAPH_OK || a->end == GRAPH_NOT_FOUND)
			end_with(a, GRAPH_UNCERTAIN, WHY_BROKEN);
	}
}

static int64_t last_end(const struct batch *b)
{
	int64_t until = 0;

	for (size_t i = 0; i < b->n; i++)
		if (end_of(&b->requests[b->which[i]]) > until)
			until = end_of(&b->requests[b->which[i]]);
	return until;
}

/* Whether it was answered, item by item. */
static bool ask_batch(struct graph *g, const struct batch *b)
{
	_cleanup_(freep) char *body = malloc(BATCH_BODY);
	_cleanup_(graph_answer_wipe) struct graph_answer outer = { .end = GRAPH_UNREACHABLE, .why = WHY_BROKEN };
	struct json_writer w = { .b = body, .size = BATCH_BODY };
	struct graph_request request = { .method = "POST", .path = GRAPH_V1 "/$batch", .body = body, .until = last_end(b) };

	if (body)
		write_batch(b, &w);
	request.len = w.len;
	if (body && !w.failed)
		graph_ask(g, &request, &outer);
	take_outer(b, &outer);
	if (outer.end == GRAPH_OK)
		take_items(b, &outer);
	return outer.end == GRAPH_OK;
}

/* Those that a fresh token or a pause may help; how long the longest wants to wait. */
static struct batch leftover(const struct batch *b, const struct graph_answer **ret_reason)
{
	struct batch again = { .requests = b->requests, .answers = b->answers };

	*ret_reason = NULL;
	for (size_t i = 0; i < b->n; i++) {
		const struct graph_answer *a = &b->answers[b->which[i]];

		if (a->status != 401 && a->end != GRAPH_BUSY)
			continue;
		again.which[again.n++] = b->which[i];
		if (!*ret_reason || a->status == 401 || a->retry_after > (*ret_reason)->retry_after)
			*ret_reason = a;
	}
	return again;
}

void graph_batch(struct graph *g, const struct graph_request *requests, size_t n, struct graph_answer *ret)
{
	struct batch all = { .requests = requests, .answers = ret, .n = n < GRAPH_BATCH ? n : GRAPH_BATCH }, again;
	struct graph_answer none = {};
	const struct graph_answer *reason;

	for (size_t i = 0; i < n; i++)
		ret[i] = (struct graph_answer){ .end = GRAPH_BAD, .why = WHY_BROKEN };
	for (size_t i = 0; i < all.n; i++)
		all.which[i] = i;
	if (!ask_batch(g, &all))
		return;
	again = leftover(&all, &reason);
	if (again.n > 0 && may_again(g, reason, last_end(&all), &none))
		ask_batch(g, &again);
}

const char *graph_next(const struct graph *g, const struct json *page)
{
	static const char scheme[] = "https://", version[] = GRAPH_V1 "/";
	const char *link = json_text_of(page, "@odata.nextLink"), *host = entra_graph(g->source.policy), *path;

	if (!link || strncmp(link, scheme, sizeof(scheme) - 1) != 0)
		return NULL;
	path = link + sizeof(scheme) - 1;
	if (strncasecmp(path, host, strlen(host)) != 0)
		return NULL;
	path += strlen(host);
	if (strncmp(path, version, sizeof(version) - 1) != 0 || strpbrk(path, " #\\") || strstr(path, "/..") ||
	    !text_printable(path, strlen(path)))
		return NULL;
	return path;
}
