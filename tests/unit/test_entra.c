// SPDX-License-Identifier: LGPL-2.1-or-later
/* Which principal name a typed name means, and what Graph's answers about a user mean. */
#include "unit.h"

#include <errno.h>
#include <sys/stat.h>

#include "directory/entra_judge.h"
#include "directory/entra_name.h"

#define ID "87d349ed-44d7-43e1-9a83-5f2406dee5bd"
#define GROUP "0a53828f-36c9-44c3-be3d-99a7fce977ac"

static const struct policy_entra contoso = {
	.domains = { .n = 2, .item = { "contoso.com", "Contoso.onmicrosoft.com" } },
};

static struct json *parse(const char *text)
{
	struct json *j = NULL;

	assert_int_equal(json_parse(text, strlen(text), &j), 0);
	return j;
}

/* ---- names ---- */

static void means(const struct policy_entra *p, const char *typed, const char *principal)
{
	char name[ACCOUNT_NAME];

	assert_int_equal(entra_name(p, typed, name), 0);
	assert_string_equal(name, principal);
}

static void means_nobody(const struct policy_entra *p, const char *typed)
{
	char name[ACCOUNT_NAME] = "untouched";

	assert_int_equal(entra_name(p, typed, name), 1);
}

static void a_name_becomes_a_principal_name(void **state _unused_)
{
	struct policy_entra p = contoso;

	means(&p, "MonicaT@contoso.com", "MonicaT@contoso.com");
	means(&p, "monicat@CONTOSO.onmicrosoft.COM", "monicat@CONTOSO.onmicrosoft.COM");
	means(&p, "monicat", "monicat@contoso.com");
	means(&p, "o'brien", "o'brien@contoso.com");
	snprintf(p.template, sizeof(p.template), "%s", "x-%u@contoso.onmicrosoft.com");
	means(&p, "monicat", "x-monicat@contoso.onmicrosoft.com");
	means_nobody(&p, "");
	means(&p, "MonicaT@contoso.com", "MonicaT@contoso.com");
}

static void names_of_nobody(void **state _unused_)
{
	static const char *const names[] = { "", "@contoso.com", "monicat@", "monicat@fabrikam.com", "a@b@contoso.com", "mon icat",
					     "monicat@contoso.com.", "monicat/../x@contoso.com", "m%00@contoso.com", "m?x",
					     "monicat@contoso.com ", "mönicat", "$batch", "a&b" };
	char longest[80];

	for (size_t i = 0; i < ARRAY_SIZE(names); i++)
		means_nobody(&contoso, names[i]);
	memset(longest, 'a', sizeof(longest));
	longest[65] = 0;
	means_nobody(&contoso, longest);
	longest[64] = 0;
	assert_int_equal(entra_name(&contoso, longest, (char[ACCOUNT_NAME]){}), 0);
}

static void a_map_file_comes_first(void **state _unused_)
{
	struct policy_entra p = contoso;
	char path[] = "/tmp/sspr-map-XXXXXX", name[ACCOUNT_NAME];
	_cleanup_(fclosep) FILE *f = NULL;
	int fd = mkstemp(path);

	assert_true(fd >= 0);
	f = fdopen(fd, "w");
	fputs("# local    Entra\n\nmt MonicaT@contoso.com\nbad\n", f);
	fflush(f);
	snprintf(p.map_file, sizeof(p.map_file), "%s", path);
	means(&p, "mt", "MonicaT@contoso.com");
	/* A wrong line that stands in the way is told, and keeps who stands behind it out. */
	assert_int_equal(entra_name(&p, "alexw", name), -EBADMSG);
	unlink(path);
	assert_int_equal(entra_name(&p, "mt", name), -ENOENT);
	means(&p, "MonicaT@contoso.com", "MonicaT@contoso.com");
}

/* ---- verdicts ---- */

static enum why of_user(const char *type, const char *enabled, const char *synced, const char *name)
{
	_cleanup_(json_freep) struct json *j = NULL;
	char text[512];

	snprintf(text, sizeof(text),
		 "{\"id\":\"" ID "\",\"userPrincipalName\":%s,\"userType\":%s,\"accountEnabled\":%s,\"onPremisesSyncEnabled\":%s,"
		 "\"lastPasswordChangeDateTime\":\"2026-11-20T08:00:00Z\"}",
		 name, type, enabled, synced);
	j = parse(text);
	return entra_judge_user(j);
}

