// SPDX-License-Identifier: LGPL-2.1-or-later
/* Twilio: Programmable Messaging and Voice, API 2010-04-01. A call is told what to say by TwiML that goes with the request. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/json.h"
#include "deliver/provider.h"

#define HOST "api.twilio.com"
/* Twilio takes so many characters. */
#define TWIML 4000
#define BODY (3 * TWIML + 512)

struct twilio {
	char path[CONF_TEXT + 64], body[BODY], twiml[TWIML], authorization[1024];
};

static void twilio_wipe(struct twilio *t)
{
	explicit_bzero(t, sizeof(*t));
}

struct speech {
	char *b;
	size_t len;
	bool failed;
	const char *language, *voice;
};

static void add(struct speech *s, const char *text)
{
	size_t len = strlen(text);

	if (s->failed || len >= TWIML - s->len) {
		s->failed = true;
		return;
	}
	memcpy(s->b + s->len, text, len + 1);
	s->len += len;
}

/* Then a second of silence. */
static void add_sentence(struct speech *s, const char *text, size_t len)
{
	char escaped[JOB_BODY];

	if (!provider_xml(text, len, escaped, sizeof(escaped)))
		s->failed = true;
	add(s, "<Say language=\"");
	add(s, s->language);
	if (*s->voice) {
		add(s, "\" voice=\"");
		add(s, s->voice);
	}
	add(s, "\">");
	add(s, escaped);
	add(s, "</Say><Pause length=\"1\"/>");
	explicit_bzero(escaped, sizeof(escaped));
}

/* A line of digits is spoken slowly: each for itself. */
static void add_line(struct speech *s, const char *line, size_t len)
{
	if (strspn(line, "0123456789, ") < len) {
		add_sentence(s, line, len);
		return;
	}
	for (size_t i = 0; i < len; i++)
		if (line[i] >= '0' && line[i] <= '9')
			add_sentence(s, line + i, 1);
}

/* Twilio's basic voice speaks English, German, French and Spanish; for the others one of Amazon's that is good for the language. */
static void choose_voice(const char *lang, struct speech *s)
{
	static const struct {
		const char *lang, *language, *voice;
	} voices[] = {
		{ "pt-BR", "pt-BR", "Polly.Vitoria" },
		{ "ja-JP", "ja-JP", "Polly.Mizuki" },
		{ "zh-CN", "cmn-CN", "Polly.Zhiyu" },
		{ "ar", "arb", "Polly.Zeina" },
	};

	s->language = lang;
	s->voice = "";
	for (size_t i = 0; i < ARRAY_SIZE(voices); i++)
		if (strcmp(lang, voices[i].lang) == 0) {
			s->language = voices[i].language;
			s->voice = voices[i].voice;
		}
}

static int write_speech(const struct job *job, char ret[static TWIML])
{
	struct speech s = { .b = ret };

	choose_voice(job->lang, &s);
	add(&s, "<Response><Pause length=\"1\"/>");
	for (const char *line = job->body; *line;) {
		size_t len = strcspn(line, "\n");

		add_line(&s, line, len);
		line += len + (line[len] == '\n');
	}
	add(&s, "</Response>");
	return s.failed ? -EMSGSIZE : 0;
}

static bool write_body(const struct policy_carrier *c, const struct job *job, struct twilio *t)
{
	bool service = strncmp(c->from, "MG", 2) == 0 && strlen(c->from) == 34;
	bool ok = http_form(t->body, sizeof(t->body), "To", job->to);

	if (job->channel == CHANNEL_VOICE)
		return ok && write_speech(job, t->twiml) == 0 && http_form(t->body, sizeof(t->body), "From", c->from) &&
		       http_form(t->body, sizeof(t->body), "Twiml", t->twiml);
	return ok && http_form(t->body, sizeof(t->body), service ? "MessagingServiceSid" : "From", c->from) &&
	       http_form(t->body, sizeof(t->body), "Body", job->body);
}

static int prepare(const struct provider_way *way, const struct job *job, struct twilio *t)
{
	const struct policy_carrier *c = way->carrier;

	snprintf(t->path, sizeof(t->path), "/2010-04-01/Accounts/%s/%s.json", c->account,
		 job->channel == CHANNEL_VOICE ? "Calls" : "Messages");
	if (!write_body(c, job, t))
		return -EMSGSIZE;
	return provider_basic(*c->user ? c->user : c->account, &way->secret, t->authorization, sizeof(t->authorization));
}

/* Taken is what has an id and no error, whatever the status says. */
static struct verdict judge_taken(struct provider_way *way, const struct http_answer *answer)
{
	static const char *const bad[] = { "failed", "undelivered", "canceled" };
	_cleanup_(json_freep) struct json *root = NULL;
	int64_t code = 0;
	const char *status;

	if (!answer->json || !answer->body || json_parse(answer->body, answer->len, &root) < 0)
		return provider_refused(way, WHY_MISCONFIGURED, "the answer is not Twilio's, with HTTP", answer->status);
	if (json_number(json_member(root, "code"), &code) == 0 || json_number(json_member(root, "error_code"), &code) == 0)
		return provider_refused(way, WHY_REJECTED, "Twilio's error", code);
	status = json_text_of(root, "status");
	for (size_t i = 0; status && i < ARRAY_SIZE(bad); i++)
		if (strcmp(status, bad[i]) == 0)
			return provider_refused(way, WHY_REJECTED, "Twilio says that it has failed", 0);
	if (!json_text_of(root, "sid"))
		return provider_refused(way, WHY_MISCONFIGURED, "the answer has no sid, with HTTP", answer->status);
	return (struct verdict){ .outcome = OUTCOME_DONE };
}

/* The text beside the number may quote the phone's. */
static void note_error(struct provider_way *way, const struct http_answer *answer)
{
	_cleanup_(json_freep) struct json *root = NULL;
	size_t at = strlen(way->said);
	int64_t code;

	if (answer->end == HTTP_ANSWERED && answer->body && json_parse(answer->body, answer->len, &root) == 0 &&
	    json_number(json_member(root, "code"), &code) == 0)
		snprintf(way->said + at, sizeof(way->said) - at, ", Twilio's error %lld", (long long)code);
}

static struct verdict attempt(void *to, const struct job *job)
{
	_cleanup_(twilio_wipe) struct twilio t = {};
	_cleanup_(http_answer_wipe) struct http_answer answer = {};
	struct provider_way *way = to;
	struct http_request request = { .method = "POST", .path = t.path, .type = "application/x-www-form-urlencoded" };
	struct verdict v;

	if (prepare(way, job, &t) < 0)
		return provider_refused(way, WHY_REJECTED, "the message is too long", 0);
	request.body = t.body;
	request.len = strlen(t.body);
	request.authorization = t.authorization;
	provider_ask(way, *way->carrier->endpoint ? way->carrier->endpoint : HOST, &request, &answer);
	v = provider_judge(way, &answer);
	if (v.outcome == OUTCOME_DONE)
		return judge_taken(way, &answer);
	note_error(way, &answer);
	return v;
}

const struct provider provider_twilio = {
	.name = "twilio", .sms = true, .voice = true, .needs_secret = true, .attempt = attempt
};
