// SPDX-License-Identifier: LGPL-2.1-or-later
#include "directory/entra.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "base/boot.h"
#include "base/cleanup.h"
#include "base/text.h"
#include "directory/entra_inquiry.h"
#include "directory/entra_judge.h"
#include "directory/entra_name.h"
#include "flow/permission.h"
#include "web/credential.h"

#define CHECK_MS 9000
#define PATH 192
#define ROLES 2048
#define UNITS 8

/* Row G4: each of these lets whoever steals the credential do far more than a reset. */
static const char *const too_wide[] = {
	"Application.ReadWrite.All",
	"AppRoleAssignment.ReadWrite.All",
	"Directory.AccessAsUser.All",
	"Directory.ReadWrite.All",
	"Group.ReadWrite.All",
	"GroupMember.ReadWrite.All",
	"Mail.ReadWrite",
	"User.ReadWrite.All",
	"UserAuthenticationMethod.ReadWrite.All",
};

struct report {
	char *b;
	size_t size, len;
	bool cut; /* a line did not fit */
};

/* Kept free for it: what is left out may be what fails. */
static const char cut_line[] = "fail\treport\tthere is more to tell than fits here\n";

static void line(struct report *r, const char *level, const char *what, const char *format, ...) _printf_(4, 5);

/* A line that does not fit whole is left out. */
static void line(struct report *r, const char *level, const char *what, const char *format, ...)
{
	char text[JOB_DETAIL + 160], clean[JOB_DETAIL + 160];
	va_list ap;
	int n;

	va_start(ap, format);
	vsnprintf(text, sizeof(text), format, ap);
	va_end(ap);
	text_clean(text, strlen(text), clean, sizeof(clean));
	n = snprintf(r->b + r->len, r->size - r->len, "%s\t%s\t%s\n", level, what, clean);
	if (n > 0 && (size_t)n < r->size - r->len)
		r->len += (size_t)n;
	else
		r->cut = true;
	r->b[r->len] = 0;
}

static void check_configuration(const struct entra *e, struct report *r)
{
	const struct policy_entra *p = &e->directory->entra;
	char name[ACCOUNT_NAME];
	int found = *p->map_file ? entra_name(p, "-", name) : 1;

	line(r, "ok", "configuration", "tenant %s at %s and %s, application %s", p->tenant, entra_login(p), entra_graph(p),
	     p->client_id);
	if (found < 0)
		line(r, "fail", "configuration", "map-file %s: %s", p->map_file,
		     found == -EBADMSG ? "has a wrong line, see the journal" : strerror(-found));
	if (!p->revoke_sessions)
		line(r, "warn", "configuration", "revoke-sessions = no: who signed in with the old password stays signed in");
}

static bool has_role(const char *roles, const char *name)
{
	size_t len = strlen(name);

	for (const char *at = roles; (at = strstr(at, name)); at += len)
		if ((at == roles || strchr(" ,", at[-1])) && (!at[len] || strchr(" ,", at[len])))
			return true;
	return false;
}

/* Whose password the application may set. */
struct power {
	bool everywhere; /* in the tenant; else of the users in these units */
	size_t units_n;
	char units[UNITS][ACCOUNT_OBJECT];
};

/* The built-in roles that set passwords (Microsoft: who can reset passwords), by their template. */
static const char *const setting_roles[] = {
	"966707d0-3269-4727-9be2-8c3a10f19b9d", /* Password Administrator */
	"729827e3-9c14-49f7-bb1b-9608f156bbb8", /* Helpdesk Administrator */
	"fe930be7-5e62-47db-91af-98c3a49a38b1", /* User Administrator */
	"c4e39bd9-1100-46d3-8c65-fb160da0071f", /* Authentication Administrator */
	"7be44c8a-adaf-4e2a-84d6-ab2649e08a13", /* Privileged Authentication Administrator */
	"62e90394-69f5-4237-9190-012177145e10", /* Global Administrator */
};

static bool sets_passwords(const struct json *assignment)
{
	const char *role = json_text_of(assignment, "roleDefinitionId");

	for (size_t i = 0; role && i < ARRAY_SIZE(setting_roles); i++)
		if (strcasecmp(role, setting_roles[i]) == 0)
			return true;
	return false;
}

