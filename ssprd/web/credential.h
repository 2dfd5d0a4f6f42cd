// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

/*
 * By what a directory knows this application. Credentials of [directory NAME], in the order in which they are tried: what is being rotated
 * in comes behind what works.
 *
 *     sspr-NAME-certificate    PEM: certificate and key         sspr-NAME-certificate-next
 *     sspr-NAME-secret         the client secret                sspr-NAME-secret-next
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/crypto.h"
#include "base/handover.h"
#include "web/certificate.h"

#define CREDENTIALS 4

struct credential {
	bool certificate;
	char name[64];
	size_t len;
	char b[HANDOVER_CREDENTIAL + 1]; /* a NUL behind */
};

void credential_wipe(struct credential *c);

/* The i-th of a directory; its name is written in any case. 0, -ENOENT, or what keeps it from being read. */
int credential_read(const char *directory, size_t i, struct credential *ret);

/* key_uri: "" where the key is in the PEM. As certificate_open(). */
int credential_certificate(const struct credential *c, const char *key_uri, struct certificate **ret);
/* What a certificate's credential must be. */
const char *credential_right(const char *key_uri);

/* Over a text and all of them: differs when one of them does. */
int credentials_digest(const char *directory, const char *key_uri, const char *text, uint8_t ret[static CRYPTO_MAC]);

/*
 * For a report: what is wrong with them, or which there are and until when they last. Lines of
 * "ok|warn|fail TAB credential TAB text LF", cut at a whole line. The number of those that could be used.
 */
size_t credentials_report(const char *directory, const char *key_uri, char *ret, size_t size);
