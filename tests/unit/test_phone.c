// SPDX-License-Identifier: LGPL-2.1-or-later
/* Numbers, what is said to a phone, templates of gateways, signatures: all that needs no network. */
#include "unit.h"

#include <errno.h>

#include "base/crypto.h"
#include "base/phone.h"
#include "base/placeholder.h"
#include "base/text.h"
#include "deliver/acs.h"
#include "deliver/gateway.h"
#include "deliver/provider.h"
#include "flow/phone_texts.h"
#include "method/methods.h"

#define LIST(...)                                                                                                      \
	{                                                                                                              \
		.n = sizeof((const char *const[]){ __VA_ARGS__ }) / sizeof(char *), .item = { __VA_ARGS__ }            \
	}

static const struct conf_list nothing;

/* ---- numbers ---- */

static void M6_a_number_is_taken_as_people_write_it(void **state _unused_)
{
	static const char *const same[] = { "+491701234567", "+49 170 1234567", "0049 (170) 123-4567", "  +49-170-1234567 ", "+49(170)1234567",
					    "+49 (0)170 1234567" };
	char number[PHONE];

	for (size_t i = 0; i < ARRAY_SIZE(same); i++) {
		assert_int_equal(phone_parse(same[i], strlen(same[i]), number), 0);
		assert_string_equal(number, "+491701234567");
	}
}

static void M6_nothing_else_is_a_number(void **state _unused_)
{
	static const char *const wrong[] = {
		"", "+", "00", "0", "0170 1234567", "491701234567", "+0491701234567", "+49", "+49123", "+4917012345678901", "++491701234567",
		"+49 170 1234567x", "+49 170 1234567;ext=1", "+49.170.1234567", "+491701234567\n", "+491701234567\r\nBcc: x", "+49\t1701234567",
		"+\u0664\u0669\u0661\u0667\u0660\u0661\u0662\u0663\u0664\u0665\u0666\u0667", "\u00a0+491701234567", "+49170123456\u0667",
	};
	char number[PHONE] = "kept";

	for (size_t i = 0; i < ARRAY_SIZE(wrong); i++)
		if (phone_parse(wrong[i], strlen(wrong[i]), number) != -EINVAL)
			fail_msg("taken: %s", wrong[i]);
	assert_int_equal(phone_parse("+491701234567\0", 14, number), -EINVAL);
	assert_int_equal(phone_parse("+4917\0001234567", 14, number), -EINVAL);
	assert_string_equal(number, "kept");
}

static void a_number_is_not_shown_whole(void **state _unused_)
{
	char masked[PHONE_MASKED];

	phone_mask("+491701234523", masked);
	assert_string_equal(masked, "+49...23");
	phone_mask("+1234", masked);
	assert_string_equal(masked, "+12...");
}

static void a_country_is_found(void **state _unused_)
{
	static const char *const cases[][2] = {
		{ "+14255550101", "+1" },  { "+79161234567", "+7" },   { "+491701234567", "+49" },
		{ "+3531234567", "+353" }, { "+35812345678", "+358" }, { "+861391234567", "+86" },
		{ "+971501234567", "+971" },
	};
	char country[5];

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		phone_country(cases[i][0], country);
		assert_string_equal(country, cases[i][1]);
	}
}

static void M2_countries_and_premium_numbers(void **state _unused_)
{
	static const struct conf_list countries = LIST("+1", "+49", "+431", "+1876"), denied = LIST("+49151", "+1425555");
	static const struct {
		const char *number;
		enum phone_rule rule;
	} cases[] = {
		{ "+491701234567", PHONE_ALLOWED },  { "+12125550100", PHONE_ALLOWED },	 { "+4312345678", PHONE_ALLOWED },
		{ "+436641234567", PHONE_ABROAD },   { "+33612345678", PHONE_ABROAD },	 { "+4915112345678", PHONE_DENIED },
		{ "+14255550100", PHONE_DENIED },    { "+499001234567", PHONE_PREMIUM }, { "+491801234567", PHONE_PREMIUM },
		{ "+19005550100", PHONE_PREMIUM },   { "+8816123456789", PHONE_PREMIUM }, { "+97912345678", PHONE_PREMIUM },
		{ "+12425550100", PHONE_ABROAD },    { "+18765550100", PHONE_ALLOWED },	 { "+18095550100", PHONE_ABROAD },
		{ "+447012345678", PHONE_PREMIUM },  { "+33891234567", PHONE_PREMIUM },  { "+4909001234567", PHONE_PREMIUM },
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++)
		if (phone_judge(cases[i].number, &countries, &denied) != cases[i].rule)
			fail_msg("%s is judged %d", cases[i].number, phone_judge(cases[i].number, &countries, &denied));
	assert_int_equal(phone_judge("+491701234567", &nothing, &nothing), PHONE_ABROAD);
	assert_null(phone_rule_text(PHONE_ALLOWED));
	assert_non_null(strstr(phone_rule_text(PHONE_ABROAD), "countries"));
}

