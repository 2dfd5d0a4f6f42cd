// SPDX-License-Identifier: LGPL-2.1-or-later
#include "base/crypto.h"

#include <errno.h>
#include <openssl/evp.h>
#include <openssl/core_names.h>
#include <openssl/params.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>

#include "base/cleanup.h"

/*
 * Looking an algorithm up by its name costs more than using it: done once, and kept as long as the program. This one is
 * HMAC with its digest and no key, of which each use takes a copy.
 */
static const EVP_MAC_CTX *hmac(void)
{
	static char digest[] = "SHA256";
	const OSSL_PARAM params[] = {
		OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, digest, 0),
		OSSL_PARAM_construct_end(),
	};
	static EVP_MAC_CTX *kept;
	EVP_MAC *mac;

	if (kept)
		return kept;
	mac = EVP_MAC_fetch(NULL, "HMAC", NULL);
	kept = mac ? EVP_MAC_CTX_new(mac) : NULL;
	EVP_MAC_free(mac);
	if (kept && EVP_MAC_CTX_set_params(kept, params) != 1) {
		EVP_MAC_CTX_free(kept);
		kept = NULL;
	}
	return kept;
}

static const EVP_MD *sha256(void)
{
	static EVP_MD *md;

	if (!md)
		md = EVP_MD_fetch(NULL, "SHA256", NULL);
	return md;
}

static const EVP_CIPHER *aes256gcm(void)
{
	static EVP_CIPHER *cipher;

	if (!cipher)
		cipher = EVP_CIPHER_fetch(NULL, "AES-256-GCM", NULL);
	return cipher;
}

static void mac_freep(EVP_MAC_CTX **c)
{
	EVP_MAC_CTX_free(*c);
}

static void cipher_freep(EVP_CIPHER_CTX **c)
{
	EVP_CIPHER_CTX_free(*c);
}

void crypto_key_wipe(struct crypto_key *k)
{
	explicit_bzero(k, sizeof(*k));
}

int crypto_random(void *ret, size_t len)
{
	uint8_t *at = ret;

	while (len > 0) {
		ssize_t n = getrandom(at, len, 0);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		at += n;
		len -= (size_t)n;
	}
	return 0;
}

static int mac(const void *key, size_t key_len, const void *a, size_t alen, const void *b, size_t blen,
	       uint8_t ret[static CRYPTO_MAC])
{
	const EVP_MAC_CTX *kept = hmac();
	_cleanup_(mac_freep) EVP_MAC_CTX *c = kept ? EVP_MAC_CTX_dup(kept) : NULL;
	size_t size;

	if (!c || EVP_MAC_init(c, key, key_len, NULL) != 1 || EVP_MAC_update(c, a, alen) != 1 ||
	    (blen > 0 && EVP_MAC_update(c, b, blen) != 1) || EVP_MAC_final(c, ret, &size, CRYPTO_MAC) != 1)
		return -EIO;
	return size == CRYPTO_MAC ? 0 : -EIO;
}

int crypto_mac(const struct crypto_key *key, const void *a, size_t alen, const void *b, size_t blen,
	       uint8_t ret[static CRYPTO_MAC])
{
	return mac(key->b, sizeof(key->b), a, alen, b, blen, ret);
}

int crypto_hmac(const void *key, size_t key_len, const void *a, size_t len, uint8_t ret[static CRYPTO_MAC])
{
	return mac(key, key_len, a, len, NULL, 0, ret);
}

int crypto_sha256(const void *a, size_t len, uint8_t ret[static CRYPTO_MAC])
{
	return EVP_Digest(a, len, ret, NULL, sha256(), NULL) == 1 ? 0 : -EIO;
}

int crypto_sha1(const void *a, size_t len, uint8_t ret[static CRYPTO_SHA1])
{
	return EVP_Digest(a, len, ret, NULL, EVP_sha1(), NULL) == 1 ? 0 : -EIO;
}

int crypto_derive(const struct crypto_key *master, const char *purpose, struct crypto_key *ret)
{
	return crypto_mac(master, purpose, strlen(purpose), NULL, 0, ret->b);
}

