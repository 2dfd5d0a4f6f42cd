// SPDX-License-Identifier: LGPL-2.1-or-later
/* JSON as it comes from a server, and as it is written into a buffer. */
#include "unit.h"

#include <errno.h>

#include "base/json.h"

/* In memory of just this size, so that a sanitizer sees a byte read too much. */
static int parse(const char *text, size_t len, struct json **ret)
{
	_cleanup_(freep) char *copy = malloc(len ? len : 1);

	assert_non_null(copy);
	memcpy(copy, text, len);
	return json_parse(copy, len, ret);
}

static struct json *parsed(const char *text)
{
	struct json *j = NULL;

	assert_int_equal(parse(text, strlen(text), &j), 0);
	return j;
}

/* ---- reading ---- */

static void one_whole_value_is_taken(void **state _unused_)
{
	static const char *const values[] = { "{}", "[]", " {\"a\":1}\r\n", "\"\"", "true", "false", "0", "-1", "42", "1.5", "1e3",
					      "\"\\ud83d\\ude00\"", "\"ž\"", "[1,[2,{\"a\":null}]]" };

	for (size_t i = 0; i < ARRAY_SIZE(values); i++) {
		_cleanup_(json_freep) struct json *j = NULL;

		if (parse(values[i], strlen(values[i]), &j) < 0 || !j)
			fail_msg("%s was refused", values[i]);
	}
}

#define TEXT(x) { x, sizeof(x) - 1 }

static void anything_else_is_refused(void **state _unused_)
{
	static const struct {
		const char *b;
		size_t len;
	} wrong[] = {
		/* not whole */
		TEXT(""), TEXT(" "), TEXT("{"), TEXT("[1"), TEXT("\"abc"), TEXT("tru"), TEXT("-"), TEXT("{\"a\":"), TEXT("[1,"),
		/* more than one */
		TEXT("{} x"), TEXT("{}{}"), TEXT("42 43"), TEXT("true1"), TEXT("[1,2]]"), TEXT("{}\0"), TEXT("{}\0{}"), TEXT("42\0"),
		/* not JSON */
		TEXT("null"), TEXT("True"), TEXT("'a'"), TEXT("{a:1}"), TEXT("[1,]"), TEXT("{\"a\":1,}"), TEXT("/**/1"), TEXT("01"),
		TEXT("+1"), TEXT(".5"), TEXT("0x1"), TEXT("[1 2]"), TEXT("\"\\x\""), TEXT("<html>"), TEXT("\xef\xbb\xbf{}"),
		/* a NUL */
		TEXT("\0"), TEXT("\"a\0b\""), TEXT("{\"a\0b\":1}"), TEXT("[1\0,2]"),
		/* no UTF-8: alone, overlong, a surrogate, past the last, cut, at the end of a number */
		TEXT("\"\xff\""), TEXT("\"\xc0\x80\""), TEXT("\"\xe0\x80\xaf\""), TEXT("\"\xed\xa0\x80\""),
		TEXT("\"\xf4\x90\x80\x80\""), TEXT("\"\xc3\""), TEXT("\"\xc3"), TEXT("12\xc3"),
	};

	for (size_t i = 0; i < ARRAY_SIZE(wrong); i++) {
		struct json *untouched = NULL;

		if (parse(wrong[i].b, wrong[i].len, &untouched) != -EBADMSG || untouched)
			fail_msg("%zu: %s was taken", i, wrong[i].b);
	}
}

static int nested(size_t depth)
{
	_cleanup_(json_freep) struct json *j = NULL;
	_cleanup_(freep) char *text = malloc(2 * depth);

	assert_non_null(text);
	memset(text, '[', depth);
	memset(text + depth, ']', depth);
	return parse(text, 2 * depth, &j);
}

static void depth_is_limited(void **state _unused_)
{
	assert_int_equal(nested(30), 0);
	assert_int_equal(nested(33), -EBADMSG);
	assert_int_equal(nested(100000), -EBADMSG);
}

