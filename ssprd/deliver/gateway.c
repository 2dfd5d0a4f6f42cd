// SPDX-License-Identifier: LGPL-2.1-or-later
#include "deliver/gateway.h"

#include <errno.h>
#include <regex.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/json.h"
#include "base/text.h"
#include "deliver/provider.h"

#define VALUE (6 * JOB_BODY + 8)
#define FILLED (16 * 1024)
#define HEADERS 4

static bool as_url(const char *value, char ret[static VALUE])
{
	return http_escape(value, ret, VALUE) == 0;
}

static bool as_json(const char *value, char ret[static VALUE])
{
	struct json_writer w = { .b = ret, .size = VALUE };

	json_string(&w, value, strlen(value));
	if (w.failed || w.len < 2)
		return false;
	/* The quotes stand in the template. */
	memmove(ret, ret + 1, w.len - 2);
	ret[w.len - 2] = 0;
	return true;
}

static bool as_xml(const char *value, char ret[static VALUE])
{
	return provider_xml(value, strlen(value), ret, VALUE);
}

/* In a header or a plain text: nothing that could begin another line. */
static bool as_it_is(const char *value, char ret[static VALUE])
{
	return text_printable(value, strlen(value)) && (size_t)snprintf(ret, VALUE, "%s", value) < VALUE;
}

int gateway_fill(const char *template, const char *const values[static PLACEHOLDERS], enum gateway_escape escape, char *ret,
		 size_t size)
{
	static bool (*const escapes[])(const char *, char[static VALUE]) = {
		[ESCAPE_NONE] = as_it_is, [ESCAPE_URL] = as_url, [ESCAPE_JSON] = as_json, [ESCAPE_XML] = as_xml,
	};
	char value[VALUE];
	size_t at = 0;
	int r = 0;

	while (*template && r == 0) {
		enum placeholder name;
		size_t len = placeholder_at(template, &name);
		const char *piece = len ? value : template;
		size_t more;

		if (len && !escapes[escape](values[name], value))
			r = -EINVAL;
		more = r < 0 ? 0 : len ? strlen(value) : 1;
		if (r == 0 && more >= size - at)
			r = -EMSGSIZE;
		if (r == 0)
			memcpy(ret + at, piece, more);
		at += r == 0 ? more : 0;
		template += len ? len : 1;
	}
	ret[at] = 0;
	explicit_bzero(value, sizeof(value));
	return r;
}

static const struct json *step(const struct json *node, const char *name)
{
	return *name && !name[strspn(name, "0123456789")] && json_is_array(node) ? json_item(node, strtoul(name, NULL, 10)) :
										   json_member(node, name);
}

static bool has_value(const struct json *node, const char *value)
{
	const char *text = json_text(node);
	char number[24];
	int64_t n;

	if (text)
		return strcmp(text, value) == 0;
	if (json_is_true(node) || json_is_false(node))
		return strcmp(json_is_true(node) ? "true" : "false", value) == 0;
	if (json_number(node, &n) < 0)
		return false;
	snprintf(number, sizeof(number), "%lld", (long long)n);
	return strcmp(number, value) == 0;
}

bool gateway_json(const char *wanted, const char *body, size_t len)
{
	_cleanup_(json_freep) struct json *root = NULL;
	const struct json *node;
	char path[CONF_TEXT], *save = NULL;
	const char *equals = strchr(wanted, '=');

	if (!equals || json_parse(body, len, &root) < 0)
		return false;
	snprintf(path, sizeof(path), "%.*s", (int)(equals - wanted), wanted);
	node = root;
	for (char *name = strtok_r(path, ".", &save); name; name = strtok_r(NULL, ".", &save))
		node = step(node, name);
	return has_value(node, equals + 1);
}

bool gateway_match(const char *wanted, const char *body, size_t len)
{
	regex_t compiled;
	bool matches;

	if (memchr(body, 0, len) || regcomp(&compiled, wanted, REG_EXTENDED | REG_NOSUB) != 0)
		return false;
	matches = regexec(&compiled, body, 0, NULL, 0) == 0;
	regfree(&compiled);
	return matches;
}

/* ---- one message ---- */

struct filled {
	char path[4096], body[FILLED], headers[HEADERS][1024], authorization[1024], text[JOB_BODY], host[CONF_TEXT];
	const char *header[HEADERS];
	bool form;
};

static void filled_wipe(struct filled *f)
{
	explicit_bzero(f, sizeof(*f));
}

/* What is spoken has lines; most gateways want one. */
static void one_line(const char *body, char ret[static JOB_BODY])
{
	snprintf(ret, JOB_BODY, "%s", body);
	for (char *c = ret; (c = strchr(c, '\n'));)
		*c = ' ';
}

