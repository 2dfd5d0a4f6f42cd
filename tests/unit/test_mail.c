// SPDX-License-Identifier: LGPL-2.1-or-later

/* Mails: how they are written (M6), what a server's answer means (F35), how long it is tried. The network is the test's. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "deliver/mail.h"
#include "deliver/message.h"

#define FROM "sspr@example.org"

static const struct transfer_report taken = { .end = TRANSFER_DONE, .reply = 250 };
static const struct transfer_report later = { .end = TRANSFER_FAILED, .reply = 451 };

/* What the mail server answers to each try; the last row repeats. */
static struct transfer_report script[4];
static unsigned int scripted, tries;
static char sent_to[JOB_TO], sent_user[CONF_TEXT], sent_password[SECRET_MAX + 1];

void transfer_mail(const struct trust *t _unused_, const struct transfer_mail *mail, struct transfer_report *ret)
{
	snprintf(sent_to, sizeof(sent_to), "%s", mail->to);
	snprintf(sent_user, sizeof(sent_user), "%s", mail->user ? mail->user : "");
	snprintf(sent_password, sizeof(sent_password), "%s", mail->password->b);
	*ret = script[tries < scripted ? tries : scripted - 1];
	tries++;
}

static struct job job_of(const char *to, const char *subject, const char *body)
{
	struct job job = { .kind = JOB_DELIVER, .id = "job-17" };

	snprintf(job.to, sizeof(job.to), "%s", to);
	snprintf(job.subject, sizeof(job.subject), "%s", subject);
	snprintf(job.body, sizeof(job.body), "%s", body);
	return job;
}

static void test_message(void **state _unused_)
{
	static const char expected[] = "Date: Mon, 23 Nov 2026 15:00:00 +0000\r\n"
				       "From: <sspr@example.org>\r\n"
				       "To: <monica@example.org>\r\n"
				       "Message-ID: <job-17@example.org>\r\n"
				       "Subject: Your code\r\n"
				       "Auto-Submitted: auto-generated\r\n"
				       "MIME-Version: 1.0\r\n"
				       "Content-Type: text/plain; charset=utf-8\r\n"
				       "Content-Transfer-Encoding: quoted-printable\r\n"
				       "\r\n"
				       "Code: 12345678\r\n"
				       "=C3=89tape 2 =3D last=20\r\n";
	struct job job = job_of("monica@example.org", "Your code", "Code: 12345678\nÉtape 2 = last \n");
	struct message m = {};

	assert_int_equal(message_write(&job, FROM, 1795446000, &m), 0);
	assert_int_equal(m.len, sizeof(expected) - 1);
	assert_string_equal(m.b, expected);
	message_wipe(&m);
	assert_int_equal(m.b[0], 0);
}

static const char *subject_of(const char *subject)
{
	static char found[1024];
	struct job job = job_of("monica@example.org", subject, "x");
	struct message m = {};
	const char *at, *end;

	if (message_write(&job, FROM, 0, &m) < 0)
		return NULL;
	at = strstr(m.b, "Subject: ") + strlen("Subject: ");
	end = strstr(at, "\r\nAuto-Submitted");
	snprintf(found, sizeof(found), "%.*s", (int)(end - at), at);
	return found;
}

static void test_subject(void **state _unused_)
{
	static const char long_one[] = "žžžžžžžžžžžžžžžžžžžžžžžžžžžžžž";
	const char *s;

	assert_string_equal(subject_of("Your code"), "Your code");
	assert_string_equal(subject_of("é"), "=?UTF-8?B?w6k=?=");
	assert_string_equal(subject_of("aé"), "=?UTF-8?B?YcOp?=");
	assert_string_equal(subject_of("abé"), "=?UTF-8?B?YWLDqQ==?=");
	assert_string_equal(subject_of("=?UTF-8?B?YQ==?="), "=?UTF-8?B?PT9VVEYtOD9CP1lRPT0/PQ==?=");
	/* Two words; the first ends with a whole character. */
	s = subject_of(long_one);
	assert_non_null(strstr(s, "?=\r\n =?UTF-8?B?"));
	assert_true(strcspn(s, "\r") <= 75);
	assert_null(subject_of("a\r\nBcc: eve@example.org"));
	assert_null(subject_of("a\nb"));
	assert_null(subject_of("\033[2J"));
	assert_null(subject_of("\xff"));
}

