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
	[JOB_APPROVAL] = "approval",
	[JOB_APPROVE] = "approve",
	[JOB_CHECK] = "check",
	[JOB_BREACHED] = "breached",
	[JOB_NUMBER] = "number",
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
	[WHY_SYNCED] = "synced",
	[WHY_FEDERATED] = "federated",
	[WHY_NOT_CAPABLE] = "not-capable",
	[WHY_TOO_SHORT] = "too-short",
	[WHY_TOO_LONG] = "too-long",
	[WHY_CHARACTERS] = "characters",
	[WHY_CLASSES] = "classes",
	[WHY_NAME] = "name",
	[WHY_WORD] = "word",
	[WHY_GUESSABLE] = "guessable",
	[WHY_USED_BEFORE] = "used-before",
	[WHY_POLICY] = "policy",
	[WHY_BREACHED] = "breached",
	[WHY_BUSY] = "busy",
	[WHY_UNREACHABLE] = "unreachable",
	[WHY_REJECTED] = "rejected",
	[WHY_MISCONFIGURED] = "misconfigured",
	[WHY_BROKEN] = "broken",
	[WHY_PENDING] = "pending",
	[WHY_OTHER_ACCOUNT] = "other-account",
	[WHY_DECLINED] = "declined",
};

const char *job_kind_name(enum job_kind kind)
{
	return kind < ARRAY_SIZE(kind_names) && kind_names[kind] ? kind_names[kind] : "?";
}

const char *why_name(enum why why)
{
	return why < ARRAY_SIZE(why_names) && why_names[why] ? why_names[why] : "?";
}

