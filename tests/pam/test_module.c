// SPDX-License-Identifier: LGPL-2.1-or-later

/* The module alone: what it returns, shows, sends and leaves alone. */

#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/cleanup.h"
#include "flow/account.h"
#include "lab.h"

#define HINT "Forgot your password? Type \"forgot\" as the password to reset it."

static struct lab *fresh(void **state)
{
	struct lab *l = *state;

	lab_reset(l);
	return l;
}

/* ---- scripts of ssprd; what they need is set before they start ---- */

static enum step_result result;
static const char *text;
static const void *raw;
static size_t raw_len;

static void serve_hint(int fd, struct record *r _unused_)
{
	serve_end(fd, RESULT_IGNORE, HINT);
}

static void serve_result(int fd, struct record *r)
{
	serve_step(fd, STEP_ASK, "Step 1 of 2", "Code: ", "gone");
	if (serve_answer(fd, r))
		serve_end(fd, result, "That was all.");
}

static void serve_reset(int fd, struct record *r)
{
	serve_step(fd, STEP_ASK, "Reset your password. Step 1 of 2: code from your authenticator app.", "Code: ", NULL);
	if (!serve_answer(fd, r))
		return;
	serve_step(fd, STEP_TELL, "One moment.", NULL, NULL);
	serve_step(fd, STEP_ASK_HIDDEN, NULL, "New password: ", NULL);
	if (serve_answer(fd, r))
		serve_end(fd, RESULT_DONE, "Password changed. Sign in with your new password.");
}

static void serve_raw(int fd, struct record *r _unused_)
{
	(void)!write(fd, raw, raw_len);
	(void)serve_answer(fd, r);
}

static void serve_raw_later(int fd, struct record *r)
{
	serve_step(fd, STEP_ASK, NULL, "Code: ", "Nothing was changed.");
	if (serve_answer(fd, r))
		(void)!write(fd, raw, raw_len);
	(void)serve_answer(fd, r);
}

static void serve_text(int fd, struct record *r)
{
	serve_step(fd, STEP_ASK, text, text, text);
	if (serve_answer(fd, r))
		serve_step(fd, STEP_TELL, text, NULL, text);
}

static void serve_crash(int fd _unused_, struct record *r _unused_)
{
}

static void serve_crash_later(int fd, struct record *r)
{
	serve_step(fd, STEP_ASK, NULL, "Code: ", "Nothing was changed.");
	(void)serve_answer(fd, r);
}

static void serve_last_word(int fd, struct record *r _unused_)
{
	serve_step(fd, STEP_ASK, NULL, "Code: ", "Nothing was changed.");
	serve_end(fd, RESULT_FAILED, "That took too long.");
}

static bool holds(const struct wire *w, const char *s)
{
	return memmem(w->b, w->len, s, strlen(s)) != NULL;
}

static void answer_is(const struct lab *l, int i, const char *bytes)
{
	assert_true(i < l->record->answers);
	assert_int_equal(l->record->answer[i].len, strlen(bytes));
	assert_memory_equal(l->record->answer[i].b, bytes, strlen(bytes));
}

static void begin_read(const struct lab *l, struct wire_message *ret)
{
	assert_int_equal(wire_parse(l->record->begin.b, l->record->begin.len, ret), 0);
	assert_int_equal(ret->type, WIRE_BEGIN);
}

/* ---- results ---- */

static void P1_no_result_is_success(void **state)
{
	static const int code[] = {
		[RESULT_IGNORE] = LAB_IGNORED,	  [RESULT_DONE] = PAM_AUTH_ERR, [RESULT_FAILED] = PAM_AUTH_ERR,
		[RESULT_MAXTRIES] = PAM_MAXTRIES, [RESULT_ABORT] = PAM_ABORT,
	};
	static const struct reply reply[] = { { .text = "739201" } };

	for (result = RESULT_IGNORE; result <= RESULT_ABORT; result++) {
		struct lab *l = fresh(state);

		l->password = "forgot";
		l->reply = reply;
		l->n_replies = 1;
		lab_stack(l, "");
		lab_serve(l, 0, serve_result);
		assert_int_equal(lab_authenticate(l), code[result]);
	}
}

