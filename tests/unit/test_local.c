// SPDX-License-Identifier: LGPL-2.1-or-later

/* LOOKUP and RESET of local accounts by files of the test; the name service and PAM are played by the test. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <grp.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "directory/local.h"
#include "directory/local_pam.h"

#define OLD "Autumn-forgotten-41"
/* crypt(OLD, "$1$saltsalt"): cheap, and every libcrypt still knows it. */
#define OLD_HASH "$1$saltsalt$y0xY8S0vVqVizy7b6t4Yh."
#define NEW "Spring-remembered-58"
#define OTHER_HASH "$1$saltsalt$aaaaaaaaaaaaaaaaaaaaaa"
#define PASSWD "root:x:0:0::/root:/bin/sh\nmonica:x:1000:1000::/:/bin/sh\npavel:x:1001:1001::/:/bin/sh\n"

static char folder[64];
static struct policy policy;
static const char *service_knows; /* a line of passwd(5) that the name service has instead of the file's */

/* What PAM does in this test: the hash that it writes, and what it says. */
static struct {
	const char *writes;
	enum why says;
	unsigned int calls;
	char name[ACCOUNT_NAME];
	bool removes;
} pam;

static const char *path(const char *name)
{
	static char paths[64][128];
	static size_t n;
	char *p = paths[n++ % ARRAY_SIZE(paths)];

	snprintf(p, sizeof(paths[0]), "%s/%s", folder, name);
	return p;
}

static void put(const char *name, const char *text)
{
	FILE *f = fopen(path(name), "we");

	assert_non_null(f);
	fputs(text, f);
	fclose(f);
}

static void put_shadow(const char *hash)
{
	char text[512];

	snprintf(text, sizeof(text), "root:*:19000::::::\nmonica:%s:19000:0:99999:7:::\npavel:%s:19000::::::\n", hash,
		 OTHER_HASH);
	put("shadow", text);
}

enum why local_pam_change(const char *name, const struct secret *password)
{
	pam.calls++;
	snprintf(pam.name, sizeof(pam.name), "%s", name);
	assert_true(password->len > 0);
	if (pam.removes)
		unlink(path("shadow"));
	else if (pam.writes)
		put_shadow(pam.writes);
	return pam.says;
}

static int passwd_line(const char *name, uid_t uid, struct passwd *entry, char *buffer, size_t size, struct passwd **ret)
{
	FILE *f = service_knows ? fmemopen((char *)(uintptr_t)service_knows, strlen(service_knows), "r") :
				  fopen(path("passwd"), "re");
	int r;

	do
		r = fgetpwent_r(f, entry, buffer, size, ret);
	while (r == 0 && (name ? strcmp(entry->pw_name, name) != 0 : entry->pw_uid != uid));
	fclose(f);
	if (r != 0)
		*ret = NULL;
	return r == ENOENT ? 0 : r;
}

int getpwnam_r(const char *name, struct passwd *entry, char *buffer, size_t size, struct passwd **ret)
{
	return passwd_line(name, 0, entry, buffer, size, ret);
}

int getpwuid_r(uid_t uid, struct passwd *entry, char *buffer, size_t size, struct passwd **ret)
{
	return passwd_line(NULL, uid, entry, buffer, size, ret);
}

int getgrnam_r(const char *name _unused_, struct group *group _unused_, char *buffer _unused_, size_t size _unused_,
	       struct group **ret)
{
	*ret = NULL;
	return 0;
}

int getgrouplist(const char *user _unused_, gid_t gid, gid_t *ret, int *n)
{
	ret[0] = gid;
	*n = 1;
	return 1;
}

static int setup(void **state _unused_)
{
	snprintf(folder, sizeof(folder), "/tmp/test-local-XXXXXX");
	if (!mkdtemp(folder))
		return -1;
	put("passwd", PASSWD);
	put("group", "sudo:x:27:\nusers:x:100:monica\nmonica:x:1000:\n");
	put("shells", "/bin/sh\n");
	put("login.defs", "UID_MIN 1000\n");
	put_shadow(OLD_HASH);
	memset(&pam, 0, sizeof(pam));
	service_knows = NULL;
	memset(&policy, 0, sizeof(policy));
	policy.enabled = ENABLED_ALL;
	policy.password.min_length = 8;
	policy.password.max_length = 256;
	policy.password.min_classes = 1;
	policy.local.privileged_groups.n = 1;
	memcpy(policy.local.privileged_groups.item[0], "sudo", sizeof("sudo"));
	return 0;
}

