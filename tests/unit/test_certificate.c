// SPDX-License-Identifier: LGPL-2.1-or-later
/* Keys and certificates, what is signed with them, and what others have signed. */
#include "unit.h"

#include <errno.h>
#include <limits.h>
#include <openssl/core_names.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <openssl/ui.h>
#include <openssl/x509.h>
#include <time.h>

#include "base/json.h"
#include "web/certificate.h"

#define CLIENT "6731de76-14a6-49ae-97bc-6eba6914391e"
#define AUDIENCE "https://login.microsoftonline.com/contoso/oauth2/v2.0/token"
#define PASSPHRASE "secret"

enum {
	MINE,
	OTHER,
	SMALL,
	TINY,
	CURVE,
	KEYS,
};

static EVP_PKEY *keys[KEYS];
static X509 *certificates[KEYS];
static time_t made;

/* ---- what the tests are made of ---- */

static X509 *certify(EVP_PKEY *key)
{
	X509 *x = X509_new();

	assert_non_null(x);
	assert_int_equal(ASN1_INTEGER_set(X509_get_serialNumber(x), 1), 1);
	assert_non_null(ASN1_TIME_set(X509_getm_notBefore(x), made));
	assert_non_null(ASN1_TIME_set(X509_getm_notAfter(x), made + 86400));
	assert_int_equal(X509_set_pubkey(x, key), 1);
	assert_true(X509_sign(x, key, EVP_sha256()) > 0);
	return x;
}

static int make_keys(void **state _unused_)
{
	made = time(NULL);
	keys[MINE] = EVP_RSA_gen(2048);
	keys[OTHER] = EVP_RSA_gen(2048);
	keys[SMALL] = EVP_RSA_gen(2040);
	keys[TINY] = EVP_RSA_gen(1024);
	keys[CURVE] = EVP_EC_gen("P-256");
	for (size_t i = 0; i < KEYS; i++) {
		assert_non_null(keys[i]);
		certificates[i] = certify(keys[i]);
	}
	return 0;
}

static int free_keys(void **state _unused_)
{
	for (size_t i = 0; i < KEYS; i++) {
		EVP_PKEY_free(keys[i]);
		X509_free(certificates[i]);
	}
	return 0;
}

struct pem {
	BIO *bio;
};

static void pem_free(struct pem *p)
{
	BIO_free(p->bio);
}

static void add_key(struct pem *p, int key)
{
	assert_int_equal(PEM_write_bio_PrivateKey(p->bio, keys[key], NULL, NULL, 0, NULL, NULL), 1);
}

static void add_certificate(struct pem *p, int key)
{
	assert_int_equal(PEM_write_bio_X509(p->bio, certificates[key]), 1);
}

/* Certificate and key of these; -1: without. */
static struct pem pem_of(int certificate, int key)
{
	struct pem p = { .bio = BIO_new(BIO_s_mem()) };

	assert_non_null(p.bio);
	if (certificate >= 0)
		add_certificate(&p, certificate);
	if (key >= 0)
		add_key(&p, key);
	return p;
}

static size_t text_of(const struct pem *p, const char **ret)
{
	char *data = NULL;
	long len = BIO_get_mem_data(p->bio, &data);

	*ret = data ? data : "";
	return (size_t)len;
}

/* In memory of just this size, so that a sanitizer sees a byte read too much. */
static int open_text(const char *text, size_t len, const char *uri, struct certificate **ret)
{
	_cleanup_(freep) char *copy = malloc(len ? len : 1);

	assert_non_null(copy);
	memcpy(copy, text, len);
	return certificate_open(copy, len, uri, ret);
}

static int open_pem(const struct pem *p, const char *uri, struct certificate **ret)
{
	const char *text;
	size_t len = text_of(p, &text);

	return open_text(text, len, uri, ret);
}

static int opened(const struct pem *p, const char *uri)
{
	_cleanup_(certificate_closep) struct certificate *c = NULL;
	int r = open_pem(p, uri, &c);

	assert_int_equal(r == 0, !!c);
	return r;
}

static int opened_pair(int certificate, int key)
{
	_cleanup_(pem_free) struct pem p = pem_of(certificate, key);

	return opened(&p, "");
}

static struct certificate *mine(void)
{
	_cleanup_(pem_free) struct pem p = pem_of(MINE, MINE);
	struct certificate *c = NULL;

