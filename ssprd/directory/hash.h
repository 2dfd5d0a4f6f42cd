// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

/* What stands where a password's hash should be: shadow(5), crypt(5). The one home of crypt.h in the daemons. */

#include <stdbool.h>

#include "base/secret.h"

/*
 * A hash that crypt(3) could have made; "!", "*", "locked by me" and whatever else an administrator writes there is none, nor is
 * traditional DES, which looks like such a word.
 */
bool hash_is_one(const char *text);

/* 1: the hash of this password. 0: of another one. -ENOMEM. */
int hash_is_of(const char *hash, const struct secret *password);
