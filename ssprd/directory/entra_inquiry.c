// SPDX-License-Identifier: LGPL-2.1-or-later
#include "directory/entra_inquiry.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "base/cleanup.h"
#include "base/log.h"
#include "directory/entra_judge.h"
#include "directory/entra_name.h"

#define BODY 96
/* What a list may be spread over; Graph also gives empty pages with more behind them. */
#define PAGES 10
/* Asked for where there is no such user, so that a stranger's name takes as long as a user's. */
#define NOBODY "00000000-0000-0000-0000-000000000000"

/* Per question: the permission that an administrator must have granted. */
static const char *const permissions[ASK_COUNT] = {
	[ASK_USER] = "User.Read.All",
	[ASK_DOMAIN] = "Domain.Read.All",
	[ASK_PHONES] = "UserAuthenticationMethod.Read.All",
	[ASK_MAILS] = "UserAuthenticationMethod.Read.All",
	[ASK_GROUP] = "GroupMember.Read.All",
	[ASK_MEMBER] = "GroupMember.Read.All",
	[ASK_ASSIGNABLE] = "GroupMember.Read.All",
	[ASK_ROLES] = "RoleManagement.Read.Directory",
	[ASK_ELIGIBLE] = "RoleManagement.Read.Directory",
	[ASK_REGISTRATION] = "AuditLog.Read.All",
};

void entra_inquiry_wipe(struct entra_inquiry *i)
{
	for (size_t q = 0; q < ASK_COUNT; q++)
		graph_answer_wipe(&i->answers[q]);
}

static const struct policy_entra *policy(const struct entra_inquiry *i)
{
	return &i->entra->directory->entra;
}

static bool wanted(const struct entra_inquiry *i, enum entra_question q)
{
	switch (q) {
	case ASK_PHONES:
	case ASK_MAILS:
		return i->contacts && policy(i)->contacts != CONTACTS_NONE;
	case ASK_GROUP:
		return *i->group && !entra_is_guid(i->group);
	case ASK_MEMBER:
		return *i->group;
	case ASK_REGISTRATION:
		return policy(i)->mirror;
	default:
		return true;
	}
}

/* Whether what a question needs is known. */
static bool possible(const struct entra_inquiry *i, enum entra_question q)
{
	switch (q) {
	case ASK_DOMAIN:
		return *i->domain;
	case ASK_MEMBER:
		return *i->object && *i->group_id;
	case ASK_ASSIGNABLE:
	case ASK_ROLES:
	case ASK_ELIGIBLE:
	case ASK_REGISTRATION:
		return *i->object;
	default:
		return true;
	}
}

/* A name within '' of a filter (OData: a quote is doubled), percent-encoded. */
static void quote(const char *name, char *ret, size_t size)
{
	char doubled[2 * JOB_GROUP];
	size_t n = 0;

	for (; *name && n < sizeof(doubled) - 2; name++) {
		doubled[n++] = *name;
		if (*name == '\'')
			doubled[n++] = '\'';
	}
	doubled[n] = 0;
	*ret = 0;
	http_escape(doubled, ret, size);
}

void entra_write_group_path(const char *group, char ret[static ENTRA_PATH])
{
	char text[6 * JOB_GROUP];

	quote(group, text, sizeof(text));
	if (entra_is_guid(group))
		snprintf(ret, ENTRA_PATH, "/v1.0/groups/%s?$select=id,displayName", group);
	else
		snprintf(ret, ENTRA_PATH, "/v1.0/groups?$filter=displayName%%20eq%%20%%27%s%%27&$select=id,displayName", text);
}

static void write_path(const struct entra_inquiry *i, enum entra_question q, char ret[static ENTRA_PATH])
{
	char domain[3 * ACCOUNT_NAME];

	http_escape(i->domain, domain, sizeof(domain));
	switch (q) {
	case ASK_USER:
		snprintf(ret, ENTRA_PATH, "/v1.0/users/%s?$select=" ENTRA_SELECT, i->user);
		break;
	case ASK_DOMAIN:
		snprintf(ret, ENTRA_PATH, "/v1.0/domains/%s?$select=id,authenticationType", domain);
		break;
	case ASK_PHONES:
		snprintf(ret, ENTRA_PATH, "/v1.0/users/%s/authentication/phoneMethods", i->user);
		break;
	case ASK_MAILS:
		snprintf(ret, ENTRA_PATH, "/v1.0/users/%s/authentication/emailMethods", i->user);
		break;
	case ASK_GROUP:
		entra_write_group_path(i->group, ret);
		break;
	case ASK_MEMBER:
		snprintf(ret, ENTRA_PATH, "/v1.0/users/%s/checkMemberGroups", i->object);
		break;
	case ASK_ASSIGNABLE:
		snprintf(ret, ENTRA_PATH,
			 "/v1.0/users/%s/transitiveMemberOf/microsoft.graph.group"
			 "?$count=true&$filter=isAssignableToRole%%20eq%%20true&$select=id",
			 i->object);
		break;
	case ASK_ROLES:
		snprintf(ret, ENTRA_PATH, "/v1.0/roleManagement/directory/roleAssignments?$filter=principalId%%20eq%%20%%27%s%%27",
			 i->object);
		break;
	case ASK_ELIGIBLE:
		snprintf(ret, ENTRA_PATH,
			 "/v1.0/roleManagement/directory/roleEligibilityScheduleInstances?$filter=principalId%%20eq%%20%%27%s%%27",
			 i->object);
		break;
	default:
		snprintf(ret, ENTRA_PATH, "/v1.0/reports/authenticationMethods/userRegistrationDetails/%s", i->object);
		break;
	}
}

