// SPDX-License-Identifier: LGPL-2.1-or-later
#include "flow/password.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>
#include <uninorm.h>

#include "base/cleanup.h"
#include "base/text.h"

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

static bool is_name(const struct protection_text *normal, const char *name)
{
	_cleanup_(protection_text_wipe) struct protection_text n;

	return protection_read(name, strlen(name), &n) && n.n > 0 && n.n == normal->n &&
	       memcmp(n.c, normal->c, n.n * sizeof(n.c[0])) == 0;
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
	const struct policy_directory *d = policy_directory(policy, account->directory);

	*ret = policy->password;
	if (!d)
		return;
	ret->domains = &d->entra.domains;
	ret->ascii = true;
	if (ret->min_classes < ENTRA_CLASSES)
		ret->min_classes = ENTRA_CLASSES;
}

static enum why check_form(const struct policy_password *rules, const struct secret *password)
{
	if (secret_has_nul(password) || !text_printable(password->b, password->len))
		return WHY_CHARACTERS;
	/* pam_unix takes at most 511 bytes (Linux-PAM: PAM_MAX_RESP_SIZE). */
	if (password->len >= SECRET_MAX || characters(password) > rules->max_length)
		return WHY_TOO_LONG;
	if (characters(password) < rules->min_length)
		return WHY_TOO_SHORT;
	if (!composed(password) || (rules->ascii && !plain(password)))
		return WHY_CHARACTERS;
	return classes(password) < rules->min_classes ? WHY_CLASSES : WHY_NONE;
}

static bool contains_any(const struct protection_text *normal, const struct conf_list *words)
{
	for (size_t i = 0; i < words->n; i++)
		if (protection_contains(normal, words->item[i]))
			return true;
	return false;
}

/* contoso.onmicrosoft.com: contoso. */
static bool contains_label(const struct protection_text *normal, const struct conf_list *domains)
{
	char label[sizeof(domains->item[0])];

	for (size_t i = 0; i < domains->n; i++) {
		snprintf(label, sizeof(label), "%.*s", (int)strcspn(domains->item[i], "."), domains->item[i]);
		if (protection_contains(normal, label))
			return true;
	}
	return false;
}

static enum why check_protection(const struct policy_password *rules, const struct protection_text *normal, const char *names)
{
	if (protection_contains_name(normal, names))
		return WHY_NAME;
	if (contains_any(normal, &rules->organisation) || (rules->domains && contains_label(normal, rules->domains)))
		return WHY_WORD;
	return protection_score(rules->banned, normal) < PROTECTION_ENOUGH ? WHY_GUESSABLE : WHY_NONE;
}

enum why password_check(const struct policy_password *rules, const struct secret *password, const char *name, const char *names)
{
	_cleanup_(protection_text_wipe) struct protection_text normal = {};
	enum why why = check_form(rules, password);
	char own[ACCOUNT_NAME];

	if (why != WHY_NONE)
		return why;
	own_name(name, own);
	if (!protection_read(password->b, password->len, &normal))
		return WHY_CHARACTERS;
	if (is_name(&normal, own) || protection_contains(&normal, own))
		return WHY_NAME;
	if (contains_any(&normal, &rules->deny_words))
		return WHY_WORD;
	return rules->protection ? check_protection(rules, &normal, names) : WHY_NONE;
}
