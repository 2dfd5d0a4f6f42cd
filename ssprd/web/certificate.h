// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

/*
 * A private key with its certificate that stands for this application, and the keys of others' signatures. The home of libcrypto's
 * headers for keys (base/crypto.c is the one for everything else).
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct certificate;

/*
 * PEM: a certificate, and the private key unless key_uri names it for an OpenSSL provider (pkcs11:..., handle:..., file:...).
 * -EINVAL when something is missing, is not RSA of at least 2048 bits, or the key is not the certificate's.
 */
int certificate_open(const char *pem, size_t len, const char *key_uri, struct certificate **ret);
void certificate_close(struct certificate *c);
void certificate_closep(struct certificate **c);

/* Seconds since the epoch. */
int64_t certificate_not_after(const struct certificate *c);
int64_t certificate_not_before(const struct certificate *c);

/*
 * The client assertion of RFC 7523 for a token endpoint, signed PS256, with x5t#S256 (Entra: certificate-credentials). `ret` takes
 * the JWT. -EMSGSIZE, -EIO.
 */
int certificate_assertion(const struct certificate *c, const char *client_id, const char *audience, int64_t now, char *ret,
			  size_t size);

/* Verifies RS256 (RFC 7518) of a JWT's first two parts by a JWK's n and e (base64url). 0, -EBADMSG. */
int signature_verify(const char *n, const char *e, const char *signed_text, size_t len, const char *signature);

/* base64url without padding (RFC 4648). Returns the length; -EBADMSG, -EMSGSIZE. A NUL is put behind. */
int base64url_read(const char *text, size_t len, void *ret, size_t size);
int base64url_write(const void *bytes, size_t len, char *ret, size_t size);
