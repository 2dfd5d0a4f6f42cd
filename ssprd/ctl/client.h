// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

/* The connection to ssprd's administration socket; base/wire.h describes what is said on it. */

#include <stdbool.h>
#include <stdint.h>

#include "base/secret.h"
#include "base/wire.h"

struct ctl;
struct output;

#define CLIENT_SOCKET "/run/sspr/admin.sock"
#define CLIENT_TEXT 512

struct client {
	int fd; /* -1: none */
};

struct client_request {
	const char *verb;
	const char *user, *name, *to, *directory; /* NULL: not said */
	const char *detail;			  /* the same */
	uint64_t since;				  /* 0: not said */
	uint32_t life;				  /* the same */
};

/* How a request ended. */
struct client_end {
	enum wire_status status;
	char text[CLIENT_TEXT]; /* clean; empty when ssprd said nothing */
};

/* Negative when nobody listens there, or when the one who does is neither root nor ourselves (S12: -EPERM). */
int client_open(const char *path, struct client *ret);
void client_close(struct client *c);

/* Asks for all pages, and adds their rows. 0 whatever ssprd's answer was; negative when there was none. */
int client_request(struct client *c, const struct client_request *q, struct output *rows, struct client_end *ret);

/* Goes on after STATUS_ASK. */
int client_answer(struct client *c, const struct secret *answer, struct output *rows, struct client_end *ret);

/* All of a command that is one question: opens, asks, and tells what went wrong, if it did. Returns the exit status. */
int client_ask(const struct ctl *ctl, const struct client_request *q, struct output *rows, struct client_end *ret);

/* Tells what went wrong, if it did; returns the exit status. */
int client_result(const struct ctl *ctl, int r, const struct client_end *end);
