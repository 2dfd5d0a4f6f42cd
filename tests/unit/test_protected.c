// SPDX-License-Identifier: LGPL-2.1-or-later

/* Who is never reset: rows W1 W4 A1 A2 A6, by files in a folder of the test and a name service that the test plays. */

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
#include "directory/names.h"
#include "directory/protected.h"

#define TODAY 20000

static char folder[64];

/* The name service of the test. */
static struct {
	const char *group;
	gid_t gid;
	const char *member; /* of that group */
	int error;
	const char *user;
	uid_t uid;
} service;

int getgrnam_r(const char *name, struct group *group, char *buffer _unused_, size_t size _unused_, struct group **ret)
{
	*ret = NULL;
	if (service.error)
		return service.error;
	if (!service.group || strcmp(name, service.group) != 0)
		return 0;
	*group = (struct group){ .gr_name = (char *)(uintptr_t)service.group, .gr_gid = service.gid };
	*ret = group;
	return 0;
}

int getgrouplist(const char *user, gid_t gid, gid_t *ret, int *n)
{
	int known = 0;

	ret[known++] = gid;
	if (service.member && strcmp(user, service.member) == 0)
		ret[known++] = service.gid;
	*n = known;
	return known;
}

static int passwd_found(bool found, struct passwd *entry, struct passwd **ret)
{
	*ret = NULL;
	if (service.error)
		return service.error;
	if (!found)
		return 0;
	*entry = (struct passwd){ .pw_name = (char *)(uintptr_t)service.user, .pw_uid = service.uid, .pw_gid = service.gid };
	*ret = entry;
	return 0;
}

int getpwnam_r(const char *name, struct passwd *entry, char *buffer _unused_, size_t size _unused_, struct passwd **ret)
{
	return passwd_found(service.user && strcmp(name, service.user) == 0, entry, ret);
}

int getpwuid_r(uid_t uid, struct passwd *entry, char *buffer _unused_, size_t size _unused_, struct passwd **ret)
{
	return passwd_found(service.user && uid == service.uid, entry, ret);
}

static const char *path(const char *name)
{
	static char paths[8][128];
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

static struct files files(void)
{
	return (struct files){ .passwd = path("passwd"),
			       .shadow = path("shadow"),
			       .group = path("group"),
			       .shells = path("shells"),
			       .login_defs = path("login.defs") };
}

static int setup(void **state _unused_)
{
	snprintf(folder, sizeof(folder), "/tmp/test-protected-XXXXXX");
	memset(&service, 0, sizeof(service));
	return mkdtemp(folder) ? 0 : -1;
}

static int teardown(void **state _unused_)
{
	static const char *const names[] = { "passwd", "shadow", "group", "shells", "login.defs" };

	for (size_t i = 0; i < ARRAY_SIZE(names); i++)
		unlink(path(names[i]));
	return rmdir(folder);
}

static void test_w1_a1_uids(void **state _unused_)
{
	static const struct {
		uid_t uid;
		enum why why;
	} rows[] = {
		{ 0, WHY_PROTECTED },	  { 1, WHY_PROTECTED },	    { 999, WHY_PROTECTED },   { 1000, WHY_NONE },
		{ 61183, WHY_NONE },	  { 61184, WHY_PROTECTED }, { 65519, WHY_PROTECTED }, { 65520, WHY_NONE },
		{ 65533, WHY_NONE },	  { 65534, WHY_PROTECTED }, { 65535, WHY_PROTECTED }, { 65536, WHY_NONE },
		{ 4294967294, WHY_NONE }, { 4294967295, WHY_PROTECTED },
	};
	struct files f = files();

	put("login.defs", "# UID_MIN 1\nSYS_UID_MIN 100\n\tUID_MIN\t\t 1000 \nUID_MAX 60000\nUID_MINIMUM 5\n");
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
		assert_int_equal(protected_uid(&f, rows[i].uid), rows[i].why);
}

static void test_uid_min(void **state _unused_)
{
	static const struct {
		const char *text;
		uid_t uid;
		enum why why;
	} rows[] = {
		{ "", 999, WHY_PROTECTED },		    { "", 1000, WHY_NONE },
		{ "UID_MIN 500\n", 500, WHY_NONE },	    { "UID_MIN 500\n", 499, WHY_PROTECTED },
		{ "UID_MIN 0\n", 0, WHY_PROTECTED },	    { "UID_MIN 2000", 1999, WHY_PROTECTED },
		{ "UID_MIN -1\n", 1000, WHY_MISCONFIGURED }, { "UID_MIN x\n", 1000, WHY_MISCONFIGURED },
		{ "UID_MIN 1000x\n", 1000, WHY_MISCONFIGURED },
	};
	struct files f = files();

	assert_int_equal(protected_uid(&f, 1000), WHY_BROKEN);
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		put("login.defs", rows[i].text);
		assert_int_equal(protected_uid(&f, rows[i].uid), rows[i].why);
	}
}

