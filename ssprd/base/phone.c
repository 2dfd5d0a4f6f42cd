// SPDX-License-Identifier: LGPL-2.1-or-later
#include "base/phone.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"

#define SEPARATORS " -()"
#define LEAST 7

int phone_parse(const char *text, size_t len, char ret[static PHONE])
{
	char number[PHONE] = "+";
	size_t n = 1, i = 0;

	while (i < len && text[i] == ' ')
		i++;
	if (i < len && text[i] == '+')
		i++;
	else if (len - i > 2 && text[i] == '0' && text[i + 1] == '0')
		i += 2;
	else
		return -EINVAL;
	for (; i < len; i++) {
		/* "+49 (0)170": the zero is for callers at home. Italy's is part of the number. */
		if (n > 1 && len - i >= 3 && memcmp(text + i, "(0)", 3) == 0 && strncmp(number, "+39", 3) != 0) {
			i += 2;
			continue;
		}
		if (text[i] && strchr(SEPARATORS, text[i]))
			continue;
		if (text[i] < '0' || text[i] > '9' || n == PHONE - 1)
			return -EINVAL;
		number[n++] = text[i];
	}
	if (n - 1 < LEAST || number[1] == '0')
		return -EINVAL;
	number[n] = 0;
	memcpy(ret, number, n + 1);
	return 0;
}

void phone_mask(const char *number, char ret[static PHONE_MASKED])
{
	size_t len = strlen(number);

	snprintf(ret, PHONE_MASKED, "%.3s...%s", number, len > 5 ? number + len - 2 : "");
}

/* ITU-T E.164: codes of one and of two digits; all others have three. */
void phone_country(const char *number, char ret[static 5])
{
	static const char two[] = "20 27 30 31 32 33 34 36 39 40 41 43 44 45 46 47 48 49 51 52 53 54 55 56 57 58 60 61 62 63 64 65 66 "
				  "81 82 84 86 90 91 92 93 94 95 98 ";
	const char pair[] = { number[1], number[1] ? number[2] : (char)0, ' ', 0 };
	int digits = number[1] == '1' || number[1] == '7' ? 1 : strstr(two, pair) ? 2 : 3;

	snprintf(ret, 5, "%.*s", digits + 1, number);
}

static bool begins(const char *number, const char *prefix)
{
	return strncmp(number, prefix, strlen(prefix)) == 0;
}

static bool begins_with_one_of(const char *number, const struct conf_list *prefixes)
{
	for (size_t i = 0; i < prefixes->n; i++)
		if (begins(number, prefixes->item[i]))
			return true;
	return false;
}

/*
 * Countries that share the code of another one, where a message or a call costs many times as much: the ones of North America's
 * numbering plan outside of the United States and Canada, and Kazakhstan.
 */
static const char *const apart[] = {
	"+1242", "+1246", "+1264", "+1268", "+1284", "+1340", "+1345", "+1441", "+1473", "+1649", "+1658", "+1664", "+1670", "+1671",
	"+1684", "+1721", "+1758", "+1767", "+1784", "+1787", "+1809", "+1829", "+1849", "+1868", "+1869", "+1876", "+1939", "+76",
	"+77",
};

static size_t length_apart(const char *number)
{
	for (size_t i = 0; i < ARRAY_SIZE(apart); i++)
		if (begins(number, apart[i]))
			return strlen(apart[i]);
	return 0;
}

static bool of_a_country(const char *number, const struct conf_list *countries)
{
	size_t least = length_apart(number);

	for (size_t i = 0; i < countries->n; i++)
		if (begins(number, countries->item[i]) && strlen(countries->item[i]) >= least)
			return true;
	return false;
}

/* Who is called there earns by it, or the caller pays like for a call to the moon. By the countries' numbering plans. */
static const struct {
	const char *country, *prefixes;
} premium[] = {
	{ "+1", "500 700 900" },
	{ "+27", "86" },
	{ "+30", "80 90" },
	{ "+31", "84 87 90" },
	{ "+32", "70 78 90" },
	{ "+33", "8" },
	{ "+34", "80 90" },
	{ "+351", "60 65 66 707 708 76 808 809" },
	{ "+358", "600 700 75" },
	{ "+39", "12 14 16 178 199 84 89" },
	{ "+41", "18 84 90" },
	{ "+420", "84 90" },
	{ "+43", "718 81 82 9" },
	{ "+44", "70 8 9" },
	{ "+45", "90" },
	{ "+46", "77 900 939 944 99" },
	{ "+47", "810 815 82" },
	{ "+48", "70 80" },
	{ "+49", "137 138 180 190 700 900 118 12" },
	{ "+55", "300 400 500 900" },
	{ "+61", "13 19" },
	{ "+81", "570 990" },
	{ "+86", "400" },
};

/* Of no country: satellites, shared cost, premium rate, networks of their own. */
static const char *const nowhere[] = { "+800", "+808", "+87", "+881", "+882", "+883", "+888", "+979", "+999" };

static bool is_premium(const char *number)
{
	const char *national;
	char country[5];

	phone_country(number, country);
	national = number + strlen(country);
	/* A gateway may forgive the zero of callers at home. */
	if (strcmp(country, "+39") != 0)
		national += strspn(national, "0");
	for (size_t i = 0; i < ARRAY_SIZE(nowhere); i++)
		if (begins(number, nowhere[i]))
			return true;
	for (size_t i = 0; i < ARRAY_SIZE(premium); i++) {
		const char *p = premium[i].prefixes;

		if (strcmp(premium[i].country, country) != 0)
			continue;
		for (size_t n; (n = strcspn(p, " ")) > 0; p += n + (p[n] == ' '))
			if (strncmp(national, p, n) == 0)
				return true;
	}
	return false;
}

enum phone_rule phone_judge(const char *number, const struct conf_list *countries, const struct conf_list *denied)
{
	if (is_premium(number))
		return PHONE_PREMIUM;
	if (begins_with_one_of(number, denied))
		return PHONE_DENIED;
	return of_a_country(number, countries) ? PHONE_ALLOWED : PHONE_ABROAD;
}

const char *phone_rule_text(enum phone_rule rule)
{
	static const char *const texts[] = {
		[PHONE_ABROAD] = "is of a country that [phone] countries does not have",
		[PHONE_PREMIUM] = "is a premium, shared cost or satellite number: such are never called",
		[PHONE_DENIED] = "begins with one of [phone] deny-prefixes",
	};

	return texts[rule];
}
