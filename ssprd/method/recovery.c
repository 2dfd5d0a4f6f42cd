// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Recovery codes: printed once, each good for one gate. Kept as an HMAC with a salt under a key that is not in the
 * database: 80 bits of chance cannot be searched with the key, nor the key without it.
 */
#include <errno.h>
#include <string.h>

#include "base/cleanup.h"
#include "method/methods.h"

#define RECOVERY_CHARS 16

/* Crockford's base 32: no I, L, O, U. */
static const char alphabet[] = "0123456789ABCDEFGHJKMNPQRSTVWXYZ";

static bool registered(const struct registration *r)
{
	return r->recovery_n > 0;
}

/* As typed by a person: what looks alike is alike. */
static void canonical(const struct secret *answer, struct secret *ret)
{
	code_strip(answer, ret);
	for (size_t i = 0; i < ret->len; i++) {
		if (ret->b[i] == 'O')
			ret->b[i] = '0';
		if (ret->b[i] == 'I' || ret->b[i] == 'L')
			ret->b[i] = '1';
	}
}

static int salted(const struct crypto_key *key, const uint8_t salt[static RECOVERY_SALT], const struct secret *code,
		  uint8_t ret[static CRYPTO_MAC])
{
	return crypto_mac(key, salt, RECOVERY_SALT, code->b, code->len, ret);
}

static bool verify(const struct proof_question *q, struct proof *ret)
{
	_cleanup_(secret_wipe) struct secret code = {};
	bool proven = false;

	canonical(q->answer, &code);
	for (size_t i = 0; i < q->registration->recovery_n; i++) {
		const struct registration_recovery *kept = &q->registration->recovery[i];
		uint8_t hash[CRYPTO_MAC];

		if (salted(q->recovery_key, kept->salt, &code, hash) == 0 &&
		    bytes_equal(hash, kept->hash, sizeof(hash))) {
			ret->recovery_row = kept->row;
			proven = true;
		}
	}
	return proven;
}

int recovery_make(const struct crypto_key *key, struct secret *ret_code, struct registration_recovery *ret)
{
	_cleanup_(secret_wipe) struct secret code = { .len = RECOVERY_CHARS }, shown = {};
	struct registration_recovery made = {};
	uint8_t bits[RECOVERY_CHARS];
	int r = crypto_random(bits, sizeof(bits));

	if (r == 0)
		r = crypto_random(made.salt, sizeof(made.salt));
	if (r < 0)
		return r;
	for (size_t i = 0; i < RECOVERY_CHARS; i++) {
		code.b[i] = alphabet[bits[i] & 31];
		if (i > 0 && i % 4 == 0)
			shown.b[shown.len++] = '-';
		shown.b[shown.len++] = code.b[i];
	}
	explicit_bzero(bits, sizeof(bits));
	r = salted(key, made.salt, &code, made.hash);
	if (r < 0)
		return r;
	*ret_code = shown;
	*ret = made;
	return 0;
}

const struct method method_recovery = {
	.name = "recovery-code",
	.label = "Recovery code",
	.ask = "one of your recovery codes.",
	.prompt = "Recovery code: ",
	.hidden = true,
	.registered = registered,
	.verify = verify,
};
