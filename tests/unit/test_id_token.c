// SPDX-License-Identifier: LGPL-2.1-or-later
/* Which id_tokens count as a sign-in of exactly this account, now. */
#include "unit.h"

#include "directory/id_token.h"

#define CLIENT "6731de76-14a6-49ae-97bc-6eba6914391e"
#define TENANT "a8990e1f-ff32-408a-9f8e-78d3b9139b95"
#define OBJECT "87d349ed-44d7-43e1-9a83-5f2406dee5bd"
#define ISSUER "https://login.example/" TENANT "/v2.0"

static const struct id_token_wanted wanted = {
	.client_id = CLIENT, .issuer = ISSUER, .tenant = TENANT, .object = OBJECT, .since = 1000000, .now = 1000100
};

static const char good[] = "{\"aud\":\"" CLIENT "\",\"iss\":\"" ISSUER "\",\"tid\":\"" TENANT "\",\"oid\":\"" OBJECT
			   "\",\"exp\":1003600,\"nbf\":1000050,\"iat\":1000050,\"auth_time\":1000040}";

static enum why judge(const struct id_token_wanted *w, const char *text)
{
	_cleanup_(json_freep) struct json *claims = NULL;
	const char *wrong = NULL;
	enum why why;

	assert_int_equal(json_parse(text, strlen(text), &claims), 0);
	why = id_token_judge_claims(w, claims, &wrong);
	assert_true((why == WHY_NONE) == (wrong == NULL));
	return why;
}

/* The good one with one claim replaced: "NAME": becomes VALUE; NULL takes it out. */
static enum why with(const char *name, const char *value)
{
	char text[1024], member[64];
	const char *at, *end;

	snprintf(member, sizeof(member), "\"%s\":", name);
	at = strstr(good, member);
	assert_non_null(at);
	end = at + strcspn(at, ",}");
	snprintf(text, sizeof(text), "%.*s%s%s%s", (int)(at - good), good, value ? member : "\"x\":1", value ? value : "", end);
	return judge(&wanted, text);
}

static void a_fresh_sign_in_of_the_account_counts(void **state _unused_)
{
	assert_int_equal(judge(&wanted, good), WHY_NONE);
	assert_int_equal(with("oid", "\"87D349ED-44D7-43E1-9A83-5F2406DEE5BD\""), WHY_NONE);
}

static void G3_somebody_else_does_not(void **state _unused_)
{
	static const char *const others[] = { "\"87d349ed-44d7-43e1-9a83-5f2406dee5be\"", "\"\"", "null", "7", "[\"" OBJECT "\"]", NULL };

	for (size_t i = 0; i < ARRAY_SIZE(others); i++) {
		assert_int_equal(with("oid", others[i]), WHY_OTHER_ACCOUNT);
		assert_int_equal(with("tid", others[i]), WHY_OTHER_ACCOUNT);
	}
}

static void a_decoy_has_nobody_to_be(void **state _unused_)
{
	struct id_token_wanted nobody = wanted;

	nobody.object = "";
	assert_int_equal(judge(&nobody, good), WHY_OTHER_ACCOUNT);
	assert_int_not_equal(with("oid", "\"\""), WHY_NONE);
}

static void G2_every_claim_is_needed(void **state _unused_)
{
	static const char *const names[] = { "aud", "iss", "exp", "nbf", "iat" };

	assert_int_equal(with("nbf", NULL), WHY_NONE);
	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		if (strcmp(names[i], "nbf") != 0)
			assert_int_equal(with(names[i], NULL), WHY_BROKEN);
		assert_int_equal(with(names[i], "\"x\""), WHY_BROKEN);
		assert_int_equal(with(names[i], "{}"), WHY_BROKEN);
	}
	assert_int_equal(with("aud", "\"" TENANT "\""), WHY_BROKEN);
	assert_int_equal(with("iss", "\"https://login.evil/" TENANT "/v2.0\""), WHY_BROKEN);
}

static void G2_time_is_the_servers(void **state _unused_)
{
	assert_int_equal(with("exp", "1000000"), WHY_BROKEN);
	assert_int_equal(with("nbf", "1000500"), WHY_BROKEN);
	assert_int_equal(with("iat", "1000500"), WHY_BROKEN);
	assert_int_equal(with("iat", "999700"), WHY_NONE);
	assert_int_equal(with("iat", "999699"), WHY_DECLINED);
	assert_int_equal(with("auth_time", "999999"), WHY_DECLINED);
	assert_int_equal(with("auth_time", "-1"), WHY_DECLINED);
	assert_int_equal(with("auth_time", "null"), WHY_DECLINED);
	assert_int_equal(with("auth_time", NULL), WHY_MISCONFIGURED);
	assert_int_equal(with("auth_time", "\"x\""), WHY_DECLINED);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_fresh_sign_in_of_the_account_counts),
		cmocka_unit_test(G3_somebody_else_does_not),
		cmocka_unit_test(a_decoy_has_nobody_to_be),
		cmocka_unit_test(G2_every_claim_is_needed),
		cmocka_unit_test(G2_time_is_the_servers),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
