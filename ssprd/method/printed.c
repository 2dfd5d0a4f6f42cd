// SPDX-License-Identifier: LGPL-2.1-or-later
#include "method/printed.h"

#include <errno.h>
#include <string.h>

#include "base/cleanup.h"

#define PRINTED_CHARS 32

/* Crockford's base 32: no I, L, O, U. */
static const char alphabet[] = "0123456789ABCDEFGHJKMNPQRSTVWXYZ";

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

static int salted(const struct crypto_key *key, const uint8_t salt[static RECOVERY_SALT], const struct secret *bare,
		  uint8_t ret[static CRYPTO_MAC])
{
	return crypto_mac(key, salt, RECOVERY_SALT, bare->b, bare->len, ret);
}

bool printed_matches(const struct crypto_key *key, const uint8_t salt[static RECOVERY_SALT],
		     const uint8_t hash[static CRYPTO_MAC], const struct secret *answer)
{
	_cleanup_(secret_wipe) struct secret bare = {};
	uint8_t mac[CRYPTO_MAC];

	canonical(answer, &bare);
	return salted(key, salt, &bare, mac) == 0 && bytes_equal(mac, hash, sizeof(mac));
}

static int draw(size_t chars, struct secret *ret)
{
	uint8_t bits[PRINTED_CHARS];
	int r = chars <= sizeof(bits) ? crypto_random(bits, chars) : -EINVAL;

	if (r < 0)
		return r;
	for (size_t i = 0; i < chars; i++)
		ret->b[i] = alphabet[bits[i] & 31];
	ret->len = chars;
	explicit_bzero(bits, sizeof(bits));
	return 0;
}

static void show(const struct secret *bare, size_t group, struct secret *ret)
{
	for (size_t i = 0; i < bare->len; i++) {
		if (i > 0 && i % group == 0)
			ret->b[ret->len++] = '-';
		ret->b[ret->len++] = bare->b[i];
	}
}

int printed_make(const struct crypto_key *key, size_t chars, size_t group, struct secret *ret_shown,
		 uint8_t ret_salt[static RECOVERY_SALT], uint8_t ret_hash[static CRYPTO_MAC])
{
	_cleanup_(secret_wipe) struct secret bare = {}, shown = {};
	uint8_t salt[RECOVERY_SALT], hash[CRYPTO_MAC];
	int r = draw(chars, &bare);

	if (r == 0)
		r = crypto_random(salt, sizeof(salt));
	if (r == 0)
		r = salted(key, salt, &bare, hash);
	if (r < 0)
		return r;
	show(&bare, group, &shown);
	*ret_shown = shown;
	memcpy(ret_salt, salt, sizeof(salt));
	memcpy(ret_hash, hash, sizeof(hash));
	return 0;
}
