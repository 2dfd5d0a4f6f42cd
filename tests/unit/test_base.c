// SPDX-License-Identifier: LGPL-2.1-or-later
/* Wire, text, secret, crypto. */
#include "unit.h"

#include <errno.h>
#include <time.h>

#include "base/crypto.h"
#include "base/text.h"
#include "base/wire.h"

static void wire_brings_back_what_was_put(void **state _unused_)
{
	struct secret password = secret_of("pass\nword"), back = {};
	struct wire_message m;
	struct wire w;
	char text[16];
	unsigned int n;
	uint32_t n32;
	uint64_t n64;

	wire_start(&w, WIRE_BEGIN);
	wire_u16(&w, WIRE_VERSION, 513);
	wire_text(&w, WIRE_USER, "monica");
	wire_text(&w, WIRE_TTY, NULL);
	wire_secret(&w, WIRE_SECRET, &password);
	wire_u32(&w, WIRE_LIFE, 0x01020304);
	wire_u64(&w, WIRE_SINCE, UINT64_MAX);
	assert_false(w.failed);
	assert_int_equal(wire_parse(w.b, w.len, &m), 0);
	assert_int_equal(m.type, WIRE_BEGIN);
	assert_int_equal(wire_get_u16(&m, WIRE_VERSION, &n), 0);
	assert_int_equal(n, 513);
	assert_int_equal(wire_get_text(&m, WIRE_USER, text, sizeof(text)), 0);
	assert_string_equal(text, "monica");
	assert_int_equal(wire_get_text(&m, WIRE_TTY, text, sizeof(text)), -ENOENT);
	assert_int_equal(wire_get_secret(&m, WIRE_SECRET, &back), 0);
	assert_true(secret_equal(&password, &back));
	assert_int_equal(wire_get_u32(&m, WIRE_LIFE, &n32), 0);
	assert_int_equal(n32, 0x01020304);
	assert_int_equal(wire_get_u64(&m, WIRE_SINCE, &n64), 0);
	assert_true(n64 == UINT64_MAX);
}

static void wire_numbers_are_big_endian(void **state _unused_)
{
	static const uint8_t expected[] = { 1, 1, 0, 2, 2, 1 };
	struct wire w;

	wire_start(&w, WIRE_BEGIN);
	wire_u16(&w, WIRE_VERSION, 0x0201);
	assert_int_equal(w.len, sizeof(expected));
	assert_memory_equal(w.b, expected, sizeof(expected));
}

/* S10 */
static void S10_spoilt_messages_are_refused(void **state _unused_)
{
	static const struct {
		const char *what;
		uint8_t b[8];
		size_t len;
	} spoilt[] = {
		{ "nothing", { 0 }, 0 },
		{ "a cut head", { 1, 2, 0 }, 3 },
		{ "a length past the end", { 1, 2, 0, 2, 'x' }, 5 },
		{ "the longest length", { 1, 2, 0xff, 0xff, 'x' }, 5 },
		{ "a tag twice", { 1, 9, 0, 0, 9, 0, 0 }, 7 },
		{ "a column twice", { 34, 128, 0, 0, 128, 0, 0 }, 7 },
	};
	struct wire_message m;

	for (size_t i = 0; i < ARRAY_SIZE(spoilt); i++)
		if (wire_parse(spoilt[i].b, spoilt[i].len, &m) != -EBADMSG)
			fail_msg("%s was taken", spoilt[i].what);
}

static void wire_skips_unknown_tags(void **state _unused_)
{
	static const uint8_t b[] = { 1, 99, 0, 1, 'x', 99, 0, 1, 'y', 2, 0, 1, 'm' };
	struct wire_message m;
	char text[8];

	assert_int_equal(wire_parse(b, sizeof(b), &m), 0);
	assert_int_equal(wire_get_text(&m, WIRE_USER, text, sizeof(text)), 0);
	assert_string_equal(text, "m");
}

