// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

/*
 * All of ssprd: one event loop, one database, the sessions. Where the database cannot be used, `store` is NULL and `why` says
 * why: the server refuses every reset, logins go on, and it looks again once a minute.
 */

#include <systemd/sd-event.h>

#include "engine/clock.h"
#include "engine/job.h"
#include "engine/seats.h"
#include "flow/flow.h"
#include "store/store.h"

struct session;
struct admin;
struct outbox;
struct lookup;

enum server_socket {
	SERVER_LOGIN,
	SERVER_USER,
	SERVER_ADMIN,
	SERVER_SOCKETS,
};

struct server {
	sd_event *event;
	sd_event_source *timer, *listeners[SERVER_SOCKETS];
	bool deaf; /* out of descriptors: listens again at the next tick */
	struct policy policy;
	struct flow_rules rules;
	struct template reset_notice;
	const char *state_directory;
	struct crypto_key key;
	bool has_key;
	struct store *store;
	const char *why;
	int64_t store_next; /* boot milliseconds: when to look at the database again */
	struct clock clock;
	struct seats seats;
	struct jobs net, local;
	struct lookup *lookups;
	struct session *sessions;
	unsigned int dialogues, user_dialogues;
	struct admin *admins;
	unsigned int admins_n;
	struct outbox *outbox;
	/* One message comes in at a time and one goes out: both are wiped after use. */
	struct wire in, out;
};

int server_init(struct server *s, const char *config);
int server_run(struct server *s);
void server_deinit(struct server *s);

/* There is something that needs the seconds counted. */
void server_wake(struct server *s);

/* After a call of the store has failed: tells the log, and stops using a damaged database. */
void server_store_failed(struct server *s, int error);

void server_now(struct server *s, struct moment *ret);