const char *why_text(enum why why)
{
	static const char *const texts[] = {
		[WHY_NO_ACCOUNT] = "is nobody there",
		[WHY_NOT_IN_SCOPE] = "is not in the group that may reset",
		[WHY_PROTECTED] = "is privileged or a guest: such accounts are never reset",
		[WHY_LOCKED] = "is disabled, expired, or locked by an administrator",
		[WHY_NO_LOGIN] = "may not sign in",
		[WHY_AMBIGUOUS] = "means more than one account",
		[WHY_SYNCED] = "is mastered on premises, and no directory for that is configured (SSPR_0010)",
		[WHY_FEDERATED] = "is of a federated domain: the password is somewhere else",
		[WHY_NOT_CAPABLE] = "is not capable of a reset as Entra sees it (mirror = yes)",
		[WHY_BUSY] = "could not be looked up: the directory is busy",
		[WHY_UNREACHABLE] = "could not be looked up: the directory cannot be reached",
		[WHY_MISCONFIGURED] = "could not be looked up: the configuration or the directory's settings are not right",
		[WHY_BROKEN] = "could not be looked up",
	};

	return why < ARRAY_SIZE(texts) && texts[why] ? texts[why] : why_name(why);
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

static int channel_read(const struct wire_message *m, struct job *ret)
{
	unsigned int channel = CHANNEL_MAIL;
	int r = wire_get_u8(m, WIRE_CHANNEL, &channel);

	if ((r < 0 && r != -ENOENT) || channel > CHANNEL_VOICE)
		return -EBADMSG;
	ret->channel = (enum job_channel)channel;
	if (channel == CHANNEL_MAIL)
		return 0;
	return wire_get_text(m, WIRE_LANG, ret->lang, sizeof(ret->lang)) < 0 ||
			       wire_get_text(m, WIRE_CODE, ret->code, sizeof(ret->code)) < 0 ?
		       -EBADMSG :
		       0;
}

static int message_read(const struct wire_message *m, struct job *ret)
{
	if (wire_get_text(m, WIRE_TO, ret->to, sizeof(ret->to)) < 0 ||
	    wire_get_text(m, WIRE_SUBJECT, ret->subject, sizeof(ret->subject)) < 0 ||
	    wire_get_text(m, WIRE_BODY, ret->body, sizeof(ret->body)) < 0 ||
	    wire_get_text(m, WIRE_ID, ret->id, sizeof(ret->id)) < 0 || wire_get_u32(m, WIRE_LIFE, &ret->life) < 0)
		return -EBADMSG;
	return channel_read(m, ret);
}

static bool speaks_of_account(enum job_kind kind)
{
	return kind == JOB_LOOKUP || kind == JOB_RESET || kind == JOB_APPROVAL || kind == JOB_APPROVE || kind == JOB_CHECK;
}

static bool carries_secret(enum job_kind kind)
{
	return kind == JOB_RESET || kind == JOB_APPROVE || kind == JOB_BREACHED;
}

static int secret_read(const struct wire_message *m, struct job *ret)
{
	return wire_get_secret(m, WIRE_SECRET, &ret->secret) < 0 || until_read(m, &ret->until) < 0 ? -EBADMSG : 0;
}

void job_write(const struct job *j, struct wire *ret)
{
	wire_start(ret, WIRE_JOB);
	wire_u8(ret, WIRE_JOB_KIND, j->kind);
	if (speaks_of_account(j->kind)) {
		account_write(&j->account, ret);
		wire_text(ret, WIRE_GROUP, j->group);
	}
	if (carries_secret(j->kind)) {
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
	if (j->kind == JOB_DELIVER && j->channel != CHANNEL_MAIL) {
		wire_u8(ret, WIRE_CHANNEL, j->channel);
		wire_text(ret, WIRE_LANG, j->lang);
		wire_text(ret, WIRE_CODE, j->code);
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
	case JOB_BREACHED:
		if (secret_read(m, &j) < 0)
			return -EBADMSG;
		break;
	case JOB_RESET:
	case JOB_APPROVE:
		if (secret_read(m, &j) < 0)
			return -EBADMSG;
		__attribute__((fallthrough));
	case JOB_LOOKUP:
	case JOB_APPROVAL:
	case JOB_CHECK:
		if (account_read(m, &j.account) < 0 || wire_get_text(m, WIRE_GROUP, j.group, sizeof(j.group)) < 0)
			return -EBADMSG;
		break;
	case JOB_DELIVER:
	case JOB_NOTIFY:
		if (message_read(m, &j) < 0)
			return -EBADMSG;
		break;
	case JOB_NONE:
	case JOB_VERIFY:
	case JOB_NUMBER:
	default:
		return -EBADMSG;
	}
	*ret = j;
	return 0;
}

struct result_text {
	enum wire_tag tag;
	size_t offset, size;
};

#define RESULT_TEXT(tag_, member)                                                                                      \
	{ .tag = (tag_), .offset = offsetof(struct job_result, member), .size = sizeof(((struct job_result *)0)->member) }

/* Missing where there is nothing to tell. */
static const struct result_text result_texts[] = {
	RESULT_TEXT(WIRE_TO, mail),	   RESULT_TEXT(WIRE_MOBILE, mobile), RESULT_TEXT(WIRE_OFFICE, office),
	RESULT_TEXT(WIRE_DETAIL, detail),  RESULT_TEXT(WIRE_CODE, code),     RESULT_TEXT(WIRE_ADDRESS, address),
	RESULT_TEXT(WIRE_BODY, report),	   RESULT_TEXT(WIRE_NAMES, names),
	RESULT_TEXT(WIRE_CONTACT, contacts[0]),	   RESULT_TEXT(WIRE_CONTACT + 1, contacts[1]),
	RESULT_TEXT(WIRE_CONTACT + 2, contacts[2]), RESULT_TEXT(WIRE_CONTACT + 3, contacts[3]),
};

void job_result_write(const struct job_result *j, struct wire *ret)
{
	wire_start(ret, WIRE_DONE);
	wire_u8(ret, WIRE_OUTCOME, j->outcome);
	wire_u8(ret, WIRE_WHY, j->why);
	account_write(&j->account, ret);
	for (size_t i = 0; i < ARRAY_SIZE(result_texts); i++) {
		const char *text = (const char *)j + result_texts[i].offset;

		if (*text)
			wire_text(ret, result_texts[i].tag, text);
	}
	if (j->ticket.len > 0) {
		wire_secret(ret, WIRE_SECRET, &j->ticket);
		wire_u32(ret, WIRE_LIFE, j->life);
	}
}

static int ticket_read(const struct wire_message *m, struct job_result *ret)
{
	int r = wire_get_secret(m, WIRE_SECRET, &ret->ticket);

	if (r == -ENOENT)
		return 0;
	return r < 0 ? r : wire_get_u32(m, WIRE_LIFE, &ret->life);
}

static int texts_read(const struct wire_message *m, struct job_result *ret)
{
	for (size_t i = 0; i < ARRAY_SIZE(result_texts); i++) {
		int r = wire_get_text(m, result_texts[i].tag, (char *)ret + result_texts[i].offset, result_texts[i].size);

		if (r < 0 && r != -ENOENT)
			return r;
	}
	return 0;
}

int job_result_read(const struct wire_message *m, struct job_result *ret)
{
	_cleanup_(job_result_wipe) struct job_result j = {};
	unsigned int outcome, why;

	if (m->type != WIRE_DONE || wire_get_u8(m, WIRE_OUTCOME, &outcome) < 0 || wire_get_u8(m, WIRE_WHY, &why) < 0 ||
	    account_read(m, &j.account) < 0 || texts_read(m, &j) < 0 || ticket_read(m, &j) < 0)
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

void job_result_wipe(struct job_result *j)
{
	explicit_bzero(j, sizeof(*j));
}
