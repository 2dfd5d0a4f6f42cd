// SPDX-License-Identifier: LGPL-2.1-or-later
#include "base/text.h"

#include <string.h>

static bool continues(const char *s, size_t len, size_t n)
{
	if (n > len)
		return false;
	for (size_t i = 1; i < n; i++)
		if (((unsigned char)s[i] & 0xc0) != 0x80)
			return false;
	return true;
}

size_t text_utf8(const char *s, size_t len, uint32_t *ret)
{
	static const uint32_t least[] = { 0, 0, 0x80, 0x800, 0x10000 };
	unsigned char c;
	uint32_t u;
	size_t n;

	if (len == 0)
		return 0;
	c = (unsigned char)s[0];
	if (c < 0x80) {
		*ret = c;
		return 1;
	}
	n = c >= 0xf0 && c < 0xf8 ? 4 : c >= 0xe0 && c < 0xf0 ? 3 : c >= 0xc0 && c < 0xe0 ? 2 : 0;
	if (n == 0 || !continues(s, len, n))
		return 0;
	u = c & (0xffu >> (n + 1));
	for (size_t i = 1; i < n; i++)
		u = u << 6 | ((unsigned char)s[i] & 0x3f);
	if (u < least[n] || u > 0x10ffff || (u >= 0xd800 && u <= 0xdfff))
		return 0;
	*ret = u;
	return n;
}

static bool shows(uint32_t u)
{
	static const struct {
		uint32_t first, last;
	} hidden[] = {
		{ 0x00, 0x1f },	    { 0x7f, 0x9f },	{ 0xad, 0xad },	    { 0x061c, 0x061c }, { 0x180e, 0x180e },
		{ 0x200b, 0x200f }, { 0x2028, 0x202e }, { 0x2060, 0x206f }, { 0xfe00, 0xfe0f }, { 0xfeff, 0xfeff },
		{ 0xfff9, 0xfffb }, { 0xe0000, 0xe0fff },
	};

	for (size_t i = 0; i < sizeof(hidden) / sizeof(hidden[0]); i++)
		if (u >= hidden[i].first && u <= hidden[i].last)
			return false;
	return true;
}

bool text_printable(const char *s, size_t len)
{
	while (len > 0) {
		uint32_t u;
		size_t n = text_utf8(s, len, &u);

		if (n == 0 || !shows(u))
			return false;
		s += n;
		len -= n;
	}
	return true;
}

bool text_mail_address(const char *s)
{
	const char *at = strchr(s, '@');

	return at && at > s && at[1] && !strchr(at + 1, '@') && !strpbrk(s, " ,;:<>()[]\"\\") &&
	       text_printable(s, strlen(s));
}

size_t text_clean(const char *from, size_t len, char *to, size_t size)
{
	size_t at = 0;

	while (len > 0) {
		uint32_t u;
		size_t n = text_utf8(from, len, &u);

		if (n > 0 && shows(u)) {
			if (at + n >= size)
				break;
			memcpy(to + at, from, n);
			at += n;
		}
		n = n > 0 ? n : 1;
		from += n;
		len -= n;
	}
	to[at] = 0;
	return at;
}