static const struct {
	const void *b;
	size_t len;
} garbage[] = {
#define BYTES(s) { s, sizeof(s) - 1 }
	BYTES("\x02"),						     /* no kind */
	BYTES("\x02\x07\x00\x01\x00"),				     /* kind 0 */
	BYTES("\x02\x07\x00\x01\x05"),				     /* a kind of a later version */
	BYTES("\x02\x07\x00\x01\x04"),				     /* an end without a result */
	BYTES("\x02\x07\x00\x01\x04\x0a\x00\x01\x00"),		     /* PAM_SUCCESS, if anybody took it for that */
	BYTES("\x02\x07\x00\x01\x04\x0a\x00\x01\x06"),		     /* a result of a later version */
	BYTES("\x02\x07\x00\x01\x04\x07\x00\x01\x04\x0a\x00\x01\x02"), /* a tag twice */
	BYTES("\x02\x07\x00\x02\x00\x01"),			     /* too wide */
	BYTES("\x02\x07\xff\xff\x01"),				     /* past the end */
	BYTES("\x03\x07\x00\x01\x04\x0a\x00\x01\x02"),		     /* another type */
	BYTES("HTTP/1.1 200 OK\r\n"),
#undef BYTES
};

static void P1_S14_garbage_is_silence(void **state)
{
	for (size_t i = 0; i < ARRAY_SIZE(garbage); i++) {
		struct lab *l = fresh(state);

		raw = garbage[i].b;
		raw_len = garbage[i].len;
		l->password = "forgot";
		lab_stack(l, "");
		lab_serve(l, 0, serve_raw);
		assert_int_equal(lab_authenticate(l), LAB_IGNORED);
		assert_int_equal(l->calls, 1);
	}
}

static void P1_garbage_later_is_a_lost_connection(void **state)
{
	static const struct reply reply[] = { { .text = "1" } };

	for (size_t i = 0; i < ARRAY_SIZE(garbage); i++) {
		struct lab *l = fresh(state);

		raw = garbage[i].b;
		raw_len = garbage[i].len;
		l->password = "forgot";
		l->reply = reply;
		l->n_replies = 1;
		lab_stack(l, "");
		lab_serve(l, 0, serve_raw_later);
		assert_int_equal(lab_authenticate(l), PAM_AUTH_ERR);
		assert_true(lab_saw(l, PAM_ERROR_MSG, "Nothing was changed."));
	}
}

static void P2_absent_and_crashing_are_silence(void **state)
{
	struct lab *l = fresh(state);

	l->password = "forgot";
	lab_stack(l, "");
	assert_int_equal(lab_authenticate(l), LAB_IGNORED);
	lab_serve(l, 0, serve_crash);
	assert_int_equal(lab_authenticate(l), LAB_IGNORED);
	assert_int_equal(l->calls, 1);
}

static void P2_a_hung_ssprd_costs_two_seconds(void **state)
{
	struct lab *l = fresh(state);

	lab_stack(l, "");
	lab_serve(l, 0, NULL);
	assert_int_equal(lab_authenticate(l), LAB_IGNORED);
	assert_int_equal(l->calls, 1);
	assert_in_range(l->took_ms, 1900, 2300);
}

static void P2_a_lost_connection_tells_the_last_word(void **state)
{
	static const struct reply reply[] = { { .text = "1" } };
	static const struct reply slow[] = { { .form = FORM_SLEEP, .text = "1" } };
	struct lab *l = fresh(state);

	l->password = "forgot";
	l->reply = reply;
	l->n_replies = 1;
	lab_stack(l, "");
	lab_serve(l, 0, serve_crash_later);
	assert_int_equal(lab_authenticate(l), PAM_AUTH_ERR);
	assert_true(lab_saw(l, PAM_ERROR_MSG, "Nothing was changed."));

	/* The end came while the user was typing, and the daemon is gone. */
	lab_stop(l);
	l->reply = slow;
	lab_serve(l, 0, serve_last_word);
	assert_int_equal(lab_authenticate(l), PAM_AUTH_ERR);
	assert_true(lab_saw(l, PAM_ERROR_MSG, "That took too long."));
	assert_false(lab_saw(l, PAM_ERROR_MSG, "Nothing was changed."));
}

