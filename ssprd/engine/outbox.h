// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

/*
 * What a dialogue leaves behind: writes whose outcome is not known yet, and notices to users whose password was reset. One at
 * a time, from the database, so that a crash loses none. A write that a live dialogue waits for is that dialogue's; all others
 * without an outcome are the outbox's, whether an earlier ssprd left them or a full disk.
 */

#include "engine/server.h"
#include "store/store.h"

int outbox_init(struct server *s);
void outbox_deinit(struct server *s);

/*
 * In the caller's transaction: the notice becomes a row for the address that is registered here, and one for those that its directory
 * has. `registered`: "" when there is none.
 */
int outbox_tell(struct server *s, const struct store_notice *notice, const char *registered);

/* There may be something to do. */
void outbox_wake(struct server *s);

/* Once in a while: tries again what did not work. */
void outbox_tick(struct server *s, int64_t now);
bool outbox_waiting(const struct server *s);