static void test_a1_shells(void **state _unused_)
{
	static const struct {
		const char *shell;
		enum why why;
	} rows[] = {
		{ "/bin/bash", WHY_NONE },	     { "/bin/sh", WHY_NONE },
		{ "", WHY_NONE },		     { "/bin/zsh", WHY_NO_LOGIN },
		{ "/usr/sbin/nologin", WHY_NO_LOGIN }, { "/bin/false", WHY_NO_LOGIN },
		{ "/opt/nologin", WHY_NO_LOGIN },    { "bash", WHY_NO_LOGIN },
		{ "/bin/bas", WHY_NO_LOGIN },	     { "/bin/bash ", WHY_NO_LOGIN },
		{ "# comment", WHY_NO_LOGIN },
	};
	struct files f = files();

	assert_int_equal(protected_shell(&f, "/bin/bash"), WHY_BROKEN);
	put("shells", "# comment\n/bin/sh\n/bin/bash # the usual one\n/usr/sbin/nologin\n/bin/false\n/opt/nologin");
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
		assert_int_equal(protected_shell(&f, rows[i].shell), rows[i].why);
}

#define HASH "$y$j9T$e00J6slxLetgPqlJcooFS1$BMTD"

static void test_w4_locked(void **state _unused_)
{
	static const struct {
		const char *hash;
		bool shadowed;
		long changed, max, inactive, expires;
		enum why why;
	} rows[] = {
		{ HASH, true, 19000, 99999, -1, -1, WHY_NONE },
		{ "abJnggxhB/yWI", true, 19000, 99999, -1, -1, WHY_LOCKED },
		{ HASH, false, 19000, 99999, -1, -1, WHY_LOCKED },
		{ "!" HASH, true, 19000, 99999, -1, -1, WHY_LOCKED },
		{ "*" HASH, true, 19000, 99999, -1, -1, WHY_LOCKED },
		{ HASH "!", true, 19000, 99999, -1, -1, WHY_LOCKED },
		{ "!", true, 19000, 99999, -1, -1, WHY_LOCKED },
		{ "*", true, 19000, 99999, -1, -1, WHY_LOCKED },
		{ "x", true, 19000, 99999, -1, -1, WHY_LOCKED },
		{ "disabled-by-it", true, 19000, 99999, -1, -1, WHY_LOCKED },
		{ "LOCKED.LOCKED", true, 19000, 99999, -1, -1, WHY_LOCKED },
		{ "$disabled$by$it$and$very$long", true, 19000, 99999, -1, -1, WHY_LOCKED },
		{ "", true, 19000, 99999, -1, -1, WHY_LOCKED },
		/* expires */
		{ HASH, true, 19000, 99999, -1, TODAY + 1, WHY_NONE },
		{ HASH, true, 19000, 99999, -1, TODAY, WHY_LOCKED },
		{ HASH, true, 19000, 99999, -1, 0, WHY_LOCKED },
		/* inactive: changed + max + inactive */
		{ HASH, true, TODAY - 100, 90, 10, -1, WHY_NONE },
		{ HASH, true, TODAY - 101, 90, 10, -1, WHY_LOCKED },
		{ HASH, true, TODAY - 101, 90, -1, -1, WHY_NONE },
		{ HASH, true, TODAY - 101, -1, 10, -1, WHY_NONE },
		/* must be changed at the next login: no hindrance */
		{ HASH, true, 0, 90, 10, -1, WHY_NONE },
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct files_user user = { .shadowed = rows[i].shadowed };
		struct files_shadow shadow = { .changed = rows[i].changed,
					       .max = rows[i].max,
					       .inactive = rows[i].inactive,
					       .expires = rows[i].expires };

		snprintf(shadow.hash, sizeof(shadow.hash), "%s", rows[i].hash);
		assert_int_equal(protected_locked(&user, &shadow, TODAY), rows[i].why);
	}
}