static enum why listed(enum why judge(const struct json *), const char *text)
{
	_cleanup_(json_freep) struct json *j = parse(text);

	return judge(j);
}

#define NAME "\"MonicaT@contoso.com\""

static void A3_guests_and_W10_synced_users_are_refused(void **state _unused_)
{
	assert_int_equal(of_user("\"Member\"", "true", "null", NAME), WHY_NONE);
	assert_int_equal(of_user("\"Member\"", "true", "false", NAME), WHY_NONE);
	assert_int_equal(of_user("\"Member\"", "true", "true", NAME), WHY_SYNCED);
	assert_int_equal(of_user("\"Member\"", "true", "\"true\"", NAME), WHY_BROKEN);
	assert_int_equal(of_user("\"Member\"", "true", "1", NAME), WHY_BROKEN);
	assert_int_equal(of_user("\"Guest\"", "true", "null", NAME), WHY_PROTECTED);
	assert_int_equal(of_user("null", "true", "null", NAME), WHY_PROTECTED);
	assert_int_equal(of_user("\"Member\"", "true", "null", "\"x_y.com#EXT#@contoso.com\""), WHY_PROTECTED);
	assert_int_equal(of_user("\"Member\"", "false", "null", NAME), WHY_LOCKED);
	assert_int_equal(of_user("\"Member\"", "null", "null", NAME), WHY_LOCKED);
	assert_int_equal(of_user("\"Member\"", "\"true\"", "null", NAME), WHY_LOCKED);
	assert_int_equal(of_user("\"Member\"", "true", "null", "null"), WHY_BROKEN);
	assert_int_equal(entra_judge_user(NULL), WHY_BROKEN);
	assert_int_equal(listed(entra_judge_user, "{\"userPrincipalName\":\"a@b\",\"userType\":\"Member\",\"accountEnabled\":true}"),
			 WHY_BROKEN);
}

static void an_account_has_an_id_a_name_and_a_mark(void **state _unused_)
{
	static const char *const wrong[] = {
		"{}", "[]", "{\"id\":\"" ID "\"}", "{\"id\":\"x\",\"userPrincipalName\":\"a@b\"}",
		"{\"id\":\"" ID "\",\"userPrincipalName\":\"a\\u0007@b\"}",
		"{\"id\":\"" ID "\",\"userPrincipalName\":\"a@b\",\"lastPasswordChangeDateTime\":5}",
		"{\"id\":\"" ID "\",\"userPrincipalName\":\"a@b\"}",
	};
	_cleanup_(json_freep) struct json *right = parse("{\"id\":\"" ID "\",\"userPrincipalName\":\"a@b\","
							 "\"lastPasswordChangeDateTime\":null}");
	struct account account = {};

	for (size_t i = 0; i < ARRAY_SIZE(wrong); i++) {
		_cleanup_(json_freep) struct json *j = parse(wrong[i]);

		assert_false(entra_account(j, &account));
	}
	assert_string_equal(account.object, "");
	assert_true(entra_account(right, &account));
	assert_string_equal(account.object, ID);
	assert_string_equal(account.mark, "never");
}

static const char *names_of(const char *text)
{
	_cleanup_(json_freep) struct json *j = parse(text);
	static char names[JOB_NAMES];

	memset(names, 'x', sizeof(names));
	entra_names(j, names);
	return names;
}

static void E6_the_names_of_a_person_are_no_password(void **state _unused_)
{
	char longest[400];

	assert_non_null(strstr(ENTRA_SELECT, ",givenName,surname,displayName"));
	assert_string_equal(names_of("{\"givenName\":\"Monica\",\"surname\":\"Toso\",\"displayName\":\"Mo T.\"}"), "Monica Toso Mo T.");
	assert_string_equal(names_of("{\"givenName\":null,\"surname\":\"Toso\",\"displayName\":5}"), "Toso");
	assert_string_equal(names_of("{\"surname\":\"To\\u0007so\\u202e\"}"), "Toso");
	assert_string_equal(names_of("{}"), "");
	snprintf(longest, sizeof(longest), "{\"givenName\":\"%0190d\",\"surname\":\"Toso\"}", 0);
	assert_int_equal(strlen(names_of(longest)), JOB_NAMES - 1);
	snprintf(longest, sizeof(longest), "{\"givenName\":\"%0300d\",\"surname\":\"Toso\"}", 0);
	assert_int_equal(strlen(names_of(longest)), JOB_NAMES - 1);
}

