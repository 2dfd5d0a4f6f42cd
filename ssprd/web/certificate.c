// SPDX-License-Identifier: LGPL-2.1-or-later
#include "web/certificate.h"

#include <errno.h>
#include <limits.h>
#include <openssl/bio.h>
#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/param_build.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <openssl/store.h>
#include <openssl/x509.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/cleanup.h"
#include "base/crypto.h"

#define KEY_BITS 2048
/* Entra wants five to ten minutes. */
#define ASSERTION_SECONDS 540
#define SIGNATURE 1024

struct certificate {
	X509 *x509;
	EVP_PKEY *key;
};

static void biop(BIO **b)
{
	BIO_free(*b);
}

static void pkeyp(EVP_PKEY **k)
{
	EVP_PKEY_free(*k);
}

static void pkey_ctxp(EVP_PKEY_CTX **c)
{
	EVP_PKEY_CTX_free(*c);
}

static void md_ctxp(EVP_MD_CTX **c)
{
	EVP_MD_CTX_free(*c);
}

static void bnp(BIGNUM **b)
{
	BN_free(*b);
}

static void bldp(OSSL_PARAM_BLD **b)
{
	OSSL_PARAM_BLD_free(*b);
}

static void paramsp(OSSL_PARAM **p)
{
	OSSL_PARAM_free(*p);
}

static void storep(OSSL_STORE_CTX **s)
{
	OSSL_STORE_close(*s);
}

/* ---- base64url (RFC 4648, section 5) ---- */

static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

int base64url_write(const void *bytes, size_t len, char *ret, size_t size)
{
	const uint8_t *b = bytes;
	size_t n = 0, need = len / 3 * 4 + (len % 3 ? len % 3 + 1 : 0);
	uint32_t bits = 0;
	unsigned int have = 0;

	if (need >= size || need > INT_MAX)
		return -EMSGSIZE;
	for (size_t i = 0; i < len; i++) {
		bits = bits << 8 | b[i];
		for (have += 8; have >= 6; have -= 6)
			ret[n++] = alphabet[bits >> (have - 6) & 63];
	}
	if (have > 0)
		ret[n++] = alphabet[bits << (6 - have) & 63];
	ret[n] = 0;
	return (int)n;
}

int base64url_read(const char *text, size_t len, void *ret, size_t size)
{
	uint8_t *b = ret;
	size_t n = 0;
	uint32_t bits = 0;
	unsigned int have = 0;

	if (len % 4 == 1)
		return -EBADMSG;
	if (len / 4 * 3 + (len % 4 ? len % 4 - 1 : 0) >= size || len > INT_MAX)
		return -EMSGSIZE;
	for (size_t i = 0; i < len; i++) {
		const char *at = text[i] ? strchr(alphabet, text[i]) : NULL;

		if (!at)
			return -EBADMSG;
		bits = bits << 6 | (uint32_t)(at - alphabet);
		have += 6;
		if (have >= 8) {
			have -= 8;
			b[n++] = (uint8_t)(bits >> have);
		}
	}
	b[n] = 0;
	return (int)n;
}

/* ---- a certificate and its key ---- */

void certificate_close(struct certificate *c)
{
	if (c) {
		X509_free(c->x509);
		EVP_PKEY_free(c->key);
	}
	free(c);
}

void certificate_closep(struct certificate **c)
{
	certificate_close(*c);
}

/* A key that asks for a passphrase gets none; the default would ask the terminal. */
static int no_passphrase(char *to _unused_, int size _unused_, int writing _unused_, void *user _unused_)
{
	return 0;
}

static EVP_PKEY *key_of_pem(const char *pem, size_t len)
{
	_cleanup_(biop) BIO *bio = BIO_new_mem_buf(pem, (int)len);

	return bio ? PEM_read_bio_PrivateKey(bio, NULL, no_passphrase, NULL) : NULL;
}

static X509 *x509_of_pem(const char *pem, size_t len)
{
	_cleanup_(biop) BIO *bio = BIO_new_mem_buf(pem, (int)len);

	return bio ? PEM_read_bio_X509(bio, NULL, no_passphrase, NULL) : NULL;
}

