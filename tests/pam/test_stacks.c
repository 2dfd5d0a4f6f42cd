// SPDX-License-Identifier: LGPL-2.1-or-later

/*
 * P2: every stack we ship, with ssprd in every state. EXAMPLES is their folder. The modules that check a password are
 * stand-ins, and so are those that this machine may not have; libpam, pam_sspr.so, pam_deny.so and the like are real.
 */

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/cleanup.h"
#include "lab.h"

#define HINT "the hint"

static const struct stack {
	const char *folder;
	const char *service;
	const char *text; /* of the service's file where the folder has none */
	bool first;
} stacks[] = {
	{ .folder = "debian", .service = "login", .text = "@include common-auth\n" },
	{ .folder = "redhat", .service = "login", .text = "auth substack system-auth\n" },
	{ .folder = "redhat", .service = "gdm-password" },
	{ .folder = "suse", .service = "login", .text = "auth include common-auth\n" },
	{ .folder = "first", .service = "login", .text = "@include common-auth\n", .first = true },
};

static const char *const files[] = { "common-auth", "system-auth", "password-auth", "postlogin", "gdm-password" };

static const struct {
	const char *module, *instead;
} stand_ins[] = {
	{ "pam_sspr.so", NULL },
	{ "pam_unix.so", STAND_IN " check" },
	{ "pam_sss.so", STAND_IN " check" },
	{ "pam_faillock.so", STAND_IN " return=25" },
	{ "pam_selinux_permit.so", STAND_IN " return=25" },
	{ "pam_gnome_keyring.so", STAND_IN " return=25" },
};

/* ---- scripts of ssprd ---- */

static void serve_up(int fd, struct record *r)
{
	struct wire_message m;
	unsigned int reason;

	if (wire_parse(r->begin.b, r->begin.len, &m) < 0 || wire_get_u8(&m, WIRE_REASON, &reason) < 0)
		return;
	if (reason == REASON_FAILED) {
		serve_end(fd, RESULT_IGNORE, HINT);
		return;
	}
	serve_step(fd, STEP_ASK, "Step 1 of 1", "Code: ", NULL);
	if (serve_answer(fd, r))
		serve_end(fd, RESULT_DONE, "Password changed.");
}

static void serve_crash(int fd _unused_, struct record *r _unused_)
{
}

static void serve_crash_later(int fd, struct record *r)
{
	serve_step(fd, STEP_ASK, "Step 1 of 1", "Code: ", "Nothing was changed.");
	(void)serve_answer(fd, r);
}

static void serve_other_version(int fd, struct record *r _unused_)
{
	serve_end(fd, RESULT_IGNORE, NULL);
}

static void serve_garbage(int fd, struct record *r _unused_)
{
	(void)!write(fd, "\x00\x00\x00", 3);
}

static void hung(int fd _unused_, struct record *r _unused_)
{
	pause();
}

static const struct state {
	const char *name;
	void (*serve)(int fd, struct record *r); /* NULL: nobody listens */
	const char *module;			 /* instead of the built one */
} states[] = {
	{ .name = "up", .serve = serve_up },
	{ .name = "down" },
	{ .name = "hung", .serve = hung },
	{ .name = "crashing", .serve = serve_crash },
	{ .name = "crashing later", .serve = serve_crash_later },
	{ .name = "another version", .serve = serve_other_version },
	{ .name = "garbage", .serve = serve_garbage },
	{ .name = "without the module", .serve = serve_up, .module = "/nowhere/pam_sspr.so" },
};

/* ---- the stack's files ---- */

static bool word_is(const char *word, size_t len, const char *s)
{
	return strlen(s) == len && memcmp(word, s, len) == 0;
}

static const char *stand_in_find(const char *word, size_t len, const char *sspr)
{
	for (size_t i = 0; i < ARRAY_SIZE(stand_ins); i++)
		if (word_is(word, len, stand_ins[i].module))
			return stand_ins[i].instead ? stand_ins[i].instead : sspr;
	return NULL;
}

static bool is_file(const char *word, size_t len)
{
	for (size_t i = 0; i < ARRAY_SIZE(files); i++)
		if (word_is(word, len, files[i]))
			return true;
	return false;
}

/* A file that is taken in gets its whole path: libpam looks for it in /etc/pam.d otherwise. */
static void word_copy(FILE *to, const char *word, size_t len, const char *dir, const char *sspr)
{
	const char *instead = stand_in_find(word, len, sspr);

	if (instead)
		fputs(instead, to);
	else
		fprintf(to, "%s%s%.*s", is_file(word, len) ? dir : "", is_file(word, len) ? "/" : "", (int)len, word);
}

static void line_copy(FILE *to, const char *line, const char *dir, const char *sspr)
{
	if (*line == '#')
		return;
	while (*line) {
		size_t gap = strspn(line, " \t\n"), len = strcspn(line + gap, " \t\n");

		fprintf(to, "%.*s", (int)gap, line);
		word_copy(to, line + gap, len, dir, sspr);
		line += gap + len;
	}
}

static FILE *file_create(const struct lab *l, const char *name)
{
	char path[128];
	FILE *f;

	snprintf(path, sizeof(path), "%s/%s", l->dir, name);
	f = fopen(path, "we");
	assert_non_null(f);
	return f;
}