static int fill_headers(const struct policy_carrier *c, const char *const values[static PLACEHOLDERS], struct filled *f)
{
	char templates[CONF_TEXT];
	size_t n = 0;
	int r = 0;

	snprintf(templates, sizeof(templates), "%s", c->headers);
	for (char *at = templates, *next; *c->headers && at && n < HEADERS && r == 0; at = next, n++) {
		next = strstr(at, " | ");
		if (next) {
			*next = 0;
			next += 3;
		}
		r = gateway_fill(at, values, ESCAPE_NONE, f->headers[n], sizeof(f->headers[n]));
		f->header[n] = f->headers[n];
	}
	return r;
}

static int fill(const struct provider_way *way, const struct job *job, struct filled *f)
{
	static const enum gateway_escape escapes[] = {
		[CONTENT_FORM] = ESCAPE_URL, [CONTENT_JSON] = ESCAPE_JSON, [CONTENT_XML] = ESCAPE_XML, [CONTENT_TEXT] = ESCAPE_NONE
	};
	const struct policy_carrier *c = way->carrier;
	const char *values[PLACEHOLDERS] = {
		[PLACEHOLDER_TO] = job->to,	[PLACEHOLDER_NUMBER] = job->to + 1, [PLACEHOLDER_TEXT] = f->text,
		[PLACEHOLDER_CODE] = job->code, [PLACEHOLDER_FROM] = c->from,	    [PLACEHOLDER_USER] = c->user,
		[PLACEHOLDER_SECRET] = way->secret.b,
		[PLACEHOLDER_ID] = job->id,	[PLACEHOLDER_LANG] = job->lang,
	};
	const char *host = c->url + strlen("https://"), *slash = strchr(host, '/');
	int r;

	one_line(job->body, f->text);
	snprintf(f->host, sizeof(f->host), "%.*s", (int)(slash - host), host);
	r = gateway_fill(slash, values, ESCAPE_URL, f->path, sizeof(f->path));
	if (r == 0)
		r = gateway_fill(c->body, values, escapes[c->content_type], f->body, sizeof(f->body));
	if (r == 0)
		r = fill_headers(c, values, f);
	if (r == 0 && *c->user && !strstr(c->url, "%user%") && !strstr(c->body, "%user%") && !strstr(c->headers, "%user%"))
		r = provider_basic(c->user, &way->secret, f->authorization, sizeof(f->authorization));
	return r;
}

static bool is_success(const struct policy_carrier *c, const struct http_answer *answer)
{
	const char *body = answer->body ? answer->body : "";
	char status[16];

	snprintf(status, sizeof(status), "%d", answer->status);
	return policy_list_has(&c->success_status, status) &&
	       (!*c->success_match || gateway_match(c->success_match, body, answer->len)) &&
	       (!*c->success_json || gateway_json(c->success_json, body, answer->len));
}

static struct verdict attempt(void *to, const struct job *job)
{
	static const char *const verbs[] = { [VERB_POST] = "POST", [VERB_GET] = "GET", [VERB_PUT] = "PUT" };
	static const char *const types[] = {
		[CONTENT_FORM] = "application/x-www-form-urlencoded",
		[CONTENT_JSON] = "application/json",
		[CONTENT_XML] = "application/xml; charset=utf-8",
		[CONTENT_TEXT] = "text/plain; charset=utf-8",
	};
	_cleanup_(http_answer_wipe) struct http_answer answer = {};
	_cleanup_(filled_wipe) struct filled f = {};
	struct provider_way *way = to;
	const struct policy_carrier *c = way->carrier;
	struct http_request request = { .method = verbs[c->verb], .path = f.path };
	struct verdict v;

	if (fill(way, job, &f) < 0)
		return provider_refused(way, WHY_MISCONFIGURED, "the template becomes too long, or a value may not stand in it", 0);
	if (c->verb != VERB_GET && *f.body) {
		request.type = types[c->content_type];
		request.body = f.body;
		request.len = strlen(f.body);
	}
	request.authorization = *f.authorization ? f.authorization : NULL;
	memcpy(request.headers, f.header, sizeof(f.header));
	provider_ask(way, f.host, &request, &answer);
	v = provider_judge(way, &answer);
	if (v.outcome == OUTCOME_DONE && !is_success(c, &answer))
		return provider_refused(way, WHY_REJECTED, "the answer is not what [sms] or [voice] success-... wants, with HTTP",
					answer.status);
	return v;
}

const struct provider provider_gateway = { .name = "gateway", .sms = true, .voice = true, .attempt = attempt };