static void wire_text_with_nul_or_too_long_is_refused(void **state _unused_)
{
	static const uint8_t nul[] = { 1, 2, 0, 3, 'a', 0, 'b' }, wide[] = { 1, 1, 0, 1, 7 };
	struct wire_message m;
	unsigned int n = 77;
	char text[3];

	assert_int_equal(wire_parse(nul, sizeof(nul), &m), 0);
	assert_int_equal(wire_get_text(&m, WIRE_USER, text, 8), -EBADMSG);
	assert_int_equal(wire_get_text(&m, WIRE_USER, text, sizeof(text)), -EBADMSG);
	assert_int_equal(wire_parse(wide, sizeof(wide), &m), 0);
	assert_int_equal(wire_get_u16(&m, WIRE_VERSION, &n), -EBADMSG);
	assert_int_equal(n, 77);
}

static void wire_that_does_not_fit_fails(void **state _unused_)
{
	static uint8_t big[WIRE_MAX];
	struct wire w;

	wire_start(&w, WIRE_STEP);
	wire_bytes(&w, WIRE_INFO, big, sizeof(big) - 4);
	assert_false(w.failed);
	wire_u8(&w, WIRE_KIND, 1);
	assert_true(w.failed);
	assert_int_equal(wire_send(-1, &w), -EMSGSIZE);
}

/* P4 */
static void P4_text_that_drives_a_terminal_goes(void **state _unused_)
{
	static const struct {
		const char *from, *to;
	} texts[] = {
		{ "plain", "plain" },
		{ "\033[2Jred\033[31m", "[2Jred[31m" },
		{ "two\r\nlines", "twolines" },
		{ "c1 \xc2\x9b" "31m", "c1 31m" },
		{ "bidi \xe2\x80\xae evil \xe2\x81\xa6", "bidi  evil " },
		{ "zero\xe2\x80\x8bwidth\xef\xbb\xbf", "zerowidth" },
		{ "bad \xff\xc0\xaf utf", "bad  utf" },
		{ "surrogate \xed\xa0\x80", "surrogate " },
		{ "Gr\xc3\xbc\xc3\x9f\x65 \xe6\x97\xa5\xe6\x9c\xac", "Gr\xc3\xbc\xc3\x9f\x65 \xe6\x97\xa5\xe6\x9c\xac" },
	};
	char to[64];

	for (size_t i = 0; i < ARRAY_SIZE(texts); i++) {
		text_clean(texts[i].from, strlen(texts[i].from), to, sizeof(to));
		assert_string_equal(to, texts[i].to);
		assert_true(text_printable(to, strlen(to)));
		if (strcmp(texts[i].from, texts[i].to) != 0)
			assert_false(text_printable(texts[i].from, strlen(texts[i].from)));
	}
}

static void text_is_cut_at_a_whole_character(void **state _unused_)
{
	char to[4];

	assert_int_equal(text_clean("ab\xc3\xbc", 4, to, sizeof(to)), 2);
	assert_string_equal(to, "ab");
}

static void secrets_compare_whole(void **state _unused_)
{
	struct secret a = secret_of("abc"), b = secret_of("abd"), c = secret_of("ab");
	char long_text[SECRET_MAX + 2] = { 0 };

	assert_true(secret_equal(&a, &a));
	assert_false(secret_equal(&a, &b));
	assert_false(secret_equal(&a, &c));
	assert_int_equal(secret_set(&a, long_text, SECRET_MAX + 1), -EMSGSIZE);
	assert_int_equal(a.len, 3);
	secret_wipe(&a);
	for (size_t i = 0; i < sizeof(a); i++)
		assert_int_equal(((unsigned char *)&a)[i], 0);
}

static int by_size(const void *a, const void *b)
{
	int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;

	return (x > y) - (x < y);
}

static int64_t comparing_takes(const uint8_t *a, const uint8_t *b, size_t len)
{
	struct timespec begin, end;

	clock_gettime(CLOCK_MONOTONIC, &begin);
	for (int i = 0; i < 20; i++)
		assert_false(bytes_equal(a, b, len));
	clock_gettime(CLOCK_MONOTONIC, &end);
	return (end.tv_sec - begin.tv_sec) * 1000000000 + end.tv_nsec - begin.tv_nsec;
}