/* Ordinary mobiles of the same countries must not be among them. */
static void ordinary_mobiles_are_no_premium_numbers(void **state _unused_)
{
	static const char *const mobiles[] = {
		"+14255550100", "+27821234567", "+306912345678", "+31612345678", "+32470123456", "+33612345678", "+33712345678", "+34612345678",
		"+351912345678", "+353851234567", "+35315712345", "+358401234567", "+393312345678", "+41791234567", "+420601234567", "+436641234567",
		"+447911123456", "+4520123456", "+46701234567", "+4791234567", "+4741234567", "+48501234567", "+491511234567", "+5511912345678",
		"+61412345678", "+819012345678", "+8613912345678", "+869511234567",
	};

	for (size_t i = 0; i < ARRAY_SIZE(mobiles); i++) {
		struct conf_list own = { .n = 1 };
		char country[5];

		phone_country(mobiles[i], country);
		snprintf(own.item[0], sizeof(own.item[0]), "%s", country);
		if (phone_judge(mobiles[i], &own, &nothing) != PHONE_ALLOWED)
			fail_msg("%s %s", mobiles[i], phone_rule_text(phone_judge(mobiles[i], &own, &nothing)));
	}
}

/* ---- methods ---- */

static void of_the_phones_one_counts(void **state _unused_)
{
	const struct method *const methods[] = { &method_sms, &method_voice, &method_office, &method_email };
	struct registration r = { .mobile = "+491701234567", .office = "+49301234567" };

	assert_int_equal(methods_registered(&r, methods, ARRAY_SIZE(methods), false), 1);
	snprintf(r.mail, sizeof(r.mail), "a@b.c");
	assert_int_equal(methods_registered(&r, methods, ARRAY_SIZE(methods), false), 2);
	*r.mobile = *r.office = 0;
	assert_int_equal(methods_registered(&r, methods, ARRAY_SIZE(methods), false), 1);
}

static void what_is_not_registered_here_is_the_directorys(void **state _unused_)
{
	static const struct policy policy = { .phone_rules = { .countries = LIST("+1", "+49") } };
	struct registration r = { .mobile = "+491701234567" };

	registration_complete(&r, &policy, "m@contoso.com", "+1 4255550101", "+1 (425) 5550102");
	assert_string_equal(r.mobile, "+491701234567");
	assert_string_equal(r.office, "+14255550102");
	assert_string_equal(r.mail, "m@contoso.com");

	r = (struct registration){ .mobile = "+33612345678", .mail = "here@lab" };
	registration_complete(&r, &policy, "m@contoso.com", "+1 4255550101", "no number");
	assert_string_equal(r.mail, "here@lab");
	assert_string_equal(r.office, "");
	/* Registered here, but of a country that is not sent to: not the directory's in its place, since it was replaced on purpose. */
	assert_string_equal(r.mobile, "");
	assert_int_equal(methods_registered(&r, (const struct method *const[]){ &method_sms }, 1, false), 0);
}

/* ---- texts ---- */

/* 3GPP TS 23.038, the characters that take one place; and those that take two. */
static bool gsm(uint32_t u, size_t *places)
{
	static const char one[] = "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿"
				  "abcdefghijklmnopqrstuvwxyzäöñüà";
	static const char two[] = "^{}\\[~]|€";
	const char *const sets[] = { one, two };

	for (size_t s = 0; s < 2; s++)
		for (const char *at = sets[s]; *at;) {
			uint32_t c = 0;
			size_t n = text_utf8(at, strlen(at), &c);

			if (c == u) {
				*places += s + 1;
				return true;
			}
			at += n;
		}
	return false;
}