static void a_huge_text_is_read_whole(void **state _unused_)
{
	const size_t len = 1024 * 1024;
	_cleanup_(json_freep) struct json *j = NULL;
	_cleanup_(freep) char *text = malloc(len);

	assert_non_null(text);
	memset(text, 'a', len);
	text[0] = text[len - 1] = '"';
	assert_int_equal(parse(text, len, &j), 0);
	assert_int_equal(strlen(json_text(j)), len - 2);
	assert_int_equal(json_parse(text, SIZE_MAX, &j), -EBADMSG);
}

static void a_path_can_be_walked(void **state _unused_)
{
	_cleanup_(json_freep) struct json *j = parsed("{\"value\":[{\"id\":\"1\"},{\"id\":\"2\",\"on\":true}],\"n\":null}");
	const struct json *value = json_member(j, "value");

	assert_true(json_is_object(j) && !json_is_array(j));
	assert_true(json_is_array(value) && !json_is_object(value));
	assert_int_equal(json_length(value), 2);
	assert_string_equal(json_text_of(json_item(value, 1), "id"), "2");
	assert_true(json_is_true(json_member(json_item(value, 1), "on")));
	assert_null(json_item(value, 2));
	assert_null(json_item(value, SIZE_MAX));
	assert_null(json_member(j, "Value"));
	assert_null(json_member(j, "n"));
}

static void nothing_is_found_in_nothing(const struct json *node)
{
	int64_t n = 7;

	assert_null(json_member(node, "a"));
	assert_null(json_item(node, 0));
	assert_int_equal(json_length(node), 0);
	assert_null(json_text(node));
	assert_null(json_text_of(node, "a"));
	assert_false(json_is_true(node));
	assert_false(json_is_array(node));
	assert_false(json_is_object(node));
	assert_int_equal(json_number(node, &n), -ENOENT);
	assert_int_equal(n, 7);
}

static void getters_take_null_and_other_types(void **state _unused_)
{
	static const char *const others[] = { "1.5", "false" };
	_cleanup_(json_freep) struct json *object = parsed("{\"1\":\"x\",\"true\":\"true\"}"), *array = parsed("[\"x\"]"),
					  *text = parsed("\"true\""), *number = parsed("1");

	nothing_is_found_in_nothing(NULL);
	for (size_t i = 0; i < ARRAY_SIZE(others); i++) {
		_cleanup_(json_freep) struct json *j = parsed(others[i]);

		nothing_is_found_in_nothing(j);
	}
	assert_null(json_text(object));
	assert_null(json_text(array));
	assert_null(json_text(number));
	assert_null(json_item(object, 0));
	assert_int_equal(json_length(object), 0);
	assert_int_equal(json_length(text), 0);
	assert_null(json_member(array, "0"));
	assert_false(json_is_true(text));
	assert_false(json_is_true(number));
	assert_false(json_is_true(json_member(object, "true")));
	json_free(NULL);
}

static void a_part_outlives_the_rest(void **state _unused_)
{
	struct json *root = parsed("{\"body\":{\"id\":\"1\"}}");
	_cleanup_(json_freep) struct json *part = json_keep(json_member(root, "body"));

	json_free(root);
	assert_string_equal(json_text_of(part, "id"), "1");
	assert_null(json_keep(NULL));
}

/* Who compared such a text as C does would take it for a shorter one. */
static void a_text_with_a_NUL_is_none(void **state _unused_)
{
	_cleanup_(json_freep) struct json *j = parsed("{\"userType\":\"Member\\u0000x\"}");

	assert_null(json_text_of(j, "userType"));
}

static int number(const char *text, int64_t *ret)
{
	_cleanup_(json_freep) struct json *j = parsed(text);

	return json_number(j, ret);
}

static void numbers(void **state _unused_)
{
	static const struct {
		const char *text;
		int64_t n;
	} right[] = {
		{ "0", 0 }, { "-1", -1 }, { "3599", 3599 }, { "\"3599\"", 3599 }, { "\"007\"", 7 },
		{ "999999999999999999", 999999999999999999 }, { "\"999999999999999999\"", 999999999999999999 },
	};
	static const char *const wrong[] = { "3599.0", "1e3", "\"\"", "\"-1\"", "\" 1\"", "\"1 \"", "\"1x\"", "\"0x1\"", "true", "[1]", "{}",
					     "9223372036854775807", "9223372036854775808", "18446744073709551616",
					     "99999999999999999999999999", "-9223372036854775809", "\"9999999999999999999\"",
					     "\"1\\u0000\"" };
	int64_t n;

	for (size_t i = 0; i < ARRAY_SIZE(right); i++)
		if (number(right[i].text, &n) < 0 || n != right[i].n)
			fail_msg("%s is another number", right[i].text);
	for (size_t i = 0; i < ARRAY_SIZE(wrong); i++)
		if (number(wrong[i], &n) != -ENOENT)
			fail_msg("%s was taken", wrong[i]);
}