	assert_int_equal(open_pem(&p, "", &c), 0);
	return c;
}

/* ---- base64url ---- */

#define VECTOR(bytes, text) { bytes, sizeof(bytes) - 1, text }

static const struct {
	const char *bytes;
	size_t len;
	const char *text;
} vectors[] = {
	VECTOR("", ""),
	VECTOR("f", "Zg"),
	VECTOR("fo", "Zm8"),
	VECTOR("foo", "Zm9v"),
	VECTOR("foob", "Zm9vYg"),
	VECTOR("fooba", "Zm9vYmE"),
	VECTOR("foobar", "Zm9vYmFy"),
	VECTOR("\xfb\xff\xfe", "-__-"),
	VECTOR("\0\0\0\0", "AAAAAA"),
	VECTOR("\xff\xff\xff\xff\xff", "______8"),
};

static void base64url_as_in_RFC_4648(void **state _unused_)
{
	for (size_t i = 0; i < ARRAY_SIZE(vectors); i++) {
		size_t len = vectors[i].len, written = strlen(vectors[i].text);
		_cleanup_(freep) char *text = malloc(written + 1);
		_cleanup_(freep) char *bytes = malloc(len + 1);

		assert_int_equal(base64url_write(vectors[i].bytes, len, text, written + 1), written);
		assert_string_equal(text, vectors[i].text);
		assert_int_equal(base64url_read(text, written, bytes, len + 1), len);
		assert_memory_equal(bytes, vectors[i].bytes, len);
		assert_int_equal(bytes[len], 0);
		assert_int_equal(base64url_write(vectors[i].bytes, len, text, written), -EMSGSIZE);
		assert_int_equal(base64url_read(text, strlen(vectors[i].text), bytes, len), -EMSGSIZE);
	}
}

static void base64url_takes_nothing_else(void **state _unused_)
{
	static const char *const wrong[] = { "A", "Zm9vA", "Zg==", "Zg=", "Zm+v", "Zm/v", "Zm9v\n", " Zm9v", "Zm9v Zm9v", "Zm9\xc3\xb6" };
	char bytes[64];

	for (size_t i = 0; i < ARRAY_SIZE(wrong); i++)
		assert_int_equal(base64url_read(wrong[i], strlen(wrong[i]), bytes, sizeof(bytes)), -EBADMSG);
	assert_int_equal(base64url_read("Zm\0v", 4, bytes, sizeof(bytes)), -EBADMSG);
}

/* ---- opening ---- */

static void a_certificate_with_its_key_opens(void **state _unused_)
{
	_cleanup_(certificate_closep) struct certificate *c = mine();
	_cleanup_(pem_free) struct pem turned = pem_of(-1, MINE), chain = pem_of(MINE, -1), remarks = { .bio = BIO_new(BIO_s_mem()) };

	assert_int_equal(certificate_not_before(c), made);
	assert_int_equal(certificate_not_after(c), made + 86400);
	add_certificate(&turned, MINE);
	assert_int_equal(opened(&turned, ""), 0);
	/* The first one counts; those that issued it may stand behind. */
	add_certificate(&chain, OTHER);
	add_key(&chain, MINE);
	assert_int_equal(opened(&chain, ""), 0);
	BIO_puts(remarks.bio, "subject=CN = sspr\n\n");
	add_certificate(&remarks, MINE);
	BIO_puts(remarks.bio, "Key Attributes\n");
	add_key(&remarks, MINE);
	assert_int_equal(opened(&remarks, ""), 0);
}

static void what_does_not_fit_together_is_refused(void **state _unused_)
{
	assert_int_equal(opened_pair(MINE, OTHER), -EINVAL);
	assert_int_equal(opened_pair(SMALL, SMALL), -EINVAL);
	assert_int_equal(opened_pair(TINY, TINY), -EINVAL);
	assert_int_equal(opened_pair(CURVE, CURVE), -EINVAL);
	assert_int_equal(opened_pair(CURVE, MINE), -EINVAL);
	assert_int_equal(opened_pair(MINE, CURVE), -EINVAL);
	assert_int_equal(opened_pair(MINE, -1), -EINVAL);
	assert_int_equal(opened_pair(-1, MINE), -EINVAL);
	assert_int_equal(opened_pair(-1, -1), -EINVAL);
}

