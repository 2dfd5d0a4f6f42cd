// SPDX-License-Identifier: LGPL-2.1-or-later
/* Password Protection: the published examples by name, and the score against a search that does nothing clever. */
#include "unit.h"

#include <time.h>

#include "flow/password.h"
#include "flow/protection.h"

static struct protection_list list;

static int no_terms(void **state _unused_)
{
	list.n = 0;
	return 0;
}

static void ban(const char *term)
{
	assert_true(protection_add(&list, term));
}

static unsigned int score(const char *password)
{
	static struct protection_text text;

	assert_true(protection_read(password, strlen(password), &text));
	return protection_score(&list, &text);
}

static enum why judge(const char *password, const char *name, const char *names)
{
	static const struct conf_list domains = { .n = 2, .item = { "fabrikam.com", "tailspin.onmicrosoft.com" } };
	struct policy_password rules = {
		.min_length = 8, .max_length = 256, .min_classes = 1, .protection = true, .banned = &list, .domains = &domains,
		.organisation = { .n = 1, .item = { "Northwind" } },
	};
	struct secret s = secret_of(password);

	return password_check(&rules, &s, name, names);
}

/* ---- the published examples (Microsoft: "Eliminate bad passwords using Microsoft Entra Password Protection") ---- */

static void published_C0ntos0Blank12_has_4_points_and_is_rejected(void **state _unused_)
{
	ban("contoso");
	ban("blank");
	assert_int_equal(score("C0ntos0Blank12"), 4);
	assert_int_equal(judge("C0ntos0Blank12", "monica", ""), WHY_GUESSABLE);
}

static void published_ContoS0Bl_nkf9_has_5_points_and_is_accepted(void **state _unused_)
{
	ban("contoso");
	ban("blank");
	assert_int_equal(score("ContoS0Bl@nkf9!"), 5);
	assert_int_equal(judge("ContoS0Bl@nkf9!", "monica", ""), WHY_NONE);
}

static void published_p0LL23fb_of_the_user_Poll_is_rejected(void **state _unused_)
{
	assert_int_equal(judge("p0LL23fb", "pollx", "Ann Poll"), WHY_NAME);
	assert_int_equal(judge("p0LL23fb", "pollx", "Ann Bell"), WHY_NONE);
}

static void published_abcdef_is_also_one_letter_away(void **state _unused_)
{
	ban("abcdef");
	assert_int_equal(score("abcdef"), 1);
	assert_int_equal(score("abcdeg"), 1);
	assert_true(score("abcdefg") < PROTECTION_ENOUGH);
	assert_int_equal(score("abcde"), 1);
}

/* ---- normalising ---- */

static void a_password_is_read_as_the_table_says(void **state _unused_)
{
	ban("SOLA");
	assert_int_equal(score("$01@"), 1);
	assert_int_equal(score("s0L@xyzw"), 5);
	ban("p@$$phr@se");
	assert_int_equal(score("PASSPHRASE"), 1);
}

static void letters_beyond_ascii_have_no_case_either(void **state _unused_)
{
	ban("M\xc3\x9cNCHEN");
	ban("\xd0\x9c\xd0\x9e\xd0\xa1\xd0\x9a\xd0\x92\xd0\x90");
	assert_int_equal(score("m\xc3\xbcnchen"), 1);
	assert_int_equal(score("\xd0\xbc\xd0\xbe\xd1\x81\xd0\xba\xd0\xb2\xd0\xb0"), 1);
	/* One letter of two bytes is one letter. */
	assert_int_equal(score("munchen"), 1);
}

static void what_is_no_utf8_is_not_read(void **state _unused_)
{
	static struct protection_text text;
	char long_text[SECRET_MAX + 1];

	memset(long_text, 'a', sizeof(long_text));
	assert_false(protection_read("\xff", 1, &text));
	assert_false(protection_read(long_text, sizeof(long_text), &text));
	assert_true(protection_read(long_text, SECRET_MAX, &text));
}

