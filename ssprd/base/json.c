// SPDX-License-Identifier: LGPL-2.1-or-later
#include "base/json.h"

#include <errno.h>
#include <json-c/json.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/text.h"

#define DEPTH 32
/* Eighteen digits. What json-c cannot hold comes as the nearest that it can, which is longer. */
#define LARGEST INT64_C(999999999999999999)

/* A node is json-c's own; this header gives it another name. */
static json_object *object_of(const struct json *node)
{
	union {
		const struct json *node;
		json_object *object;
	} u = { .node = node };

	return u.object;
}

static struct json *node_of(json_object *object)
{
	return (struct json *)object;
}

static void tokenerp(json_tokener **t)
{
	if (*t)
		json_tokener_free(*t);
}

/* json-c ends at a NUL as if nothing were behind it, and takes overlong forms and surrogates. */
static bool is_text(const char *text, size_t len)
{
	while (len > 0) {
		uint32_t c;
		size_t n = text_utf8(text, len, &c);

		if (n == 0 || c == 0)
			return false;
		text += n;
		len -= n;
	}
	return true;
}

int json_parse(const char *text, size_t len, struct json **ret)
{
	_cleanup_(tokenerp) json_tokener *t = json_tokener_new_ex(DEPTH);
	json_object *object;

	if (!t)
		return -ENOMEM;
	if (len == 0 || len > INT_MAX - 1 || !is_text(text, len))
		return -EBADMSG;
	json_tokener_set_flags(t, JSON_TOKENER_STRICT);
	object = json_tokener_parse_ex(t, text, (int)len);
	/* A number at the end of the text could go on. */
	if (json_tokener_get_error(t) == json_tokener_continue)
		object = json_tokener_parse_ex(t, "\n", 1);
	if (json_tokener_get_error(t) != json_tokener_success || !object) {
		json_object_put(object);
		return -EBADMSG;
	}
	*ret = node_of(object);
	return 0;
}

void json_free(struct json *root)
{
	json_object_put(object_of(root));
}

void json_freep(struct json **root)
{
	json_free(*root);
}

struct json *json_keep(const struct json *node)
{
	return node_of(json_object_get(object_of(node)));
}

bool json_is_object(const struct json *node)
{
	return json_object_is_type(object_of(node), json_type_object);
}

bool json_is_array(const struct json *node)
{
	return json_object_is_type(object_of(node), json_type_array);
}

const struct json *json_member(const struct json *object, const char *name)
{
	json_object *member = NULL;

	if (json_is_object(object))
		json_object_object_get_ex(object_of(object), name, &member);
	return node_of(member);
}

bool json_has(const struct json *object, const char *name)
{
	return json_is_object(object) && json_object_object_get_ex(object_of(object), name, NULL);
}

const struct json *json_item(const struct json *array, size_t i)
{
	return i < json_length(array) ? node_of(json_object_array_get_idx(object_of(array), i)) : NULL;
}

size_t json_length(const struct json *array)
{
	return json_is_array(array) ? json_object_array_length(object_of(array)) : 0;
}

const char *json_text(const struct json *node)
{
	json_object *o = object_of(node);
	const char *text;

	if (!json_object_is_type(o, json_type_string))
		return NULL;
	text = json_object_get_string(o);
	return strlen(text) == (size_t)json_object_get_string_len(o) ? text : NULL;
}

const char *json_text_of(const struct json *object, const char *name)
{
	return json_text(json_member(object, name));
}

bool json_is_false(const struct json *node)
{
	return json_object_is_type(object_of(node), json_type_boolean) && !json_object_get_boolean(object_of(node));
}

bool json_is_true(const struct json *node)
{
	return json_object_is_type(object_of(node), json_type_boolean) && json_object_get_boolean(object_of(node));
}

static int number_of_text(const char *text, int64_t *ret)
{
	size_t digits = strspn(text, "0123456789");

	if (digits == 0 || digits > 18 || text[digits])
		return -ENOENT;
	*ret = strtoll(text, NULL, 10);
	return 0;
}

int json_number(const struct json *node, int64_t *ret)
{
	const char *text = json_text(node);
	int64_t n;

	if (text)
		return number_of_text(text, ret);
	if (!json_object_is_type(object_of(node), json_type_int))
		return -ENOENT;
	n = json_object_get_int64(object_of(node));
	if (n > LARGEST || n < -LARGEST)
		return -ENOENT;
	*ret = n;
	return 0;
}

int64_t json_number_of(const struct json *object, const char *name, int64_t otherwise)
{
	int64_t n;

	return json_number(json_member(object, name), &n) == 0 ? n : otherwise;
}

static void put(struct json_writer *w, const char *bytes, size_t len)
{
	if (w->failed || len >= w->size - w->len) {
		w->failed = true;
		return;
	}
	memcpy(w->b + w->len, bytes, len);
	w->len += len;
	w->b[w->len] = 0;
}

void json_raw(struct json_writer *w, const char *text)
{
	put(w, text, strlen(text));
}

static void put_escaped(struct json_writer *w, unsigned char c)
{
	char text[8];

	snprintf(text, sizeof(text), c == '"' || c == '\\' ? "\\%c" : "\\u%04x", c);
	json_raw(w, text);
	explicit_bzero(text, sizeof(text));
}

void json_string(struct json_writer *w, const char *text, size_t len)
{
	uint32_t c;

	json_raw(w, "\"");
	while (len > 0) {
		size_t n = text_utf8(text, len, &c);

		if (n == 0) {
			w->failed = true;
			return;
		}
		if (c < 0x20 || c == 0x7f || c == '"' || c == '\\')
			put_escaped(w, (unsigned char)c);
		else
			put(w, text, n);
		text += n;
		len -= n;
	}
	json_raw(w, "\"");
}