int crypto_seal(const struct crypto_key *key, const char *bound, const void *text, size_t len, uint8_t *ret)
{
	_cleanup_(cipher_freep) EVP_CIPHER_CTX *c = EVP_CIPHER_CTX_new();
	uint8_t *nonce = ret, *body = ret + CRYPTO_NONCE, *tag = body + len;
	int n, r;

	r = crypto_random(nonce, CRYPTO_NONCE);
	if (r < 0)
		return r;
	if (!c || EVP_EncryptInit_ex(c, aes256gcm(), NULL, key->b, nonce) != 1 ||
	    EVP_EncryptUpdate(c, NULL, &n, (const uint8_t *)bound, (int)strlen(bound)) != 1 ||
	    EVP_EncryptUpdate(c, body, &n, text, (int)len) != 1 || EVP_EncryptFinal_ex(c, body + n, &n) != 1 ||
	    EVP_CIPHER_CTX_ctrl(c, EVP_CTRL_GCM_GET_TAG, CRYPTO_TAG, tag) != 1)
		return -EIO;
	return 0;
}

int crypto_open(const struct crypto_key *key, const char *bound, const void *box, size_t len, uint8_t *ret)
{
	_cleanup_(cipher_freep) EVP_CIPHER_CTX *c = EVP_CIPHER_CTX_new();
	const uint8_t *nonce = box, *body = nonce + CRYPTO_NONCE;
	uint8_t tag[CRYPTO_TAG];
	size_t inner;
	int n;

	if (len < CRYPTO_SEAL)
		return -EBADMSG;
	inner = len - CRYPTO_SEAL;
	memcpy(tag, body + inner, CRYPTO_TAG);
	if (!c || EVP_DecryptInit_ex(c, aes256gcm(), NULL, key->b, nonce) != 1 ||
	    EVP_DecryptUpdate(c, NULL, &n, (const uint8_t *)bound, (int)strlen(bound)) != 1 ||
	    EVP_DecryptUpdate(c, ret, &n, body, (int)inner) != 1 ||
	    EVP_CIPHER_CTX_ctrl(c, EVP_CTRL_GCM_SET_TAG, CRYPTO_TAG, tag) != 1)
		return -EIO;
	if (EVP_DecryptFinal_ex(c, ret + n, &n) != 1) {
		explicit_bzero(ret, inner);
		return -EBADMSG;
	}
	return 0;
}

void crypto_hex(const void *bytes, size_t len, char *ret)
{
	static const char digits[] = "0123456789abcdef";
	const uint8_t *b = bytes;

	for (size_t i = 0; i < len; i++) {
		ret[2 * i] = digits[b[i] >> 4];
		ret[2 * i + 1] = digits[b[i] & 15];
	}
	ret[2 * len] = 0;
}

int crypto_guid(char ret[static CRYPTO_GUID])
{
	uint8_t b[16];
	char hex[2 * sizeof(b) + 1];
	int r = crypto_random(b, sizeof(b));

	if (r < 0)
		return r;
	crypto_hex(b, sizeof(b), hex);
	snprintf(ret, CRYPTO_GUID, "%.8s-%.4s-4%.3s-a%.3s-%.12s", hex, hex + 8, hex + 13, hex + 17, hex + 20);
	return 0;
}

void crypto_base64(const void *bytes, size_t len, char *ret)
{
	ret[EVP_EncodeBlock((uint8_t *)ret, bytes, (int)len)] = 0;
}

/* EVP_DecodeBlock() takes a line break for its end, and counts what the padding stands for. */
int crypto_unbase64(const char *text, size_t len, void *ret, size_t size, size_t *ret_len)
{
	static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
	size_t padding = len > 1 && text[len - 1] == '=' ? 1 + (text[len - 2] == '=') : 0;
	int n;

	if (len == 0 || len % 4 != 0 || len / 4 * 3 > size)
		return -EBADMSG;
	for (size_t i = 0; i < len - padding; i++)
		if (!text[i] || !strchr(digits, text[i]))
			return -EBADMSG;
	n = EVP_DecodeBlock(ret, (const uint8_t *)text, (int)len);
	if (n < 0)
		return -EBADMSG;
	*ret_len = (size_t)n - padding;
	return 0;
}