/* The first private key that is there; the provider for its scheme comes from OpenSSL's own configuration. */
static EVP_PKEY *key_of_uri(const char *uri)
{
	_cleanup_(storep) OSSL_STORE_CTX *store = OSSL_STORE_open(uri, NULL, NULL, NULL, NULL);
	EVP_PKEY *key = NULL;

	while (store && !key && !OSSL_STORE_eof(store)) {
		OSSL_STORE_INFO *info = OSSL_STORE_load(store);

		if (info && OSSL_STORE_INFO_get_type(info) == OSSL_STORE_INFO_PKEY)
			key = OSSL_STORE_INFO_get1_PKEY(info);
		OSSL_STORE_INFO_free(info);
		if (!info && OSSL_STORE_error(store))
			break;
	}
	return key;
}

static bool fits(const struct certificate *c)
{
	return c->x509 && c->key && EVP_PKEY_is_a(c->key, "RSA") && EVP_PKEY_get_bits(c->key) >= KEY_BITS &&
	       EVP_PKEY_eq(X509_get0_pubkey(c->x509), c->key) == 1;
}

int certificate_open(const char *pem, size_t len, const char *key_uri, struct certificate **ret)
{
	_cleanup_(certificate_closep) struct certificate *c = calloc(1, sizeof(*c));
	bool ok;

	if (!c)
		return -ENOMEM;
	if (len > INT_MAX)
		return -EINVAL;
	c->x509 = x509_of_pem(pem, len);
	c->key = *key_uri ? key_of_uri(key_uri) : key_of_pem(pem, len);
	ok = fits(c);
	ERR_clear_error();
	if (!ok)
		return -EINVAL;
	*ret = TAKE_PTR(c);
	return 0;
}

static int64_t seconds_of(const ASN1_TIME *t)
{
	struct tm tm;

	return ASN1_TIME_to_tm(t, &tm) == 1 ? timegm(&tm) : 0;
}

int64_t certificate_not_after(const struct certificate *c)
{
	return seconds_of(X509_get0_notAfter(c->x509));
}

int64_t certificate_not_before(const struct certificate *c)
{
	return seconds_of(X509_get0_notBefore(c->x509));
}

/* ---- signing ---- */

static int thumbprint(const struct certificate *c, char *ret, size_t size)
{
	uint8_t digest[EVP_MAX_MD_SIZE];
	unsigned int len = 0;

	if (X509_digest(c->x509, EVP_sha256(), digest, &len) != 1)
		return -EIO;
	return base64url_write(digest, len, ret, size);
}

/* RSASSA-PSS with SHA-256 and a salt as long (RFC 7518, 3.5). */
static int sign(const struct certificate *c, const char *text, size_t len, uint8_t *ret, size_t *size)
{
	_cleanup_(md_ctxp) EVP_MD_CTX *ctx = EVP_MD_CTX_new();
	EVP_PKEY_CTX *key = NULL;
	bool ok = ctx && EVP_DigestSignInit(ctx, &key, EVP_sha256(), NULL, c->key) == 1 &&
		  EVP_PKEY_CTX_set_rsa_padding(key, RSA_PKCS1_PSS_PADDING) == 1 &&
		  EVP_PKEY_CTX_set_rsa_pss_saltlen(key, RSA_PSS_SALTLEN_DIGEST) == 1 &&
		  EVP_DigestSign(ctx, ret, size, (const uint8_t *)text, len) == 1;

	ERR_clear_error();
	return ok ? 0 : -EIO;
}

/* The text itself, encoded, and what separates it from the next part. */
static int part(const char *text, char **at, char *end, const char *separator)
{
	int n = base64url_write(text, strlen(text), *at, (size_t)(end - *at));

	if (n < 0)
		return n;
	*at += n;
	if (end - *at < 2)
		return -EMSGSIZE;
	*at += snprintf(*at, (size_t)(end - *at), "%s", separator);
	return 0;
}