static void garbage_is_refused(void **state _unused_)
{
	static const char *const garbage[] = { "x", "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n",
					       "-----BEGIN PRIVATE KEY-----", "\xff\xfe\x01" };
	_cleanup_(pem_free) struct pem p = pem_of(MINE, MINE);
	struct certificate *c = NULL;
	const char *text;
	size_t len = text_of(&p, &text);

	for (size_t i = 0; i < ARRAY_SIZE(garbage); i++)
		assert_int_equal(open_text(garbage[i], strlen(garbage[i]), "", &c), -EINVAL);
	for (size_t cut = 1; cut < len; cut += 97)
		assert_int_equal(open_text(text, len - cut - 1, "", &c), -EINVAL);
	assert_int_equal(certificate_open(text, (size_t)INT_MAX + 1, "", &c), -EINVAL);
	assert_null(c);
	certificate_close(NULL);
}

/* ---- a key elsewhere ---- */

struct file {
	char path[32], uri[48];
};

static struct file file_of(const struct pem *p)
{
	struct file f = { .path = "/tmp/test-certificate-XXXXXX" };
	_cleanup_(closep) int fd = mkstemp(f.path);
	const char *text;
	size_t len = text_of(p, &text);

	assert_true(fd >= 0);
	assert_int_equal(write(fd, text, len), len);
	snprintf(f.uri, sizeof(f.uri), "file:%s", f.path);
	return f;
}

static void file_remove(struct file *f)
{
	unlink(f->path);
}

static int opened_by_uri(int certificate, int key, int elsewhere)
{
	_cleanup_(pem_free) struct pem here = pem_of(certificate, key), there = pem_of(-1, elsewhere);
	_cleanup_(file_remove) struct file f = file_of(&there);

	return opened(&here, f.uri);
}

static void a_key_is_found_by_its_URI(void **state _unused_)
{
	_cleanup_(pem_free) struct pem here = pem_of(MINE, MINE), there = pem_of(MINE, -1);
	_cleanup_(file_remove) struct file f = file_of(&there);

	assert_int_equal(opened_by_uri(MINE, -1, MINE), 0);
	assert_int_equal(opened_by_uri(MINE, OTHER, MINE), 0);
	assert_int_equal(opened_by_uri(MINE, MINE, OTHER), -EINVAL);
	assert_int_equal(opened_by_uri(MINE, MINE, -1), -EINVAL);
	assert_int_equal(opened_by_uri(CURVE, -1, CURVE), -EINVAL);
	assert_int_equal(opened(&here, f.uri), -EINVAL);
	assert_int_equal(opened(&here, "file:/nonexistent/key.pem"), -EINVAL);
	assert_int_equal(opened(&here, "file:/"), -EINVAL);
	assert_int_equal(opened(&here, "nonsense:key"), -EINVAL);
}

static bool asked;

static int on_question(UI *ui _unused_)
{
	asked = true;
	return 0;
}

static void add_encrypted_key(struct pem *p, bool traditional)
{
	const EVP_CIPHER *cipher = EVP_aes_128_cbc();
	int ok;

	if (traditional)
		ok = PEM_write_bio_PrivateKey_traditional(p->bio, keys[MINE], cipher, (const unsigned char *)PASSPHRASE,
							  (int)strlen(PASSPHRASE), NULL, NULL);
	else
		ok = PEM_write_bio_PKCS8PrivateKey(p->bio, keys[MINE], cipher, PASSPHRASE, (int)strlen(PASSPHRASE), NULL, NULL);
	assert_int_equal(ok, 1);
}

/* A daemon that asks its terminal waits for ever. */
static void an_encrypted_key_is_refused_without_a_question(void **state _unused_)
{
	UI_METHOD *method = UI_create_method("test");

	assert_non_null(method);
	UI_method_set_opener(method, on_question);
	UI_set_default_method(method);
	for (int traditional = 0; traditional < 2; traditional++) {
		_cleanup_(pem_free) struct pem here = pem_of(MINE, -1), there = pem_of(-1, -1), both = pem_of(MINE, -1);
		struct file f;

		add_encrypted_key(&both, traditional);
		add_encrypted_key(&there, traditional);
		f = file_of(&there);
		assert_int_equal(opened(&both, ""), -EINVAL);
		assert_int_equal(opened(&here, f.uri), -EINVAL);
		file_remove(&f);
	}
	assert_false(asked);
	UI_set_default_method(NULL);
	UI_destroy_method(method);
}

/* ---- the assertion ---- */

