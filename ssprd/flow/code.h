// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

/*
 * A one-time code that is sent: 8 digits, kept as an HMAC under a key that lives in RAM only, bound to the dialogue that
 * made it and to the account it was made for, with its own time and number of tries.
 */

#include <stdbool.h>

#include "base/crypto.h"
#include "base/secret.h"
#include "flow/account.h"
#include "flow/moment.h"

#define CODE_DIGITS 8
#define CODE_ENTROPY 32

struct code {
	int64_t expires; /* boot milliseconds; 0: there is no code */
	int64_t sent;	 /* wall seconds */
	unsigned int tries;
	uint8_t nonce[16];
	uint8_t mac[CRYPTO_MAC];
};

/*
 * Makes a code out of CODE_ENTROPY random bytes, without the bias of a remainder. The digits go to *ret_digits, to be
 * sent and forgotten. -EAGAIN when the bytes will not do (less often than once in 10^13).
 */
int code_make(const struct crypto_key *key, const struct account *owner, const uint8_t entropy[static CODE_ENTROPY], const struct moment *now,
	      int64_t lifetime, unsigned int tries, struct code *ret, char ret_digits[static CODE_DIGITS + 1]);

bool code_alive(const struct code *c, const struct moment *now);

/* Takes one try, then compares in constant time. Spaces and hyphens in the answer do not count. */
bool code_matches(struct code *c, const struct crypto_key *key, const struct account *owner, const struct secret *answer,
		  const struct moment *now);

/* Copies the answer without spaces and hyphens, letters in upper case. */
void code_strip(const struct secret *answer, struct secret *ret);

/* A number for a question that a program cannot answer by replay; its guessing gains nothing, so some bias is no harm. */
unsigned int code_number(const uint8_t entropy[static CODE_ENTROPY], unsigned int least, unsigned int most);