static enum why judge_groups(gid_t primary, const char *allowed)
{
	struct files f = files();
	struct files_user user = { .uid = 1000, .gid = primary, .name = "monica" };
	struct policy_local policy = { .privileged_groups = { .n = 2, .item = { "sudo", "docker" } } };
	struct groups groups;

	if (allowed) {
		policy.allow_privileged.n = 1;
		snprintf(policy.allow_privileged.item[0], sizeof(policy.allow_privileged.item[0]), "%s", allowed);
	}
	if (groups_read(&f, &user, &groups) < 0)
		return WHY_BROKEN;
	return protected_groups(&f, &policy, "monica", &groups);
}

static void test_a2_groups_of_the_file(void **state _unused_)
{
	static const struct {
		const char *text;
		gid_t primary;
		enum why why;
	} rows[] = {
		{ "sudo:x:27:pavel\nmonica:x:1000:\n", 1000, WHY_NONE },
		{ "sudo:x:27:pavel,monica\nmonica:x:1000:\n", 1000, WHY_PROTECTED },
		{ "sudo:x:27:\n", 27, WHY_PROTECTED },
		{ "sudo:x:27:\nharmless:x:27:monica\n", 1000, WHY_PROTECTED },
		{ "sudo:x:27:\nsudo:x:28:monica\n", 1000, WHY_PROTECTED },
		{ "docker:x:999:monica\n", 1000, WHY_PROTECTED },
		{ "root:x:0:monica\n", 1000, WHY_PROTECTED },
		{ "sudo:x:27:monicas,amonica\n", 1000, WHY_NONE },
		{ "", 0, WHY_PROTECTED },
	};

	assert_int_equal(judge_groups(1000, NULL), WHY_BROKEN);
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		put("group", rows[i].text);
		assert_int_equal(judge_groups(rows[i].primary, NULL), rows[i].why);
	}
}

static void test_a2_a6_groups_of_a_directory(void **state _unused_)
{
	put("group", "monica:x:1000:\n");
	service.group = "docker";
	service.gid = 500123;
	assert_int_equal(judge_groups(1000, NULL), WHY_NONE);
	service.member = "monica";
	assert_int_equal(judge_groups(1000, NULL), WHY_PROTECTED);
	service.member = NULL;
	assert_int_equal(judge_groups(500123, NULL), WHY_PROTECTED);
	service.error = EIO;
	assert_int_equal(judge_groups(1000, NULL), WHY_BROKEN);
	/* A directory that is away may know what the files do not. */
	service.error = ENOENT;
	assert_int_equal(judge_groups(1000, NULL), WHY_BROKEN);
}

static void test_a2_allow_privileged(void **state _unused_)
{
	put("group", "sudo:x:27:monica\n");
	assert_int_equal(judge_groups(1000, "monica"), WHY_NONE);
	assert_int_equal(judge_groups(1000, "monic"), WHY_PROTECTED);
	assert_int_equal(judge_groups(1000, "MONICA"), WHY_PROTECTED);
}

static void test_a6_name_service(void **state _unused_)
{
	service.user = "monica";
	service.uid = 1000;
	service.gid = 100;
	assert_int_equal(name_agreed("monica", 1000, 100), 1);
	assert_int_equal(name_agreed("monica", 1001, 100), 0);
	assert_int_equal(name_agreed("monica", 1000, 101), 0);
	assert_int_equal(name_agreed("pavel", 1000, 100), 0);
	service.error = ENOENT;
	assert_int_equal(name_agreed("monica", 1000, 100), 0);
	service.error = EIO;
	assert_int_equal(name_agreed("monica", 1000, 100), -EIO);
}