static void read_text(const char *text, bool *ret_gsm, size_t *ret_gsm_places, size_t *ret_utf16)
{
	*ret_gsm = true;
	*ret_gsm_places = *ret_utf16 = 0;
	for (size_t n; *text; text += n) {
		uint32_t u = 0;

		n = text_utf8(text, strlen(text), &u);
		assert_true(n > 0);
		*ret_gsm = gsm(u, ret_gsm_places) && *ret_gsm;
		*ret_utf16 += u > 0xffff ? 2 : 1;
	}
}

static const char longest[] = "a-rather-long-name-of-a-host-in-the-cellar-of-the-second-house";

static void H1_M4_a_text_message_is_one_part_in_every_language(void **state _unused_)
{
	struct flow_rules rules = {};
	unsigned int language;

	snprintf(rules.host, sizeof(rules.host), "%s", longest);
	for (language = 0; phone_language_tag(language); language++) {
		struct job job = {};
		size_t places, utf16;
		bool plain;

		text_code_phone(&rules, CHANNEL_SMS, language, "73920114", &job);
		read_text(job.body, &plain, &places, &utf16);
		if (language < 5 && !plain)
			fail_msg("not of GSM 03.38: %s", job.body);
		if (plain ? places > 160 : utf16 > 70)
			fail_msg("%zu of 160 or %zu of 70 characters: %s", places, utf16, job.body);
		assert_non_null(strstr(job.body, "73920114"));
		assert_non_null(strstr(job.body, "a-rather-long-name-o"));
		assert_true(text_printable(job.body, strlen(job.body)));
		assert_string_equal(job.code, "73920114");
		assert_int_equal(job.channel, CHANNEL_SMS);
		assert_string_equal(job.lang, phone_language_tag(language));
	}
	assert_int_equal(language, 8);
}

static void H1_the_english_one_says_what_it_must(void **state _unused_)
{
	struct flow_rules rules = { .host = "lab" };
	struct job job = {};

	text_code_phone(&rules, CHANNEL_SMS, 0, "73920114", &job);
	assert_string_equal(job.body, "Password reset at lab: code 73920114. Nobody from IT will ask for it.");
}

static void a_call_has_the_digits_twice_one_by_one(void **state _unused_)
{
	struct flow_rules rules = { .host = "lab" };

	for (unsigned int language = 0; phone_language_tag(language); language++) {
		struct job job = {};
		const char *first, *second;

		text_code_phone(&rules, CHANNEL_VOICE, language, "73920114", &job);
		first = strstr(job.body, "\n7, 3, 9, 2, 0, 1, 1, 4\n");
		assert_non_null(first);
		second = strstr(first + 1, "\n7, 3, 9, 2, 0, 1, 1, 4\n");
		assert_non_null(second);
		assert_null(strstr(job.body, "73920114"));
	}
}

static void a_locale_names_a_language(void **state _unused_)
{
	static const char *const cases[][2] = {
		{ "de_DE.UTF-8", "de-DE" }, { "de_AT", "de-DE" }, { "fr", "fr-FR" }, { "es_MX.UTF-8", "es-ES" }, { "pt_BR.UTF-8", "pt-BR" },
		{ "ja_JP.eucJP", "ja-JP" }, { "zh_CN.GB18030", "zh-CN" }, { "ar_EG.UTF-8", "ar" }, { "C.UTF-8", "en-US" }, { "POSIX", "en-US" },
		{ "", "en-US" }, { "d", "en-US" }, { "den", "en-US" }, { "en_GB", "en-US" }, { "_DE", "en-US" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++)
		assert_string_equal(phone_language_tag(phone_language(cases[i][0])), cases[i][1]);
	assert_string_equal(phone_language_tag(phone_language(NULL)), "en-US");
}

/* ---- templates ---- */

static const char *const values[PLACEHOLDERS] = {
	[PLACEHOLDER_TO] = "+491701234567", [PLACEHOLDER_NUMBER] = "491701234567", [PLACEHOLDER_TEXT] = "a \"b\" <c> & d=é%to%\\",
	[PLACEHOLDER_CODE] = "73920114",    [PLACEHOLDER_FROM] = "Contoso",	   [PLACEHOLDER_USER] = "u",
	[PLACEHOLDER_SECRET] = "s&cret\"",  [PLACEHOLDER_ID] = "code-1",	   [PLACEHOLDER_LANG] = "de-DE",
};

static void M6_values_are_escaped_for_their_place(void **state _unused_)
{
	static const struct {
		const char *template;
		enum gateway_escape escape;
		const char *filled;
	} cases[] = {
		{ "/a?to=%to%&n=%number%&x=%20%zz", ESCAPE_URL, "/a?to=%2B491701234567&n=491701234567&x=%20%zz" },
		{ "t=%text%&c=%code%", ESCAPE_URL, "t=a%20%22b%22%20%3Cc%3E%20%26%20d%3D%C3%A9%25to%25%5C&c=73920114" },
		{ "{\"t\":\"%text%\",\"to\":[\"%to%\"]}", ESCAPE_JSON, "{\"t\":\"a \\\"b\\\" <c> & d=é%to%\\\\\",\"to\":[\"+491701234567\"]}" },
		{ "<t l='%lang%'>%text%</t>", ESCAPE_XML, "<t l='de-DE'>a &quot;b&quot; &lt;c&gt; &amp; d=é%to%\\</t>" },
		{ "X-Key: %secret%%from%", ESCAPE_NONE, "X-Key: s&cret\"Contoso" },
		{ "100% %id %id%", ESCAPE_NONE, "100% %id code-1" },
		{ "", ESCAPE_JSON, "" },
	};
	char filled[512];

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		assert_int_equal(gateway_fill(cases[i].template, values, cases[i].escape, filled, sizeof(filled)), 0);
		assert_string_equal(filled, cases[i].filled);
	}
}