/* ---- the dialogue ---- */

static void P3_a_reset_ends_in_an_error(void **state)
{
	static const struct reply reply[] = { { .text = "739201" }, { .text = "new right" } };
	struct lab *l = fresh(state);
	struct wire_message m;
	unsigned int n;

	l->password = "forgot";
	l->reply = reply;
	l->n_replies = 2;
	lab_stack(l, "");
	lab_serve(l, 0, serve_reset);
	assert_int_equal(lab_authenticate(l), PAM_AUTH_ERR);
	assert_true(lab_saw(l, PAM_TEXT_INFO, "Reset your password. Step 1 of 2: code from your authenticator app."));
	assert_true(lab_saw(l, PAM_PROMPT_ECHO_ON, "Code: "));
	assert_true(lab_saw(l, PAM_TEXT_INFO, "One moment."));
	assert_true(lab_saw(l, PAM_PROMPT_ECHO_OFF, "New password: "));
	assert_true(lab_saw(l, PAM_TEXT_INFO, "Password changed. Sign in with your new password."));
	/* The password's prompt, the code with its info, a text, the new password, the end. */
	assert_int_equal(l->calls, 5);
	answer_is(l, 0, "739201");
	answer_is(l, 1, "new right");
	begin_read(l, &m);
	assert_int_equal(wire_get_u8(&m, WIRE_REASON, &n), 0);
	assert_int_equal(n, REASON_KEYWORD);
}

static void begin_says_who_and_where_and_no_password(void **state)
{
	struct lab *l = fresh(state);
	struct wire_message m;
	char s[64];
	unsigned int n;

	l->password = "my secret";
	lab_stack(l, "");
	lab_serve(l, 0, serve_hint);
	assert_int_equal(lab_authenticate(l), LAB_IGNORED);
	begin_read(l, &m);
	assert_int_equal(wire_get_u16(&m, WIRE_VERSION, &n), 0);
	assert_int_equal(n, WIRE_VERSION_NOW);
	assert_int_equal(wire_get_u8(&m, WIRE_REASON, &n), 0);
	assert_int_equal(n, REASON_FAILED);
	assert_int_equal(wire_get_text(&m, WIRE_USER, s, sizeof(s)), 0);
	assert_string_equal(s, "monica");
	assert_int_equal(wire_get_text(&m, WIRE_SERVICE, s, sizeof(s)), 0);
	assert_string_equal(s, "login");
	assert_int_equal(wire_get_text(&m, WIRE_TTY, s, sizeof(s)), 0);
	assert_string_equal(s, "/dev/tty7");
	assert_int_equal(wire_get_text(&m, WIRE_LANG, s, sizeof(s)), 0);
	assert_string_equal(s, "C");
	assert_false(holds(&l->record->begin, "my secret"));
	assert_int_equal(l->record->answers, 0);
}

static void hint_unless_quiet_or_silent(void **state)
{
	static const struct {
		const char *args;
		int flags;
		bool shown;
	} row[] = {
		{ "", 0, true },
		{ "quiet", 0, false },
		{ "", PAM_SILENT, false },
	};

	for (size_t i = 0; i < ARRAY_SIZE(row); i++) {
		struct lab *l = fresh(state);

		l->flags = row[i].flags;
		lab_stack(l, row[i].args);
		lab_serve(l, 0, serve_hint);
		assert_int_equal(lab_authenticate(l), LAB_IGNORED);
		assert_int_equal(lab_saw(l, PAM_TEXT_INFO, HINT), row[i].shown);
		assert_int_equal(l->record->connections, 1);
	}
}

