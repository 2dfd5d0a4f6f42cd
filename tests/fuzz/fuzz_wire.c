// SPDX-License-Identifier: LGPL-2.1-or-later

/* The wire's reader on any bytes: what it takes is inside of them, and texts come out clean. */

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "base/wire.h"

#define MUST(x)                                                                                                        \
	do {                                                                                                           \
		if (!(x))                                                                                              \
			abort();                                                                                       \
	} while (0)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void field_look(const struct wire_field *f, const uint8_t *data, size_t size)
{
	char text[64];
	size_t n;

	if (!f->at)
		return;
	MUST(f->at >= data && f->at + f->len <= data + size);
	n = text_clean((const char *)f->at, f->len, text, sizeof(text));
	MUST(n < sizeof(text) && text[n] == 0 && strlen(text) == n && text_printable(text, n));
	if (wire_field_text(f, text, sizeof(text)) == 0)
		MUST(strlen(text) == f->len);
}

static void numbers_look(const struct wire_message *m, enum wire_tag tag)
{
	struct secret s = {};
	unsigned int n;
	uint32_t n4;
	uint64_t n8;
	int found = 0;

	found += wire_get_u8(m, tag, &n) == 0;
	found += wire_get_u16(m, tag, &n) == 0;
	found += wire_get_u32(m, tag, &n4) == 0;
	found += wire_get_u64(m, tag, &n8) == 0;
	MUST(found <= 1);
	if (wire_get_secret(m, tag, &s) == 0)
		MUST(s.len == m->tag[tag].len && s.b[s.len] == 0);
}

/* A second reader, as plain as can be: no field that is kept comes twice. */
static void once_each(const uint8_t *data, size_t size)
{
	bool seen[256] = {};

	for (size_t at = 1; at < size; at += 3 + ((size_t)data[at + 1] << 8 | data[at + 2])) {
		bool kept = data[at] < WIRE_TAGS || (data[at] >= WIRE_COLUMN && data[at] < WIRE_COLUMN + WIRE_COLUMNS);

		MUST(!kept || !seen[data[at]]);
		seen[data[at]] = true;
	}
}

/* What was read is written again, and read again as the same. */
static void again(const struct wire_message *m)
{
	struct wire_message back;
	struct wire w;

	wire_start(&w, m->type);
	for (unsigned int i = 0; i < WIRE_TAGS; i++)
		if (m->tag[i].at)
			wire_bytes(&w, i, m->tag[i].at, m->tag[i].len);
	MUST(!w.failed && wire_parse(w.b, w.len, &back) == 0 && back.type == m->type);
	for (unsigned int i = 0; i < WIRE_TAGS; i++) {
		MUST(back.tag[i].len == m->tag[i].len && !back.tag[i].at == !m->tag[i].at);
		MUST(!m->tag[i].at || memcmp(back.tag[i].at, m->tag[i].at, m->tag[i].len) == 0);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct wire_message m;

	if (wire_parse(data, size, &m) < 0)
		return 0;
	for (unsigned int i = 0; i < WIRE_TAGS; i++) {
		field_look(&m.tag[i], data, size);
		numbers_look(&m, (enum wire_tag)i);
	}
	for (unsigned int i = 0; i < WIRE_COLUMNS; i++)
		field_look(&m.column[i], data, size);
	once_each(data, size);
	again(&m);
	return 0;
}
