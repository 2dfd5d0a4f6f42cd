// SPDX-License-Identifier: LGPL-2.1-or-later

/* How long the module waits, on a clock of the test's own. */

#include "fake.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#define MINUTE 60000

/* A daemon that speaks at the given times after the start. */
struct script {
	size_t n, at;
	const struct line {
		int64_t ms;
		enum step_kind kind;
		enum step_result result;
	} *line;
	int64_t typing_ms; /* what the user takes for each answer */
	const char *last;  /* the text that was shown last */
	int prompts;
};

static bool turn(struct fake *f)
{
	struct script *s = f->data;
	const struct line *line;
	struct wire w;

	if (s->at == s->n)
		return false;
	line = &s->line[s->at++];
	f->now_ms = f->now_ms > line->ms ? f->now_ms : line->ms;
	wire_start(&w, WIRE_STEP);
	wire_u8(&w, WIRE_KIND, line->kind);
	if (line->kind == STEP_END)
		wire_u8(&w, WIRE_RESULT, line->result);
	wire_text(&w, WIRE_INFO, line->kind == STEP_END ? "end" : "info");
	wire_text(&w, WIRE_LOST, "lost");
	fake_say(w.b, w.len);
	return true;
}

static int talk(int n, const struct pam_message **m, struct pam_response **ret, void *data)
{
	struct script *s = data;
	struct pam_response *response = calloc((size_t)n, sizeof(*response));

	s->last = strcmp(m[0]->msg, "end") == 0 ? "end" : strcmp(m[0]->msg, "lost") == 0 ? "lost" : "info";
	if (m[n - 1]->msg_style == PAM_PROMPT_ECHO_ON) {
		s->prompts++;
		fake.now_ms += s->typing_ms;
		response[n - 1].resp = strdup("1");
	}
	*ret = response;
	return PAM_SUCCESS;
}

static int received; /* messages from the module in the last run */

static int run(struct script *s)
{
	const struct pam_conv conv = { .conv = talk, .appdata_ptr = s };
	struct pam_handle h = {};
	struct wire w;
	int r;

	h.item[PAM_SERVICE] = "login";
	h.item[PAM_USER] = "monica";
	h.item[PAM_AUTHTOK] = "forgot";
	h.item[PAM_CONV] = &conv;
	fake = (struct fake){ .fd = -1, .turn = turn, .data = s };
	r = pam_sm_authenticate(&h, 0, 0, NULL);
	for (received = 0; wire_receive(fake.fd, &w) == 0; received++)
		;
	fake_close();
	assert_int_equal(fcntl(fake.module_fd, F_GETFD), -1);
	return r;
}

static void the_first_step_has_two_seconds(void **state _unused_)
{
	static const struct line line[] = { { .ms = 1900, .kind = STEP_END, .result = RESULT_MAXTRIES } };
	struct script in_time = { .n = 1, .line = line }, never = {};

	assert_int_equal(run(&in_time), PAM_MAXTRIES);
	assert_int_equal(run(&never), PAM_IGNORE);
	assert_int_equal(fake.now_ms, 2000);
	assert_null(never.last);
}

static void the_next_step_has_a_minute(void **state _unused_)
{
	static const struct line line[] = {
		{ .kind = STEP_ASK },
		{ .ms = 5000 + MINUTE - 1, .kind = STEP_END, .result = RESULT_FAILED },
	};
	struct script in_time = { .n = 2, .line = line, .typing_ms = 5000 };
	struct script late = { .n = 1, .line = line, .typing_ms = 5000 };

	assert_int_equal(run(&in_time), PAM_AUTH_ERR);
	assert_string_equal(in_time.last, "end");
	assert_int_equal(run(&late), PAM_AUTH_ERR);
	assert_string_equal(late.last, "lost");
	assert_int_equal(fake.now_ms, 5000 + MINUTE);
}

static void the_whole_has_a_quarter_of_an_hour(void **state _unused_)
{
	static const struct line line[] = {
		{ .kind = STEP_ASK }, { .kind = STEP_ASK }, { .kind = STEP_ASK }, { .kind = STEP_ASK },
	};
	struct script s = { .n = ARRAY_SIZE(line), .line = line, .typing_ms = 7 * MINUTE };

	assert_int_equal(run(&s), PAM_AUTH_ERR);
	assert_int_equal(s.prompts, 3);
	assert_string_equal(s.last, "lost");
	assert_int_equal(fake.now_ms, 21 * MINUTE);
}

static void nothing_is_sent_after_the_time(void **state _unused_)
{
	static const struct line line[] = { { .kind = STEP_ASK } };
	struct script in_time = { .n = 1, .line = line, .typing_ms = 14 * MINUTE };
	struct script late = { .n = 1, .line = line, .typing_ms = 16 * MINUTE };

	run(&in_time);
	assert_int_equal(received, 2);
	run(&late);
	assert_int_equal(received, 1);
}

/* The daemon's own end, which came while the user was typing, is still told. */
static void an_end_that_is_there_counts_after_the_time(void **state _unused_)
{
	static const struct line line[] = {
		{ .kind = STEP_ASK },
		{ .kind = STEP_END, .result = RESULT_MAXTRIES },
	};
	struct script s = { .n = 2, .line = line, .typing_ms = 16 * MINUTE };

	assert_int_equal(run(&s), PAM_MAXTRIES);
	assert_string_equal(s.last, "end");
}

static void texts_without_end_do_not_last_for_ever(void **state _unused_)
{
	static struct line line[40];
	struct script s = { .n = ARRAY_SIZE(line), .line = line };

	for (size_t i = 0; i < ARRAY_SIZE(line); i++)
		line[i] = (struct line){ .kind = STEP_TELL, .ms = (int64_t)i * 30000 };
	assert_int_equal(run(&s), PAM_AUTH_ERR);
	assert_int_equal(fake.now_ms, 15 * MINUTE);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_first_step_has_two_seconds),
		cmocka_unit_test(the_next_step_has_a_minute),
		cmocka_unit_test(the_whole_has_a_quarter_of_an_hour),
		cmocka_unit_test(nothing_is_sent_after_the_time),
		cmocka_unit_test(an_end_that_is_there_counts_after_the_time),
		cmocka_unit_test(texts_without_end_do_not_last_for_ever),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
