// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

/*
 * Secrets that a person reads from paper or hears on the phone: characters of Crockford's base 32 in groups. Kept as an HMAC with a
 * salt under a key that is not in the database: the characters cannot be searched without the key, nor the key without them.
 */

#include "flow/method.h"

/* `chars` random characters, 5 bits each, a hyphen after every `group`, and what is kept of them. */
int printed_make(const struct crypto_key *key, size_t chars, size_t group, struct secret *ret_shown,
		 uint8_t ret_salt[static RECOVERY_SALT], uint8_t ret_hash[static CRYPTO_MAC]);

/* As typed by a person: what looks alike is alike, hyphens and blanks do not count. In constant time. */
bool printed_matches(const struct crypto_key *key, const uint8_t salt[static RECOVERY_SALT],
		     const uint8_t hash[static CRYPTO_MAC], const struct secret *answer);
