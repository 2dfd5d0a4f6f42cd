// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

/* The requests of ssprctl on admin.sock; base/wire.h lists them. The peer is root, by SO_PEERCRED. */

#include "engine/server.h"

void admin_accept(struct server *s, int fd);
void admins_close(struct server *s);