static void A3_whoever_has_a_role_is_refused(void **state _unused_)
{
	assert_int_equal(listed(entra_judge_protection, "{\"value\":[]}"), WHY_NONE);
	assert_int_equal(listed(entra_judge_protection, "{\"value\":[{\"id\":\"1\"}]}"), WHY_PROTECTED);
	assert_int_equal(listed(entra_judge_protection, "{\"value\":{}}"), WHY_BROKEN);
	assert_int_equal(listed(entra_judge_protection, "{\"value\":null}"), WHY_BROKEN);
	assert_int_equal(listed(entra_judge_protection, "{}"), WHY_BROKEN);
	assert_int_equal(entra_judge_protection(NULL), WHY_BROKEN);
}

static void a_domain_is_managed_or_refused(void **state _unused_)
{
	assert_int_equal(listed(entra_judge_domain, "{\"authenticationType\":\"Managed\"}"), WHY_NONE);
	assert_int_equal(listed(entra_judge_domain, "{\"authenticationType\":\"Federated\"}"), WHY_FEDERATED);
	assert_int_equal(listed(entra_judge_domain, "{\"authenticationType\":\"New\"}"), WHY_BROKEN);
	assert_int_equal(entra_judge_domain(NULL), WHY_BROKEN);
}

static void the_mirror_says_who_is_capable(void **state _unused_)
{
	assert_int_equal(listed(entra_judge_registration, "{\"isSsprCapable\":true}"), WHY_NONE);
	assert_int_equal(listed(entra_judge_registration, "{\"value\":{\"isSsprCapable\":true}}"), WHY_NONE);
	assert_int_equal(listed(entra_judge_registration, "{\"isSsprCapable\":false}"), WHY_NOT_CAPABLE);
	assert_int_equal(listed(entra_judge_registration, "{\"isSsprCapable\":\"true\"}"), WHY_NOT_CAPABLE);
	assert_int_equal(entra_judge_registration(NULL), WHY_NOT_CAPABLE);
}

static enum why member(const char *text)
{
	_cleanup_(json_freep) struct json *j = parse(text);

	return entra_judge_scope(j, GROUP);
}

static void only_the_scope_group_is_in_scope(void **state _unused_)
{
	assert_int_equal(member("{\"value\":[\"" GROUP "\"]}"), WHY_NONE);
	assert_int_equal(member("{\"value\":[\"0A53828F-36C9-44C3-BE3D-99A7FCE977AC\"]}"), WHY_NONE);
	assert_int_equal(member("{\"value\":[]}"), WHY_NOT_IN_SCOPE);
	assert_int_equal(member("{\"value\":[\"" ID "\",null,5]}"), WHY_NOT_IN_SCOPE);
	assert_int_equal(member("{\"value\":\"" GROUP "\"}"), WHY_BROKEN);
}

static int group_of(const char *text)
{
	_cleanup_(json_freep) struct json *j = parse(text);
	char id[ACCOUNT_OBJECT];

	return entra_group_id(j, id);
}

static void a_group_name_must_mean_one_group(void **state _unused_)
{
	assert_int_equal(group_of("{\"value\":[{\"id\":\"" GROUP "\"}]}"), 0);
	assert_int_equal(group_of("{\"value\":[]}"), -ENOENT);
	assert_int_equal(group_of("{\"value\":[{\"id\":\"" GROUP "\"},{\"id\":\"" ID "\"}]}"), -ENOTUNIQ);
	assert_int_equal(group_of("{\"value\":[{\"id\":\"x\"}]}"), -EBADMSG);
	assert_int_equal(group_of("{}"), -EBADMSG);
}

/* ---- contacts ---- */