/* C14: where the first difference is does not show in the time; an early end would show it a thousandfold. */
static void C14_comparing_takes_the_same_time(void **state _unused_)
{
	enum { BYTES = 4096, ROUNDS = 401 };
	static uint8_t right[BYTES], first[BYTES] = { 1 }, last[BYTES];
	static int64_t early[ROUNDS], late[ROUNDS];

	last[BYTES - 1] = 1;
	for (int i = 0; i < ROUNDS; i++) {
		early[i] = comparing_takes(right, first, BYTES);
		late[i] = comparing_takes(right, last, BYTES);
	}
	qsort(early, ROUNDS, sizeof(early[0]), by_size);
	qsort(late, ROUNDS, sizeof(late[0]), by_size);
	if (early[ROUNDS / 2] * 2 < late[ROUNDS / 2] || late[ROUNDS / 2] * 2 < early[ROUNDS / 2])
		fail_msg("%lld and %lld ns", (long long)early[ROUNDS / 2], (long long)late[ROUNDS / 2]);
}

/* RFC 4231, case 2 */
static void mac_is_hmac_sha_256(void **state _unused_)
{
	struct crypto_key key = { .b = "Jefe" };
	uint8_t mac[CRYPTO_MAC];
	char hex[2 * CRYPTO_MAC + 1];

	assert_int_equal(crypto_mac(&key, "what do ya want ", 16, "for nothing?", 12, mac), 0);
	crypto_hex(mac, sizeof(mac), hex);
	assert_string_equal(hex, "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843");
}

static void sha1_is_sha_1(void **state _unused_)
{
	uint8_t digest[CRYPTO_SHA1];
	char hex[2 * CRYPTO_SHA1 + 1];

	assert_int_equal(crypto_sha1("abc", 3, digest), 0);
	crypto_hex(digest, sizeof(digest), hex);
	assert_string_equal(hex, "a9993e364706816aba3e25717850c26c9cd0d89d");
}

/* D2 */
static void D2_a_box_opens_only_where_it_belongs(void **state _unused_)
{
	struct crypto_key key = { .b = { 1 } }, other = { .b = { 2 } };
	uint8_t box[5 + CRYPTO_SEAL], text[5];

	assert_int_equal(crypto_seal(&key, "monica 1", "seed!", 5, box), 0);
	assert_int_equal(crypto_open(&key, "monica 1", box, sizeof(box), text), 0);
	assert_memory_equal(text, "seed!", 5);
	assert_int_equal(crypto_open(&key, "pavel 1", box, sizeof(box), text), -EBADMSG);
	assert_int_equal(crypto_open(&other, "monica 1", box, sizeof(box), text), -EBADMSG);
	box[CRYPTO_NONCE] ^= 1;
	assert_int_equal(crypto_open(&key, "monica 1", box, sizeof(box), text), -EBADMSG);
	assert_int_equal(crypto_open(&key, "monica 1", box, CRYPTO_SEAL - 1, text), -EBADMSG);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(wire_brings_back_what_was_put),
		cmocka_unit_test(wire_numbers_are_big_endian),
		cmocka_unit_test(S10_spoilt_messages_are_refused),
		cmocka_unit_test(wire_skips_unknown_tags),
		cmocka_unit_test(wire_text_with_nul_or_too_long_is_refused),
		cmocka_unit_test(wire_that_does_not_fit_fails),
		cmocka_unit_test(P4_text_that_drives_a_terminal_goes),
		cmocka_unit_test(text_is_cut_at_a_whole_character),
		cmocka_unit_test(secrets_compare_whole),
		cmocka_unit_test(C14_comparing_takes_the_same_time),
		cmocka_unit_test(mac_is_hmac_sha_256),
		cmocka_unit_test(sha1_is_sha_1),
		cmocka_unit_test(D2_a_box_opens_only_where_it_belongs),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