static void test_names(void **state _unused_)
{
	static const char *const good[] = { "monica", "a", "_x", "a.b-c_9", "M0nica", "9lives",
					    "abcdefghijklmnopqrstuvwxyz012345" };
	static const char *const bad[] = { "",	    "-x",  ".x", "../x",   "a/b",    "a b", "a:b", "1000", "monic\xc3\xa1",
					   "a\n",   "a\033", "+", "+monica", "monica$", "@x",
					   "abcdefghijklmnopqrstuvwxyz0123456" };

	for (size_t i = 0; i < ARRAY_SIZE(good); i++)
		assert_true(name_valid(good[i]));
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
		assert_false(name_valid(bad[i]));
}

static void test_a6_files(void **state _unused_)
{
	struct files f = files();
	struct files_user user;
	struct files_shadow shadow;

	assert_int_equal(files_user_by_name(&f, "monica", &user), -ENOENT);
	put("passwd", "root:x:0:0::/root:/bin/bash\nmonica:x:1000:1000::/home/monica:/bin/bash\nbroken line\n"
		      "pavel::1001:1001::/:\n+nis::::::\n");
	assert_int_equal(files_user_by_name(&f, "monica", &user), 0);
	assert_int_equal(user.uid, 1000);
	assert_true(user.shadowed);
	assert_string_equal(user.shell, "/bin/bash");
	assert_int_equal(files_user_by_uid(&f, 1001, &user), 0);
	assert_string_equal(user.name, "pavel");
	assert_false(user.shadowed);
	assert_int_equal(files_user_by_name(&f, "monic", &user), -ENOENT);
	assert_int_equal(files_user_by_uid(&f, 1002, &user), -ENOENT);
	put("passwd", "monica:x:1000:1000::/:/bin/sh\nmonica:x:1002:1000::/:/bin/sh\n");
	assert_int_equal(files_user_by_name(&f, "monica", &user), -ENOTUNIQ);
	assert_int_equal(files_user_by_uid(&f, 1000, &user), -ENOTUNIQ);
	put("passwd", "monica:x:1000:1000::/:/bin/sh\nother:x:1000:1000::/:/bin/sh\n");
	assert_int_equal(files_user_by_name(&f, "monica", &user), -ENOTUNIQ);
	assert_int_equal(files_user_by_uid(&f, 1000, &user), -ENOTUNIQ);
	put("shadow", "monica:" HASH ":19000:0:99999:7:::\nmonica:*:1::::::\npavel:!:19000::::::\n");
	assert_int_equal(files_shadow(&f, "monica", &shadow), -ENOTUNIQ);
	assert_int_equal(files_shadow(&f, "pavel", &shadow), 0);
	assert_string_equal(shadow.hash, "!");
	assert_int_equal(shadow.max, -1);
	assert_int_equal(files_shadow(&f, "nobody", &shadow), -ENOENT);
}

static void test_a_folder_is_no_file(void **state _unused_)
{
	struct files f = files();
	struct files_user user;
	struct files_shadow shadow;

	f.passwd = f.shadow = f.group = f.shells = f.login_defs = folder;
	assert_true(files_user_by_name(&f, "monica", &user) < 0);
	assert_int_not_equal(files_user_by_name(&f, "monica", &user), -ENOENT);
	assert_int_not_equal(files_shadow(&f, "monica", &shadow), -ENOENT);
	assert_int_equal(protected_uid(&f, 1000), WHY_BROKEN);
	assert_int_equal(protected_shell(&f, "/bin/sh"), WHY_BROKEN);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_w1_a1_uids, setup, teardown),
		cmocka_unit_test_setup_teardown(test_uid_min, setup, teardown),
		cmocka_unit_test_setup_teardown(test_a1_shells, setup, teardown),
		cmocka_unit_test_setup_teardown(test_w4_locked, setup, teardown),
		cmocka_unit_test_setup_teardown(test_a2_groups_of_the_file, setup, teardown),
		cmocka_unit_test_setup_teardown(test_a2_a6_groups_of_a_directory, setup, teardown),
		cmocka_unit_test_setup_teardown(test_a2_allow_privileged, setup, teardown),
		cmocka_unit_test_setup_teardown(test_a6_name_service, setup, teardown),
		cmocka_unit_test(test_names),
		cmocka_unit_test_setup_teardown(test_a6_files, setup, teardown),
		cmocka_unit_test_setup_teardown(test_a_folder_is_no_file, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