static void M6_a_value_begins_no_line_of_its_own(void **state _unused_)
{
	const char *evil[PLACEHOLDERS];
	char filled[512], small[8];

	memcpy(evil, values, sizeof(evil));
	evil[PLACEHOLDER_TEXT] = "x\r\nX-Other: y";
	assert_int_equal(gateway_fill("X: %text%", evil, ESCAPE_NONE, filled, sizeof(filled)), -EINVAL);
	assert_int_equal(gateway_fill("/%text%", evil, ESCAPE_URL, filled, sizeof(filled)), 0);
	assert_null(strpbrk(filled, "\r\n"));
	assert_int_equal(gateway_fill("\"%text%\"", evil, ESCAPE_JSON, filled, sizeof(filled)), 0);
	assert_null(strpbrk(filled, "\r\n"));
	evil[PLACEHOLDER_TEXT] = "\xff";
	assert_int_equal(gateway_fill("\"%text%\"", evil, ESCAPE_JSON, filled, sizeof(filled)), -EINVAL);
	assert_int_equal(gateway_fill("%to%", values, ESCAPE_NONE, small, sizeof(small)), -EMSGSIZE);
	assert_int_equal(gateway_fill("12345678", values, ESCAPE_NONE, small, sizeof(small)), -EMSGSIZE);
	assert_int_equal(gateway_fill("1234567", values, ESCAPE_NONE, small, sizeof(small)), 0);
}

static void an_unknown_placeholder_is_a_mistake(void **state _unused_)
{
	assert_null(placeholder_wrong("%to% %20 %ae%20 100% %"));
	assert_non_null(placeholder_wrong("x %nubmer% y"));
	assert_non_null(placeholder_wrong("%to%%txt%"));
}

static void an_answer_is_looked_into(void **state _unused_)
{
	static const char body[] = "{\"messages\":[{\"status\":\"0\",\"ok\":true,\"n\":7}],\"state\":\"accepted\"}";

	assert_true(gateway_json("state=accepted", body, strlen(body)));
	assert_true(gateway_json("messages.0.status=0", body, strlen(body)));
	assert_true(gateway_json("messages.0.ok=true", body, strlen(body)));
	assert_true(gateway_json("messages.0.n=7", body, strlen(body)));
	assert_false(gateway_json("messages.1.status=0", body, strlen(body)));
	assert_false(gateway_json("state=accept", body, strlen(body)));
	assert_false(gateway_json("messages=0", body, strlen(body)));
	assert_false(gateway_json("state=accepted", "<html>", 6));
	assert_true(gateway_match("^OK: [0-9]+", "OK: 12", 6));
	assert_false(gateway_match("^OK", "ERR\nOK", 6));
	assert_false(gateway_match("OK", "\0OK", 3));
}