static int teardown(void **state _unused_)
{
	static const char *const names[] = { "passwd", "shadow", "group", "shells", "login.defs", "lock" };

	for (size_t i = 0; i < ARRAY_SIZE(names); i++)
		unlink(path(names[i]));
	return rmdir(folder);
}

static struct local local(void)
{
	return (struct local){ .policy = &policy,
			       .files = { .passwd = path("passwd"),
					  .shadow = path("shadow"),
					  .group = path("group"),
					  .shells = path("shells"),
					  .login_defs = path("login.defs"),
					  .lock = path("lock") } };
}

static struct job_result lookup(const char *name, const char *group)
{
	struct local l = local();
	struct job job = { .kind = JOB_LOOKUP, .account = { .directory = "local" } };
	struct job_result result = {};

	snprintf(job.account.name, sizeof(job.account.name), "%s", name);
	snprintf(job.group, sizeof(job.group), "%s", group);
	local_lookup(&l, -1, &job, &result);
	return result;
}

static struct job_result reset(const char *object, const char *name, const char *password)
{
	struct local l = local();
	struct job job = { .kind = JOB_RESET, .account = { .directory = "local" } };
	struct job_result result = {};

	snprintf(job.account.object, sizeof(job.account.object), "%s", object);
	snprintf(job.account.name, sizeof(job.account.name), "%s", name);
	assert_int_equal(secret_set(&job.secret, password, strlen(password)), 0);
	local_reset(&l, -1, &job, &result);
	return result;
}

static void assert_refused(struct job_result r, enum why why)
{
	assert_int_equal(r.outcome, OUTCOME_REFUSED);
	assert_int_equal(r.why, why);
}

static void test_lookup(void **state _unused_)
{
	struct job_result r = lookup("monica", "");

	assert_int_equal(r.outcome, OUTCOME_DONE);
	assert_string_equal(r.account.directory, "local");
	assert_string_equal(r.account.object, "1000");
	assert_string_equal(r.account.name, "monica");
	assert_int_equal(strlen(r.account.mark), 64);
	assert_int_equal(lookup("monica", "users").outcome, OUTCOME_DONE);
	assert_refused(lookup("pavel", "users"), WHY_NOT_IN_SCOPE);
	assert_refused(lookup("monica", "absent"), WHY_MISCONFIGURED);
	assert_refused(lookup("absent", ""), WHY_NO_ACCOUNT);
	assert_refused(lookup("../monica", ""), WHY_NO_ACCOUNT);
	assert_refused(lookup("root", ""), WHY_PROTECTED);
}

static void test_mark_changes_with_the_hash_and_tells_nothing_of_it(void **state _unused_)
{
	struct job_result before = lookup("monica", ""), after;

	assert_null(strstr(before.account.mark, "saltsalt"));
	assert_string_equal(before.account.mark, lookup("monica", "").account.mark);
	put_shadow(OTHER_HASH);
	after = lookup("monica", "");
	assert_string_not_equal(before.account.mark, after.account.mark);
	/* The same hash, another account. */
	assert_string_not_equal(after.account.mark, lookup("pavel", "").account.mark);
}

static void test_refusals_name_the_account_where_there_is_one(void **state _unused_)
{
	struct job_result r;

	put("group", "sudo:x:27:monica\n");
	r = lookup("monica", "");
	assert_refused(r, WHY_PROTECTED);
	assert_string_equal(r.account.object, "1000");
	assert_string_equal(r.account.name, "monica");
	assert_string_equal(r.account.mark, "");
	assert_string_equal(lookup("absent", "").account.name, "");
}