/* ---- writing ---- */

static void what_was_written_is_read_as_the_same(void **state _unused_)
{
	static const char password[] = "q\"\\/\b\f\n\r\t\x01\x1f\x7fž\xf0\x9f\x98\x80 end";
	_cleanup_(json_freep) struct json *j = NULL;
	char b[256] = "";
	struct json_writer w = { .b = b, .size = sizeof(b) };

	json_raw(&w, "{\"password\":");
	json_string(&w, password, strlen(password));
	json_raw(&w, "}");
	assert_false(w.failed);
	assert_int_equal(w.len, strlen(b));
	for (size_t i = 0; i < w.len; i++)
		assert_true((unsigned char)b[i] >= 0x20 && b[i] != 0x7f);
	assert_int_equal(parse(b, w.len, &j), 0);
	assert_string_equal(json_text_of(j, "password"), password);
}

static void escapes(void **state _unused_)
{
	char b[64] = "";
	struct json_writer w = { .b = b, .size = sizeof(b) };

	json_string(&w, "a\"b\\c\n\0d", 8);
	assert_string_equal(b, "\"a\\\"b\\\\c\\u000a\\u0000d\"");
}

/* One text in a buffer of every size up to what it needs. */
static void what_does_not_fit_fails_and_ends_with_a_NUL(void **state _unused_)
{
	static const char text[] = "a\"\nž";
	static const char whole[] = "\"a\\\"\\u000až\"";

	for (size_t size = 1; size <= sizeof(whole); size++) {
		_cleanup_(freep) char *b = calloc(1, size);
		struct json_writer w = { .b = b, .size = size };
		size_t len;

		json_string(&w, text, strlen(text));
		assert_int_equal(w.failed, size < sizeof(whole));
		len = w.len;
		/* What once failed stays so, even where a short text would fit. */
		json_raw(&w, "x");
		assert_true(w.failed);
		assert_int_equal(w.len, len);
		assert_true(memchr(b, 0, size));
		assert_int_equal(strlen(b), len);
	}
}

static void a_buffer_of_nothing_fails(void **state _unused_)
{
	char b = 'x';
	struct json_writer w = { .b = &b, .size = 0 };

	json_raw(&w, "a");
	assert_true(w.failed);
	assert_int_equal(b, 'x');
}

static void what_is_no_UTF_8_is_not_written(void **state _unused_)
{
	static const char *const wrong[] = { "a\xff", "\xc0\x80", "\xed\xa0\x80", "\xf4\x90\x80\x80", "a\xc3" };

	for (size_t i = 0; i < ARRAY_SIZE(wrong); i++) {
		char b[64] = "";
		struct json_writer w = { .b = b, .size = sizeof(b) };

		json_string(&w, wrong[i], strlen(wrong[i]));
		assert_true(w.failed);
		assert_int_equal(strlen(b), w.len);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(one_whole_value_is_taken),
		cmocka_unit_test(anything_else_is_refused),
		cmocka_unit_test(depth_is_limited),
		cmocka_unit_test(a_huge_text_is_read_whole),
		cmocka_unit_test(a_path_can_be_walked),
		cmocka_unit_test(getters_take_null_and_other_types),
		cmocka_unit_test(a_part_outlives_the_rest),
		cmocka_unit_test(a_text_with_a_NUL_is_none),
		cmocka_unit_test(numbers),
		cmocka_unit_test(what_was_written_is_read_as_the_same),
		cmocka_unit_test(escapes),
		cmocka_unit_test(what_does_not_fit_fails_and_ends_with_a_NUL),
		cmocka_unit_test(a_buffer_of_nothing_fails),
		cmocka_unit_test(what_is_no_UTF_8_is_not_written),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