/* ---- terms ---- */

static void a_term_has_4_to_16_characters(void **state _unused_)
{
	assert_false(protection_add(&list, "abc"));
	assert_false(protection_add(&list, ""));
	assert_false(protection_add(&list, "abcdefghijklmnopq"));
	assert_false(protection_add(&list, "abcd\xff"));
	assert_int_equal(list.n, 0);
	assert_true(protection_add(&list, "abcd"));
	assert_true(protection_add(&list, "abcdefghijklmnop"));
	assert_true(protection_add(&list, "\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9"));
}

static void there_are_at_most_1000_terms(void **state _unused_)
{
	char word[16];

	for (unsigned int i = 0; i < PROTECTION_TERMS; i++) {
		snprintf(word, sizeof(word), "term%u", i);
		ban(word);
	}
	assert_false(protection_add(&list, "onemore"));
}

static void what_everybody_knows_is_known_without_a_list(void **state _unused_)
{
	static const char *const bad[] = { "Password1", "P@ssw0rd!", "Welcome123", "qwerty123", "Summer26", "12345678", "Passwort99",
					   "letmein!!", "Admin123" };
	static struct protection_text text;

	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		assert_true(protection_read(bad[i], strlen(bad[i]), &text));
		if (protection_score(NULL, &text) >= PROTECTION_ENOUGH)
			fail_msg("%s", bad[i]);
	}
	assert_int_equal(score("Kd7#mQ2x"), 5);
	assert_int_equal(score("correct horse battery staple"), 5);
}

/* ---- names ---- */

static void names_are_rejected_outright(void **state _unused_)
{
	static const char names[] = "Anna-Lena O'Brien Ng Toso, \xc3\x96zlem";

	assert_int_equal(judge("a-long-one-with-Toso-in-it-77", "x", names), WHY_NAME);
	assert_int_equal(judge("a-long-one-with-t0S0-in-it-77", "x", names), WHY_NAME);
	assert_int_equal(judge("a-long-one-with-anna-in-it-77", "x", names), WHY_NAME);
	assert_int_equal(judge("a-long-one-with-brien-in-it-77", "x", names), WHY_NAME);
	assert_int_equal(judge("a-long-one-with-\xc3\xb6zlem-in-it-77", "x", names), WHY_NAME);
	/* Of fewer than four letters, or not the whole name. */
	assert_int_equal(judge("a-bright-thing-with-n-g-77", "x", names), WHY_NONE);
	assert_int_equal(judge("song-and-tos-in-it-77-xyz", "x", names), WHY_NONE);
	assert_int_equal(judge("a-long-one-with-Toso-in-it-77", "x", ""), WHY_NONE);
}

static void a_name_of_short_parts_counts_as_a_whole(void **state _unused_)
{
	assert_int_equal(judge("a-long-one-with-li-an-in-it", "x", "Li-An"), WHY_NAME);
	assert_int_equal(judge("a-long-one-with-lian-in-it", "x", "Li-An"), WHY_NONE);
}

static void the_organisations_name_is_rejected_outright(void **state _unused_)
{
	assert_int_equal(judge("a-long-one-with-n0rthwind-77", "x", ""), WHY_WORD);
	assert_int_equal(judge("a-long-one-with-Fabrikam-77", "x", ""), WHY_WORD);
	assert_int_equal(judge("a-long-one-with-TA1LSP1N-77x", "x", ""), WHY_NONE);
	assert_int_equal(judge("a-long-one-with-tailspin-77x", "x", ""), WHY_WORD);
	assert_int_equal(judge("a-long-one-onmicrosoft-77x", "x", ""), WHY_NONE);
}

