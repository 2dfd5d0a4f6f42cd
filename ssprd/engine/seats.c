// SPDX-License-Identifier: LGPL-2.1-or-later
#include "engine/seats.h"

#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"

#define SEATS_IN_A_ROW (15 * 60 * 1000)

/* FNV-1a, for the count of wrong passwords only: a collision costs a hint too early, nothing else. */
static uint64_t hash(const char *a, const char *b)
{
	uint64_t h = 0xcbf29ce484222325u;
	const char *const parts[] = { a, b };

	for (size_t i = 0; i < ARRAY_SIZE(parts); i++)
		for (const char *p = parts[i];; p++) {
			h = (h ^ (unsigned char)*p) * 0x100000001b3u;
			if (*p == 0)
				break;
		}
	return h;
}

static struct seat_failures *find(struct seats *s, uint64_t who)
{
	for (size_t i = 0; i < SEATS_FAILURES; i++)
		if (s->failures[i].who == who)
			return &s->failures[i];
	return NULL;
}

static struct seat_failures *oldest(struct seats *s)
{
	struct seat_failures *old = &s->failures[0];

	for (size_t i = 1; i < SEATS_FAILURES; i++)
		if (s->failures[i].last < old->last)
			old = &s->failures[i];
	return old;
}

unsigned int seats_failed(struct seats *s, const char *user, const char *seat, int64_t now)
{
	uint64_t who = hash(user, seat);
	struct seat_failures *f = find(s, who);

	if (!f)
		f = oldest(s);
	if (f->who != who || now - f->last > SEATS_IN_A_ROW)
		*f = (struct seat_failures){ .who = who };
	f->last = now;
	f->count++;
	return f->count;
}

void seats_forget_failures(struct seats *s, const char *user, const char *seat)
{
	struct seat_failures *f = find(s, hash(user, seat));

	if (f)
		*f = (struct seat_failures){};
}

void seats_keep_code(struct seats *s, const char *who, const char *seat, const struct code *code, unsigned int method)
{
	struct seat_code *place = &s->codes[0];

	for (size_t i = 0; i < SEATS_CODES; i++)
		if (s->codes[i].code.expires < place->code.expires)
			place = &s->codes[i];
	*place = (struct seat_code){ .method = method, .code = *code };
	snprintf(place->who, sizeof(place->who), "%s", who);
	snprintf(place->seat, sizeof(place->seat), "%s", seat);
}

bool seats_take_code(struct seats *s, const char *who, const char *seat, const struct moment *now, struct code *ret,
		     unsigned int *ret_method)
{
	for (size_t i = 0; i < SEATS_CODES; i++) {
		struct seat_code *c = &s->codes[i];

		if (c->code.expires == 0 || strcmp(c->who, who) != 0 || strcmp(c->seat, seat) != 0)
			continue;
		*ret = c->code;
		*ret_method = c->method;
		explicit_bzero(c, sizeof(*c));
		return code_alive(ret, now);
	}
	return false;
}
