// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

/*
 * A configuration file and its drop-ins, read by a table of keys. The one home of inih's header.
 *
 * Every mistake is told with file, line, section, key and what would be right; reading goes on, so that one run names
 * them all. A key that is absent keeps its default. A drop-in may set again what the main file has set; the same key
 * twice in one file is a mistake.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#define CONF_LIST 32
#define CONF_TEXT 192

struct conf_list {
	size_t n;
	char item[CONF_LIST][64];
};

enum conf_kind {
	CONF_STRING,   /* char[CONF_TEXT] */
	CONF_BOOL,     /* bool: yes or no */
	CONF_NUMBER,   /* unsigned int, min..max */
	CONF_DURATION, /* int64_t seconds, min..max: 90s, 5m, 24h, 7d */
	CONF_CHOICE,   /* unsigned int: an index into `choices` */
	CONF_WORDS,    /* struct conf_list; each of `choices` when that is given */
};

struct conf_key {
	const char *section, *key;
	enum conf_kind kind;
	size_t offset; /* of the value in the structure */
	int64_t min, max;
	const char *const *choices; /* ends with NULL */
	const char *(*wrong)(const char *value); /* of a STRING or of each word: what would be right, or NULL when it is */
};

/* Sections that there may be several of: [PREFIX NAME], all with the same keys. `section` of such a key is not looked at. */
struct conf_family {
	const char *prefix; /* with its blank */
	const struct conf_key *keys;
	size_t n;
	/* Where the values of NAME stand; the same place for the same name. NULL, and what would be right: there is none. */
	void *(*place)(void *values, const char *name, const char **ret_right);
};

struct conf_table {
	const struct conf_key *keys;
	size_t n;
	void *values;
	const struct conf_family *family; /* or NULL. A section of `keys` is not one of them */
};

/* What was wrong, one line each, as a program's standard error or `ssprctl check` shows it. */
struct conf_report {
	void (*say)(void *to, const char *line);
	void *to;
	size_t mistakes;
};

void conf_complain(struct conf_report *report, const char *format, ...) __attribute__((format(printf, 2, 3)));

/*
 * Reads `path` and then PATH.d/ *.conf in the order of their names. 0, or 1 when there were mistakes (all told to the report);
 * a file that cannot be read is one. A missing main file is a mistake, a missing directory is not. Files must belong to
 * root (or to the reader) and must not be writable by others.
 */
int conf_read(const char *path, const struct conf_table *table, struct conf_report *report);

/*
 * Reads a file of lines, to which the same holds: blanks around a line do not count, nor do empty ones and those that begin
 * with #. `take` answers NULL, or what a line would have to be, which is then told with file and line.
 * 0, or 1 when there were mistakes.
 */
int conf_read_lines(const char *path, const char *(*take)(void *to, const char *line), void *to, struct conf_report *report);
/* Opens a file that belongs to root, or to the reader, and that nobody else may write; negative when it is not, which is told. */
int conf_open(const char *path, struct conf_report *report, FILE **ret);

/* Seconds of "90s", "5m", "24h", "7d"; -EINVAL. */
int conf_duration(const char *text, int64_t *ret);