static void protection_can_be_switched_off(void **state _unused_)
{
	struct policy_password rules = { .min_length = 8, .max_length = 256, .min_classes = 1, .banned = &list };
	struct secret s = secret_of("Password1"), named = secret_of("long-enough-Toso-77"), own = secret_of("long-monica-77");

	assert_int_equal(password_check(&rules, &s, "monica", "Monica Toso"), WHY_NONE);
	assert_int_equal(password_check(&rules, &named, "monica", "Monica Toso"), WHY_NONE);
	assert_int_equal(password_check(&rules, &own, "monica", "Monica Toso"), WHY_NAME);
	rules.protection = true;
	assert_int_equal(password_check(&rules, &s, "monica", "Monica Toso"), WHY_GUESSABLE);
	assert_int_equal(password_check(&rules, &named, "monica", "Monica Toso"), WHY_NAME);
}

/* ---- against a search that does nothing clever ---- */

#define NAIVE 24

static unsigned int seed = 1;

static unsigned int chance(unsigned int n)
{
	seed = seed * 1103515245 + 12345;
	return (seed >> 16) % n;
}

/* Whether a letter put into `term` between its first and its last gives `part`. */
static bool one_more(const char *term, const char *part, size_t n)
{
	char made[NAIVE + 2];
	size_t m = strlen(term);

	for (size_t at = 1; at < m && n == m + 1; at++) {
		snprintf(made, sizeof(made), "%.*s%c%s", (int)at, term, part[at], term + at);
		if (memcmp(made, part, n) == 0)
			return true;
	}
	return false;
}

static bool one_less(const char *term, const char *part, size_t n)
{
	char made[NAIVE + 2];
	size_t m = strlen(term);

	for (size_t at = 0; at < m && n + 1 == m; at++) {
		snprintf(made, sizeof(made), "%.*s%s", (int)at, term, term + at + 1);
		if (memcmp(made, part, n) == 0)
			return true;
	}
	return false;
}

static bool one_other(const char *term, const char *part, size_t n)
{
	size_t differ = 0;

	if (n != strlen(term))
		return false;
	for (size_t i = 0; i < n; i++)
		differ += term[i] != part[i];
	return differ <= 1;
}

static unsigned int least(unsigned int a, unsigned int b)
{
	return a < b ? a : b;
}

/* All ways to cut the rest of the password into parts. */
static unsigned int naive(const char *const *terms, size_t terms_n, const char *rest)
{
	size_t len = strlen(rest);
	unsigned int best;

	if (len == 0)
		return 0;
	best = 1 + naive(terms, terms_n, rest + 1);
	for (size_t i = 0; i < terms_n; i++)
		for (size_t n = 1; n <= len; n++)
			if (one_more(terms[i], rest, n) || one_less(terms[i], rest, n) || one_other(terms[i], rest, n))
				best = least(best, 1 + naive(terms, terms_n, rest + n));
	return best;
}

static void random_word(char *ret, size_t least_len, size_t most)
{
	size_t n = least_len + chance((unsigned int)(most - least_len + 1));

	/* Letters that are in none of the words that everybody knows, few enough to meet often. */
	for (size_t i = 0; i < n; i++)
		ret[i] = (char)("\x7b\x7c\x7d"[chance(3)]);
	ret[n] = 0;
}

static void the_score_is_that_of_the_cover_with_the_fewest_points(void **state _unused_)
{
	unsigned int differed = 0, rejected = 0;

	for (unsigned int round = 0; round < 4000; round++) {
		char words[3][NAIVE], password[NAIVE];
		const char *terms[3];

		list.n = 0;
		for (size_t i = 0; i < 3; i++) {
			random_word(words[i], 4, 7);
			terms[i] = words[i];
			ban(words[i]);
		}
		random_word(password, 1, 14);
		differed += score(password) != least(naive(terms, 3, password), PROTECTION_ENOUGH);
		rejected += score(password) < PROTECTION_ENOUGH;
	}
	assert_int_equal(differed, 0);
	assert_in_range(rejected, 400, 3900);
}

