// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

/*
 * What the supervisor hands over: listening sockets (LISTEN_FDS, LISTEN_FDNAMES), credentials (CREDENTIALS_DIRECTORY),
 * and the word that we are ready (NOTIFY_SOCKET). systemd does, and any other supervisor may. The one home of
 * sd-daemon.h.
 */

#include <stddef.h>

struct handover_socket {
	const char *name; /* as in LISTEN_FDNAMES */
	int fd;		  /* written: the listening SOCK_SEQPACKET socket, or -1 when it was not handed over */
};

/* -EINVAL when a descriptor is no listening AF_UNIX SOCK_SEQPACKET socket or has a name that is not in the list. */
int handover_sockets(struct handover_socket *sockets, size_t n);

#define HANDOVER_CREDENTIAL 16384

/*
 * Reads a credential of at most size bytes, and of at most HANDOVER_CREDENTIAL. Returns 0 and its length; -ENOENT when there is none; -EFBIG when it is longer;
 * any other -errno. A trailing newline belongs to the content.
 */
int handover_credential(const char *name, void *ret, size_t size, size_t *ret_len);

void handover_ready(void);
void handover_status(const char *text);
