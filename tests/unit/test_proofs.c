// SPDX-License-Identifier: LGPL-2.1-or-later
/* Codes, methods, and the rules for a new password. */
#include "unit.h"

#include <math.h>

#include "flow/password.h"
#include "flow/texts.h"
#include "method/methods.h"

static const struct crypto_key key = { .b = { 7 } };
static const struct account monica = { .directory = "local", .object = "1000", .name = "monica" };
static const struct moment now = { .boot = 5000000, .wall = 1800000000, .lasting = 1800000000 };

static void make(uint8_t seed, struct code *ret, char *digits)
{
	uint8_t entropy[CODE_ENTROPY];

	memset(entropy, seed, sizeof(entropy));
	assert_int_equal(code_make(&key, &monica, entropy, &now, 300, 5, ret, digits), 0);
}

static void a_code_matches_once_it_is_right(void **state _unused_)
{
	char digits[CODE_DIGITS + 1];
	struct secret right, wrong = secret_of("00000000"), spaced;
	struct code c;

	make(3, &c, digits);
	assert_int_equal(strlen(digits), CODE_DIGITS);
	right = secret_of(digits);
	assert_false(code_matches(&c, &key, &monica, &wrong, &now));
	assert_true(code_matches(&c, &key, &monica, &right, &now));
	snprintf(spaced.b, sizeof(spaced.b), "%.4s %.4s", digits, digits + 4);
	spaced.len = 9;
	assert_true(code_matches(&c, &key, &monica, &spaced, &now));
}

static void a_code_has_so_many_tries(void **state _unused_)
{
	struct secret wrong = secret_of("00000000"), right;
	char digits[CODE_DIGITS + 1];
	struct code c;

	make(3, &c, digits);
	right = secret_of(digits);
	for (int i = 0; i < 5; i++)
		assert_false(code_matches(&c, &key, &monica, &wrong, &now));
	assert_false(code_alive(&c, &now));
	assert_false(code_matches(&c, &key, &monica, &right, &now));
}

/* C9: by the clock that the wall clock does not move. */
static void C9_a_code_expires_by_boot_time(void **state _unused_)
{
	struct moment later = now;
	char digits[CODE_DIGITS + 1];
	struct secret right;
	struct code c;

	make(3, &c, digits);
	right = secret_of(digits);
	later.wall = 0;
	later.boot += 299999;
	assert_true(code_matches(&c, &key, &monica, &right, &later));
	later.wall = now.wall;
	later.boot += 1;
	assert_false(code_matches(&c, &key, &monica, &right, &later));
}

/* C1: the same digits made in another dialogue are another code. */
static void C1_a_code_belongs_to_its_dialogue(void **state _unused_)
{
	char a_digits[CODE_DIGITS + 1], b_digits[CODE_DIGITS + 1];
	struct secret a_code;
	struct code a, b;

	make(3, &a, a_digits);
	make(4, &b, b_digits);
	a_code = secret_of(a_digits);
	assert_false(code_matches(&b, &key, &monica, &a_code, &now));
	memcpy(b.mac, a.mac, sizeof(b.mac));
	b.tries = 5;
	assert_false(code_matches(&b, &key, &monica, &a_code, &now));
}

/* C1: a code that came into the hands of another account's dialogue is no code there. */
static void C1_a_code_belongs_to_its_account(void **state _unused_)
{
	struct account pavel = { .directory = "local", .object = "1001", .name = "monica" };
	struct account nobody = { .name = "nobody" }, other = { .name = "nobodyx" };
	char digits[CODE_DIGITS + 1];
	uint8_t entropy[CODE_ENTROPY] = { 3 };
	struct secret right;
	struct code c;

	make(3, &c, digits);
	right = secret_of(digits);
	assert_false(code_matches(&c, &key, &pavel, &right, &now));
	assert_true(code_matches(&c, &key, &monica, &right, &now));
	assert_int_equal(code_make(&key, &nobody, entropy, &now, 300, 5, &c, digits), 0);
	right = secret_of(digits);
	assert_false(code_matches(&c, &key, &other, &right, &now));
	assert_true(code_matches(&c, &key, &nobody, &right, &now));
}

