// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

/*
 * The text of a mail, as a file that an administrator may edit:
 *
 *     # any number of remarks
 *     Subject: one line
 *                                an empty line
 *     the body, in UTF-8
 *
 * %word% stands for a value, %% for a percent sign. A line of the body with a word that has no value is left out.
 */

#include <stddef.h>

#include "base/conf.h"

#define TEMPLATE_SUBJECT 128
#define TEMPLATE_BODY 1536

struct template {
	char subject[TEMPLATE_SUBJECT], body[TEMPLATE_BODY];
};

struct template_word {
	const char *name;  /* without the percent signs */
	const char *value; /* "" = none */
	size_t most;	   /* bytes that a value may have */
};

/*
 * Reads `text`, which `where` has. 0, or 1 when there were mistakes, all told with their lines: a word that is none of `words`, something that
 * does not print, no subject, or more than fits when all values are as long as they may be.
 */
int template_parse(const char *where, const char *text, const struct template_word *words, size_t n, struct conf_report *report,
		   struct template *ret);

/* The same of a file, which must be as safe as a configuration. -ENOENT, without a word: there is none. */
int template_read(const char *path, const struct template_word *words, size_t n, struct conf_report *report, struct template *ret);

/* With the values in place. */
void template_fill(const struct template *t, const struct template_word *words, size_t n, char ret_subject[static TEMPLATE_SUBJECT],
		   char ret_body[static TEMPLATE_BODY]);