static void P4_texts_are_fit_for_any_terminal(void **state)
{
	static const struct reply reply[] = { { .text = "1" } };
	static char many[3000], wide[3000];
	const char *const evil[] = {
		"\x1b[2J\x1b]0;title\x07red\rline\nline\tx\x7f",
		"\xc2\x9b" "31m C1 and \xe2\x80\xae bidi \xe2\x81\xa6 and \xe2\x80\x8b zero \xef\xbb\xbf width",
		"bad \xff\xfe utf-8 \xc0\x80 \xed\xa0\x80 \xf5\x80\x80\x80 \xe2\x80",
		"%s%n%s",
		many,
		wide,
	};

	memset(many, 'x', sizeof(many) - 1);
	for (size_t i = 0; i + 4 < sizeof(wide); i += 4)
		memcpy(wide + i, "\xf0\x9f\x94\x91", 4);
	for (size_t i = 0; i < ARRAY_SIZE(evil); i++) {
		struct lab *l = fresh(state);

		text = evil[i];
		l->password = "forgot";
		l->reply = reply;
		l->n_replies = 1;
		lab_stack(l, "");
		lab_serve(l, 0, serve_text);
		/* An info of 3000 bytes three times is no message of the wire. */
		assert_int_equal(lab_authenticate(l), strlen(text) > 1000 ? LAB_IGNORED : PAM_AUTH_ERR);
		assert_true(strlen(text) > 1000 || l->n_messages == 5);
	}
}

static void P4_long_texts_are_cut(void **state)
{
	static const struct reply reply[] = { { .text = "1" } };
	static char wide[1200 + 1], many[1200 + 1];
	const char *const row[] = { wide, many };

	memset(many, 'x', sizeof(many) - 1);
	for (size_t i = 0; i < 1200; i += 4)
		memcpy(wide + i, "\xf0\x9f\x94\x91", 4);
	for (size_t i = 0; i < ARRAY_SIZE(row); i++) {
		struct lab *l = fresh(state);

		text = row[i];
		l->password = "forgot";
		l->reply = reply;
		l->n_replies = 1;
		lab_stack(l, "");
		lab_serve(l, 0, serve_text);
		assert_int_equal(lab_authenticate(l), PAM_AUTH_ERR);
		assert_int_equal(l->n_messages, 5);
	}
}

/* ---- who is left alone ---- */

static void P5_names_that_cannot_be(void **state)
{
	static char huge[1 << 20], longest[ACCOUNT_NAME], too_long[ACCOUNT_NAME + 1];
	const struct {
		const char *user;
		int connections;
	} row[] = {
		{ "", 0 },	       { huge, 0 },	     { too_long, 0 },	 { "a/b", 0 },
		{ "../x", 0 },	       { "mon\nica", 0 },    { "-monica", 0 },	 { "mon\x1b[2J", 0 },
		{ "mon\xffica", 0 },   { "mon\xe2\x80\xaeica", 0 }, { "\x7f", 0 }, { longest, 1 },
		{ "m\xc3\xb6nika", 1 }, { "DOMAIN\\monica", 1 },	    { "root", 1 },
	};

	memset(huge, 'a', sizeof(huge) - 1);
	memset(longest, 'a', sizeof(longest) - 1);
	memset(too_long, 'a', sizeof(too_long) - 1);
	for (size_t i = 0; i < ARRAY_SIZE(row); i++) {
		struct lab *l = fresh(state);

		l->user = row[i].user;
		lab_stack(l, "");
		lab_serve(l, 0, serve_hint);
		assert_int_equal(lab_authenticate(l), LAB_IGNORED);
		assert_int_equal(l->record->connections, row[i].connections);
	}
}

static void P6_services_and_hosts(void **state)
{
	static const struct {
		const char *service, *rhost, *args;
		int connections;
	} row[] = {
		{ "login", NULL, "", 1 },
		{ "gdm-password", NULL, "", 1 },
		{ "lightdm", "", "", 1 },
		{ "greetd", "localhost", "", 1 },
		{ "xdm", ":0", "", 1 },
		{ "login", "127.0.0.1", "", 1 },
		{ "login", "::1", "", 1 },
		{ "login", "192.0.2.7", "", 0 },
		{ "login", "localhost.example.org", "", 0 },
		{ "login", "::2", "", 0 },
		{ "login", ":", "", 0 },
		{ "sshd", NULL, "", 0 },
		{ "su", NULL, "", 0 },
		{ "sddm", NULL, "", 0 },
		{ "gdm", NULL, "", 0 },
		{ "log", NULL, "", 0 },
		{ "sddm", NULL, "services=a,sddm", 1 },
		{ "login", NULL, "services=sddm,", 0 },
		{ "login", NULL, "services=", 0 },
	};

	for (size_t i = 0; i < ARRAY_SIZE(row); i++) {
		struct lab *l = fresh(state);

		l->service = row[i].service;
		l->rhost = row[i].rhost;
		l->password = "forgot";
		lab_stack(l, row[i].args);
		lab_serve(l, 0, serve_hint);
		assert_int_equal(lab_authenticate(l), LAB_IGNORED);
		assert_int_equal(l->record->connections, row[i].connections);
	}
}