static void test_m6_addresses(void **state _unused_)
{
	static const char *const good[] = { "monica@example.org", "a@b", "first.last+tag@mail.example.org", "x_y-z@host",
					    "o'brien@example.org", "monica@lab" };
	static const char *const bad[] = { "",
					   "monica",
					   "@example.org",
					   "monica@",
					   "a@b@c",
					   "a b@example.org",
					   "a@b,c@d",
					   "<a@b>",
					   "\"a\"@b",
					   "a@b\r\nRCPT TO:<c@d>",
					   "a@b\n",
					   "a\t@b",
					   "a@b>",
					   "a;b@c",
					   "a(b)@c",
					   "a\\@b",
					   "a:b@c",
					   "a[@b",
					   ".a@b",
					   "a.@b",
					   "a..b@c",
					   "a@.b",
					   "a@b.",
					   "a@-b",
					   "a@b-",
					   "a@b..c",
					   "a@[127.0.0.1]",
					   "a@b_c",
					   "mónica@example.org",
					   "a@exámple.org",
					   "a@b\x7f" };
	char text[512];

	for (size_t i = 0; i < ARRAY_SIZE(good); i++)
		assert_true(message_address_valid(good[i]));
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		struct job job = job_of(bad[i], "x", "x");
		struct message m = {};

		assert_false(message_address_valid(bad[i]));
		assert_int_equal(message_write(&job, FROM, 0, &m), -EINVAL);
	}
	memset(text, 'a', sizeof(text));
	memcpy(text + 64, "@b", 3);
	assert_true(message_address_valid(text));
	memset(text, 'a', 66);
	memcpy(text + 65, "@b", 3);
	assert_false(message_address_valid(text));
}

static void test_m6_identifiers_and_bodies(void **state _unused_)
{
	static const char *const ids[] = { "", "a b", "a>", "a@b", "a\r\nBcc: x", "ž" };
	static const char *const bodies[] = { "a\033[2J", "a\rb", "\xff", "a\x07", "\u202eabc" };
	struct message m = {};

	for (size_t i = 0; i < ARRAY_SIZE(ids); i++) {
		struct job job = job_of("a@b", "x", "x");

		snprintf(job.id, sizeof(job.id), "%s", ids[i]);
		assert_int_equal(message_write(&job, FROM, 0, &m), -EINVAL);
	}
	for (size_t i = 0; i < ARRAY_SIZE(bodies); i++) {
		struct job job = job_of("a@b", "x", bodies[i]);

		assert_int_equal(message_write(&job, FROM, 0, &m), -EINVAL);
	}
}

/* The largest of everything has room, and no line is longer than RFC 2045 permits. */
static void test_largest(void **state _unused_)
{
	struct job job = job_of("monica@example.org", "", "");
	struct message m = {};
	const char *line;

	memset(job.body, '=', sizeof(job.body) - 1);
	for (size_t i = 0; i + 2 < sizeof(job.subject); i += 2)
		memcpy(job.subject + i, "ž", 2);
	memset(job.id, 'i', sizeof(job.id) - 1);
	assert_int_equal(message_write(&job, FROM, 0, &m), 0);
	line = strstr(m.b, "\r\n\r\n") + 4;
	while (*line) {
		size_t n = strcspn(line, "\r");

		assert_true(n <= 76);
		assert_memory_equal(line + n, "\r\n", 2);
		line += n + 2;
	}
}

static void test_f35_verdicts(void **state _unused_)
{
	static const struct {
		struct transfer_report report;
		enum outcome outcome;
		enum why why;
		bool again;
	} rows[] = {
		{ { .end = TRANSFER_DONE, .reply = 250 }, OUTCOME_DONE, WHY_NONE, false },
		{ { .end = TRANSFER_FAILED }, OUTCOME_REFUSED, WHY_UNREACHABLE, true },
		{ { .end = TRANSFER_FAILED, .reply = 220 }, OUTCOME_REFUSED, WHY_UNREACHABLE, true },
		{ { .end = TRANSFER_FAILED, .reply = 421 }, OUTCOME_REFUSED, WHY_UNREACHABLE, true },
		{ { .end = TRANSFER_FAILED, .reply = 451 }, OUTCOME_REFUSED, WHY_UNREACHABLE, true },
		{ { .end = TRANSFER_FAILED, .reply = 550 }, OUTCOME_REFUSED, WHY_REJECTED, false },
		{ { .end = TRANSFER_FAILED, .reply = 354, .handed_over = true }, OUTCOME_UNKNOWN, WHY_UNREACHABLE, false },
		{ { .end = TRANSFER_GIVEN_UP, .reply = 354, .handed_over = true }, OUTCOME_UNKNOWN, WHY_UNREACHABLE, false },
		{ { .end = TRANSFER_UNTRUSTED, .reply = 220 }, OUTCOME_REFUSED, WHY_UNREACHABLE, false },
		{ { .end = TRANSFER_LOGIN, .reply = 535 }, OUTCOME_REFUSED, WHY_MISCONFIGURED, false },
		{ { .end = TRANSFER_LOGIN, .reply = 454 }, OUTCOME_REFUSED, WHY_UNREACHABLE, true },
		{ { .end = TRANSFER_LOGIN, .reply = 250 }, OUTCOME_REFUSED, WHY_MISCONFIGURED, false },
		{ { .end = TRANSFER_IMPOSSIBLE }, OUTCOME_REFUSED, WHY_MISCONFIGURED, false },
		{ { .end = TRANSFER_GIVEN_UP }, OUTCOME_REFUSED, WHY_UNREACHABLE, false },
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct verdict v = mail_judge(&rows[i].report);

		assert_int_equal(v.outcome, rows[i].outcome);
		assert_int_equal(v.why, rows[i].why);
		assert_int_equal(v.again, rows[i].again);
	}
}

