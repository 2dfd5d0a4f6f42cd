// SPDX-License-Identifier: LGPL-2.1-or-later
#include "directory/entra.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <time.h>

#include "base/boot.h"
#include "base/cleanup.h"
#include "base/log.h"
#include "base/text.h"
#include "directory/entra_inquiry.h"
#include "directory/entra_judge.h"
#include "directory/entra_name.h"
#include "flow/password.h"

/* A person waits for a look-up, and for what comes after a change. */
#define LOOKUP_MS 9000
#define AFTERWARDS_MS 5000
/* What one server of the directory has taken, another one may show this much later. */
#define LAG_SECONDS 5
#define READS 2
#define PATH 160
/* Each character of a password may become six. */
#define PASSWORD_BODY (6 * SECRET_MAX + 128)

static void refuse(struct job_result *ret, enum why why)
{
	ret->outcome = OUTCOME_REFUSED;
	ret->why = why;
}

static int open_graph(const struct entra *e, struct graph **ret, struct job_result *ret_result)
{
	const struct token_source source = {
		.name = e->directory->name, .policy = &e->directory->entra, .trust = e->trust, .peer = e->peer
	};
	int r = graph_open(&source, ret);

	if (r < 0) {
		log_error("directory %s: %s", e->directory->name, strerror(-r));
		refuse(ret_result, WHY_BROKEN);
	}
	return r;
}

/* A complete account in *ret, or a refusal there and -EPERM. */
static int resettable(const struct entra *e, struct graph *graph, const struct account *account, const char *group, bool contacts,
		      struct job_result *ret)
{
	_cleanup_(entra_inquiry_wipe) struct entra_inquiry i = {
		.entra = e, .graph = graph, .contacts = contacts, .until = boot_ms() + LOOKUP_MS
	};
	enum why why;

	memcpy(ret->account.directory, e->directory->name, sizeof(ret->account.directory));
	entra_inquire(&i, account, group);
	why = entra_verdict(&i, ret);
	if (why == WHY_NONE)
		return 0;
	refuse(ret, why);
	return -EPERM;
}

/* ---- LOOKUP ---- */

static enum why principal_name(const struct entra *e, const char *typed, char ret[static ACCOUNT_NAME])
{
	int r = entra_name(&e->directory->entra, typed, ret);

	if (r == 0)
		return WHY_NONE;
	if (r < 0 && r != -EBADMSG)
		log_error("%s: %s", e->directory->entra.map_file, strerror(-r));
	return r == 1 ? WHY_NO_ACCOUNT : WHY_MISCONFIGURED;
}

/* That the answer speaks of who was asked for. */
static bool is_asked(const struct account *asked, const struct account *found)
{
	return *asked->object ? strcasecmp(asked->object, found->object) == 0 : entra_same_name(asked->name, found->name);
}

static void conclude_lookup(const struct account *asked, struct job_result *ret)
{
	if (!is_asked(asked, &ret->account)) {
		refuse(ret, WHY_NO_ACCOUNT);
		return;
	}
	/* An earlier mark than the one that is known comes from a server that lags behind. */
	if (*asked->object && *asked->mark && entra_compare_marks(asked->mark, ret->account.mark) < 0)
		refuse(ret, WHY_BUSY);
	else
		ret->outcome = OUTCOME_DONE;
}

static void tell_nobody(const struct account *asked, struct job_result *ret)
{
	ret->account = (struct account){};
	if (text_printable(asked->name, strlen(asked->name)))
		memcpy(ret->account.name, asked->name, sizeof(ret->account.name));
}

void entra_lookup(const struct entra *e, const struct job *job, struct job_result *ret)
{
	_cleanup_(graph_closep) struct graph *graph = NULL;
	struct account asked = job->account;
	enum why why = WHY_NONE;

	if (!*asked.object)
		why = principal_name(e, job->account.name, asked.name);
	if (why != WHY_NONE)
		refuse(ret, why);
	else if (open_graph(e, &graph, ret) == 0 && resettable(e, graph, &asked, job->group, true, ret) == 0)
		conclude_lookup(&asked, ret);
	/* Who it would be, so that all spellings of it count as one. */
	if (ret->why == WHY_NO_ACCOUNT)
		tell_nobody(&asked, ret);
}

/* ---- RESET ---- */

