// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

/*
 * Password Protection, as Entra describes it (reference: "Eliminate bad passwords using Microsoft Entra Password Protection").
 * Pure; nothing is allocated.
 *
 * A password is made lower case, and 0 1 $ @ are read as o l s a. Then each part of it that is a banned term, or one letter away
 * from a term, counts 1 point, and each character that is left counts 1 point. Five points are enough. Where parts overlap, the
 * reading with the fewest points counts.
 *
 * One letter away is: another letter in place of one, one left out, or one too many between the first and the last. A letter too
 * many before or behind a term is a character that is left, and counts: else the published example "ContoS0Bl@nkf9!" would have 4
 * points (contoso, blankf, 9, !), and it has 5.
 */

#include <stddef.h>
#include <stdint.h>

#include "base/secret.h"

#define PROTECTION_ENOUGH 5
/* A term, a name: shorter ones would refuse too much. */
#define PROTECTION_LEAST 4
#define PROTECTION_MOST 16
#define PROTECTION_TERMS 1000

/* In characters, as they are compared. */
struct protection_text {
	size_t n;
	uint32_t c[SECRET_MAX];
};

struct protection_term {
	uint8_t n;
	uint32_t c[PROTECTION_MOST];
};

struct protection_list {
	size_t n;
	struct protection_term term[PROTECTION_TERMS];
};

void protection_text_wipe(struct protection_text *t);

/* False when it is no UTF-8, or has more than SECRET_MAX bytes. */
bool protection_read(const char *text, size_t len, struct protection_text *ret);

/* False, and *list as it was, when the word is no term of 4 to 16 characters, or the list is full. */
bool protection_add(struct protection_list *list, const char *word);

/* The fewest points, counted up to PROTECTION_ENOUGH; of the terms of `list` (or NULL) and of those that everybody knows. */
unsigned int protection_score(const struct protection_list *list, const struct protection_text *password);

/* Whether a word stands in it as a whole; a word of fewer than 4 characters never does. */
bool protection_contains(const struct protection_text *password, const char *word);

/* The same of any of these names, with blanks between, and of the parts of each. */
bool protection_contains_name(const struct protection_text *password, const char *names);
