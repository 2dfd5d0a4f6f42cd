// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

/*
 * An id_token of Entra's v2.0 endpoint (OpenID Connect Core 3.1.3.7; Microsoft: id-token-claims-reference) that came from the token
 * endpoint over verified TLS. Pure: text and keys in, a verdict out.
 *
 * It counts only when its RS256 signature is by one of the tenant's keys, and aud, iss, tid, oid, exp, iat and nbf (where it is) hold:
 * oid is the account's object, tid the directory's tenant, auth_time not before `since`, and iat neither, less five minutes.
 */

#include "base/json.h"
#include "flow/job.h"

struct id_token_wanted {
	const char *client_id, *issuer, *tenant, *object;
	int64_t since, now; /* seconds since the epoch, by the server's clock */
};

/*
 * WHY_NONE: it is them. Else what is wrong, and WHY_OTHER_ACCOUNT, WHY_DECLINED (signed in before that), WHY_MISCONFIGURED (no auth_time) or
 * WHY_BROKEN. `keys` is a
 * JWK set (RFC 7517).
 */
enum why id_token_judge(const struct id_token_wanted *w, const char *token, const struct json *keys, const char **ret_wrong);

/* The same of claims whose signature is good. */
enum why id_token_judge_claims(const struct id_token_wanted *w, const struct json *claims, const char **ret_wrong);