static void md_ctxp(EVP_MD_CTX **c)
{
	EVP_MD_CTX_free(*c);
}

/* By OpenSSL alone; salt 0 = PKCS #1 v1.5. */
static bool verifies(EVP_PKEY *key, int salt, const char *text, size_t len, const unsigned char *signature, size_t size)
{
	_cleanup_(md_ctxp) EVP_MD_CTX *ctx = EVP_MD_CTX_new();
	EVP_PKEY_CTX *how = NULL;

	assert_int_equal(EVP_DigestVerifyInit(ctx, &how, EVP_sha256(), NULL, key), 1);
	if (salt > 0) {
		assert_int_equal(EVP_PKEY_CTX_set_rsa_padding(how, RSA_PKCS1_PSS_PADDING), 1);
		assert_int_equal(EVP_PKEY_CTX_set_rsa_pss_saltlen(how, salt), 1);
	}
	return EVP_DigestVerify(ctx, signature, size, (const unsigned char *)text, len) == 1;
}

static struct json *decoded(const char *from, size_t len)
{
	struct json *j = NULL;
	char text[1024];
	int n = base64url_read(from, len, text, sizeof(text));

	assert_true(n > 0);
	assert_int_equal(json_parse(text, (size_t)n, &j), 0);
	return j;
}

static void has(const struct json *object, const char *name, const char *text)
{
	assert_non_null(json_text_of(object, name));
	assert_string_equal(json_text_of(object, name), text);
}

static int64_t when(const struct json *claims, const char *name)
{
	int64_t n = 0;

	/* RFC 7519: a number, not the text of one. */
	assert_null(json_text_of(claims, name));
	assert_int_equal(json_number(json_member(claims, name), &n), 0);
	return n;
}

static void the_head_names_the_certificate(void **state _unused_)
{
	_cleanup_(certificate_closep) struct certificate *c = mine();
	_cleanup_(json_freep) struct json *head = NULL;
	unsigned char digest[EVP_MAX_MD_SIZE];
	char jwt[2048], print[64];
	unsigned int len = 0;

	assert_int_equal(certificate_assertion(c, CLIENT, AUDIENCE, made, jwt, sizeof(jwt)), 0);
	head = decoded(jwt, strcspn(jwt, "."));
	has(head, "alg", "PS256");
	has(head, "typ", "JWT");
	assert_int_equal(X509_digest(certificates[MINE], EVP_sha256(), digest, &len), 1);
	assert_int_equal(base64url_write(digest, len, print, sizeof(print)), 43);
	has(head, "x5t#S256", print);
}

static void the_claims_are_those_of_RFC_7523(void **state _unused_)
{
	_cleanup_(certificate_closep) struct certificate *c = mine();
	_cleanup_(json_freep) struct json *claims = NULL;
	char jwt[2048], *at;
	int64_t life;

	assert_int_equal(certificate_assertion(c, CLIENT, AUDIENCE, made, jwt, sizeof(jwt)), 0);
	at = strchr(jwt, '.') + 1;
	claims = decoded(at, strcspn(at, "."));
	has(claims, "aud", AUDIENCE);
	has(claims, "iss", CLIENT);
	has(claims, "sub", CLIENT);
	assert_int_equal(when(claims, "nbf"), made);
	assert_int_equal(when(claims, "iat"), made);
	life = when(claims, "exp") - made;
	assert_in_range(life, 300, 600);
}