static void test_a6_name_service_disagrees(void **state _unused_)
{
	service_knows = "monica:x:5000:5000::/:/bin/sh\n";
	assert_refused(lookup("monica", ""), WHY_AMBIGUOUS);
	assert_refused(reset("1000", "monica", NEW), WHY_AMBIGUOUS);
	/* Another primary group, which a login would get. */
	service_knows = "monica:x:1000:5000::/:/bin/sh\n";
	assert_refused(lookup("monica", ""), WHY_AMBIGUOUS);
	assert_int_equal(pam.calls, 0);
}

static void test_reset(void **state _unused_)
{
	struct job_result before = lookup("monica", ""), r;

	pam.writes = OTHER_HASH;
	r = reset("1000", "monica", NEW);
	assert_int_equal(r.outcome, OUTCOME_DONE);
	assert_string_equal(pam.name, "monica");
	assert_string_not_equal(r.account.mark, before.account.mark);
	assert_string_equal(r.account.mark, lookup("monica", "").account.mark);
}

static void test_w9_three_outcomes(void **state _unused_)
{
	static const struct {
		const char *writes;
		enum why says;
		bool removes;
		enum outcome outcome;
	} rows[] = {
		{ OTHER_HASH, WHY_NONE, false, OUTCOME_DONE },
		{ NULL, WHY_USED_BEFORE, false, OUTCOME_REFUSED },
		{ NULL, WHY_BROKEN, false, OUTCOME_REFUSED },
		{ NULL, WHY_NONE, false, OUTCOME_UNKNOWN },	  /* PAM lies */
		{ OTHER_HASH, WHY_BROKEN, false, OUTCOME_UNKNOWN }, /* it failed after the write, or another one wrote */
		{ NULL, WHY_NONE, true, OUTCOME_UNKNOWN },
		{ NULL, WHY_BROKEN, true, OUTCOME_UNKNOWN },
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct job_result r;

		put_shadow(OLD_HASH);
		pam.writes = rows[i].writes;
		pam.says = rows[i].says;
		pam.removes = rows[i].removes;
		r = reset("1000", "monica", NEW);
		assert_int_equal(r.outcome, rows[i].outcome);
		assert_int_equal(r.why, rows[i].says);
	}
}

static void test_w2_object_and_name(void **state _unused_)
{
	static const char *const objects[] = { "",	"01000",      "+1000",	    " 1000", "1000 ",
					       "0x3e8", "monica",     "-1",	    "2000",  "4294967295",
					       "1000a", "4294968296", "18446744073709552616" };

	pam.writes = OTHER_HASH;
	for (size_t i = 0; i < ARRAY_SIZE(objects); i++)
		assert_refused(reset(objects[i], "monica", NEW), WHY_NO_ACCOUNT);
	assert_refused(reset("1000", "pavel", NEW), WHY_RENAMED);
	assert_refused(reset("0", "root", NEW), WHY_PROTECTED);
	put("passwd", "monika:x:1000:1000::/:/bin/sh\nmonica:x:1002:1002::/:/bin/sh\n");
	put("shadow", "monika:" OTHER_HASH ":19000::::::\n");
	assert_refused(reset("1000", "monica", NEW), WHY_RENAMED);
	assert_int_equal(pam.calls, 0);
}

/* Somebody else has set a password since the look-up: theirs stays. */
static void test_w9_another_mark(void **state _unused_)
{
	struct job job = { .kind = JOB_RESET, .account = lookup("monica", "").account };
	struct local l = local();
	struct job_result r = {};

	secret_set(&job.secret, NEW, strlen(NEW));
	job.account.mark[0] ^= 1;
	local_reset(&l, -1, &job, &r);
	assert_refused(r, WHY_MEANWHILE);
	assert_int_equal(pam.calls, 0);
}

static void test_w3_w4_judged_again_at_the_write(void **state _unused_)
{
	assert_int_equal(lookup("monica", "").outcome, OUTCOME_DONE);
	put_shadow("!" OTHER_HASH);
	assert_refused(reset("1000", "monica", NEW), WHY_LOCKED);
	put_shadow(OLD_HASH);
	put("group", "sudo:x:27:monica\n");
	assert_refused(reset("1000", "monica", NEW), WHY_PROTECTED);
	put("group", "");
	put("shells", "/bin/bash\n");
	assert_refused(reset("1000", "monica", NEW), WHY_NO_LOGIN);
	assert_int_equal(pam.calls, 0);
}

