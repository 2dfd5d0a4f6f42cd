// SPDX-License-Identifier: LGPL-2.1-or-later
#include "ctl/output.h"

#include <ctype.h>
#include <errno.h>
#include <json-c/json.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <wchar.h>

#include "base/cleanup.h"
#include "base/text.h"

static void jsonp(json_object **j)
{
	json_object_put(*j);
}

static char *clean_copy(const char *text)
{
	size_t size = text ? strlen(text) + 1 : 1;
	char *copy = malloc(size);

	if (copy)
		text_clean(text ? text : "", size - 1, copy, size);
	return copy;
}

static void wipe(char *text)
{
	if (text)
		explicit_bzero(text, strlen(text));
	free(text);
}

void output_free(struct output *o)
{
	for (size_t i = 0; i < o->columns; i++)
		wipe(o->head[i]);
	for (size_t i = 0; i < o->rows * o->columns; i++)
		wipe(o->cell[i]);
	free(o->cell);
	*o = (struct output){};
}

static bool same_head(const struct output *o, const char *const *names, size_t n)
{
	for (size_t i = 0; i < n && i < o->columns; i++)
		if (strcmp(o->head[i], names[i]) != 0)
			return false;
	return n == o->columns;
}

int output_head(struct output *o, const char *const *names, size_t n)
{
	if (o->columns > 0)
		return same_head(o, names, n) ? 0 : -EBADMSG;
	if (n == 0 || n > OUTPUT_COLUMNS)
		return -EBADMSG;
	for (size_t i = 0; i < n; i++) {
		o->head[i] = clean_copy(names[i]);
		if (!o->head[i])
			return -ENOMEM;
		o->columns++;
	}
	return 0;
}

static int make_room(struct output *o)
{
	size_t room = o->room > 0 ? 2 * o->room : 16;
	char **cell;

	if (o->rows < o->room)
		return 0;
	cell = reallocarray(o->cell, room * o->columns, sizeof(*cell));
	if (!cell)
		return -ENOMEM;
	o->cell = cell;
	o->room = room;
	return 0;
}

int output_row(struct output *o, const char *const *values, size_t n)
{
	bool whole = true;
	char **cell;
	int r;

	if (n == 0 || n != o->columns)
		return -EBADMSG;
	r = make_room(o);
	if (r < 0)
		return r;
	cell = o->cell + o->rows * o->columns;
	for (size_t i = 0; i < n; i++) {
		cell[i] = clean_copy(values[i]);
		whole = whole && cell[i];
	}
	o->rows++;
	return whole ? 0 : -ENOMEM;
}

static const char *value(const struct output *o, size_t row, size_t column)
{
	return o->cell[row * o->columns + column];
}

const char *output_value(const struct output *o, size_t row, const char *column)
{
	for (size_t i = 0; i < o->columns; i++)
		if (row < o->rows && strcmp(o->head[i], column) == 0)
			return value(o, row, i);
	return NULL;
}

/* How many places a clean text takes on the screen. */
static size_t width(const char *text)
{
	size_t len = strlen(text), places = 0;

	while (len > 0) {
		uint32_t u;
		size_t n = text_utf8(text, len, &u);
		int w = wcwidth((wchar_t)u);

		places += w < 0 ? 1 : (size_t)w;
		text += n;
		len -= n;
	}
	return places;
}

static void pad(const char *text, size_t to)
{
	for (size_t i = width(text); i < to; i++)
		putchar(' ');
}

static void print_line(const struct output *o, char *const *cell, const size_t *widths)
{
	for (size_t i = 0; i < o->columns; i++) {
		fputs(cell[i], stdout);
		if (i + 1 < o->columns)
			pad(cell[i], widths[i] + 2);
	}
	putchar('\n');
}

static void print_head(const struct output *o, const size_t *widths)
{
	for (size_t i = 0; i < o->columns; i++) {
		for (const char *c = o->head[i]; *c; c++)
			putchar(toupper((unsigned char)*c));
		if (i + 1 < o->columns)
			pad(o->head[i], widths[i] + 2);
	}
	putchar('\n');
}

static void print_table(const struct output *o)
{
	size_t widths[OUTPUT_COLUMNS];

	if (o->columns == 0)
		return;
	for (size_t i = 0; i < o->columns; i++)
		widths[i] = width(o->head[i]);
	for (size_t row = 0; row < o->rows; row++)
		for (size_t i = 0; i < o->columns; i++)
			if (width(value(o, row, i)) > widths[i])
				widths[i] = width(value(o, row, i));
	print_head(o, widths);
	for (size_t row = 0; row < o->rows; row++)
		print_line(o, o->cell + row * o->columns, widths);
}

static void print_record(const struct output *o)
{
	size_t widest = 0;

	for (size_t i = 0; i < o->columns; i++)
		if (width(o->head[i]) > widest)
			widest = width(o->head[i]);
	for (size_t i = 0; i < o->columns; i++) {
		printf("%s:", o->head[i]);
		pad(o->head[i], widest + 1);
		puts(value(o, 0, i));
	}
}

static void print_object(const struct output *o, size_t row)
{
	_cleanup_(jsonp) json_object *j = json_object_new_object();

	for (size_t i = 0; i < o->columns; i++)
		json_object_object_add(j, o->head[i], json_object_new_string(value(o, row, i)));
	fputs(json_object_to_json_string_ext(j, JSON_C_TO_STRING_PLAIN | JSON_C_TO_STRING_NOSLASHESCAPE), stdout);
}

static void print_json(const struct output *o)
{
	puts("[");
	for (size_t row = 0; row < o->rows; row++) {
		print_object(o, row);
		puts(row + 1 < o->rows ? "," : "");
	}
	puts("]");
}

void output_print(const struct output *o, enum output_form form)
{
	if (form == OUTPUT_JSON)
		print_json(o);
	else if (form == OUTPUT_RECORD && o->rows == 1)
		print_record(o);
	else
		print_table(o);
	fflush(stdout);
}

void output_json_error(const char *text)
{
	_cleanup_(freep) char *clean = clean_copy(text);
	_cleanup_(jsonp) json_object *j = json_object_new_object();

	json_object_object_add(j, "error", json_object_new_string(clean ? clean : ""));
	puts(json_object_to_json_string_ext(j, JSON_C_TO_STRING_PLAIN | JSON_C_TO_STRING_NOSLASHESCAPE));
	fflush(stdout);
}