static void xml_is_escaped(void **state _unused_)
{
	char text[32];

	assert_true(provider_xml("<a & 'b'\">", 10, text, sizeof(text)) == false);
	assert_true(provider_xml("<&\"", 3, text, sizeof(text)));
	assert_string_equal(text, "&lt;&amp;&quot;");
}

/* ---- signatures ---- */

/* Computed by Python's hmac and hashlib by the words of Microsoft's tutorial. */
static void a_request_to_azure_is_signed(void **state _unused_)
{
	static const char body[] = "{\"from\":\"+14255550100\",\"message\":\"Password reset at lab: code 73920114. Nobody from IT will ask for it.\"}";
	struct acs_request q = { .verb = "POST",
				 .path = "/sms?api-version=2021-03-07",
				 .host = "contoso.communication.azure.com",
				 .date = "Wed, 25 Nov 2026 02:00:00 GMT",
				 .body = body,
				 .len = sizeof(body) - 1 };
	struct secret key = secret_of("AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8gISIjJCUmJygpKissLS4vMDEyMzQ1Njc4OTo7PD0+Pw==");
	char hash[ACS_HASH], authorization[ACS_AUTHORIZATION];

	assert_int_equal(acs_sign(&q, &key, hash, authorization), 0);
	assert_string_equal(hash, "7pVGq/9/GC0W5wdlnf9qXollShxOw5+2SpDVe5EFsns=");
	assert_string_equal(authorization, "HMAC-SHA256 SignedHeaders=x-ms-date;host;x-ms-content-sha256&"
					   "Signature=TKjThu2c9PxGdDvkb9CIl0oX4xjxSwNnCAWShNJpUYc=");
	key = secret_of("no base 64!!");
	assert_int_equal(acs_sign(&q, &key, hash, authorization), -EINVAL);
}

static void base64_both_ways(void **state _unused_)
{
	static const char *const cases[][2] = { { "", "" }, { "f", "Zg==" }, { "fo", "Zm8=" }, { "foo", "Zm9v" }, { "foob", "Zm9vYg==" } };
	static const char *const wrong[] = { "Zg=", "Zg", "Z===", "Zm9\n", "Zm9v\n", "=Zm9", "Zm=v", "Zm9_" };
	char text[16], back[16];
	size_t len;

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		crypto_base64(cases[i][0], strlen(cases[i][0]), text);
		assert_string_equal(text, cases[i][1]);
		if (i == 0)
			continue;
		assert_int_equal(crypto_unbase64(text, strlen(text), back, sizeof(back), &len), 0);
		assert_int_equal(len, strlen(cases[i][0]));
		assert_memory_equal(back, cases[i][0], len);
	}
	for (size_t i = 0; i < ARRAY_SIZE(wrong); i++)
		if (crypto_unbase64(wrong[i], strlen(wrong[i]), back, sizeof(back), &len) != -EBADMSG)
			fail_msg("taken: %s", wrong[i]);
	assert_int_equal(crypto_unbase64("Zm9vZm9v", 8, back, 5, &len), -EBADMSG);
}

static void basic_authentication(void **state _unused_)
{
	struct secret secret = secret_of("open sesame");
	char text[64], small[16];

	assert_int_equal(provider_basic("Aladdin", &secret, text, sizeof(text)), 0);
	assert_string_equal(text, "Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ==");
	assert_int_equal(provider_basic("Aladdin", &secret, small, sizeof(small)), -EMSGSIZE);
}

/* ---- what an answer means ---- */

