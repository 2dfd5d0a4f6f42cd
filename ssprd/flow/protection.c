// SPDX-License-Identifier: LGPL-2.1-or-later
#include "flow/protection.h"

#include <string.h>

#include "base/cleanup.h"
#include "base/text.h"

/* What so many passwords are built on that it is tried first; a local list adds what is common at one place. */
static const char *const common[] = {
	"password", "passwort", "passwd", "kennwort", "motdepasse", "contrasena", "welcome", "willkommen", "hello", "letmein",
	"changeme", "secret", "login", "admin", "administrator", "root", "user", "guest", "test", "default", "temp", "office",
	"company", "computer", "internet", "qwerty", "qwertz", "azerty", "asdf", "zxcv", "qazwsx", "1q2w3e4r", "abcd", "1234",
	"12345", "123456", "1234567", "12345678", "123456789", "4321", "0000", "1111", "1212", "aaaa", "spring", "summer",
	"autumn", "winter", "january", "february", "march", "april", "june", "july", "august", "september", "october", "november",
	"december", "monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday", "love", "iloveyou", "dragon",
	"monkey", "football", "baseball", "master", "sunshine", "princess", "superman", "freedom", "whatever", "trustno1",
};

/* The positions that so many parts can reach: no part has more characters than a term and one. */
#define REACH ((PROTECTION_ENOUGH - 1) * (PROTECTION_MOST + 1))

void protection_text_wipe(struct protection_text *t)
{
	explicit_bzero(t, sizeof(*t));
}

/* ---- how it is read ---- */

/* Latin, Greek and Cyrillic letters; without a locale, so that every program does the same. */
static uint32_t lower(uint32_t u)
{
	if ((u >= 'A' && u <= 'Z') || (u >= 0xc0 && u <= 0xde && u != 0xd7) || (u >= 0x391 && u <= 0x3a9) ||
	    (u >= 0x410 && u <= 0x42f))
		return u + 32;
	if (u >= 0x400 && u <= 0x40f)
		return u + 80;
	if ((u >= 0x100 && u <= 0x137) || (u >= 0x14a && u <= 0x177))
		return u | 1;
	if ((u >= 0x139 && u <= 0x148) || (u >= 0x179 && u <= 0x17e))
		return u + (u & 1);
	return u;
}

/* Entra's table. */
static uint32_t normal(uint32_t u)
{
	switch (u) {
	case '0':
		return 'o';
	case '1':
		return 'l';
	case '$':
		return 's';
	case '@':
		return 'a';
	default:
		return lower(u);
	}
}

bool protection_read(const char *text, size_t len, struct protection_text *ret)
{
	uint32_t u;
	size_t n;

	ret->n = 0;
	if (len > SECRET_MAX)
		return false;
	for (; len > 0; text += n, len -= n) {
		n = text_utf8(text, len, &u);
		if (n == 0)
			return false;
		ret->c[ret->n++] = normal(u);
	}
	return true;
}

static bool make_term(const char *word, struct protection_term *ret)
{
	struct protection_text t;

	if (!protection_read(word, strlen(word), &t) || t.n < PROTECTION_LEAST || t.n > PROTECTION_MOST)
		return false;
	ret->n = (uint8_t)t.n;
	memcpy(ret->c, t.c, t.n * sizeof(t.c[0]));
	return true;
}

bool protection_add(struct protection_list *list, const char *word)
{
	if (list->n == PROTECTION_TERMS || !make_term(word, &list->term[list->n]))
		return false;
	list->n++;
	return true;
}

/* ---- the score ---- */

static bool same(const uint32_t *a, const uint32_t *b, size_t n)
{
	return memcmp(a, b, n * sizeof(*a)) == 0;
}

static size_t common_prefix(const uint32_t *text, size_t n, const struct protection_term *t)
{
	size_t most = n < t->n ? n : t->n, k = 0;

	while (k < most && text[k] == t->c[k])
		k++;
	return k;
}