static void test_w5_passwords(void **state _unused_)
{
	static const struct {
		const char *password;
		enum why why;
	} rows[] = {
		{ "a", WHY_TOO_SHORT },
		{ "monica-2026-x", WHY_NAME },
		{ "Spring\nremembered", WHY_CHARACTERS },
		{ "Spring\xff-remembered", WHY_CHARACTERS },
		{ OLD, WHY_USED_BEFORE },
	};

	pam.writes = OTHER_HASH;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
		assert_refused(reset("1000", "monica", rows[i].password), rows[i].why);
	assert_int_equal(pam.calls, 0);
}

/* The writer's own check of W5 and E6: the names it reads itself, whatever the asking side knows of them. */
static void test_w5_names_and_common_words(void **state _unused_)
{
	struct job_result found;

	put("passwd", "monica:x:1000:1000:Monica Toso-Berg,Room 7,555:/:/bin/sh\n");
	found = lookup("monica", "");
	assert_string_equal(found.names, "Monica Toso-Berg");
	pam.writes = OTHER_HASH;
	assert_int_equal(reset("1000", "monica", "Under-the-toso-bridge").outcome, OUTCOME_DONE);
	policy.password.protection = true;
	put_shadow(OLD_HASH);
	pam.calls = 0;
	assert_refused(reset("1000", "monica", "Under-the-toso-bridge"), WHY_NAME);
	assert_refused(reset("1000", "monica", "B3RG-iceberg-B3RG"), WHY_NAME);
	assert_refused(reset("1000", "monica", "P@ssw0rd123"), WHY_GUESSABLE);
	policy.password.organisation.n = 1;
	memcpy(policy.password.organisation.item[0], "Northwind", sizeof("Northwind"));
	assert_refused(reset("1000", "monica", "Under-the-n0rthwind-tree"), WHY_WORD);
	assert_int_equal(pam.calls, 0);
	assert_int_equal(reset("1000", "monica", NEW).outcome, OUTCOME_DONE);
}

static void test_the_policy_has_the_last_word(void **state _unused_)
{
	pam.writes = OTHER_HASH;
	policy.enabled = ENABLED_NONE;
	assert_refused(reset("1000", "monica", NEW), WHY_NOT_IN_SCOPE);
	policy.enabled = ENABLED_SELECTED;
	memcpy(policy.group, "sudo", sizeof("sudo"));
	assert_refused(reset("1000", "monica", NEW), WHY_NOT_IN_SCOPE);
	memcpy(policy.group, "absent", sizeof("absent"));
	assert_refused(reset("1000", "monica", NEW), WHY_MISCONFIGURED);
	assert_int_equal(pam.calls, 0);
	memcpy(policy.group, "users", sizeof("users"));
	assert_int_equal(reset("1000", "monica", NEW).outcome, OUTCOME_DONE);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_lookup, setup, teardown),
		cmocka_unit_test_setup_teardown(test_mark_changes_with_the_hash_and_tells_nothing_of_it, setup, teardown),
		cmocka_unit_test_setup_teardown(test_refusals_name_the_account_where_there_is_one, setup, teardown),
		cmocka_unit_test_setup_teardown(test_a6_name_service_disagrees, setup, teardown),
		cmocka_unit_test_setup_teardown(test_reset, setup, teardown),
		cmocka_unit_test_setup_teardown(test_w9_three_outcomes, setup, teardown),
		cmocka_unit_test_setup_teardown(test_w2_object_and_name, setup, teardown),
		cmocka_unit_test_setup_teardown(test_w9_another_mark, setup, teardown),
		cmocka_unit_test_setup_teardown(test_w3_w4_judged_again_at_the_write, setup, teardown),
		cmocka_unit_test_setup_teardown(test_w5_passwords, setup, teardown),
		cmocka_unit_test_setup_teardown(test_w5_names_and_common_words, setup, teardown),
		cmocka_unit_test_setup_teardown(test_the_policy_has_the_last_word, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