/* Whether such a role reaches all of the tenant, or only an administrative unit. */
static void judge_assignments(const struct json *list, struct power *power)
{
	static const char unit[] = "/administrativeUnits/";
	const struct json *value = json_member(list, "value");

	for (size_t i = 0; i < json_length(value); i++) {
		const char *where = json_text_of(json_item(value, i), "directoryScopeId");

		if (!sets_passwords(json_item(value, i)))
			continue;
		if (where && strcmp(where, "/") == 0)
			power->everywhere = true;
		else if (where && strncmp(where, unit, sizeof(unit) - 1) == 0 && power->units_n < UNITS)
			snprintf(power->units[power->units_n++], ACCOUNT_OBJECT, "%s", where + sizeof(unit) - 1);
	}
}

static void check_write(struct graph *graph, const struct token *token, const char *roles, struct power *power, struct report *r)
{
	_cleanup_(graph_answer_wipe) struct graph_answer a = {};
	char object[ACCOUNT_OBJECT] = {}, path[PATH];
	const struct graph_request request = { .method = "GET", .path = path, .until = boot_ms() + CHECK_MS };

	if (token_claim(token, "oid", object, sizeof(object)) == 0 && entra_is_guid(object)) {
		snprintf(path, sizeof(path),
			 "/v1.0/roleManagement/directory/roleAssignments?$filter=principalId%%20eq%%20%%27%s%%27", object);
		graph_ask(graph, &request, &a);
	}
	if (a.end == GRAPH_OK)
		judge_assignments(a.json, power);
	if (power->everywhere)
		line(r, "warn", "permission",
		     "a role of the application reaches the whole tenant: assign it for an administrative unit instead");
	if (has_role(roles, PERMISSION_WRITE))
		line(r, "warn", "permission",
		     PERMISSION_WRITE " reaches every account of the tenant; a role for an administrative unit would limit "
				      "it, see ssprctl entra setup");
	else if (power->units_n > 0)
		line(r, "ok", "permission", "a role limited to an administrative unit, to set passwords");
	else if (!power->everywhere)
		line(r, "fail", "permission", "%s is missing, to set passwords, or a role for an administrative unit",
		     PERMISSION_WRITE);
	power->everywhere = power->everywhere || has_role(roles, PERMISSION_WRITE);
}

static void check_wide(const char *roles, struct report *r)
{
	for (size_t i = 0; i < ARRAY_SIZE(too_wide); i++)
		if (has_role(roles, too_wide[i]))
			line(r, "warn", "permission", "%s is granted, which is more than is needed: take it away", too_wide[i]);
	if (strstr(roles, "RoleManagement.ReadWrite."))
		line(r, "warn", "permission", "RoleManagement.ReadWrite is granted, which is more than is needed: take it away");
}

static void check_permissions(const struct entra *e, struct graph *graph, const struct token *token, struct power *power,
			      struct report *r)
{
	char roles[ROLES];
	int found = token_roles(token, roles, sizeof(roles));

	/* The claim is not there when nothing was granted. */
	if (found < 0) {
		line(r, found == -EMSGSIZE ? "warn" : "fail", "permission",
		     found == -EMSGSIZE ? "the token has more permissions than can be read here" :
					  "the token has no permissions: an administrator must grant them, see ssprctl entra setup");
		return;
	}
	for (size_t i = 0; permission_at(i); i++) {
		const struct permission *p = permission_at(i);

		if (!p->needed(e->policy, e->directory))
			continue;
		if (has_role(roles, p->name))
			line(r, "ok", "permission", "%s, %s", p->name, p->purpose);
		else
			line(r, "fail", "permission", "%s is missing, %s", p->name, p->purpose);
	}
	check_write(graph, token, roles, power, r);
	check_wide(roles, r);
}

static void check_group(const struct entra *e, struct graph *graph, const char *group, struct report *r)
{
	_cleanup_(graph_answer_wipe) struct graph_answer a = {};
	char path[ENTRA_PATH], id[ACCOUNT_OBJECT];
	const struct graph_request request = { .method = "GET", .path = path, .until = boot_ms() + CHECK_MS };
	int found;

	if (!*group) {
		line(r, "warn", "group", "no scope group: %s",
		     e->policy->enabled == ENABLED_ALL ? "every user of the tenant may reset" : "nobody may reset");
		return;
	}
	entra_write_group_path(group, path);
	graph_ask(graph, &request, &a);
	found = a.end == GRAPH_NOT_FOUND ? -ENOENT : a.end != GRAPH_OK ? -EIO : entra_is_guid(group) ? 0 :
								       entra_group_id(a.json, id);
	if (found == 0)
		line(r, "ok", "group", "%s is there", group);
	else if (found == -ENOENT)
		line(r, "fail", "group", "%s does not exist in the tenant, so nobody is in scope", group);
	else if (found == -ENOTUNIQ)
		line(r, "fail", "group", "%s is the name of more than one group: give the id", group);
	else
		line(r, "fail", "group", "%s cannot be read: %s", group, a.detail);
}

