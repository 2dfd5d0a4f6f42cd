// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

/*
 * An access token for Graph, by client credentials (RFC 6749 4.4): by certificate (private_key_jwt) or by client secret.
 *
 * The first credential (web/credential.h) that the server takes is used; invalid_client and AADSTS 700027, 50012, 7000215, 7000222 mean:
 * try the next one.
 *
 * The token is kept in $RUNTIME_DIRECTORY/token-NAME (0600), locked while one child fetches it and the others wait, until five
 * minutes before it expires, or a tenth of its life where that is less. Without that directory each child asks for its own.
 */

#include <stddef.h>

#include "flow/job.h"
#include "flow/policy.h"
#include "web/http.h"

#define TOKEN_MAX 8192

struct token {
	char b[TOKEN_MAX];
};

void token_wipe(struct token *t);

/* What went wrong, as the directory's job is to tell it. */
struct token_trouble {
	enum why why; /* WHY_UNREACHABLE, WHY_BUSY, WHY_MISCONFIGURED, WHY_BROKEN */
	int retry_after;
	char detail[JOB_DETAIL]; /* for the administrator: what is wrong and what would be right; AADSTS number and ids */
};

struct token_source {
	const char *name; /* of the directory */
	const struct policy_entra *policy;
	const struct trust *trust;
	int peer;
};

/* Hosts of the configuration, or of its cloud. */
const char *entra_login(const struct policy_entra *p);
const char *entra_graph(const struct policy_entra *p);

/* `refused` is a token that Graph answered 401 to: the kept one is then fetched anew, if it is still that one. */
int token_get(const struct token_source *s, const struct token *refused, struct token *ret, struct token_trouble *ret_trouble);

/* The names in the claim `roles` of a token, for a report; it is not verified, we got it from the issuer. -EBADMSG, -EMSGSIZE. */
int token_roles(const struct token *t, char *ret, size_t size);

/* A claim that is a text, e.g. "oid", the object of the application in the tenant. -ENOENT, -EBADMSG, -EMSGSIZE. */
int token_claim(const struct token *t, const char *name, char *ret, size_t size);
