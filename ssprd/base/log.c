// SPDX-License-Identifier: LGPL-2.1-or-later
#include "base/log.h"

#include <errno.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char *log_program = "sspr";
static bool log_levels;

void log_init(const char *program)
{
	log_program = program;
	log_levels = getenv("JOURNAL_STREAM") != NULL;
}

void log_line(int priority, const char *format, ...)
{
	char text[1024], clean[1024];
	int error = errno;
	va_list args;

	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	text_clean(text, strlen(text), clean, sizeof(clean));
	if (log_levels)
		fprintf(stderr, "<%d>%s\n", priority, clean);
	else
		fprintf(stderr, "%s: %s\n", log_program, clean);
	errno = error;
}