/* Bit 0, 1, 2: the text begins with the term less a letter, with as many letters, with one more. */
static unsigned int match(const uint32_t *text, size_t n, const struct protection_term *t)
{
	size_t m = t->n, k = common_prefix(text, n, t);
	/* Where the letter too many stands: as far behind as may be, since what fits before that fits here too. */
	size_t more = k < m ? k : m - 1;
	unsigned int found = 0;

	if (n >= m - 1 && (k >= m - 1 || same(text + k, t->c + k + 1, m - 1 - k)))
		found |= 1;
	if (n >= m && (k >= m - 1 || same(text + k + 1, t->c + k + 1, m - 1 - k)))
		found |= 2;
	if (n > m && more > 0 && same(text + more + 1, t->c + more, m - more))
		found |= 4;
	return found;
}

/* Which positions have been reached; a bit each. */
struct reach {
	bool at[REACH + 1];
};

static void step(const uint32_t *text, size_t n, size_t from, const struct protection_term *t, struct reach *next)
{
	unsigned int found = match(text + from, n - from, t);

	for (size_t i = 0; i < 3; i++)
		if (found & (1u << i))
			next->at[from + t->n - 1 + i] = true;
}

/* Where one part more may lead from `from`. */
static void part(const struct protection_list *list, const struct protection_term *known, const struct protection_text *p,
		 size_t from, struct reach *next)
{
	next->at[from + 1] = true;
	for (size_t i = 0; i < ARRAY_SIZE(common); i++)
		step(p->c, p->n, from, &known[i], next);
	for (size_t i = 0; list && i < list->n; i++)
		step(p->c, p->n, from, &list->term[i], next);
}

unsigned int protection_score(const struct protection_list *list, const struct protection_text *password)
{
	struct protection_term known[ARRAY_SIZE(common)] = {};
	struct reach reached[PROTECTION_ENOUGH] = { { .at = { true } } };
	bool done[REACH + 1] = {};

	/* What four parts cannot reach is good without a look, so a long password costs no more than a short one. */
	if (password->n == 0 || password->n > REACH)
		return password->n == 0 ? 0 : PROTECTION_ENOUGH;
	for (size_t i = 0; i < ARRAY_SIZE(common); i++)
		make_term(common[i], &known[i]);
	for (unsigned int points = 0; points + 1 < PROTECTION_ENOUGH; points++) {
		for (size_t from = 0; from < password->n; from++)
			if (reached[points].at[from] && !done[from]) {
				done[from] = true;
				part(list, known, password, from, &reached[points + 1]);
			}
		if (reached[points + 1].at[password->n])
			return points + 1;
	}
	return PROTECTION_ENOUGH;
}

/* ---- names ---- */

static bool holds(const struct protection_text *password, const uint32_t *word, size_t n)
{
	if (n < PROTECTION_LEAST)
		return false;
	for (size_t i = 0; i + n <= password->n; i++)
		if (same(password->c + i, word, n))
			return true;
	return false;
}

bool protection_contains(const struct protection_text *password, const char *word)
{
	_cleanup_(protection_text_wipe) struct protection_text w;

	return protection_read(word, strlen(word), &w) && holds(password, w.c, w.n);
}

static bool between_names(uint32_t u)
{
	return u == ' ' || u == ',';
}

/* "Anna-Lena", "O'Brien". What stands for a letter has become one. */
static bool between_parts(uint32_t u)
{
	return u < 0x80 && !(u >= 'a' && u <= 'z') && !(u >= '0' && u <= '9');
}

static bool holds_any(const struct protection_text *password, const struct protection_text *names, bool (*ends)(uint32_t))
{
	size_t from = 0;

	for (size_t i = 0; i <= names->n; i++) {
		if (i < names->n && !ends(names->c[i]))
			continue;
		if (holds(password, names->c + from, i - from))
			return true;
		from = i + 1;
	}
	return false;
}

bool protection_contains_name(const struct protection_text *password, const char *names)
{
	_cleanup_(protection_text_wipe) struct protection_text n;

	return protection_read(names, strlen(names), &n) &&
	       (holds_any(password, &n, between_names) || holds_any(password, &n, between_parts));
}
