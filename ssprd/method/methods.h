// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

/* The methods that there are. A new one is a file and a row in methods.c. */

#include "flow/method.h"
#include "flow/policy.h"

extern const struct method method_authenticator;
extern const struct method method_email;
extern const struct method method_recovery;
extern const struct method method_app;
extern const struct method method_pass;
extern const struct method method_sms;
extern const struct method method_voice;
extern const struct method method_office;

/* NULL when there is none of this name. */
const struct method *method_find(const char *name);

/* How many of the methods an account has registered, of those that count for it, of each family at most one. */
size_t methods_registered(const struct registration *r, const struct method *const *methods, size_t n, bool admin);

/* What has run out by now is not registered any more. */
void registration_expire(struct registration *r, int64_t lasting);

/*
 * What is not registered here is taken as the account's directory has it ("" or NULL: it has none). A number that the policy does
 * not send to is none at all.
 */
void registration_complete(struct registration *r, const struct policy *p, const char *mail, const char *mobile, const char *office);

/* A new seed for an authenticator app (RFC 4226: 160 bits). */
int authenticator_seed(struct secret *ret);

/* otpauth://totp/ISSUER:NAME?secret=...&issuer=ISSUER for the app; a secret itself. -EMSGSIZE. */
int authenticator_uri(const struct secret *seed, const char *name, const char *issuer, struct secret *ret);

/* A new recovery code (80 random bits, as ABCD-EFGH-JKMN-PQRS) and what is kept of it. */
int recovery_make(const struct crypto_key *key, struct secret *ret_code, struct registration_recovery *ret);

/* A new helpdesk pass (50 random bits, as ABCDE-FGHJK) and what is kept of it; row and expires are the caller's. */
int pass_make(const struct crypto_key *key, struct secret *ret_pass, struct registration_pass *ret);
