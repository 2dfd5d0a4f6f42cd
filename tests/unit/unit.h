// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

/* What every cmocka program needs, in the order that cmocka.h wants. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/cleanup.h"
#include "base/secret.h"

static inline struct secret secret_of(const char *text)
{
	struct secret s = {};

	assert_int_equal(secret_set(&s, text, strlen(text)), 0);
	return s;
}