static void M1_contacts_come_from_where_the_policy_says(void **state _unused_)
{
	_cleanup_(json_freep) struct json *user =
		parse("{\"otherMails\":[\"private@example.net\"],\"mobilePhone\":\"+1 4255550100\",\"businessPhones\":[\"+1 4255550199\"]}");
	_cleanup_(json_freep) struct json *phones =
		parse("{\"value\":[{\"phoneType\":\"mobile\",\"phoneNumber\":\"+1 2065555555\"},"
		      "{\"phoneType\":\"office\",\"phoneNumber\":\"+1 2065550000\"},"
		      "{\"phoneType\":\"alternateMobile\",\"phoneNumber\":\"+1 2065551111\"}]}");
	_cleanup_(json_freep) struct json *mails = parse("{\"value\":[{\"emailAddress\":\"monica@example.org\"}]}");
	struct job_result r = {};

	entra_contacts(CONTACTS_NONE, user, phones, mails, &r);
	assert_string_equal(r.mail, "");
	assert_string_equal(r.mobile, "");
	entra_contacts(CONTACTS_REGISTERED, user, NULL, NULL, &r);
	assert_string_equal(r.mail, "");
	entra_contacts(CONTACTS_PROFILE, user, NULL, NULL, &r);
	assert_string_equal(r.mail, "private@example.net");
	assert_string_equal(r.mobile, "+1 4255550100");
	r = (struct job_result){};
	entra_contacts(CONTACTS_PROFILE, user, phones, mails, &r);
	assert_string_equal(r.mail, "monica@example.org");
	assert_string_equal(r.mobile, "+1 2065555555");
	assert_string_equal(r.office, "+1 2065550000");
}

/* Whoever knows the user hears of a reset, whatever codes may go to; each address once. */
static void all_addresses_are_told(void **state _unused_)
{
	_cleanup_(json_freep) struct json *user = parse("{\"mail\":\"monica@contoso.com\",\"otherMails\":[\"MONICA@example.org\",\"a@b.c\","
							 "\"x\\ny@b.c\",\"d@e.f\",\"one@too.many\"]}");
	_cleanup_(json_freep) struct json *mails = parse("{\"value\":[{\"emailAddress\":\"monica@example.org\"}]}");
	struct job_result r = {};

	entra_contacts(CONTACTS_REGISTERED, user, NULL, mails, &r);
	assert_string_equal(r.contacts[0], "monica@example.org");
	assert_string_equal(r.contacts[1], "monica@contoso.com");
	assert_string_equal(r.contacts[2], "a@b.c");
	assert_string_equal(r.contacts[3], "d@e.f");
	r = (struct job_result){};
	entra_contacts(CONTACTS_NONE, user, NULL, NULL, &r);
	assert_string_equal(r.mail, "");
	assert_string_equal(r.contacts[0], "monica@contoso.com");
}

static void contacts_that_are_none(void **state _unused_)
{
	_cleanup_(json_freep) struct json *phones = parse("{\"value\":[{\"phoneType\":\"mobile\",\"phoneNumber\":\"+XX XXXXXXXX55\"},"
							  "{\"phoneType\":\"office\",\"phoneNumber\":\"+1 2065550000x123\"},{},5,null]}");
	_cleanup_(json_freep) struct json *mails = parse("{\"value\":[{\"emailAddress\":\"a@b\\r\\nBcc: x@y\"}]}");
	struct job_result r = {};

	entra_contacts(CONTACTS_PROFILE, NULL, phones, mails, &r);
	assert_string_equal(r.mail, "");
	assert_string_equal(r.mobile, "");
	assert_string_equal(r.office, "");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_name_becomes_a_principal_name),
		cmocka_unit_test(names_of_nobody),
		cmocka_unit_test(a_map_file_comes_first),
		cmocka_unit_test(A3_guests_and_W10_synced_users_are_refused),
		cmocka_unit_test(an_account_has_an_id_a_name_and_a_mark),
		cmocka_unit_test(E6_the_names_of_a_person_are_no_password),
		cmocka_unit_test(A3_whoever_has_a_role_is_refused),
		cmocka_unit_test(a_domain_is_managed_or_refused),
		cmocka_unit_test(the_mirror_says_who_is_capable),
		cmocka_unit_test(only_the_scope_group_is_in_scope),
		cmocka_unit_test(a_group_name_must_mean_one_group),
		cmocka_unit_test(M1_contacts_come_from_where_the_policy_says),
		cmocka_unit_test(all_addresses_are_told),
		cmocka_unit_test(contacts_that_are_none),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