/* ---- answers ---- */

static void P8_answers_that_are_none(void **state)
{
	static const struct reply row[] = {
		{ .form = FORM_NULL },
		{ .form = FORM_NO_ARRAY },
		{ .form = FORM_ERROR },
		{ .form = FORM_LONG },
	};

	for (size_t i = 0; i < ARRAY_SIZE(row); i++) {
		struct lab *l = fresh(state);

		l->password = "forgot";
		l->reply = &row[i];
		l->n_replies = 1;
		lab_stack(l, "");
		lab_serve(l, 0, serve_reset);
		assert_int_equal(lab_authenticate(l), PAM_CONV_ERR);
		for (int wait = 0; !l->record->cancelled && wait < 100; wait++)
			usleep(10000);
		assert_true(l->record->cancelled);
		assert_int_equal(l->record->answers, 0);
	}
}

/* These are answers, for ssprd to judge: it refuses a password of such bytes by its rule, and the dialogue lives (F45). */
static void P8_answers_go_on_as_they_are(void **state)
{
	static char longest[PAM_MAX_RESP_SIZE];
	const struct reply row[] = {
		{ .text = "" },
		{ .text = "\xff\xfe" },
		{ .text = "\x1b[2J" },
		{ .text = longest },
	};

	memset(longest, 'x', sizeof(longest) - 1);
	for (size_t i = 0; i < ARRAY_SIZE(row); i++) {
		struct lab *l = fresh(state);

		l->password = "forgot";
		l->reply = &row[i];
		l->n_replies = 1;
		result = RESULT_FAILED;
		lab_stack(l, "");
		lab_serve(l, 0, serve_result);
		assert_int_equal(lab_authenticate(l), PAM_AUTH_ERR);
		answer_is(l, 0, row[i].text);
	}
}

/* ---- the process ---- */

static volatile sig_atomic_t alarms;

static void on_alarm(int n _unused_)
{
	alarms++;
}

static unsigned int alarm_run(void **state, const char *service)
{
	static const struct reply reply[] = { { .form = FORM_SLEEP, .text = "1" } };
	struct lab *l = fresh(state);

	l->service = service;
	l->password = "forgot";
	l->reply = reply;
	l->n_replies = 1;
	result = RESULT_FAILED;
	alarms = 0;
	signal(SIGALRM, on_alarm);
	lab_stack(l, "");
	lab_serve(l, 0, serve_result);
	alarm(1);
	lab_authenticate(l);
	return alarm(0);
}

static void P9_the_alarm_of_login_waits(void **state)
{
	assert_int_equal(alarm_run(state, "login"), 1);
	assert_int_equal(alarms, 0);
}

static void P9_the_alarm_of_others_does_not(void **state)
{
	assert_int_equal(alarm_run(state, "lightdm"), 0);
	assert_int_equal(alarms, 1);
}

static void P9_no_alarm_is_invented(void **state)
{
	struct lab *l = fresh(state);

	lab_stack(l, "");
	lab_serve(l, 0, serve_hint);
	lab_authenticate(l);
	assert_int_equal(alarm(0), 0);
}

static void P10_another_user_meanwhile(void **state)
{
	static const struct reply reply[] = { { .form = FORM_LEAVE, .text = "739201" }, { .text = "new right" } };
	struct lab *l = fresh(state);

	l->password = "forgot";
	l->reply = reply;
	l->n_replies = 2;
	lab_stack(l, "");
	lab_serve(l, 0, serve_reset);
	assert_int_equal(lab_authenticate(l), PAM_ABORT);
	assert_true(holds(&l->record->begin, "monica"));
}

