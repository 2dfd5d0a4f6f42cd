// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

/*
 * Carries out what a flow wants. The order is always: facts are committed, then the job is handed over, then the step is
 * shown. What cannot be committed is not shown and not done, but for the outcome of a write, which is true whether or not it
 * could be written down.
 */

#include "engine/session.h"

/*
 * Brings an event to the session's flow, and all events that follow from it at once. *ev needs no time and no entropy. True
 * when the session is over, and gone.
 */
bool carry_event(struct session *x, struct event *ev);

/* The peer has gone away: a sign-in that was being asked about is no failure of anybody. */
void carry_left(struct session *x);

/* The account as the limits know it. */
int carry_who(struct session *x, char ret[static STORE_WHO]);
