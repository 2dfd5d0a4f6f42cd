// SPDX-License-Identifier: LGPL-2.1-or-later
/* TOTP of an authenticator app (RFC 6238). The one home of liboath's header. */
#include <errno.h>
#include <liboath/oath.h>
#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"
#include "method/methods.h"

#define TOTP_SEED 20
#define TOTP_DIGITS 6
#define TOTP_PERIOD 30
/* A clock that was set back would make used codes fresh again. */
#define TOTP_BACK (5 * 60)

static bool registered(const struct registration *r)
{
	return r->has_authenticator;
}

static bool step_matches(const struct secret *seed, int64_t step, const struct secret *answer)
{
	char code[TOTP_DIGITS + 1];
	bool same;

	if (oath_hotp_generate(seed->b, seed->len, (uint64_t)step, TOTP_DIGITS, false, OATH_HOTP_DYNAMIC_TRUNCATION,
			       code) != OATH_OK)
		return false;
	same = answer->len == TOTP_DIGITS && bytes_equal(code, answer->b, TOTP_DIGITS);
	explicit_bzero(code, sizeof(code));
	return same;
}

/* The running step and the ones beside it, but none that was used or passed over before. */
static bool verify(const struct proof_question *q, struct proof *ret)
{
	_cleanup_(secret_wipe) struct secret answer = {};
	int64_t now = q->now->wall / TOTP_PERIOD;
	bool proven = false;

	if (!q->registration->has_authenticator || q->now->wall < q->now->lasting - TOTP_BACK)
		return false;
	code_strip(q->answer, &answer);
	for (int64_t step = now - 1; step <= now + 1; step++)
		if (step_matches(&q->registration->seed, step, &answer) && step > q->registration->last_step) {
			ret->step = step;
			proven = true;
		}
	return proven;
}

int authenticator_seed(struct secret *ret)
{
	uint8_t bytes[TOTP_SEED];
	int r = crypto_random(bytes, sizeof(bytes));

	if (r == 0)
		r = secret_set(ret, bytes, sizeof(bytes));
	explicit_bzero(bytes, sizeof(bytes));
	return r;
}

/* RFC 3986: everything but unreserved characters is written as %XX. */
static void escape(const char *from, char *to, size_t size)
{
	static const char plain[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~";
	size_t at = 0;

	for (; *from && at + 4 < size; from++) {
		if (strchr(plain, *from))
			to[at++] = *from;
		else
			at += (size_t)snprintf(to + at, size - at, "%%%02X", (unsigned int)(unsigned char)*from);
	}
	to[at] = 0;
}

static void wipe_string(char **s)
{
	if (*s)
		explicit_bzero(*s, strlen(*s));
	free(*s);
}

int authenticator_uri(const struct secret *seed, const char *name, const char *issuer, struct secret *ret)
{
	_cleanup_(wipe_string) char *base32 = NULL;
	_cleanup_(secret_wipe) struct secret uri = {};
	char who[192], by[96];
	size_t len;
	int n;

	escape(name, who, sizeof(who));
	escape(issuer, by, sizeof(by));
	if (oath_base32_encode(seed->b, seed->len, &base32, &len) != OATH_OK)
		return -ENOMEM;
	n = snprintf(uri.b, sizeof(uri.b), "otpauth://totp/%s:%s?secret=%s&issuer=%s", by, who, base32, by);
	if (n < 0 || n > SECRET_MAX)
		return -EMSGSIZE;
	uri.len = (size_t)n;
	*ret = uri;
	return 0;
}

const struct method method_authenticator = {
	.name = "authenticator",
	.label = "Authenticator code",
	.ask = "code from your authenticator app.",
	.prompt = "Code: ",
	.registered = registered,
	.verify = verify,
};