static const struct policy_mail server = { .server = "smtp://mail.example.org", .from = FROM };

/* Delivers with these answers and this life; `leave` may be readable from the start. Returns the seconds it took. */
static double deliver(const struct policy_mail *policy, uint32_t life, bool leaving, struct job_result *ret)
{
	const struct mail mail = { .policy = policy };
	struct job job = job_of("monica@example.org", "x", "x");
	struct timespec a, b;
	int peer[2], leave[2];

	job.life = life;
	tries = 0;
	assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, peer), 0);
	assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, leave), 0);
	if (leaving)
		assert_int_equal(write(leave[1], "x", 1), 1);
	clock_gettime(CLOCK_MONOTONIC, &a);
	mail_deliver(&mail, peer[0], leave[0], &job, ret);
	clock_gettime(CLOCK_MONOTONIC, &b);
	for (size_t i = 0; i < 2; i++) {
		close(peer[i]);
		close(leave[i]);
	}
	return (double)(b.tv_sec - a.tv_sec) + (double)(b.tv_nsec - a.tv_nsec) / 1e9;
}

static void test_f35_tried_again(void **state _unused_)
{
	struct job_result r = {};

	script[0] = later;
	script[1] = taken;
	scripted = 2;
	assert_true(deliver(&server, 5, false, &r) < 3);
	assert_int_equal(r.outcome, OUTCOME_DONE);
	assert_int_equal(tries, 2);
	assert_string_equal(sent_to, "monica@example.org");
	assert_string_equal(sent_user, "");
}

static void test_f35_not_longer_than_its_life(void **state _unused_)
{
	struct job_result r = {};

	script[0] = later;
	scripted = 1;
	assert_true(deliver(&server, 0, false, &r) < 0.5);
	assert_int_equal(tries, 1);
	assert_true(deliver(&server, 2, false, &r) < 2.5);
	assert_int_equal(tries, 2);
	assert_int_equal(r.outcome, OUTCOME_REFUSED);
	assert_int_equal(r.why, WHY_UNREACHABLE);
}

static void test_gives_its_place_up_in_a_pause(void **state _unused_)
{
	struct job_result r = {};

	script[0] = later;
	scripted = 1;
	assert_true(deliver(&server, 600, true, &r) < 0.5);
	assert_int_equal(r.outcome, OUTCOME_REFUSED);
	assert_int_equal(tries, 1);
}

static void test_unknown_is_not_repeated(void **state _unused_)
{
	struct job_result r = {};

	script[0] = (struct transfer_report){ .end = TRANSFER_FAILED, .reply = 354, .handed_over = true };
	scripted = 1;
	assert_true(deliver(&server, 600, false, &r) < 0.5);
	assert_int_equal(r.outcome, OUTCOME_UNKNOWN);
	assert_int_equal(tries, 1);
}

static void test_without_a_server(void **state _unused_)
{
	static const struct policy_mail none = {};
	struct job_result r = {};

	deliver(&none, 600, false, &r);
	assert_int_equal(r.why, WHY_MISCONFIGURED);
	assert_int_equal(tries, 0);
}

static void test_password_from_the_credential_only(void **state _unused_)
{
	struct policy_mail policy = { .server = "smtp://mail.example.org", .from = FROM, .user = "sspr" };
	char folder[] = "/tmp/test-mail-XXXXXX", path[64], env[96];
	struct job_result r = {};
	char *previous = environ[0];
	FILE *f;

	script[0] = taken;
	scripted = 1;
	deliver(&policy, 0, false, &r);
	assert_int_equal(r.why, WHY_MISCONFIGURED);
	assert_int_equal(tries, 0);

	assert_non_null(mkdtemp(folder));
	snprintf(path, sizeof(path), "%s/sspr-mail-password", folder);
	snprintf(env, sizeof(env), "CREDENTIALS_DIRECTORY=%s", folder);
	f = fopen(path, "we");
	assert_non_null(f);
	fputs("mail password\r\n", f);
	fclose(f);
	environ[0] = env;
	deliver(&policy, 0, false, &r);
	environ[0] = previous;
	assert_int_equal(r.outcome, OUTCOME_DONE);
	assert_string_equal(sent_user, "sspr");
	assert_string_equal(sent_password, "mail password");
	unlink(path);
	rmdir(folder);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_message),
		cmocka_unit_test(test_subject),
		cmocka_unit_test(test_m6_addresses),
		cmocka_unit_test(test_m6_identifiers_and_bodies),
		cmocka_unit_test(test_largest),
		cmocka_unit_test(test_f35_verdicts),
		cmocka_unit_test(test_f35_tried_again),
		cmocka_unit_test(test_f35_not_longer_than_its_life),
		cmocka_unit_test(test_gives_its_place_up_in_a_pause),
		cmocka_unit_test(test_unknown_is_not_repeated),
		cmocka_unit_test(test_without_a_server),
		cmocka_unit_test(test_password_from_the_credential_only),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
