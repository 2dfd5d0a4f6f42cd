// SPDX-License-Identifier: LGPL-2.1-or-later
#include "flow/job.h"

#include <errno.h>
#include <string.h>

#include "base/cleanup.h"

static const char *const kind_names[] = {
	[JOB_LOOKUP] = "lookup",
	[JOB_DELIVER] = "deliver",
	[JOB_RESET] = "reset",
	[JOB_NOTIFY] = "notify",
	[JOB_VERIFY] = "verify",
};

static const char *const why_names[] = {
	[WHY_NONE] = "none",
	[WHY_NO_ACCOUNT] = "no-account",
	[WHY_NOT_IN_SCOPE] = "not-in-scope",
	[WHY_PROTECTED] = "protected",
	[WHY_LOCKED] = "locked",
	[WHY_NO_LOGIN] = "no-login",
	[WHY_AMBIGUOUS] = "ambiguous",
	[WHY_RENAMED] = "renamed",
	[WHY_NOT_REGISTERED] = "not-registered",
	[WHY_MEANWHILE] = "changed-meanwhile",
	[WHY_TOO_SHORT] = "too-short",
	[WHY_TOO_LONG] = "too-long",
	[WHY_CHARACTERS] = "characters",
	[WHY_CLASSES] = "classes",
	[WHY_NAME] = "name",
	[WHY_WORD] = "word",
	[WHY_GUESSABLE] = "guessable",
	[WHY_USED_BEFORE] = "used-before",
	[WHY_BUSY] = "busy",
	[WHY_UNREACHABLE] = "unreachable",
	[WHY_REJECTED] = "rejected",
	[WHY_MISCONFIGURED] = "misconfigured",
	[WHY_BROKEN] = "broken",
};

const char *job_kind_name(enum job_kind kind)
{
	return kind < ARRAY_SIZE(kind_names) && kind_names[kind] ? kind_names[kind] : "?";
}

const char *why_name(enum why why)
{
	return why < ARRAY_SIZE(why_names) && why_names[why] ? why_names[why] : "?";
}

static void account_write(const struct account *a, struct wire *w)
{
	wire_text(w, WIRE_DIRECTORY, a->directory);
	wire_text(w, WIRE_OBJECT, a->object);
	wire_text(w, WIRE_NAME, a->name);
	wire_text(w, WIRE_MARK, a->mark);
}

static int account_read(const struct wire_message *m, struct account *ret)
{
	if (wire_get_text(m, WIRE_DIRECTORY, ret->directory, sizeof(ret->directory)) < 0 ||
	    wire_get_text(m, WIRE_OBJECT, ret->object, sizeof(ret->object)) < 0 ||
	    wire_get_text(m, WIRE_NAME, ret->name, sizeof(ret->name)) < 0 ||
	    wire_get_text(m, WIRE_MARK, ret->mark, sizeof(ret->mark)) < 0)
		return -EBADMSG;
	return 0;
}

static int until_read(const struct wire_message *m, int64_t *ret)
{
	uint64_t until = 0;
	int r = wire_get_u64(m, WIRE_UNTIL, &until);

	if (r == 0 && until > INT64_MAX)
		return -EBADMSG;
	*ret = (int64_t)until;
	return r == -ENOENT ? 0 : r;
}

static int mail_read(const struct wire_message *m, struct job *ret)
{
	if (wire_get_text(m, WIRE_TO, ret->to, sizeof(ret->to)) < 0 ||
	    wire_get_text(m, WIRE_SUBJECT, ret->subject, sizeof(ret->subject)) < 0 ||
	    wire_get_text(m, WIRE_BODY, ret->body, sizeof(ret->body)) < 0 ||
	    wire_get_text(m, WIRE_ID, ret->id, sizeof(ret->id)) < 0 || wire_get_u32(m, WIRE_LIFE, &ret->life) < 0)
		return -EBADMSG;
	return 0;
}

void job_write(const struct job *j, struct wire *ret)
{
	wire_start(ret, WIRE_JOB);
	wire_u8(ret, WIRE_JOB_KIND, j->kind);
	if (j->kind == JOB_LOOKUP || j->kind == JOB_RESET) {
		account_write(&j->account, ret);
		wire_text(ret, WIRE_GROUP, j->group);
	}
	if (j->kind == JOB_RESET) {
		wire_secret(ret, WIRE_SECRET, &j->secret);
		wire_u64(ret, WIRE_UNTIL, (uint64_t)j->until);
	}
	if (j->kind == JOB_DELIVER || j->kind == JOB_NOTIFY) {
		wire_text(ret, WIRE_TO, j->to);
		wire_text(ret, WIRE_SUBJECT, j->subject);
		wire_text(ret, WIRE_BODY, j->body);
		wire_text(ret, WIRE_ID, j->id);
		wire_u32(ret, WIRE_LIFE, j->life);
	}
}

int job_read(const struct wire_message *m, struct job *ret)
{
	_cleanup_(job_wipe) struct job j = {};
	unsigned int kind;

	if (m->type != WIRE_JOB || wire_get_u8(m, WIRE_JOB_KIND, &kind) < 0)
		return -EBADMSG;
	j.kind = (enum job_kind)kind;
	switch (j.kind) {
	case JOB_RESET:
		if (wire_get_secret(m, WIRE_SECRET, &j.secret) < 0 || until_read(m, &j.until) < 0)
			return -EBADMSG;
		__attribute__((fallthrough));
	case JOB_LOOKUP:
		if (account_read(m, &j.account) < 0 || wire_get_text(m, WIRE_GROUP, j.group, sizeof(j.group)) < 0)
			return -EBADMSG;
		break;
	case JOB_DELIVER:
	case JOB_NOTIFY:
		if (mail_read(m, &j) < 0)
			return -EBADMSG;
		break;
	case JOB_NONE:
	case JOB_VERIFY:
	default:
		return -EBADMSG;
	}
	*ret = j;
	return 0;
}

void job_result_write(const struct job_result *j, struct wire *ret)
{
	wire_start(ret, WIRE_DONE);
	wire_u8(ret, WIRE_OUTCOME, j->outcome);
	wire_u8(ret, WIRE_WHY, j->why);
	account_write(&j->account, ret);
}

int job_result_read(const struct wire_message *m, struct job_result *ret)
{
	struct job_result j = {};
	unsigned int outcome, why;

	if (m->type != WIRE_DONE || wire_get_u8(m, WIRE_OUTCOME, &outcome) < 0 || wire_get_u8(m, WIRE_WHY, &why) < 0 ||
	    account_read(m, &j.account) < 0)
		return -EBADMSG;
	if (outcome < OUTCOME_DONE || outcome > OUTCOME_UNKNOWN)
		return -EBADMSG;
	j.outcome = (enum outcome)outcome;
	j.why = (enum why)why;
	*ret = j;
	return 0;
}

void job_wipe(struct job *j)
{
	explicit_bzero(j, sizeof(*j));
}