static void P11_the_environment_has_no_effect(void **state)
{
	struct lab *l = fresh(state);

	setenv("SSPR_SOCKET", "/nowhere", 1);
	setenv("SSPR_SERVICES", "none", 1);
	setenv("SSPR_KEYWORD", "other", 1);
	setenv("LC_ALL", "de_DE.UTF-8", 1);
	lab_stack(l, "");
	lab_serve(l, 0, serve_hint);
	assert_int_equal(lab_authenticate(l), LAB_IGNORED);
	assert_true(lab_saw(l, PAM_TEXT_INFO, HINT));
	assert_false(holds(&l->record->begin, "de_DE"));
}

/* ---- the socket ---- */

static void S12_a_listener_that_is_not_root(void **state)
{
	struct lab *l = fresh(state);

	l->password = "forgot";
	lab_stack(l, "");
	lab_serve(l, 65534, serve_reset);
	assert_int_equal(lab_authenticate(l), LAB_IGNORED);
	assert_int_equal(l->record->begin.len, 0);
	assert_int_equal(l->calls, 1);
}

static void S12_a_folder_that_others_may_write(void **state)
{
	static const struct {
		uid_t uid;
		mode_t mode;
	} row[] = { { 0, 0770 }, { 0, 0707 }, { 0, 01777 }, { 65534, 0700 } };

	for (size_t i = 0; i < ARRAY_SIZE(row); i++) {
		struct lab *l = fresh(state);

		lab_stack(l, "");
		lab_serve(l, 0, serve_hint);
		assert_int_equal(chown(l->dir, row[i].uid, 0), 0);
		assert_int_equal(chmod(l->dir, row[i].mode), 0);
		assert_int_equal(lab_authenticate(l), LAB_IGNORED);
		assert_int_equal(chown(l->dir, 0, 0), 0);
		assert_int_equal(chmod(l->dir, 0700), 0);
		assert_int_equal(l->record->connections, 0);
	}
}

static void S12_a_folder_that_is_a_link(void **state)
{
	struct lab *l = fresh(state);
	char link[80], args[120];

	snprintf(link, sizeof(link), "%s-link", l->dir);
	snprintf(args, sizeof(args), "socket=%s/login.sock", link);
	assert_int_equal(symlink(l->dir, link), 0);
	lab_stack(l, args);
	lab_serve(l, 0, serve_hint);
	assert_int_equal(lab_authenticate(l), LAB_IGNORED);
	unlink(link);
	assert_int_equal(l->record->connections, 0);
}

static void S14_another_version(void **state)
{
	struct lab *l = fresh(state);

	raw = "\x02\x07\x00\x01\x04\x0a\x00\x01\x01";
	raw_len = 9;
	l->password = "forgot";
	lab_stack(l, "");
	lab_serve(l, 0, serve_raw);
	assert_int_equal(lab_authenticate(l), LAB_IGNORED);
	assert_int_equal(l->calls, 1);
}

/* ---- arguments ---- */

static void note_read(const struct lab *l, char *ret, size_t size)
{
	_cleanup_(closep) int fd = -1;
	char path[128];
	ssize_t n;

	snprintf(path, sizeof(path), "%s/note", l->dir);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	assert_true(fd >= 0);
	n = read(fd, ret, size - 1);
	assert_true(n >= 0);
	ret[n] = 0;
}

static int first_run(struct lab *l, const char *password)
{
	char stack[512];

	snprintf(stack, sizeof(stack),
		 "auth [default=bad ignore=ignore] %s socket=%s first\n"
		 "auth required %s return=%d note=%s/note\n",
		 MODULE, l->socket, STAND_IN, LAB_IGNORED, l->dir);
	lab_write(l, "login", stack);
	l->password = password;
	lab_serve(l, 0, serve_reset);
	return lab_authenticate(l);
}

static void first_takes_the_keyword_and_leaves_the_rest(void **state)
{
	static const struct reply reply[] = { { .text = "1" }, { .text = "2" } };
	struct lab *l = fresh(state);
	char note[64];

	assert_int_equal(first_run(l, "wrong"), LAB_IGNORED);
	assert_int_equal(l->record->connections, 0);
	note_read(l, note, sizeof(note));
	assert_string_equal(note, "wrong");

	lab_reset(l);
	l->reply = reply;
	l->n_replies = 2;
	assert_int_equal(first_run(l, "forgot"), PAM_AUTH_ERR);
	assert_int_equal(l->record->answers, 2);
	note_read(l, note, sizeof(note));
	assert_string_equal(note, "");
}

