// SPDX-License-Identifier: LGPL-2.1-or-later
#include "base/secret.h"

#include <errno.h>

int secret_set(struct secret *ret, const void *bytes, size_t len)
{
	if (len > SECRET_MAX)
		return -EMSGSIZE;
	memcpy(ret->b, bytes, len);
	explicit_bzero(ret->b + len, sizeof(ret->b) - len);
	ret->len = len;
	return 0;
}

void secret_wipe(struct secret *s)
{
	explicit_bzero(s, sizeof(*s));
}

bool bytes_equal(const void *a, const void *b, size_t len)
{
	const volatile unsigned char *x = a, *y = b;
	unsigned char differs = 0;

	for (size_t i = 0; i < len; i++)
		differs |= (unsigned char)(x[i] ^ y[i]);
	return differs == 0;
}

bool secret_equal(const struct secret *a, const struct secret *b)
{
	bool bytes = bytes_equal(a->b, b->b, SECRET_MAX);

	return bytes & (a->len == b->len);
}
