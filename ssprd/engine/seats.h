// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

/*
 * What ssprd remembers of a user at a seat between two dialogues, in RAM and for minutes: how many wrong passwords came in a
 * row, and a code that was sent before the conversation was lost. The places are few; the oldest gives way.
 */

#include "flow/code.h"
#include "store/store.h"

#define SEATS_FAILURES 256
#define SEATS_CODES 128
#define SEATS_SEAT 64

struct seats {
	struct seat_failures {
		uint64_t who;
		int64_t last; /* boot milliseconds */
		unsigned int count;
	} failures[SEATS_FAILURES];
	struct seat_code {
		char who[STORE_WHO], seat[SEATS_SEAT];
		unsigned int method;
		struct code code;
	} codes[SEATS_CODES];
};

/* One more wrong password: how many it are now. */
unsigned int seats_failed(struct seats *s, const char *user, const char *seat, int64_t now);
void seats_forget_failures(struct seats *s, const char *user, const char *seat);

/* `who` as the limits know it, so that a decoy's code is found like a real one. */
void seats_keep_code(struct seats *s, const char *who, const char *seat, const struct code *code, unsigned int method);
/* Takes it out: a code belongs to one dialogue at a time. */
bool seats_take_code(struct seats *s, const char *who, const char *seat, const struct moment *now, struct code *ret,
		     unsigned int *ret_method);