static void file_copy(const struct lab *l, const char *folder, const char *name, const char *sspr)
{
	_cleanup_(fclosep) FILE *from = NULL, *to = file_create(l, name);
	char path[512], line[512];

	snprintf(path, sizeof(path), "%s/%s/%s", EXAMPLES, folder, name);
	from = fopen(path, "re");
	while (from && fgets(line, sizeof(line), from))
		line_copy(to, line, l->dir, sspr);
}

static void stack_write(struct lab *l, const struct stack *s, const char *module)
{
	_cleanup_(fclosep) FILE *f = NULL;
	char sspr[512];

	snprintf(sspr, sizeof(sspr), "%s socket=%s", module ? module : MODULE, l->socket);
	for (size_t i = 0; i < ARRAY_SIZE(files); i++)
		file_copy(l, s->folder, files[i], sspr);
	l->service = s->service;
	if (!s->text)
		return;
	f = file_create(l, s->service);
	line_copy(f, s->text, l->dir, sspr);
}

/* ---- the tests ---- */

static int run(struct lab *l, const struct stack *stack, const struct state *state, const char *password)
{
	static const struct reply reply[] = { { .text = "739201" } };

	lab_reset(l);
	l->password = password;
	l->reply = reply;
	l->n_replies = 1;
	stack_write(l, stack, state->module);
	if (state->serve)
		lab_serve(l, 0, state->serve);
	return lab_authenticate(l);
}

static int prompts(const struct lab *l)
{
	int n = 0;

	for (size_t i = 0; i < l->n_messages; i++)
		n += strcmp(l->message[i].text, "Password: ") == 0;
	return n;
}

static void P2_the_right_password_comes_in_and_nobody_is_asked(void **test)
{
	struct lab *l = *test;

	for (size_t i = 0; i < ARRAY_SIZE(stacks); i++)
		for (size_t j = 0; j < ARRAY_SIZE(states); j++) {
			int r = run(l, &stacks[i], &states[j], LAB_RIGHT);

			if (r != PAM_SUCCESS)
				fail_msg("%s/%s, ssprd %s: %d", stacks[i].folder, stacks[i].service, states[j].name, r);
			assert_int_equal(l->record->connections, 0);
			assert_int_equal(l->calls, 1);
			assert_in_range(l->took_ms, 0, 200);
		}
}

static void P2_others_are_refused_in_time(void **test)
{
	static const char *const password[] = { "wrong", "", "forgot" };
	struct lab *l = *test;

	for (size_t i = 0; i < ARRAY_SIZE(stacks); i++)
		for (size_t j = 0; j < ARRAY_SIZE(states); j++)
			for (size_t k = 0; k < ARRAY_SIZE(password); k++) {
				int r = run(l, &stacks[i], &states[j], password[k]);

				if (r == PAM_SUCCESS)
					fail_msg("%s/%s, ssprd %s, '%s': let in", stacks[i].folder, stacks[i].service,
						 states[j].name, password[k]);
				assert_in_range(l->took_ms, 0, 2300);
			}
}

static void P3_a_reset_does_not_sign_in(void **test)
{
	struct lab *l = *test;

	for (size_t i = 0; i < ARRAY_SIZE(stacks); i++) {
		assert_int_not_equal(run(l, &stacks[i], &states[0], "forgot"), PAM_SUCCESS);
		assert_true(lab_saw(l, PAM_TEXT_INFO, "Password changed."));
		assert_int_equal(prompts(l), 1);
		assert_int_equal(run(l, &stacks[i], &states[0], "wrong"), PAM_AUTH_ERR);
		assert_int_equal(lab_saw(l, PAM_TEXT_INFO, HINT), !stacks[i].first);
	}
}

/* Lines as nobody should write them, which would let people in if the module ever returned PAM_SUCCESS. */
static void P1_misplaced_lines_let_nobody_in(void **test)
{
	static const char *const control[] = {
		"sufficient", "optional", "required", "[success=1 default=ignore]", "[success=done default=die]",
	};
	static const char *const password[] = { "wrong", "forgot" };
	static const struct reply reply[] = { { .text = "739201" } };
	struct lab *l = *test;
	char text[1024];

	for (size_t i = 0; i < ARRAY_SIZE(control); i++)
		for (size_t k = 0; k < ARRAY_SIZE(password); k++) {
			lab_reset(l);
			l->password = password[k];
			l->reply = reply;
			l->n_replies = 1;
			snprintf(text, sizeof(text),
				 "auth [success=2 default=ignore] %s check\n"
				 "auth %s %s socket=%s\n"
				 "auth requisite pam_deny.so\n"
				 "auth required pam_permit.so\n",
				 STAND_IN, control[i], MODULE, l->socket);
			lab_write(l, "login", text);
			lab_serve(l, 0, serve_up);
			assert_int_not_equal(lab_authenticate(l), PAM_SUCCESS);
			assert_int_equal(l->record->connections, 1);
		}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(P2_the_right_password_comes_in_and_nobody_is_asked),
		cmocka_unit_test(P2_others_are_refused_in_time),
		cmocka_unit_test(P3_a_reset_does_not_sign_in),
		cmocka_unit_test(P1_misplaced_lines_let_nobody_in),
	};

	if (geteuid() != 0) {
		puts("skipped: the module takes no listener but root's, so this needs root");
		return 77;
	}
	return cmocka_run_group_tests(tests, lab_setup, lab_teardown);
}
