// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

/*
 * One dialogue: a connection on login.sock or user.sock, what is heard and said there, and its flow. What the flow wants is
 * carried out by engine/carry.h.
 */

#include "engine/server.h"

/* What few dialogues need, so that the others do not pay for it. */
struct session_beyond {
	char mail[JOB_TO];     /* the account's address as its directory has it */
	char mobile[JOB_PHONE], office[JOB_PHONE];
	char number[PHONE];    /* of the registered ones, the one that was typed and that a code may go to; "" = none */
	int64_t numbers[10];   /* the tries that were counted for right ones, at most code-sends */
	unsigned int numbers_n;
	struct secret ticket;  /* of an approval */
	int64_t ticket_until;  /* boot milliseconds */
	int64_t attempt;       /* the try that was counted for it */
	bool last;
	struct store_aliases aliases; /* as whom else the limits know what was typed */
};

struct session {
	struct session *next, **at;
	struct server *server;
	sd_event_source *io;
	int fd;
	uid_t peer;
	bool user_socket;
	bool console; /* the machine's own, where lines of half blocks stand as they should */
	unsigned int jobs; /* with a worker */
	int64_t accepted;
	int64_t intent; /* row; 0: none */
	struct session_beyond *beyond; /* or NULL */
	char seat[SEATS_SEAT];
	char correlation[STORE_CORRELATION];
	struct flow flow;
};

/* A connection on login.sock or user.sock; takes over fd. */
void session_accept(struct server *s, enum server_socket which, int fd);

/* Says a step to the peer, if it is still there. */
int session_show(struct session *x, const struct step *step);
void session_show_unavailable(struct session *x);

/* The peer is of no more use; the session goes on without it. */
void session_hang_up(struct session *x);
void session_free(struct session *x);

/* Time passes for all of them. */
void sessions_tick(struct server *s);
/* Whether a live dialogue waits for the outcome of this write. */
bool sessions_write(const struct server *s, int64_t intent);
void sessions_close(struct server *s);
