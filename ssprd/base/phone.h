// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

/* Phone numbers in the international form of E.164, and which of them may be sent to. */

#include <stddef.h>

#include "base/conf.h"

#define PHONE 17 /* plus sign, at most 15 digits, NUL */
#define PHONE_MASKED 9

/*
 * As a person or a directory writes it: blanks, hyphens and parentheses do not count, and 00 stands for the plus sign.
 * -EINVAL for all that is then not +, 1-9, and 6 to 14 more digits of ASCII.
 */
int phone_parse(const char *text, size_t len, char ret[static PHONE]);

/* "+49...23", for logs. */
void phone_mask(const char *number, char ret[static PHONE_MASKED]);

/* The country's code with its plus sign, of a number. */
void phone_country(const char *number, char ret[static 5]);

enum phone_rule {
	PHONE_ALLOWED = 0,
	PHONE_ABROAD,  /* no country of the list */
	PHONE_PREMIUM, /* premium, shared cost, personal, satellite: never */
	PHONE_DENIED,  /* a prefix of the list */
};

/* Each item of `countries` and `denied` is a plus sign and digits. */
enum phone_rule phone_judge(const char *number, const struct conf_list *countries, const struct conf_list *denied);

/* "is of a country that ...", for an administrator; NULL when it is allowed. */
const char *phone_rule_text(enum phone_rule rule);
