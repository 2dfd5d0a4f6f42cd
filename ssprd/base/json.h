// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

/*
 * JSON (RFC 8259). The one home of json-c.
 *
 * Reading: a tree that json-c owns; what is found points into it. Every getter takes NULL and answers "not there", so that a path
 * can be walked without asking at each step. Depth is limited to 32.
 * Writing: into a fixed buffer that the caller wipes, since json-c cannot wipe: a new password goes this way.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct json; /* a node */

/* -EBADMSG when it is not one whole JSON value in UTF-8, or null alone. */
int json_parse(const char *text, size_t len, struct json **ret);
void json_free(struct json *root);
void json_freep(struct json **root);
/* A part of a tree that outlives the rest; released like a root. NULL stays NULL. */
struct json *json_keep(const struct json *node);

const struct json *json_member(const struct json *object, const char *name);
bool json_has(const struct json *object, const char *name); /* also where it is null */
const struct json *json_item(const struct json *array, size_t i);
size_t json_length(const struct json *array); /* 0 when it is no array */
const char *json_text(const struct json *node); /* NULL when it is no string, or one with a NUL in it */
const char *json_text_of(const struct json *object, const char *name);
bool json_is_true(const struct json *node);
bool json_is_false(const struct json *node);
bool json_is_array(const struct json *node);
bool json_is_object(const struct json *node);
int json_number(const struct json *node, int64_t *ret); /* integers of up to 18 digits, also as a string; -ENOENT */
int64_t json_number_of(const struct json *object, const char *name, int64_t otherwise);

struct json_writer {
	char *b;
	size_t size, len;
	bool failed; /* it did not fit */
};

/* Plain text of ours, as it is. */
void json_raw(struct json_writer *w, const char *text);
/* A quoted and escaped string. Invalid UTF-8 fails. */
void json_string(struct json_writer *w, const char *text, size_t len);