static void write_request(const struct entra_inquiry *i, enum entra_question q, char path[static ENTRA_PATH], char body[static BODY],
			  struct graph_request *ret)
{
	write_path(i, q, path);
	*ret = (struct graph_request){
		.method = "GET", .path = path, .eventual = q == ASK_ASSIGNABLE, .until = i->until
	};
	if (q != ASK_MEMBER)
		return;
	ret->method = "POST";
	ret->len = (size_t)snprintf(body, BODY, "{\"groupIds\":[\"%s\"]}", i->group_id);
	ret->body = body;
}

/* All that can be asked now, in one round trip. Returns how much that was. */
static size_t ask(struct entra_inquiry *i)
{
	struct graph_request requests[ASK_COUNT];
	struct graph_answer answers[ASK_COUNT] = {};
	char paths[ASK_COUNT][ENTRA_PATH], bodies[ASK_COUNT][BODY];
	enum entra_question which[ASK_COUNT];
	size_t n = 0;

	for (enum entra_question q = 0; q < ASK_COUNT; q++) {
		if (i->asked[q] || !wanted(i, q) || !possible(i, q))
			continue;
		write_request(i, q, paths[n], bodies[n], &requests[n]);
		which[n++] = q;
	}
	if (n > 0)
		graph_batch(i->graph, requests, n, answers);
	for (size_t k = 0; k < n; k++) {
		i->asked[which[k]] = true;
		i->answers[which[k]] = answers[k];
	}
	return n;
}

static bool is_list(enum entra_question q)
{
	return q == ASK_ASSIGNABLE || q == ASK_ROLES || q == ASK_ELIGIBLE;
}

static bool holds_nothing(const struct json *list)
{
	return json_length(json_member(list, "value")) == 0;
}

/* Whoever is protected may stand on a later page. A page that cannot be had leaves an answer that is a refusal. */
static void follow(struct entra_inquiry *i, enum entra_question q)
{
	struct graph_answer *a = &i->answers[q];

	for (unsigned int n = 0; a->end == GRAPH_OK && holds_nothing(a->json) && json_member(a->json, "@odata.nextLink"); n++) {
		const char *next = n < PAGES ? graph_next(i->graph, a->json) : NULL;
		struct graph_answer page = { .end = GRAPH_BAD, .why = WHY_BROKEN, .detail = "a list goes on elsewhere" };
		struct graph_request request = {
			.method = "GET", .path = next, .eventual = q == ASK_ASSIGNABLE, .until = i->until
		};

		if (next)
			graph_ask(i->graph, &request, &page);
		graph_answer_wipe(a);
		*a = page;
	}
}

static void learn_user(struct entra_inquiry *i)
{
	const struct graph_answer *a = &i->answers[ASK_USER];
	struct account account = {};
	const char *at;

	if (a->end == GRAPH_NOT_FOUND)
		snprintf(i->object, sizeof(i->object), "%s", NOBODY);
	if (a->end != GRAPH_OK || !entra_account(a->json, &account))
		return;
	memcpy(i->object, account.object, sizeof(i->object));
	at = strchr(account.name, '@');
	if (!at || strcasecmp(at + 1, i->domain) == 0)
		return;
	snprintf(i->domain, sizeof(i->domain), "%s", at + 1);
	graph_answer_wipe(&i->answers[ASK_DOMAIN]);
	i->asked[ASK_DOMAIN] = false;
}

/* Roles can be made eligible with a licence of Entra ID P2 only; a tenant without one has none of those. */
static bool is_unlicensed(const struct entra_inquiry *i, enum entra_question q)
{
	const struct graph_answer *a = &i->answers[q];

	return q == ASK_ELIGIBLE && a->end == GRAPH_BAD && strcmp(a->code, "AadPremiumLicenseRequired") == 0;
}

/* Not found is an answer; the rest of what is no answer keeps everybody out, but for contacts that cannot be had. */
static bool is_trouble(const struct entra_inquiry *i, enum entra_question q)
{
	const struct graph_answer *a = &i->answers[q];

	if (!i->asked[q] || a->end == GRAPH_OK || a->end == GRAPH_NOT_FOUND || is_unlicensed(i, q))
		return false;
	if (q == ASK_PHONES || q == ASK_MAILS)
		return a->end != GRAPH_DENIED && a->end != GRAPH_BAD;
	return true;
}

static enum entra_question trouble(const struct entra_inquiry *i)
{
	enum entra_question q = 0;

	while (q < ASK_COUNT && !is_trouble(i, q))
		q++;
	return q;
}