static void check_mail(const struct entra *e, struct report *r)
{
	if (permission_sends_mail(e->policy, e->directory))
		line(r, "ok", "mail", "codes and notices are sent from the mailbox %s; let the application use no other one",
		     e->policy->mail.from);
}

static bool in_unit(const struct json *list, const struct power *power)
{
	const struct json *value = json_member(list, "value");

	for (size_t i = 0; i < json_length(value); i++) {
		const char *id = json_text_of(json_item(value, i), "id");

		for (size_t n = 0; id && n < power->units_n; n++)
			if (strcasecmp(id, power->units[n]) == 0)
				return true;
	}
	return false;
}

/* Who is outside of the unit would prove everything and be refused at the end. */
static void check_reach(struct graph *graph, const struct power *power, const struct account *account, struct report *r)
{
	_cleanup_(graph_answer_wipe) struct graph_answer a = {};
	char path[PATH];
	const struct graph_request request = { .method = "GET", .path = path, .until = boot_ms() + CHECK_MS };

	if (power->everywhere || power->units_n == 0)
		return;
	snprintf(path, sizeof(path), "/v1.0/users/%s/memberOf?$select=id&$top=999", account->object);
	graph_ask(graph, &request, &a);
	if (a.end != GRAPH_OK)
		line(r, "warn", "user", "whether an administrative unit of the application has this user could not be read: %s",
		     a.detail);
	else if (!in_unit(a.json, power))
		line(r, "fail", "user", "is in no administrative unit in which the application may set passwords: add the user there");
	else
		line(r, "ok", "user", "is in an administrative unit in which the application may set passwords");
}

/* Of several directories one may know the user. */
static const char *level_of(const struct entra *e, enum why why)
{
	return why == WHY_NO_ACCOUNT && e->policy->directories_n > 1 ? "warn" : "fail";
}

static void check_user(const struct entra *e, struct graph *graph, const struct power *power, const struct job *job,
		       struct report *r)
{
	_cleanup_(job_result_wipe) struct job_result found = {};
	struct job lookup = { .kind = JOB_LOOKUP, .account = job->account };

	memcpy(lookup.group, job->group, sizeof(lookup.group));
	entra_lookup(e, &lookup, &found);
	if (found.outcome != OUTCOME_DONE) {
		line(r, level_of(e, found.why), "user", "%s %s%s%s", *found.account.name ? found.account.name : job->account.name,
		     why_text(found.why), *found.detail ? ": " : "", found.detail);
		return;
	}
	line(r, e->policy->enabled == ENABLED_NONE ? "fail" : "ok", "user", "%s (%s) %s", found.account.name,
	     found.account.object,
	     e->policy->enabled == ENABLED_NONE ? "is in order, but [properties] enabled = none lets nobody reset" :
						  "may reset the password");
	line(r, "ok", "user", "registered in Entra: mail %s, mobile phone %s, office phone %s", *found.mail ? "yes" : "no",
	     *found.mobile ? "yes" : "no", *found.office ? "yes" : "no");
	check_reach(graph, power, &found.account, r);
}

static int check_token(const struct token_source *source, struct token *ret, struct report *r)
{
	struct token_trouble trouble = {};

	if (token_get(source, NULL, ret, &trouble) < 0) {
		line(r, "fail", "token", "%s", trouble.detail);
		return -EPERM;
	}
	line(r, "ok", "token", "the tenant gives one to this application");
	return 0;
}

void entra_check(const struct entra *e, const struct job *job, struct job_result *ret)
{
	const struct token_source source = {
		.name = e->directory->name, .policy = &e->directory->entra, .trust = e->trust, .peer = e->peer
	};
	_cleanup_(token_wipe) struct token token = {};
	_cleanup_(graph_closep) struct graph *graph = NULL;
	struct power power = {};
	struct report r = { .b = ret->report, .size = sizeof(ret->report) - sizeof(cut_line) };

	check_configuration(e, &r);
	credentials_report(e->directory->name, e->directory->entra.key, r.b + r.len, r.size - r.len);
	r.len += strlen(r.b + r.len);
	if (check_token(&source, &token, &r) == 0 && graph_open(&source, &graph) == 0) {
		check_permissions(e, graph, &token, &power, &r);
		check_group(e, graph, job->group, &r);
		check_mail(e, &r);
		if (*job->account.name)
			check_user(e, graph, &power, job, &r);
	}
	if (r.cut)
		memcpy(r.b + r.len, cut_line, sizeof(cut_line));
	ret->outcome = OUTCOME_DONE;
}