/* The policy's own scope, whatever group the asking side has named. */
static enum why own_scope(const struct entra *e, const char **ret_group)
{
	*ret_group = "";
	if (e->policy->enabled == ENABLED_SELECTED)
		*ret_group = *e->directory->entra.group ? e->directory->entra.group : e->policy->group;
	return e->policy->enabled == ENABLED_ALL || **ret_group ? WHY_NONE : WHY_NOT_IN_SCOPE;
}

static enum why meanwhile(const struct account *then, const struct account *now)
{
	if (!is_asked(then, now))
		return WHY_BROKEN;
	if (!entra_same_name(then->name, now->name))
		return WHY_RENAMED;
	return *then->mark && strcmp(then->mark, now->mark) != 0 ? WHY_MEANWHILE : WHY_NONE;
}

static enum why check_password(const struct entra *e, const struct job *job, const struct job_result *found)
{
	struct policy_password rules;

	password_rules(e->policy, &found->account, &rules);
	return password_check(&rules, &job->secret, found->account.name, found->names);
}

/* Nobody waits for it any more. What came of it is being looked up, so it must not happen now. */
static bool is_late(const struct entra *e, const struct job *job)
{
	return (job->until && boot_ms() >= job->until) || wire_peer_gone(e->peer);
}

/* All that keeps the password from being written. 0, or a refusal in *ret and -EPERM. */
static int ready(const struct entra *e, struct graph *graph, const struct job *job, struct job_result *ret)
{
	const char *group;
	enum why why = own_scope(e, &group);

	if (why == WHY_NONE && !*job->account.object)
		why = WHY_BROKEN;
	if (why == WHY_NONE && resettable(e, graph, &job->account, group, false, ret) < 0)
		return -EPERM;
	if (why == WHY_NONE)
		why = meanwhile(&job->account, &ret->account);
	if (why == WHY_NONE)
		why = check_password(e, job, ret);
	if (why == WHY_NONE && is_late(e, job))
		why = WHY_BUSY;
	if (why == WHY_NONE)
		return 0;
	refuse(ret, why);
	return -EPERM;
}

static void patch(struct graph *graph, const struct job *job, const char *object, struct graph_answer *ret)
{
	char path[PATH], body[PASSWORD_BODY];
	struct json_writer w = { .b = body, .size = sizeof(body) };
	int64_t soon = boot_ms() + TRUST_TRANSFER_MS;
	struct graph_request request = {
		.method = "PATCH", .path = path, .body = body, .effect = true, .until = job->until && job->until < soon ? job->until : soon
	};

	snprintf(path, sizeof(path), "/v1.0/users/%s", object);
	json_raw(&w, "{\"passwordProfile\":{\"forceChangePasswordNextSignIn\":false,\"password\":");
	json_string(&w, job->secret.b, job->secret.len);
	json_raw(&w, "}}");
	request.len = w.len;
	if (w.failed)
		*ret = (struct graph_answer){ .end = GRAPH_BAD, .why = WHY_CHARACTERS };
	else
		graph_ask(graph, &request, ret);
	explicit_bzero(body, sizeof(body));
}

/* Graph has one code for all that it does not like about a change; the message tells a synced user's apart. */
static enum why why_bad(const struct graph_answer *a)
{
	if (a->status != 400)
		return a->status ? WHY_BROKEN : a->why;
	if (strcasestr(a->message, "on-premises") || strcasestr(a->message, "directory sync"))
		return WHY_SYNCED;
	return strcmp(a->code, "Request_BadRequest") == 0 ? WHY_POLICY : WHY_BROKEN;
}

static void denied(const struct graph_answer *a, struct job_result *ret)
{
	if (a->status == 403)
		snprintf(ret->detail, sizeof(ret->detail),
			 "needs User-PasswordProfile.ReadWrite.All, or a role that covers this user: %.230s", a->detail);
	refuse(ret, WHY_MISCONFIGURED);
}

static void write_mark_path(const char *object, char ret[static PATH])
{
	snprintf(ret, PATH, "/v1.0/users/%s?$select=id,lastPasswordChangeDateTime", object);
}

static bool read_mark(const struct json *user, const struct account *account, char ret[static ACCOUNT_MARK])
{
	const char *id = json_text_of(user, "id");

	return id && strcasecmp(id, account->object) == 0 && entra_mark(user, ret);
}

