// SPDX-License-Identifier: LGPL-2.1-or-later
#include "directory/local_quality.h"

#include <pwquality.h>
#include <stddef.h>

#include "base/cleanup.h"
#include "base/log.h"

static void settings_freep(pwquality_settings_t **s)
{
	if (*s)
		pwquality_free_settings(*s);
}

static enum why why_of(int error)
{
	switch (error) {
	case PWQ_ERROR_MIN_LENGTH:
		return WHY_TOO_SHORT;
	case PWQ_ERROR_USER_CHECK:
		return WHY_NAME;
	case PWQ_ERROR_BAD_WORDS:
		return WHY_WORD;
	case PWQ_ERROR_MIN_CLASSES:
	case PWQ_ERROR_MIN_DIGITS:
	case PWQ_ERROR_MIN_UPPERS:
	case PWQ_ERROR_MIN_LOWERS:
	case PWQ_ERROR_MIN_OTHERS:
		return WHY_CLASSES;
	case PWQ_ERROR_FATAL_FAILURE:
	case PWQ_ERROR_MEM_ALLOC:
		return WHY_BROKEN;
	default:
		return WHY_GUESSABLE;
	}
}

enum why local_quality_check(const struct secret *password, const char *name)
{
	_cleanup_(settings_freep) pwquality_settings_t *settings = pwquality_default_settings();
	void *detail = NULL;
	int r;

	if (!settings)
		return WHY_BROKEN;
	r = pwquality_read_config(settings, NULL, &detail);
	if (r != 0) {
		log_error("the configuration of libpwquality cannot be read (%d)", r);
		return WHY_MISCONFIGURED;
	}
	r = pwquality_check(settings, password->b, NULL, name, &detail);
	return r < 0 ? why_of(r) : WHY_NONE;
}