static void keywords(void **state)
{
	static const struct {
		const char *args, *typed;
		unsigned int reason;
	} row[] = {
		{ "", "forgot", REASON_KEYWORD },
		{ "", "forgot ", REASON_FAILED },
		{ "", "", REASON_FAILED },
		{ "keyword=vergessen keyword=weg", "weg", REASON_KEYWORD },
		{ "keyword=vergessen keyword=weg", "vergessen", REASON_KEYWORD },
		{ "keyword=vergessen", "forgot", REASON_FAILED },
		{ "keyword=", "", REASON_FAILED },
		{ "keyword=", "forgot", REASON_KEYWORD },
	};

	for (size_t i = 0; i < ARRAY_SIZE(row); i++) {
		struct lab *l = fresh(state);
		struct wire_message m;
		unsigned int reason;

		l->password = row[i].typed;
		lab_stack(l, row[i].args);
		lab_serve(l, 0, serve_hint);
		assert_int_equal(lab_authenticate(l), LAB_IGNORED);
		begin_read(l, &m);
		assert_int_equal(wire_get_u8(&m, WIRE_REASON, &reason), 0);
		assert_int_equal(reason, row[i].reason);
	}
}

static void arguments_that_are_wrong_do_no_harm(void **state)
{
	static const char *const row[] = {
		"use_first_pass", "firsT", "quiet=1", "socket=", "socket=relative", "keyword", "debug", "[a b]",
	};

	for (size_t i = 0; i < ARRAY_SIZE(row); i++) {
		struct lab *l = fresh(state);

		lab_stack(l, row[i]);
		lab_serve(l, 0, serve_hint);
		assert_int_equal(lab_authenticate(l), LAB_IGNORED);
		assert_true(lab_saw(l, PAM_TEXT_INFO, HINT));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(P1_no_result_is_success),
		cmocka_unit_test(P1_S14_garbage_is_silence),
		cmocka_unit_test(P1_garbage_later_is_a_lost_connection),
		cmocka_unit_test(P2_absent_and_crashing_are_silence),
		cmocka_unit_test(P2_a_hung_ssprd_costs_two_seconds),
		cmocka_unit_test(P2_a_lost_connection_tells_the_last_word),
		cmocka_unit_test(P3_a_reset_ends_in_an_error),
		cmocka_unit_test(begin_says_who_and_where_and_no_password),
		cmocka_unit_test(hint_unless_quiet_or_silent),
		cmocka_unit_test(P4_texts_are_fit_for_any_terminal),
		cmocka_unit_test(P4_long_texts_are_cut),
		cmocka_unit_test(P5_names_that_cannot_be),
		cmocka_unit_test(P6_services_and_hosts),
		cmocka_unit_test(P8_answers_that_are_none),
		cmocka_unit_test(P8_answers_go_on_as_they_are),
		cmocka_unit_test(P9_the_alarm_of_login_waits),
		cmocka_unit_test(P9_the_alarm_of_others_does_not),
		cmocka_unit_test(P9_no_alarm_is_invented),
		cmocka_unit_test(P10_another_user_meanwhile),
		cmocka_unit_test(P11_the_environment_has_no_effect),
		cmocka_unit_test(S12_a_listener_that_is_not_root),
		cmocka_unit_test(S12_a_folder_that_others_may_write),
		cmocka_unit_test(S12_a_folder_that_is_a_link),
		cmocka_unit_test(S14_another_version),
		cmocka_unit_test(first_takes_the_keyword_and_leaves_the_rest),
		cmocka_unit_test(keywords),
		cmocka_unit_test(arguments_that_are_wrong_do_no_harm),
	};

	if (geteuid() != 0) {
		puts("skipped: the module takes no listener but root's, so this needs root");
		return 77;
	}
	return cmocka_run_group_tests(tests, lab_setup, lab_teardown);
}
