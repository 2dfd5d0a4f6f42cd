// SPDX-License-Identifier: LGPL-2.1-or-later
#include "web/breached.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "base/boot.h"
#include "base/cleanup.h"
#include "base/crypto.h"
#include "base/log.h"
#include "web/http.h"

#define DIGITS (2 * CRYPTO_SHA1)
#define PREFIX 5
#define SUFFIX (DIGITS - PREFIX)
/* A person waits. */
#define BREACHED_MS 5000
#define COUNT_MOST 15

static void refuse(struct job_result *ret, enum why why, const char *said)
{
	*ret = (struct job_result){ .outcome = OUTCOME_REFUSED, .why = why };
	if (*said)
		log_warning("the lists of stolen passwords: %s", said);
}

static bool is_digest(const struct secret *s)
{
	for (size_t i = 0; i < s->len; i++)
		if (!isxdigit((unsigned char)s->b[i]))
			return false;
	return s->len == DIGITS;
}

/* Of "https://HOST/PATH/"; nothing but the first digits goes into the path. */
static void split(const char *url, const char *digest, char host[static CONF_TEXT], char path[static CONF_TEXT + PREFIX])
{
	const char *name = url + strlen("https://");
	size_t len = strcspn(name, "/");

	snprintf(host, CONF_TEXT, "%.*s", (int)len, name);
	snprintf(path, CONF_TEXT + PREFIX, "%s%.*s", name + len, PREFIX, digest);
	for (char *c = path + strlen(path) - PREFIX; *c; c++)
		*c = (char)toupper((unsigned char)*c);
}

/* One line, "SUFFIX:COUNT". Returns its length, and whether it is of this suffix; 0 when it is no such line. */
static size_t read_line(const char *line, const char *suffix, bool *ret_found)
{
	const char *count = line + SUFFIX + 1;
	size_t digits, at;

	for (size_t i = 0; i < SUFFIX; i++)
		if (!isxdigit((unsigned char)line[i]))
			return 0;
	if (line[SUFFIX] != ':')
		return 0;
	digits = strspn(count, "0123456789");
	at = digits + (count[digits] == '\r');
	if (digits == 0 || digits > COUNT_MOST || (count[at] && count[at] != '\n'))
		return 0;
	/* A count of 0 is padding. */
	*ret_found = strncasecmp(line, suffix, SUFFIX) == 0 && strspn(count, "0") < digits;
	return (size_t)(count - line) + at + (count[at] == '\n');
}

/* 1: it is among them; 0: it is not; -1: that is no answer. */
static int look(const char *body, size_t len, const char *suffix)
{
	bool found = false, here = false;
	size_t at = 0, n;

	while (at < len) {
		n = read_line(body + at, suffix, &here);
		if (n == 0)
			return -1;
		found |= here;
		at += n;
	}
	return len == 0 ? -1 : found;
}

static void conclude(const struct http_answer *a, const char *digest, struct job_result *ret)
{
	char said[HTTP_SAID + 32];
	int r;

	if (a->end != HTTP_ANSWERED || a->status != 200) {
		snprintf(said, sizeof(said), "status %d %s", a->status, a->said);
		refuse(ret, WHY_UNREACHABLE, said);
		return;
	}
	r = look(a->body ? a->body : "", a->len, digest + PREFIX);
	if (r < 0)
		refuse(ret, WHY_UNREACHABLE, "that is no answer to a question for a range");
	else if (r > 0)
		refuse(ret, WHY_BREACHED, "");
	else
		*ret = (struct job_result){ .outcome = OUTCOME_DONE };
}

void breached_ask(const struct breached *b, const struct job *job, struct job_result *ret)
{
	_cleanup_(http_closep) struct http *http = NULL;
	char host[CONF_TEXT], path[CONF_TEXT + PREFIX];
	const struct http_place place = {
		.trust = b->trust, .host = host, .proxy = b->policy->breached_proxy, .peer = b->peer
	};
	const struct http_request request = {
		.method = "GET",
		.path = path,
		.headers = { "Add-Padding: true", "User-Agent: pam_sspr" },
		.until = boot_ms() + BREACHED_MS,
	};
	_cleanup_(http_answer_wipe) struct http_answer answer = {};

	if (!is_digest(&job->secret) || b->policy->breached == BREACHED_OFF) {
		refuse(ret, WHY_MISCONFIGURED, "this was not to be asked");
		return;
	}
	split(b->policy->breached_url, job->secret.b, host, path);
	if (http_open(&place, &http) < 0) {
		refuse(ret, WHY_BROKEN, "there is no memory for it");
		return;
	}
	http_ask(http, &request, &answer);
	conclude(&answer, job->secret.b, ret);
}