/* C12: chi-square over the digits of many codes; 9 degrees of freedom, p = 0.0001 is at 33.7. */
static void C12_codes_are_even(void **state _unused_)
{
	enum { CODES = 100000 };
	unsigned int counts[CODE_DIGITS][10] = {};
	uint8_t entropy[CODE_ENTROPY];
	char digits[CODE_DIGITS + 1];
	struct code c;

	for (int i = 0; i < CODES; i++) {
		assert_int_equal(crypto_random(entropy, sizeof(entropy)), 0);
		assert_int_equal(code_make(&key, &monica, entropy, &now, 300, 5, &c, digits), 0);
		for (int d = 0; d < CODE_DIGITS; d++)
			counts[d][digits[d] - '0']++;
	}
	for (int d = 0; d < CODE_DIGITS; d++) {
		double chi = 0;

		for (int n = 0; n < 10; n++)
			chi += pow(counts[d][n] - CODES / 10.0, 2) / (CODES / 10.0);
		if (chi > 33.7)
			fail_msg("digit %d: chi-square %f", d, chi);
	}
}

/* The unfair end of the range is thrown away, not folded onto the low codes. */
static void C12_no_bias_by_remainder(void **state _unused_)
{
	uint8_t entropy[CODE_ENTROPY];
	char digits[CODE_DIGITS + 1];
	struct code c;

	memset(entropy, 0xff, sizeof(entropy));
	assert_true(code_make(&key, &monica, entropy, &now, 300, 5, &c, digits) < 0);
	memset(entropy + CODE_ENTROPY - 4, 0, 4);
	assert_int_equal(code_make(&key, &monica, entropy, &now, 300, 5, &c, digits), 0);
	assert_string_equal(digits, "00000000");
}

/* RFC 6238, appendix B, SHA-1, with 6 digits of the 8. */
static bool totp(const char *code, int64_t wall, int64_t lasting, int64_t last_step, int64_t *ret_step)
{
	struct registration r = { .has_authenticator = true, .seed = secret_of("12345678901234567890"),
				  .last_step = last_step };
	struct moment at = { .boot = 1, .wall = wall, .lasting = lasting };
	struct secret answer = secret_of(code);
	struct proof_question q = { .registration = &r, .answer = &answer, .now = &at };
	struct proof proof = {};
	bool right = method_authenticator.verify(&q, &proof);

	*ret_step = proof.step;
	return right;
}

static void totp_is_rfc_6238(void **state _unused_)
{
	int64_t step;

	assert_true(totp("287082", 59, 59, 0, &step));
	assert_int_equal(step, 1);
	assert_true(totp("081804", 1111111109, 1111111109, 0, &step));
	assert_true(totp("353130", 20000000000, 20000000000, 0, &step));
	assert_true(totp("353 130", 20000000000, 20000000000, 0, &step));
	assert_false(totp("353131", 20000000000, 20000000000, 0, &step));
	assert_false(totp("", 20000000000, 20000000000, 0, &step));
	assert_false(totp("3531300", 20000000000, 20000000000, 0, &step));
}

static void totp_takes_one_step_of_delay(void **state _unused_)
{
	int64_t step;

	assert_true(totp("287082", 59 + 30, 59 + 30, 0, &step));
	assert_int_equal(step, 1);
	assert_false(totp("287082", 59 + 60, 59 + 60, 0, &step));
}

static void C2_a_time_step_is_good_once(void **state _unused_)
{
	int64_t step;

	assert_false(totp("287082", 59, 59, 1, &step));
	assert_false(totp("287082", 59, 59, 2, &step));
	assert_int_equal(step, 0);
}