/* However a banned term is dressed, it never counts as more than one point. */
static void a_term_as_a_whole_is_never_more_than_a_point(void **state _unused_)
{
	for (unsigned int round = 0; round < 4000; round++) {
		char word[NAIVE], password[2 * NAIVE];
		size_t before = chance(5), behind = chance(5);

		list.n = 0;
		random_word(word, 4, 16);
		ban(word);
		snprintf(password, sizeof(password), "%.*s%s%.*s", (int)before, "XWVU", word, (int)behind, "%&*-");
		if (score(password) > before + 1 + behind)
			fail_msg("%s in %s", word, password);
		if (before + behind < 4)
			assert_true(score(password) < PROTECTION_ENOUGH);
	}
}

static void the_longest_password_that_four_terms_can_be_is_still_seen(void **state _unused_)
{
	char password[80] = "";

	ban("zzzzyyyyxxxxwwww");
	for (int i = 0; i < 4; i++)
		strcat(password, "zzzzyyyy!xxxxwwww");
	assert_int_equal(strlen(password), 68);
	assert_int_equal(score(password), 4);
	strcat(password, "!");
	assert_int_equal(score(password), 5);
}

/* ---- how long it takes ---- */

static double milliseconds(const char *password)
{
	struct timespec from, to;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &from);
	for (int i = 0; i < 20; i++)
		score(password);
	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &to);
	return ((double)(to.tv_sec - from.tv_sec) * 1e3 + (double)(to.tv_nsec - from.tv_nsec) / 1e6) / 20;
}

/* 1,000 terms that all begin alike, some of every length, and passwords that are made of nothing else: nothing is worse. */
static void a_check_takes_well_under_5_ms(void **state _unused_)
{
	char word[20], password[257];

	for (int len = PROTECTION_LEAST; len <= PROTECTION_MOST; len++) {
		snprintf(word, sizeof(word), "%.*s", len, "zzzzzzzzzzzzzzzzzzzz");
		ban(word);
	}
	for (unsigned int i = 0; list.n < PROTECTION_TERMS; i++) {
		snprintf(word, sizeof(word), "zzzzzzzzzzzz%c%c%c%c", 'a' + (char)(i & 7), 'a' + (char)(i >> 3 & 7),
			 'a' + (char)(i >> 6 & 7), 'a' + (char)(i >> 9 & 7));
		ban(word);
	}
	memset(password, 'z', sizeof(password) - 1);
	for (size_t len = 256; len >= 8; len = len == 256 ? 68 : len / 2) {
		double ms;

		password[len] = 0;
		ms = milliseconds(password);
		print_message("%zu characters: %.3f ms\n", len, ms);
#ifndef __SANITIZE_ADDRESS__
		assert_true(ms < 5);
#endif
	}
}

#define TEST(f) cmocka_unit_test_setup(f, no_terms)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(published_C0ntos0Blank12_has_4_points_and_is_rejected),
		TEST(published_ContoS0Bl_nkf9_has_5_points_and_is_accepted),
		TEST(published_p0LL23fb_of_the_user_Poll_is_rejected),
		TEST(published_abcdef_is_also_one_letter_away),
		TEST(a_password_is_read_as_the_table_says),
		TEST(letters_beyond_ascii_have_no_case_either),
		TEST(what_is_no_utf8_is_not_read),
		TEST(a_term_has_4_to_16_characters),
		TEST(there_are_at_most_1000_terms),
		TEST(what_everybody_knows_is_known_without_a_list),
		TEST(names_are_rejected_outright),
		TEST(a_name_of_short_parts_counts_as_a_whole),
		TEST(the_organisations_name_is_rejected_outright),
		TEST(protection_can_be_switched_off),
		TEST(the_score_is_that_of_the_cover_with_the_fewest_points),
		TEST(a_term_as_a_whole_is_never_more_than_a_point),
		TEST(the_longest_password_that_four_terms_can_be_is_still_seen),
		TEST(a_check_takes_well_under_5_ms),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