static void F36_what_a_status_means(void **state _unused_)
{
	static const struct {
		struct http_answer answer;
		struct verdict verdict;
	} cases[] = {
		{ { .end = HTTP_ANSWERED, .status = 201 }, { .outcome = OUTCOME_DONE } },
		{ { .end = HTTP_ANSWERED, .status = 302 }, { .outcome = OUTCOME_REFUSED, .why = WHY_MISCONFIGURED } },
		{ { .end = HTTP_ANSWERED, .status = 400 }, { .outcome = OUTCOME_REFUSED, .why = WHY_REJECTED } },
		{ { .end = HTTP_ANSWERED, .status = 401 }, { .outcome = OUTCOME_REFUSED, .why = WHY_MISCONFIGURED } },
		{ { .end = HTTP_ANSWERED, .status = 404 }, { .outcome = OUTCOME_REFUSED, .why = WHY_MISCONFIGURED } },
		{ { .end = HTTP_ANSWERED, .status = 429, .retry_after = 7 },
		  { .outcome = OUTCOME_REFUSED, .why = WHY_UNREACHABLE, .again = true, .wait = 7 } },
		{ { .end = HTTP_ANSWERED, .status = 503, .retry_after = 0 },
		  { .outcome = OUTCOME_REFUSED, .why = WHY_UNREACHABLE, .again = true } },
		{ { .end = HTTP_ANSWERED, .status = 503, .retry_after = -1 }, { .outcome = OUTCOME_UNKNOWN, .why = WHY_UNREACHABLE } },
		{ { .end = HTTP_ANSWERED, .status = 500 }, { .outcome = OUTCOME_UNKNOWN, .why = WHY_UNREACHABLE } },
		{ { .end = HTTP_NOT_SENT }, { .outcome = OUTCOME_REFUSED, .why = WHY_UNREACHABLE, .again = true } },
		{ { .end = HTTP_UNTRUSTED }, { .outcome = OUTCOME_REFUSED, .why = WHY_UNREACHABLE } },
		{ { .end = HTTP_LOST, .sent = true }, { .outcome = OUTCOME_UNKNOWN, .why = WHY_UNREACHABLE } },
		{ { .end = HTTP_IMPOSSIBLE }, { .outcome = OUTCOME_REFUSED, .why = WHY_MISCONFIGURED } },
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct provider_way way = {};
		struct verdict v = provider_judge(&way, &cases[i].answer);

		if (v.outcome != cases[i].verdict.outcome || v.why != cases[i].verdict.why || v.again != cases[i].verdict.again ||
		    v.wait != cases[i].verdict.wait)
			fail_msg("case %zu: %d %d %d %u", i, v.outcome, v.why, v.again, v.wait);
	}
}

/* ---- on the wire ---- */

static void M1_a_job_keeps_its_channel(void **state _unused_)
{
	static struct wire w;
	struct job job = { .kind = JOB_DELIVER, .channel = CHANNEL_VOICE, .to = "+491701234567", .body = "a\nb", .lang = "de-DE",
			   .code = "73920114", .id = "code-1", .life = 300 };
	struct wire_message m;
	struct job back = {};

	job_write(&job, &w);
	assert_int_equal(wire_parse(w.b, w.len, &m), 0);
	assert_int_equal(job_read(&m, &back), 0);
	assert_int_equal(back.channel, CHANNEL_VOICE);
	assert_string_equal(back.lang, "de-DE");
	assert_string_equal(back.code, "73920114");
	wire_start(&w, WIRE_JOB);
	wire_u8(&w, WIRE_JOB_KIND, JOB_NUMBER);
	assert_int_equal(wire_parse(w.b, w.len, &m), 0);
	assert_int_equal(job_read(&m, &back), -EBADMSG);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(M6_a_number_is_taken_as_people_write_it),
		cmocka_unit_test(M6_nothing_else_is_a_number),
		cmocka_unit_test(a_number_is_not_shown_whole),
		cmocka_unit_test(a_country_is_found),
		cmocka_unit_test(M2_countries_and_premium_numbers),
		cmocka_unit_test(ordinary_mobiles_are_no_premium_numbers),
		cmocka_unit_test(of_the_phones_one_counts),
		cmocka_unit_test(what_is_not_registered_here_is_the_directorys),
		cmocka_unit_test(H1_M4_a_text_message_is_one_part_in_every_language),
		cmocka_unit_test(H1_the_english_one_says_what_it_must),
		cmocka_unit_test(a_call_has_the_digits_twice_one_by_one),
		cmocka_unit_test(a_locale_names_a_language),
		cmocka_unit_test(M6_values_are_escaped_for_their_place),
		cmocka_unit_test(M6_a_value_begins_no_line_of_its_own),
		cmocka_unit_test(an_unknown_placeholder_is_a_mistake),
		cmocka_unit_test(an_answer_is_looked_into),
		cmocka_unit_test(xml_is_escaped),
		cmocka_unit_test(a_request_to_azure_is_signed),
		cmocka_unit_test(base64_both_ways),
		cmocka_unit_test(basic_authentication),
		cmocka_unit_test(F36_what_a_status_means),
		cmocka_unit_test(M1_a_job_keeps_its_channel),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