static void C9_totp_refuses_a_clock_that_was_set_back(void **state _unused_)
{
	int64_t step;

	assert_true(totp("287082", 59, 59 + 300, 0, &step));
	assert_false(totp("287082", 59, 59 + 301, 0, &step));
}

static void C15_a_recovery_code_has_80_bits_and_is_kept_salted(void **state _unused_)
{
	struct registration r = { .recovery_n = 2 };
	struct secret codes[2], typed;
	struct proof_question q = { .registration = &r, .recovery_key = &key, .answer = &typed, .now = &now };
	struct proof proof = {};

	for (int i = 0; i < 2; i++) {
		assert_int_equal(recovery_make(&key, &codes[i], &r.recovery[i]), 0);
		r.recovery[i].row = 10 + i;
		assert_int_equal(codes[i].len, 19);
	}
	assert_memory_not_equal(r.recovery[0].salt, r.recovery[1].salt, RECOVERY_SALT);
	typed = codes[1];
	assert_true(method_recovery.verify(&q, &proof));
	assert_int_equal(proof.recovery_row, 11);
	for (size_t i = 0; i < typed.len; i++)
		typed.b[i] = typed.b[i] == '-' ? ' ' : (char)(typed.b[i] >= 'A' ? typed.b[i] + 32 : typed.b[i]);
	assert_true(method_recovery.verify(&q, &proof));
	typed.b[0] = typed.b[0] == 'a' ? 'b' : 'a';
	assert_false(method_recovery.verify(&q, &proof));
	typed = secret_of("");
	assert_false(method_recovery.verify(&q, &proof));
}

static void the_uri_is_one_an_app_can_read(void **state _unused_)
{
	struct secret seed = secret_of("12345678901234567890"), uri = {};

	assert_int_equal(authenticator_uri(&seed, "mo nica@x", "lab:1", &uri), 0);
	assert_string_equal(uri.b, "otpauth://totp/lab%3A1:mo%20nica%40x?secret=GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ&issuer=lab%3A1");
}

/* ---- W5 F45 F46 F47 F48 ---- */

static enum why judge(const void *bytes, size_t len)
{
	struct policy_password rules = { .min_length = 8, .max_length = 256, .min_classes = 1 };
	struct secret s = {};

	rules.deny_words.n = 1;
	strcpy(rules.deny_words.item[0], "contoso");
	return secret_set(&s, bytes, len) < 0 ? WHY_TOO_LONG : password_check(&rules, &s, "monica", "");
}

static void W5_rules_of_a_password(void **state _unused_)
{
	static const struct {
		const char *password;
		enum why why;
	} table[] = {
		{ "Brand-New-77x", WHY_NONE },
		{ "x", WHY_TOO_SHORT },
		{ "1234567", WHY_TOO_SHORT },
		{ "12345678", WHY_NONE },
		{ "  both ends  ", WHY_NONE },
		{ "monica-2026", WHY_NAME },
		{ "M0NIC@-2026", WHY_NAME },
		{ "my-C0nt0$o-pw", WHY_WORD },
		{ "line\nbreak-1", WHY_CHARACTERS },
		{ "esc\033[0mape-1", WHY_CHARACTERS },
		{ "tab\tinside-1", WHY_CHARACTERS },
		{ "bad-\xff-utf-8", WHY_CHARACTERS },
		{ "e\xcc\x81-decomposed", WHY_CHARACTERS },
		{ "\xc3\xa9-composed-1", WHY_NONE },
		{ "\xf0\x9f\x98\x80-four-bytes", WHY_NONE },
		{ "\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9", WHY_TOO_SHORT },
	};

	for (size_t i = 0; i < ARRAY_SIZE(table); i++)
		if (judge(table[i].password, strlen(table[i].password)) != table[i].why)
			fail_msg("%zu: %s", i, why_name(judge(table[i].password, strlen(table[i].password))));
}