static void learn(struct entra_inquiry *i)
{
	if (i->asked[ASK_USER])
		learn_user(i);
	for (enum entra_question q = 0; q < ASK_COUNT; q++)
		if ((is_list(q) || q == ASK_GROUP) && i->asked[q])
			follow(i, q);
	if (i->answers[ASK_GROUP].end == GRAPH_OK)
		entra_group_id(i->answers[ASK_GROUP].json, i->group_id);
}

void entra_inquire(struct entra_inquiry *i, const struct account *account, const char *group)
{
	const char *at = strchr(account->name, '@');

	snprintf(i->name, sizeof(i->name), "%s", account->name);
	http_escape(*account->object ? account->object : account->name, i->user, sizeof(i->user));
	snprintf(i->object, sizeof(i->object), "%s", account->object);
	snprintf(i->group, sizeof(i->group), "%s", group);
	if (at)
		snprintf(i->domain, sizeof(i->domain), "%s", at + 1);
	if (entra_is_guid(group))
		snprintf(i->group_id, sizeof(i->group_id), "%s", group);
	while (trouble(i) == ASK_COUNT && ask(i) > 0)
		learn(i);
}

/* ---- the verdict ---- */

static void tell(struct job_result *ret, const char *detail)
{
	snprintf(ret->detail, sizeof(ret->detail), "%s", detail);
}

static enum why tell_trouble(const struct entra_inquiry *i, enum entra_question q, struct job_result *ret)
{
	const struct graph_answer *a = &i->answers[q];

	tell(ret, a->detail);
	if (a->end == GRAPH_DENIED)
		snprintf(ret->detail, sizeof(ret->detail), "needs %s: %.260s", permissions[q], a->detail);
	return a->why;
}

static enum why verdict_group(const struct entra_inquiry *i, struct job_result *ret)
{
	char id[ACCOUNT_OBJECT];
	int r;

	if (!wanted(i, ASK_GROUP))
		return WHY_NONE;
	r = i->answers[ASK_GROUP].end == GRAPH_OK ? entra_group_id(i->answers[ASK_GROUP].json, id) : -ENOENT;
	if (r == 0)
		return WHY_NONE;
	snprintf(ret->detail, sizeof(ret->detail), "the group \"%s\" %s", i->group,
		 r == -ENOENT	? "does not exist in the tenant" :
		 r == -ENOTUNIQ ? "is more than one in the tenant: name it by its id" :
				  "could not be read");
	return r == -EBADMSG ? WHY_BROKEN : WHY_MISCONFIGURED;
}

static const struct json *answer(const struct entra_inquiry *i, enum entra_question q)
{
	return i->answers[q].end == GRAPH_OK ? i->answers[q].json : NULL;
}

static enum why verdict_protection(const struct entra_inquiry *i)
{
	enum why why = WHY_NONE;

	for (enum entra_question q = 0; q < ASK_COUNT && why == WHY_NONE; q++)
		if (is_list(q) && !is_unlicensed(i, q))
			why = entra_judge_protection(answer(i, q));
	return why;
}

/* What is worse comes first: a refusal is told once. */
static enum why verdict_user(const struct entra_inquiry *i)
{
	enum why why = entra_judge_user(answer(i, ASK_USER));

	if (why == WHY_NONE || why == WHY_LOCKED || why == WHY_SYNCED) {
		enum why protection = verdict_protection(i);

		why = protection != WHY_NONE ? protection : why;
	}
	if (why == WHY_NONE)
		why = entra_judge_domain(answer(i, ASK_DOMAIN));
	if (why == WHY_NONE && wanted(i, ASK_MEMBER))
		why = entra_judge_scope(answer(i, ASK_MEMBER), i->group_id);
	if (why == WHY_NONE && wanted(i, ASK_REGISTRATION))
		why = entra_judge_registration(answer(i, ASK_REGISTRATION));
	return why;
}

static void warn_of_contacts(const struct entra_inquiry *i)
{
	for (enum entra_question q = ASK_PHONES; q <= ASK_MAILS; q++)
		if (i->asked[q] && (i->answers[q].end == GRAPH_DENIED || i->answers[q].end == GRAPH_BAD))
			log_warning("directory %s: registered contacts cannot be read (needs %s): %s", i->entra->directory->name,
				    permissions[q], i->answers[q].detail);
}

enum why entra_verdict(const struct entra_inquiry *i, struct job_result *ret)
{
	enum entra_question q = trouble(i);
	enum why why;

	if (q < ASK_COUNT)
		return tell_trouble(i, q, ret);
	why = verdict_group(i, ret);
	if (why != WHY_NONE)
		return why;
	if (i->answers[ASK_USER].end == GRAPH_NOT_FOUND)
		return WHY_NO_ACCOUNT;
	if (!entra_account(answer(i, ASK_USER), &ret->account)) {
		tell(ret, "Graph told of a user without id or name");
		return WHY_BROKEN;
	}
	entra_names(answer(i, ASK_USER), ret->names);
	warn_of_contacts(i);
	entra_contacts((enum policy_contacts)policy(i)->contacts, answer(i, ASK_USER), answer(i, ASK_PHONES),
		       answer(i, ASK_MAILS), ret);
	return verdict_user(i);
}
