// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

/*
 * One dialogue: a connection, its flow, and the carrying out of effects. The order is always: facts are committed, then the
 * job is handed over, then the step is shown. What cannot be committed is not shown and not done, but for the outcome of a
 * write, which is true whether or not it could be written down.
 */

#include "engine/server.h"

struct session;

/* A connection on login.sock or user.sock; takes over fd. */
void session_accept(struct server *s, enum server_socket which, int fd);

/* Time passes for all of them. */
void sessions_tick(struct server *s);
/* Whether a live dialogue waits for the outcome of this write. */
bool sessions_write(const struct server *s, int64_t intent);
void sessions_close(struct server *s);
