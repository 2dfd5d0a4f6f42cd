// SPDX-License-Identifier: LGPL-2.1-or-later
#include "deliver/graph_mail.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/log.h"
#include "base/text.h"
#include "deliver/persist.h"
#include "web/graph.h"

#define PATH 640
/* Each byte may become six. */
#define BODY (6 * (JOB_SUBJECT + JOB_BODY + JOB_TO + JOB_ID) + 512)

/* One mail on its way by Graph. */
struct graph_way {
	const struct graph_mail *mail;
	struct graph *graph;
	char path[PATH], body[BODY];
	size_t len;
};

static void way_wipe(struct graph_way *w)
{
	graph_close(w->graph);
	explicit_bzero(w->body, sizeof(w->body));
}

static void string(struct json_writer *w, const char *before, const char *text)
{
	json_raw(w, before);
	json_string(w, text, strlen(text));
}

/* -EMSGSIZE also for what is no text. */
static int write_mail(const struct graph_mail *m, const struct job *job, struct graph_way *ret)
{
	struct json_writer w = { .b = ret->body, .size = sizeof(ret->body) };
	char from[3 * CONF_TEXT];

	if (http_escape(m->policy->mail.from, from, sizeof(from)) < 0)
		return -EMSGSIZE;
	snprintf(ret->path, sizeof(ret->path), "/v1.0/users/%s/sendMail", from);
	string(&w, "{\"message\":{\"subject\":", job->subject);
	string(&w, ",\"body\":{\"contentType\":\"text\",\"content\":", job->body);
	string(&w, "},\"toRecipients\":[{\"emailAddress\":{\"address\":", job->to);
	string(&w, "}}],\"internetMessageHeaders\":[{\"name\":\"x-sspr-id\",\"value\":", job->id);
	json_raw(&w, "}]},\"saveToSentItems\":false}");
	ret->len = w.len;
	return w.failed ? -EMSGSIZE : 0;
}

static struct verdict judge(const struct graph_answer *a)
{
	bool later = a->why == WHY_BUSY || a->why == WHY_UNREACHABLE;

	switch (a->end) {
	case GRAPH_OK:
		return (struct verdict){ .outcome = OUTCOME_DONE };
	case GRAPH_BUSY:
	case GRAPH_UNREACHABLE:
	case GRAPH_NO_TOKEN:
		return (struct verdict){ .outcome = OUTCOME_REFUSED, .why = later ? WHY_UNREACHABLE : a->why, .again = later };
	case GRAPH_DENIED:
	case GRAPH_NOT_FOUND:
		return (struct verdict){ .outcome = OUTCOME_REFUSED, .why = WHY_MISCONFIGURED };
	case GRAPH_BAD:
		return (struct verdict){ .outcome = OUTCOME_REFUSED, .why = WHY_REJECTED };
	default:
		return (struct verdict){ .outcome = OUTCOME_UNKNOWN, .why = WHY_UNREACHABLE };
	}
}

static struct verdict attempt(void *way, const struct job *job)
{
	struct graph_way *w = way;
	_cleanup_(graph_answer_wipe) struct graph_answer answer = {};
	const struct graph_request request = {
		.method = "POST", .path = w->path, .body = w->body, .len = w->len, .effect = true
	};
	struct verdict v;

	graph_ask(w->graph, &request, &answer);
	v = judge(&answer);
	if (v.outcome == OUTCOME_DONE)
		log_info("mail %s was taken by Graph: %s", job->id, answer.detail);
	else
		log_warning("mail %s was not taken%s%s: %s", job->id,
			    v.outcome == OUTCOME_UNKNOWN ? " for certain" : v.again ? " for now" : "",
			    answer.end == GRAPH_DENIED	  ? " (needs Mail.Send for the mailbox)" :
			    answer.end == GRAPH_NOT_FOUND ? " (there is no mailbox [mail] from)" : "",
			    answer.detail);
	return v;
}

/* What goes into a header, or the addresses, has no line break in it and nothing else that does not show (M6). */
static bool is_sound(const struct job *job)
{
	return text_mail_address(job->to) && text_printable(job->subject, strlen(job->subject)) && *job->id &&
	       text_printable(job->id, strlen(job->id));
}

void graph_mail_deliver(const struct graph_mail *m, int peer, int leave, const struct job *job, struct job_result *ret)
{
	_cleanup_(way_wipe) struct graph_way way = { .mail = m };
	const struct token_source source = {
		.name = m->directory->name, .policy = &m->directory->entra, .trust = m->trust, .peer = peer
	};
	struct verdict v;

	*ret = (struct job_result){ .outcome = OUTCOME_REFUSED, .why = WHY_REJECTED };
	if (!is_sound(job) || write_mail(m, job, &way) < 0) {
		log_warning("mail %s cannot be written", job->id);
		return;
	}
	if (graph_open(&source, &way.graph) < 0) {
		ret->why = WHY_MISCONFIGURED;
		return;
	}
	v = persist(attempt, &way, peer, leave, job);
	*ret = (struct job_result){ .outcome = v.outcome, .why = v.why };
}
