// SPDX-License-Identifier: LGPL-2.1-or-later
#include "web/credential.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "base/cleanup.h"

/* A certificate that ends within a month should be replaced. */
#define SOON (30 * 24 * 60 * 60)
#define TEXT 256

static const struct slot {
	const char *suffix;
	bool certificate;
} slots[CREDENTIALS] = {
	{ "certificate", true },
	{ "certificate-next", true },
	{ "secret", false },
	{ "secret-next", false },
};

void credential_wipe(struct credential *c)
{
	explicit_bzero(c, sizeof(*c));
}

static void drop_newline(struct credential *c)
{
	while (c->len > 0 && (c->b[c->len - 1] == '\n' || c->b[c->len - 1] == '\r'))
		c->len--;
	c->b[c->len] = 0;
}

int credential_read(const char *directory, size_t i, struct credential *ret)
{
	int r;

	ret->certificate = slots[i].certificate;
	snprintf(ret->name, sizeof(ret->name), "sspr-%s-%s", directory, slots[i].suffix);
	r = handover_credential(ret->name, ret->b, HANDOVER_CREDENTIAL, &ret->len);
	if (r < 0)
		return r;
	ret->b[ret->len] = 0;
	if (!ret->certificate)
		drop_newline(ret);
	return ret->len > 0 && !memchr(ret->b, 0, ret->len) ? 0 : -EINVAL;
}

int credential_certificate(const struct credential *c, const char *key_uri, struct certificate **ret)
{
	return certificate_open(c->b, c->len, key_uri, ret);
}

const char *credential_right(const char *key_uri)
{
	return *key_uri ? "PEM: a certificate whose private key is found by [directory] key, RSA of 2048 bits or more" :
			  "PEM: a certificate and its private key, RSA of 2048 bits or more";
}

/* ---- a digest of them all ---- */

static int add_digest(const void *bytes, size_t len, uint8_t digest[static CRYPTO_MAC])
{
	uint8_t both[2 * CRYPTO_MAC];
	int r;

	memcpy(both, digest, CRYPTO_MAC);
	r = crypto_sha256(bytes, len, both + CRYPTO_MAC);
	return r < 0 ? r : crypto_sha256(both, sizeof(both), digest);
}

int credentials_digest(const char *directory, const char *key_uri, const char *text, uint8_t ret[static CRYPTO_MAC])
{
	uint8_t digest[CRYPTO_MAC] = {};
	int r = add_digest(text, strlen(text), digest);

	if (r == 0)
		r = add_digest(key_uri, strlen(key_uri), digest);
	for (size_t i = 0; i < CREDENTIALS && r == 0; i++) {
		_cleanup_(credential_wipe) struct credential c = {};

		if (credential_read(directory, i, &c) == 0)
			r = add_digest(c.b, c.len, digest);
	}
	if (r == 0)
		memcpy(ret, digest, sizeof(digest));
	return r;
}

/* ---- the report ---- */

static void tell_certificate(const struct certificate *c, const char **ret_level, char *ret, size_t size)
{
	int64_t now = time(NULL), begin = certificate_not_before(c), end = certificate_not_after(c);
	bool early = begin > now;
	time_t at = (time_t)(early ? begin : end);
	struct tm tm;
	char day[16] = "";

	if (gmtime_r(&at, &tm))
		strftime(day, sizeof(day), "%Y-%m-%d", &tm);
	*ret_level = early || end <= now ? "fail" : end - now < SOON ? "warn" : "ok";
	snprintf(ret, size, "certificate, %s %s", early ? "not valid before" : end <= now ? "expired on" : "good until", day);
}

/* One line about one credential; whether it could be used. */
static bool tell(const struct credential *c, int found, const char *key_uri, const char **ret_level, char *ret, size_t size)
{
	_cleanup_(certificate_closep) struct certificate *certificate = NULL;

	*ret_level = "fail";
	if (found < 0) {
		snprintf(ret, size, "cannot be read: %s", strerror(-found));
	} else if (!c->certificate) {
		*ret_level = "warn";
		snprintf(ret, size, "client secret; a certificate is safer");
	} else if (credential_certificate(c, key_uri, &certificate) < 0) {
		snprintf(ret, size, "must be %s", credential_right(key_uri));
	} else {
		tell_certificate(certificate, ret_level, ret, size);
	}
	return strcmp(*ret_level, "fail") != 0;
}

size_t credentials_report(const char *directory, const char *key_uri, char *ret, size_t size)
{
	size_t usable = 0, at = 0;

	*ret = 0;
	for (size_t i = 0; i < CREDENTIALS; i++) {
		_cleanup_(credential_wipe) struct credential c = {};
		int found = credential_read(directory, i, &c), n;
		char text[TEXT];
		const char *level;

		if (found == -ENOENT)
			continue;
		usable += tell(&c, found, key_uri, &level, text, sizeof(text));
		n = snprintf(ret + at, size - at, "%s\t%s\t%s\n", level, c.name, text);
		if (n < 0 || (size_t)n >= size - at)
			break;
		at += (size_t)n;
	}
	ret[at] = 0;
	return usable;
}
