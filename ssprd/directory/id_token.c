// SPDX-License-Identifier: LGPL-2.1-or-later
#include "directory/id_token.h"

#include <errno.h>
#include <string.h>
#include <strings.h>

#include "base/cleanup.h"
#include "web/certificate.h"

#define CLAIMS 8192
/* Clocks of one provider's servers differ by so much, in seconds. */
#define SKEW 60
/* Microsoft dates iat and nbf back, so that a slow clock takes the token; auth_time tells the truth. */
#define BACKDATED 300

static bool is(const struct json *claims, const char *name, const char *wanted)
{
	const char *text = json_text_of(claims, name);

	return text && strcasecmp(text, wanted) == 0;
}

enum why id_token_judge_claims(const struct id_token_wanted *w, const struct json *claims, const char **ret_wrong)
{
	int64_t exp = json_number_of(claims, "exp", 0), iat = json_number_of(claims, "iat", INT64_MAX);
	int64_t nbf = json_member(claims, "nbf") ? json_number_of(claims, "nbf", INT64_MAX) : iat;
	int64_t signed_in = json_number_of(claims, "auth_time", 0);
	const char *audience = json_text_of(claims, "aud"), *issuer = json_text_of(claims, "iss");
	const struct {
		bool right;
		enum why why;
		const char *wrong;
	} checks[] = {
		{ audience && strcmp(audience, w->client_id) == 0, WHY_BROKEN, "is for another application (aud)" },
		{ issuer && strcmp(issuer, w->issuer) == 0, WHY_BROKEN, "is by another issuer (iss)" },
		{ exp > w->now - SKEW, WHY_BROKEN, "is over (exp)" },
		{ nbf <= w->now + SKEW && iat <= w->now + SKEW, WHY_BROKEN, "is of the future (nbf, iat)" },
		{ is(claims, "tid", w->tenant), WHY_OTHER_ACCOUNT, "is of another tenant (tid)" },
		{ *w->object && is(claims, "oid", w->object), WHY_OTHER_ACCOUNT, "is another account's (oid)" },
		{ json_has(claims, "auth_time"), WHY_MISCONFIGURED,
		  "does not tell when the user signed in: let the application's id_tokens have auth_time, see ssprctl entra setup" },
		{ signed_in >= w->since && iat >= w->since - BACKDATED, WHY_DECLINED, "tells of a sign-in before this one began (auth_time)" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(checks); i++)
		if (!checks[i].right) {
			*ret_wrong = checks[i].wrong;
			return checks[i].why;
		}
	return WHY_NONE;
}

/* One part of a JWT; the length of the first two is that of what was signed. */
static const char *part(const char *token, unsigned int n, size_t *ret_len)
{
	const char *at = token;

	for (; n > 0 && at; n--) {
		at = strchr(at, '.');
		at = at ? at + 1 : NULL;
	}
	*ret_len = at ? strcspn(at, ".") : 0;
	return at;
}

static int parse_part(const char *token, unsigned int n, struct json **ret)
{
	char text[CLAIMS];
	size_t len;
	const char *at = part(token, n, &len);
	int r = at && len > 0 ? base64url_read(at, len, text, sizeof(text)) : -EBADMSG;

	return r < 0 ? r : json_parse(text, (size_t)r, ret);
}

static const struct json *find_key(const struct json *keys, const char *kid)
{
	const struct json *list = json_member(keys, "keys");

	for (size_t i = 0; i < json_length(list); i++) {
		const struct json *key = json_item(list, i);

		if (is(key, "kty", "RSA") && strcmp(json_text_of(key, "kid") ? json_text_of(key, "kid") : "", kid) == 0)
			return key;
	}
	return NULL;
}

static bool is_signed(const char *token, const struct json *key)
{
	const char *n = json_text_of(key, "n"), *e = json_text_of(key, "e");
	size_t len;
	const char *signature = part(token, 2, &len);

	return n && e && signature && !signature[len] &&
	       signature_verify(n, e, token, (size_t)(signature - token - 1), signature) == 0;
}

/* What is wrong with the form or the signature, or NULL. */
static const char *judge_signature(const char *token, const struct json *keys)
{
	_cleanup_(json_freep) struct json *head = NULL;
	const char *kid, *algorithm;

	if (parse_part(token, 0, &head) < 0)
		return "is no JWT";
	kid = json_text_of(head, "kid");
	algorithm = json_text_of(head, "alg");
	if (!kid || !algorithm || strcmp(algorithm, "RS256") != 0)
		return "is not signed by RS256 with a named key";
	return is_signed(token, find_key(keys, kid)) ? NULL : "is not signed by a key of the tenant";
}

enum why id_token_judge(const struct id_token_wanted *w, const char *token, const struct json *keys, const char **ret_wrong)
{
	_cleanup_(json_freep) struct json *claims = NULL;
	const char *wrong = judge_signature(token, keys);

	if (!wrong && parse_part(token, 1, &claims) < 0)
		wrong = "is no JWT";
	if (!wrong)
		return id_token_judge_claims(w, claims, ret_wrong);
	*ret_wrong = wrong;
	return WHY_BROKEN;
}
