// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

/* The one home of libcrypto's headers: random bytes, HMAC-SHA-256, SHA-256, AES-256-GCM, base 64; SHA-1 where others ask for it. */

#include <stddef.h>
#include <stdint.h>

#define CRYPTO_KEY 32
#define CRYPTO_MAC 32
#define CRYPTO_SHA1 20
#define CRYPTO_NONCE 12
#define CRYPTO_TAG 16
/* What sealing adds to a text: nonce in front, tag behind. */
#define CRYPTO_SEAL (CRYPTO_NONCE + CRYPTO_TAG)

struct crypto_key {
	uint8_t b[CRYPTO_KEY];
};

void crypto_key_wipe(struct crypto_key *k);

/* getrandom(2); -errno when the kernel has none to give. */
int crypto_random(void *ret, size_t len);

/* HMAC-SHA-256 over the concatenation of two parts; `b` may be NULL with blen 0. */
int crypto_mac(const struct crypto_key *key, const void *a, size_t alen, const void *b, size_t blen,
	       uint8_t ret[static CRYPTO_MAC]);

/* HMAC-SHA-256 under a key of somebody else's, of whatever length. */
int crypto_hmac(const void *key, size_t key_len, const void *a, size_t len, uint8_t ret[static CRYPTO_MAC]);

int crypto_sha256(const void *a, size_t len, uint8_t ret[static CRYPTO_MAC]);

/* Only for lists that are kept by it; nothing of ours rests on it. */
int crypto_sha1(const void *a, size_t len, uint8_t ret[static CRYPTO_SHA1]);

/* A key for one purpose out of a master key: HMAC-SHA-256(master, purpose). */
int crypto_derive(const struct crypto_key *master, const char *purpose, struct crypto_key *ret);

/*
 * AES-256-GCM with a random nonce. `bound` is authenticated but not stored: the box opens only where the same bytes
 * are given again. ret holds len + CRYPTO_SEAL bytes. crypto_open: -EBADMSG when key, bound or box are not right.
 */
int crypto_seal(const struct crypto_key *key, const char *bound, const void *text, size_t len, uint8_t *ret);
int crypto_open(const struct crypto_key *key, const char *bound, const void *box, size_t len, uint8_t *ret);

/* Lower-case hexadecimal, NUL at the end: ret holds 2 * len + 1 bytes. */
void crypto_hex(const void *bytes, size_t len, char *ret);

/* Base 64 (RFC 4648) of len bytes: ret holds CRYPTO_BASE64(len) bytes, a NUL at the end. */
#define CRYPTO_BASE64(len) (((len) + 2) / 3 * 4 + 1)
void crypto_base64(const void *bytes, size_t len, char *ret);
/* The way back, into len / 4 * 3 bytes at most. -EBADMSG. */
int crypto_unbase64(const char *text, size_t len, void *ret, size_t size, size_t *ret_len);

#define CRYPTO_GUID 37

/* A random GUID (RFC 4122, version 4) with its NUL. */
int crypto_guid(char ret[static CRYPTO_GUID]);
