// SPDX-License-Identifier: LGPL-2.1-or-later
#include "flow/password.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>
#include <uninorm.h>

#include "base/cleanup.h"
#include "base/text.h"

/* Shorter words and names would refuse too much. */
#define PASSWORD_WORD_MIN 4
/* Of four (Entra: password policies). */
#define ENTRA_CLASSES 3

static size_t characters(const struct secret *s)
{
	size_t n = 0, at = 0;
	uint32_t u;

	while (at < s->len) {
		at += text_utf8(s->b + at, s->len - at, &u);
		n++;
	}
	return n;
}

static bool composed(const struct secret *s)
{
	uint8_t buffer[4 * SECRET_MAX];
	size_t len = sizeof(buffer);
	uint8_t *out;
	bool same;

	out = u8_normalize(UNINORM_NFC, (const uint8_t *)s->b, s->len, buffer, &len);
	same = out && len == s->len && memcmp(out, s->b, len) == 0;
	if (out && out != buffer) {
		explicit_bzero(out, len);
		free(out);
	}
	explicit_bzero(buffer, sizeof(buffer));
	return same;
}

static unsigned int classes(const struct secret *s)
{
	bool lower = false, upper = false, digit = false, other = false;

	for (size_t i = 0; i < s->len; i++) {
		unsigned char c = (unsigned char)s->b[i];

		lower |= c >= 'a' && c <= 'z';
		upper |= c >= 'A' && c <= 'Z';
		digit |= c >= '0' && c <= '9';
		other |= !isascii(c) || !isalnum(c);
	}
	return (unsigned int)lower + upper + digit + other;
}

void password_normalise(const struct secret *password, struct secret *ret)
{
	static const char from[] = "01$@", to[] = "olsa";

	*ret = *password;
	for (size_t i = 0; i < ret->len; i++) {
		char c = ret->b[i];
		const char *at = c ? strchr(from, c) : NULL;

		ret->b[i] = at ? to[at - from] : c >= 'A' && c <= 'Z' ? (char)(c + 32) : c;
	}
}

static bool contains(const struct secret *normal, const char *word)
{
	_cleanup_(secret_wipe) struct secret w = {}, n = {};

	if (strlen(word) < PASSWORD_WORD_MIN || secret_set(&w, word, strlen(word)) < 0)
		return false;
	password_normalise(&w, &n);
	return memmem(normal->b, normal->len, n.b, n.len) != NULL;
}

static bool is_name(const struct secret *normal, const char *name)
{
	_cleanup_(secret_wipe) struct secret w = {}, n = {};

	if (secret_set(&w, name, strlen(name)) < 0)
		return false;
	password_normalise(&w, &n);
	return n.len > 0 && secret_equal(normal, &n);
}

static bool plain(const struct secret *s)
{
	for (size_t i = 0; i < s->len; i++)
		if (s->b[i] < ' ' || s->b[i] > '~')
			return false;
	return true;
}

/* Of a principal name, what stands before the @. */
static void own_name(const char *name, char ret[static ACCOUNT_NAME])
{
	snprintf(ret, ACCOUNT_NAME, "%.*s", (int)strcspn(name, "@"), name);
}

void password_rules(const struct policy *policy, const struct account *account, struct policy_password *ret)
{
	*ret = policy->password;
	if (!policy_directory(policy, account->directory))
		return;
	ret->ascii = true;
	if (ret->min_classes < ENTRA_CLASSES)
		ret->min_classes = ENTRA_CLASSES;
}

enum why password_check(const struct policy_password *rules, const struct secret *password, const char *name)
{
	_cleanup_(secret_wipe) struct secret normal = {};
	char own[ACCOUNT_NAME];

	if (secret_has_nul(password) || !text_printable(password->b, password->len))
		return WHY_CHARACTERS;
	/* pam_unix takes at most 511 bytes (Linux-PAM: PAM_MAX_RESP_SIZE). */
	if (password->len >= SECRET_MAX || characters(password) > rules->max_length)
		return WHY_TOO_LONG;
	if (characters(password) < rules->min_length)
		return WHY_TOO_SHORT;
	if (!composed(password) || (rules->ascii && !plain(password)))
		return WHY_CHARACTERS;
	if (classes(password) < rules->min_classes)
		return WHY_CLASSES;
	own_name(name, own);
	password_normalise(password, &normal);
	if (is_name(&normal, own) || contains(&normal, own))
		return WHY_NAME;
	for (size_t i = 0; i < rules->deny_words.n; i++)
		if (contains(&normal, rules->deny_words.item[i]))
			return WHY_WORD;
	return WHY_NONE;
}