int certificate_assertion(const struct certificate *c, const char *client_id, const char *audience, int64_t now, char *ret,
			  size_t size)
{
	char print[64], id[CRYPTO_GUID], head[160], claims[1024], *at = ret, *end = ret + size;
	uint8_t signature[SIGNATURE];
	size_t len = sizeof(signature);
	int r = thumbprint(c, print, sizeof(print));

	if (r < 0 || crypto_guid(id) < 0)
		return -EIO;
	snprintf(head, sizeof(head), "{\"alg\":\"PS256\",\"typ\":\"JWT\",\"x5t#S256\":\"%s\"}", print);
	r = snprintf(claims, sizeof(claims),
		     "{\"aud\":\"%s\",\"iss\":\"%s\",\"sub\":\"%s\",\"jti\":\"%s\",\"nbf\":%lld,\"iat\":%lld,\"exp\":%lld}", audience,
		     client_id, client_id, id, (long long)now, (long long)now, (long long)now + ASSERTION_SECONDS);
	if ((size_t)r >= sizeof(claims))
		return -EMSGSIZE;
	r = part(head, &at, end, ".");
	if (r == 0)
		r = part(claims, &at, end, "");
	if (r == 0)
		r = sign(c, ret, (size_t)(at - ret), signature, &len);
	if (r < 0)
		return r;
	*at++ = '.';
	r = base64url_write(signature, len, at, (size_t)(end - at));
	return r < 0 ? r : 0;
}

/* ---- verifying ---- */

static EVP_PKEY *public_key(const BIGNUM *n, const BIGNUM *e)
{
	_cleanup_(bldp) OSSL_PARAM_BLD *build = OSSL_PARAM_BLD_new();
	_cleanup_(pkey_ctxp) EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_name(NULL, "RSA", NULL);
	_cleanup_(paramsp) OSSL_PARAM *params = NULL;
	EVP_PKEY *key = NULL;

	if (!build || !ctx || OSSL_PARAM_BLD_push_BN(build, OSSL_PKEY_PARAM_RSA_N, n) != 1 ||
	    OSSL_PARAM_BLD_push_BN(build, OSSL_PKEY_PARAM_RSA_E, e) != 1)
		return NULL;
	params = OSSL_PARAM_BLD_to_param(build);
	if (!params || EVP_PKEY_fromdata_init(ctx) != 1 || EVP_PKEY_fromdata(ctx, &key, EVP_PKEY_PUBLIC_KEY, params) != 1)
		return NULL;
	return key;
}

static BIGNUM *number(const char *text)
{
	uint8_t bytes[SIGNATURE + 1];
	int len = base64url_read(text, strlen(text), bytes, sizeof(bytes));

	return len > 0 ? BN_bin2bn(bytes, len, NULL) : NULL;
}

static bool verified(EVP_PKEY *key, const char *text, size_t len, const uint8_t *signature, size_t size)
{
	_cleanup_(md_ctxp) EVP_MD_CTX *ctx = EVP_MD_CTX_new();

	return ctx && EVP_DigestVerifyInit(ctx, NULL, EVP_sha256(), NULL, key) == 1 &&
	       EVP_DigestVerify(ctx, signature, size, (const uint8_t *)text, len) == 1;
}

int signature_verify(const char *n, const char *e, const char *signed_text, size_t len, const char *signature)
{
	_cleanup_(bnp) BIGNUM *modulus = number(n), *exponent = number(e);
	_cleanup_(pkeyp) EVP_PKEY *key = NULL;
	uint8_t bytes[SIGNATURE + 1];
	int size = base64url_read(signature, strlen(signature), bytes, sizeof(bytes));
	bool ok;

	if (modulus && exponent)
		key = public_key(modulus, exponent);
	ok = size > 0 && key && EVP_PKEY_get_bits(key) >= KEY_BITS && verified(key, signed_text, len, bytes, (size_t)size);
	ERR_clear_error();
	return ok ? 0 : -EBADMSG;
}