static void F46_nul_is_refused_not_cut(void **state _unused_)
{
	assert_int_equal(judge("abcdefgh\0ij", 11), WHY_CHARACTERS);
}

static void F48_lengths(void **state _unused_)
{
	char bytes[600];

	memset(bytes, 'q', sizeof(bytes));
	assert_int_equal(judge(bytes, 7), WHY_TOO_SHORT);
	assert_int_equal(judge(bytes, 8), WHY_NONE);
	assert_int_equal(judge(bytes, 256), WHY_NONE);
	assert_int_equal(judge(bytes, 257), WHY_TOO_LONG);
	assert_int_equal(judge(bytes, 511), WHY_TOO_LONG);
	assert_int_equal(judge(bytes, 512), WHY_TOO_LONG);
	assert_int_equal(judge(bytes, 600), WHY_TOO_LONG);
}

/* 255 characters of two bytes: within 256 characters and below 512 bytes; one more is past what PAM can carry. */
static void F48_characters_are_not_bytes(void **state _unused_)
{
	char bytes[512];

	for (size_t i = 0; i < sizeof(bytes); i += 2)
		memcpy(bytes + i, "\xc3\xa9", 2);
	assert_int_equal(judge(bytes, 510), WHY_NONE);
	assert_int_equal(judge(bytes, 512), WHY_TOO_LONG);
}

static void classes_are_counted(void **state _unused_)
{
	struct policy_password rules = { .min_length = 8, .max_length = 256, .min_classes = 3 };
	struct secret two = secret_of("abcdefgh1"), three = secret_of("Abcdefgh1");

	assert_int_equal(password_check(&rules, &two, "monica", ""), WHY_CLASSES);
	assert_int_equal(password_check(&rules, &three, "monica", ""), WHY_NONE);
}

static void the_rules_are_told_in_one_line(void **state _unused_)
{
	for (unsigned int n = 0; n < 1u << 6; n++) {
		const struct policy_password rules = {
			.min_length = n & 1 ? 128 : 8,
			.min_classes = 1 + (n >> 1 & 3),
			.protection = n & 8,
			.ascii = n & 16,
			.history = n & 32 ? 24 : 0,
		};
		char line[FLOW_INFO];

		text_rules(&rules, line, sizeof(line));
		if (strlen(line) >= 150 || line[strlen(line) - 1] != '.')
			fail_msg("%zu: %s", strlen(line), line);
		assert_int_equal(strstr(line, "no common word") != NULL, rules.protection);
		assert_int_equal(strstr(line, "no accents") != NULL, rules.ascii);
		assert_int_equal(strstr(line, "not one used before") != NULL, !rules.ascii || rules.history > 0);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_code_matches_once_it_is_right),
		cmocka_unit_test(a_code_has_so_many_tries),
		cmocka_unit_test(C9_a_code_expires_by_boot_time),
		cmocka_unit_test(C1_a_code_belongs_to_its_dialogue),
		cmocka_unit_test(C1_a_code_belongs_to_its_account),
		cmocka_unit_test(C12_codes_are_even),
		cmocka_unit_test(C12_no_bias_by_remainder),
		cmocka_unit_test(totp_is_rfc_6238),
		cmocka_unit_test(totp_takes_one_step_of_delay),
		cmocka_unit_test(C2_a_time_step_is_good_once),
		cmocka_unit_test(C9_totp_refuses_a_clock_that_was_set_back),
		cmocka_unit_test(C15_a_recovery_code_has_80_bits_and_is_kept_salted),
		cmocka_unit_test(the_uri_is_one_an_app_can_read),
		cmocka_unit_test(W5_rules_of_a_password),
		cmocka_unit_test(F46_nul_is_refused_not_cut),
		cmocka_unit_test(F48_lengths),
		cmocka_unit_test(F48_characters_are_not_bytes),
		cmocka_unit_test(classes_are_counted),
		cmocka_unit_test(the_rules_are_told_in_one_line),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