/* 1 when the mark is a later one now, 0 when it is the same, negative when that could not be read. */
static int changed(struct graph *graph, struct account *account)
{
	struct graph_answer a = {};
	char path[PATH], mark[ACCOUNT_MARK];
	const struct graph_request request = {
		.method = "GET", .path = path, .until = boot_ms() + AFTERWARDS_MS
	};
	int r = -EIO;

	write_mark_path(account->object, path);
	graph_ask(graph, &request, &a);
	if (a.end == GRAPH_OK && read_mark(a.json, account, mark))
		r = entra_compare_marks(account->mark, mark);
	if (r == 1)
		memcpy(account->mark, mark, sizeof(mark));
	graph_answer_wipe(&a);
	return r;
}

/* The answer was lost. What stands in the directory counts; the old mark only where no server can still be at it. */
static void reconcile(struct graph *graph, bool slow, struct job_result *ret)
{
	int r = changed(graph, &ret->account);

	for (unsigned int n = 1; n < READS && r != 1; n++) {
		nanosleep(&(struct timespec){ .tv_sec = LAG_SECONDS }, NULL);
		r = changed(graph, &ret->account);
	}
	ret->why = r == 1 ? WHY_NONE : WHY_BROKEN;
	ret->outcome = r == 1 ? OUTCOME_DONE : r == 0 && !slow ? OUTCOME_REFUSED : OUTCOME_UNKNOWN;
}

/* The password is changed, whatever comes of this: who signed in with the old one is signed out, and the new mark is read. */
static void afterwards(const struct entra *e, struct graph *graph, struct job_result *ret)
{
	bool revoke = e->directory->entra.revoke_sessions;
	char revocation[PATH], mark[PATH], now[ACCOUNT_MARK];
	struct graph_request requests[] = {
		{ .method = "GET", .path = mark, .until = boot_ms() + AFTERWARDS_MS },
		{ .method = "POST", .path = revocation, .until = boot_ms() + AFTERWARDS_MS },
	};
	struct graph_answer answers[2] = {};

	write_mark_path(ret->account.object, mark);
	snprintf(revocation, sizeof(revocation), "/v1.0/users/%s/revokeSignInSessions", ret->account.object);
	graph_batch(graph, requests, revoke ? 2 : 1, answers);
	if (answers[0].end == GRAPH_OK && read_mark(answers[0].json, &ret->account, now) &&
	    entra_compare_marks(ret->account.mark, now) == 1)
		memcpy(ret->account.mark, now, sizeof(now));
	if (revoke && answers[1].end != GRAPH_OK)
		log_warning("directory %s: the sessions of %s were not revoked%s: %s", e->directory->name, ret->account.object,
			    answers[1].end == GRAPH_DENIED ? " (needs User.RevokeSessions.All)" : "", answers[1].detail);
	for (size_t n = 0; n < ARRAY_SIZE(answers); n++)
		graph_answer_wipe(&answers[n]);
}

static void conclude(struct graph *graph, const struct graph_answer *a, struct job_result *ret)
{
	snprintf(ret->detail, sizeof(ret->detail), "%s", a->detail);
	switch (a->end) {
	case GRAPH_OK:
		if (a->status == 204)
			ret->outcome = OUTCOME_DONE;
		else
			reconcile(graph, false, ret);
		break;
	case GRAPH_UNCERTAIN:
		reconcile(graph, a->slow, ret);
		break;
	case GRAPH_BAD:
		refuse(ret, why_bad(a));
		break;
	case GRAPH_DENIED:
		denied(a, ret);
		break;
	case GRAPH_NOT_FOUND:
		refuse(ret, WHY_NO_ACCOUNT);
		break;
	default:
		refuse(ret, a->why);
		break;
	}
}

static void tell(const struct entra *e, const struct job_result *ret)
{
	static const char *const words[] = {
		[OUTCOME_DONE] = "changed", [OUTCOME_REFUSED] = "unchanged", [OUTCOME_UNKNOWN] = "unknown"
	};

	log_notice("password of %s in directory %s: %s (%s) %s", ret->account.object, e->directory->name, words[ret->outcome],
		   why_name(ret->why), ret->detail);
}

void entra_reset(const struct entra *e, const struct job *job, struct job_result *ret)
{
	_cleanup_(graph_closep) struct graph *graph = NULL;
	_cleanup_(graph_answer_wipe) struct graph_answer answer = {};

	if (open_graph(e, &graph, ret) < 0 || ready(e, graph, job, ret) < 0)
		return;
	patch(graph, job, ret->account.object, &answer);
	graph_alone(graph);
	conclude(graph, &answer, ret);
	if (ret->outcome == OUTCOME_DONE)
		afterwards(e, graph, ret);
	tell(e, ret);
}
