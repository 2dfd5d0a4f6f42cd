// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

/* Which person a peer is that came as root. */

#include <sys/socket.h>
#include <sys/types.h>

/*
 * The user who once signed in to the session of the peer, as the kernel keeps it (loginuid): su and sudo do not change it, and nothing
 * that a peer says, its environment included, is asked. -ENODATA: nobody signed in, as in a service or where the kernel has no audit.
 */
int peer_login(int fd, const struct ucred *peer, uid_t *ret);
