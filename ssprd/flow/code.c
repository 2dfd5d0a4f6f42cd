// SPDX-License-Identifier: LGPL-2.1-or-later
#include "flow/code.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#define CODE_SPACE 100000000u

/* Each draw needs four bytes; a draw from the unfair end of their range is thrown away. */
static int draw(const uint8_t entropy[static CODE_ENTROPY], uint32_t *ret)
{
	const uint32_t fair = UINT32_MAX - UINT32_MAX % CODE_SPACE;

	for (size_t i = 0; i + 4 <= CODE_ENTROPY; i += 4) {
		uint32_t n = (uint32_t)entropy[i] << 24 | (uint32_t)entropy[i + 1] << 16 | (uint32_t)entropy[i + 2] << 8 |
			     entropy[i + 3];

		if (n < fair) {
			*ret = n % CODE_SPACE;
			return 0;
		}
	}
	return -EAGAIN;
}

/* HMAC(HMAC(key, owner), nonce and digits): the owner is the object, or the name where there is no such account. */
static int bind_mac(const struct crypto_key *key, const struct account *owner, const struct code *c, const void *digits,
		    size_t len, uint8_t ret[static CRYPTO_MAC])
{
	const char *who = *owner->object ? owner->object : owner->name;
	struct crypto_key mine;
	int r = crypto_mac(key, owner->directory, sizeof(owner->directory), who, strlen(who), mine.b);

	if (r == 0)
		r = crypto_mac(&mine, c->nonce, sizeof(c->nonce), digits, len, ret);
	crypto_key_wipe(&mine);
	return r;
}

int code_make(const struct crypto_key *key, const struct account *owner, const uint8_t entropy[static CODE_ENTROPY], const struct moment *now,
	      int64_t lifetime, unsigned int tries, struct code *ret, char ret_digits[static CODE_DIGITS + 1])
{
	struct code c = { .expires = now->boot + lifetime * 1000, .sent = now->wall, .tries = tries };
	char digits[CODE_DIGITS + 1];
	uint8_t hash[CRYPTO_MAC];
	uint32_t n;
	int r;

	r = draw(entropy, &n);
	if (r < 0)
		return r;
	/* Any value that no other dialogue has will do; the digits must not be derivable from it. */
	r = crypto_mac(key, "code nonce", 10, entropy, CODE_ENTROPY, hash);
	if (r < 0)
		return r;
	memcpy(c.nonce, hash, sizeof(c.nonce));
	snprintf(digits, sizeof(digits), "%0*u", CODE_DIGITS, n % CODE_SPACE);
	r = bind_mac(key, owner, &c, digits, CODE_DIGITS, c.mac);
	if (r < 0)
		return r;
	*ret = c;
	memcpy(ret_digits, digits, sizeof(digits));
	explicit_bzero(digits, sizeof(digits));
	return 0;
}

bool code_alive(const struct code *c, const struct moment *now)
{
	return c->expires > now->boot && c->tries > 0;
}

bool code_matches(struct code *c, const struct crypto_key *key, const struct account *owner, const struct secret *answer,
		  const struct moment *now)
{
	struct secret bare = {};
	uint8_t mac[CRYPTO_MAC];
	bool same;

	if (!code_alive(c, now))
		return false;
	c->tries--;
	code_strip(answer, &bare);
	same = bind_mac(key, owner, c, bare.b, bare.len, mac) == 0 && bytes_equal(mac, c->mac, sizeof(mac));
	secret_wipe(&bare);
	return same;
}

void code_strip(const struct secret *answer, struct secret *ret)
{
	size_t n = 0;

	for (size_t i = 0; i < answer->len; i++) {
		char c = answer->b[i];

		if (c != ' ' && c != '-')
			ret->b[n++] = c >= 'a' && c <= 'z' ? (char)(c - 32) : c;
	}
	explicit_bzero(ret->b + n, sizeof(ret->b) - n);
	ret->len = n;
}

unsigned int code_number(const uint8_t entropy[static CODE_ENTROPY], unsigned int least, unsigned int most)
{
	uint32_t n = (uint32_t)entropy[0] << 24 | (uint32_t)entropy[1] << 16 | (uint32_t)entropy[2] << 8 | entropy[3];

	return least + n % (most - least + 1);
}