static void the_signature_is_PS256_and_no_other(void **state _unused_)
{
	_cleanup_(certificate_closep) struct certificate *c = mine();
	unsigned char signature[1024];
	char jwt[2048], *last;
	size_t len;
	int size;

	assert_int_equal(certificate_assertion(c, CLIENT, AUDIENCE, made, jwt, sizeof(jwt)), 0);
	last = strrchr(jwt, '.') + 1;
	len = (size_t)(last - 1 - jwt);
	assert_int_equal(strspn(jwt, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_."), strlen(jwt));
	size = base64url_read(last, strlen(last), signature, sizeof(signature));
	assert_int_equal(size, 256);
	assert_true(verifies(keys[MINE], 32, jwt, len, signature, 256));
	assert_false(verifies(keys[MINE], 20, jwt, len, signature, 256));
	assert_false(verifies(keys[MINE], 0, jwt, len, signature, 256));
	assert_false(verifies(keys[OTHER], 32, jwt, len, signature, 256));
	assert_false(verifies(keys[MINE], 32, jwt, len - 1, signature, 256));
}

static void id_of(const struct certificate *c, char ret[static 37])
{
	_cleanup_(json_freep) struct json *claims = NULL;
	char jwt[2048], *at;

	assert_int_equal(certificate_assertion(c, CLIENT, AUDIENCE, made, jwt, sizeof(jwt)), 0);
	at = strchr(jwt, '.') + 1;
	claims = decoded(at, strcspn(at, "."));
	assert_int_equal(strlen(json_text_of(claims, "jti")), 36);
	memcpy(ret, json_text_of(claims, "jti"), 37);
}

static void no_two_assertions_have_one_id(void **state _unused_)
{
	static const char form[] = "xxxxxxxx-xxxx-4xxx-xxxx-xxxxxxxxxxxx";
	_cleanup_(certificate_closep) struct certificate *c = mine();
	char a[37], b[37];

	id_of(c, a);
	id_of(c, b);
	assert_string_not_equal(a, b);
	for (size_t i = 0; form[i]; i++)
		assert_true(form[i] == 'x' ? !!strchr("0123456789abcdef", a[i]) : a[i] == form[i]);
}

static int signed_into(const struct certificate *c, size_t size)
{
	_cleanup_(freep) char *jwt = malloc(size ? size : 1);

	return certificate_assertion(c, CLIENT, AUDIENCE, made, jwt, size);
}

static void an_assertion_fits_or_is_none(void **state _unused_)
{
	_cleanup_(certificate_closep) struct certificate *c = mine();
	char jwt[2048], audience[1100];
	size_t len;

	assert_int_equal(certificate_assertion(c, CLIENT, AUDIENCE, made, jwt, sizeof(jwt)), 0);
	len = strlen(jwt);
	for (size_t size = 0; size <= len; size += size + 13 < len ? 13 : 1)
		assert_int_equal(signed_into(c, size), -EMSGSIZE);
	assert_int_equal(signed_into(c, len + 1), 0);
	memset(audience, 'a', sizeof(audience));
	audience[sizeof(audience) - 1] = 0;
	assert_int_equal(certificate_assertion(c, CLIENT, audience, made, jwt, sizeof(jwt)), -EMSGSIZE);
}

/* ---- others' signatures ---- */

#define SIGNED "eyJhbGciOiJSUzI1NiJ9.eyJzdWIiOiJtb25pY2EifQ"

struct jwk {
	char n[400], e[16];
};

static void bnp(BIGNUM **b)
{
	BN_free(*b);
}

static void write_number(EVP_PKEY *key, const char *name, char *ret, size_t size)
{
	_cleanup_(bnp) BIGNUM *number = NULL;
	unsigned char bytes[256];

	assert_int_equal(EVP_PKEY_get_bn_param(key, name, &number), 1);
	assert_true(base64url_write(bytes, (size_t)BN_bn2bin(number, bytes), ret, size) > 0);
}

static struct jwk jwk_of(int key)
{
	struct jwk j;

	write_number(keys[key], OSSL_PKEY_PARAM_RSA_N, j.n, sizeof(j.n));
	write_number(keys[key], OSSL_PKEY_PARAM_RSA_E, j.e, sizeof(j.e));
	return j;
}

static void sign(int key, int padding, char ret[static 400])
{
	_cleanup_(md_ctxp) EVP_MD_CTX *ctx = EVP_MD_CTX_new();
	EVP_PKEY_CTX *how = NULL;
	unsigned char bytes[256];
	size_t size = sizeof(bytes);

	assert_int_equal(EVP_DigestSignInit(ctx, &how, EVP_sha256(), NULL, keys[key]), 1);
	assert_int_equal(EVP_PKEY_CTX_set_rsa_padding(how, padding), 1);
	assert_int_equal(EVP_DigestSign(ctx, bytes, &size, (const unsigned char *)SIGNED, strlen(SIGNED)), 1);
	assert_true(base64url_write(bytes, size, ret, 400) > 0);
}

static void a_signature_is_verified(void **state _unused_)
{
	struct jwk j = jwk_of(MINE), other = jwk_of(OTHER), tiny = jwk_of(TINY), small = jwk_of(SMALL);
	char s[400];

	sign(MINE, RSA_PKCS1_PADDING, s);
	assert_int_equal(signature_verify(j.n, j.e, SIGNED, strlen(SIGNED), s), 0);
	assert_int_equal(signature_verify(other.n, other.e, SIGNED, strlen(SIGNED), s), -EBADMSG);
	assert_int_equal(signature_verify(j.n, j.e, SIGNED, strlen(SIGNED) - 1, s), -EBADMSG);
	assert_int_equal(signature_verify(j.n, j.e, "f" SIGNED, strlen(SIGNED), s), -EBADMSG);
	assert_int_equal(signature_verify(j.n, j.e, "", 0, s), -EBADMSG);
	sign(MINE, RSA_PKCS1_PSS_PADDING, s);
	assert_int_equal(signature_verify(j.n, j.e, SIGNED, strlen(SIGNED), s), -EBADMSG);
	sign(TINY, RSA_PKCS1_PADDING, s);
	assert_int_equal(signature_verify(tiny.n, tiny.e, SIGNED, strlen(SIGNED), s), -EBADMSG);
	sign(SMALL, RSA_PKCS1_PADDING, s);
	assert_int_equal(signature_verify(small.n, small.e, SIGNED, strlen(SIGNED), s), -EBADMSG);
}

static void a_tampered_signature_is_none(void **state _unused_)
{
	struct jwk j = jwk_of(MINE);
	char s[400], longer[404];
	size_t len;

	sign(MINE, RSA_PKCS1_PADDING, s);
	len = strlen(s);
	/* The last character also carries bits that are none of the signature's. */
	for (size_t i = 0; i < len - 1; i += 31) {
		char kept = s[i];

		s[i] = kept == 'A' ? 'B' : 'A';
		assert_int_equal(signature_verify(j.n, j.e, SIGNED, strlen(SIGNED), s), -EBADMSG);
		s[i] = kept;
	}
	snprintf(longer, sizeof(longer), "%.398sAA", s);
	assert_int_equal(signature_verify(j.n, j.e, SIGNED, strlen(SIGNED), longer), -EBADMSG);
	assert_int_equal(signature_verify(j.n, j.e, SIGNED, strlen(SIGNED), ""), -EBADMSG);
	assert_int_equal(signature_verify(j.n, j.e, SIGNED, strlen(SIGNED), "="), -EBADMSG);
	s[len - 4] = 0;
	assert_int_equal(signature_verify(j.n, j.e, SIGNED, strlen(SIGNED), s), -EBADMSG);
}

static void a_key_that_is_none_verifies_nothing(void **state _unused_)
{
	static const char *const numbers[] = { "", "=", "AA", "AQ", "A" };
	struct jwk j = jwk_of(MINE);
	char s[400], huge[1800];

	sign(MINE, RSA_PKCS1_PADDING, s);
	for (size_t i = 0; i < ARRAY_SIZE(numbers); i++) {
		assert_int_equal(signature_verify(numbers[i], j.e, SIGNED, strlen(SIGNED), s), -EBADMSG);
		assert_int_equal(signature_verify(j.n, numbers[i], SIGNED, strlen(SIGNED), s), -EBADMSG);
	}
	memset(huge, '_', sizeof(huge));
	huge[sizeof(huge) - 1] = 0;
	assert_int_equal(signature_verify(huge, j.e, SIGNED, strlen(SIGNED), s), -EBADMSG);
	assert_int_equal(signature_verify(j.n, huge, SIGNED, strlen(SIGNED), s), -EBADMSG);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(base64url_as_in_RFC_4648),
		cmocka_unit_test(base64url_takes_nothing_else),
		cmocka_unit_test(a_certificate_with_its_key_opens),
		cmocka_unit_test(what_does_not_fit_together_is_refused),
		cmocka_unit_test(garbage_is_refused),
		cmocka_unit_test(a_key_is_found_by_its_URI),
		cmocka_unit_test(an_encrypted_key_is_refused_without_a_question),
		cmocka_unit_test(the_head_names_the_certificate),
		cmocka_unit_test(the_claims_are_those_of_RFC_7523),
		cmocka_unit_test(the_signature_is_PS256_and_no_other),
		cmocka_unit_test(no_two_assertions_have_one_id),
		cmocka_unit_test(an_assertion_fits_or_is_none),
		cmocka_unit_test(a_signature_is_verified),
		cmocka_unit_test(a_tampered_signature_is_none),
		cmocka_unit_test(a_key_that_is_none_verifies_nothing),
	};

	return cmocka_run_group_tests(tests, make_keys, free_keys);
}
