// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

/*
 * Something that must not outlive its use: a code, a password, a seed. It has a fixed place, is never reallocated, and
 * is wiped when its scope ends:
 *
 *     _cleanup_(secret_wipe) struct secret answer = {};
 *
 * The bytes may hold anything, NUL included; a NUL follows them for the C interfaces that need one. The logger has no
 * function that takes this type.
 */

#include <stdbool.h>
#include <stddef.h>
#include <string.h>

#define SECRET_MAX 512

struct secret {
	size_t len;
	char b[SECRET_MAX + 1];
};

/* 0, or -EMSGSIZE and *ret untouched when more than SECRET_MAX bytes are given. */
int secret_set(struct secret *ret, const void *bytes, size_t len);

void secret_wipe(struct secret *s);

/* Compares whole values in constant time for a given length. */
bool secret_equal(const struct secret *a, const struct secret *b);

/* A NUL within the bytes: C interfaces behind would see a shorter secret. */
static inline bool secret_has_nul(const struct secret *s)
{
	return memchr(s->b, 0, s->len) != NULL;
}

/* Constant time for a given length. */
bool bytes_equal(const void *a, const void *b, size_t len);
