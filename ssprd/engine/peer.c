// SPDX-License-Identifier: LGPL-2.1-or-later
#include "engine/peer.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <sys/syscall.h>

#include "base/cleanup.h"

#ifndef SO_PEERPIDFD
#define SO_PEERPIDFD 77 /* Linux 6.5 */
#endif

#define PEER_NOBODY 4294967295u

/* The process itself, not whoever has its number now. An older kernel can tell that only from here on. */
static int peer_process(int fd, pid_t pid)
{
	int process = -1;
	socklen_t len = sizeof(process);

	if (getsockopt(fd, SOL_SOCKET, SO_PEERPIDFD, &process, &len) == 0)
		return process;
	process = (int)syscall(SYS_pidfd_open, pid, 0);
	return process < 0 ? -errno : process;
}

static int read_login(pid_t pid, uid_t *ret)
{
	_cleanup_(fclosep) FILE *f = NULL;
	char path[64];
	unsigned int uid;

	snprintf(path, sizeof(path), "/proc/%d/loginuid", (int)pid);
	f = fopen(path, "re");
	if (!f || fscanf(f, "%u", &uid) != 1 || uid == PEER_NOBODY)
		return -ENODATA;
	*ret = uid;
	return 0;
}

int peer_login(int fd, const struct ucred *peer, uid_t *ret)
{
	_cleanup_(closep) int process = peer_process(fd, peer->pid);
	struct pollfd still = { .fd = process, .events = POLLIN };
	uid_t uid;
	int r;

	if (process < 0)
		return -ENODATA;
	r = read_login(peer->pid, &uid);
	if (r < 0)
		return r;
	/* Its number was its own all the while. */
	if (poll(&still, 1, 0) != 0)
		return -ENODATA;
	*ret = uid;
	return 0;
}
