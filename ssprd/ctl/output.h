// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

/*
 * What a command shows: rows under named columns. A person gets an aligned table, a program (--json) an array of objects
 * whose values are all strings. Whatever comes in is cleaned of what could drive a terminal. The one home of json-c.
 */

#include <stdbool.h>
#include <stddef.h>

#define OUTPUT_COLUMNS 16

struct output {
	size_t columns, rows, room;
	char *head[OUTPUT_COLUMNS];
	char **cell; /* rows * columns */
};

enum output_form {
	OUTPUT_TABLE,  /* a line for each row */
	OUTPUT_RECORD, /* a line for each column, when there is just one row */
	OUTPUT_JSON,
};

/* Wipes and releases. */
void output_free(struct output *o);

/* Names the columns, once; the same names again are no mistake. -EBADMSG when they differ. */
int output_head(struct output *o, const char *const *names, size_t n);

/* -EBADMSG when the number is not that of the columns. A value may be NULL. */
int output_row(struct output *o, const char *const *values, size_t n);

const char *output_value(const struct output *o, size_t row, const char *column);

void output_print(const struct output *o, enum output_form form);

/* {"error": text} */
void output_json_error(const char *text);
