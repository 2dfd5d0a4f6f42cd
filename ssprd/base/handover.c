// SPDX-License-Identifier: LGPL-2.1-or-later
#include "base/handover.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <systemd/sd-daemon.h>
#include <unistd.h>

#include "base/cleanup.h"

static void namesp(char ***names)
{
	for (char **n = *names; n && *n; n++)
		free(*n);
	free(*names);
}

static struct handover_socket *find(struct handover_socket *sockets, size_t n, const char *name)
{
	for (size_t i = 0; i < n; i++)
		if (strcmp(sockets[i].name, name) == 0)
			return &sockets[i];
	return NULL;
}

int handover_sockets(struct handover_socket *sockets, size_t n)
{
	_cleanup_(namesp) char **names = NULL;
	int fds;

	for (size_t i = 0; i < n; i++)
		sockets[i].fd = -1;
	fds = sd_listen_fds_with_names(1, &names);
	if (fds < 0)
		return fds;
	for (int i = 0; i < fds; i++) {
		struct handover_socket *s = find(sockets, n, names[i]);
		int fd = SD_LISTEN_FDS_START + i;

		if (!s || s->fd >= 0 || sd_is_socket(fd, AF_UNIX, SOCK_SEQPACKET, 1) <= 0)
			return -EINVAL;
		s->fd = fd;
	}
	return 0;
}

static int read_all(int fd, char *ret, size_t size, size_t *ret_len)
{
	size_t len = 0;

	for (;;) {
		ssize_t n = read(fd, ret + len, size - len);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		if (n == 0)
			break;
		len += (size_t)n;
		if (len == size)
			return -EFBIG;
	}
	*ret_len = len;
	return 0;
}

int handover_credential(const char *name, void *ret, size_t size, size_t *ret_len)
{
	const char *directory = secure_getenv("CREDENTIALS_DIRECTORY");
	_cleanup_(closep) int fd = -1;
	char path[PATH_MAX], buffer[HANDOVER_CREDENTIAL + 1];
	size_t len = 0;
	int r;

	if (!directory)
		return -ENOENT;
	if ((size_t)snprintf(path, sizeof(path), "%s/%s", directory, name) >= sizeof(path))
		return -ENAMETOOLONG;
	fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NOCTTY);
	if (fd < 0)
		return -errno;
	r = read_all(fd, buffer, sizeof(buffer), &len);
	if (r == 0 && len > size)
		r = -EFBIG;
	if (r == 0) {
		memcpy(ret, buffer, len);
		*ret_len = len;
	}
	explicit_bzero(buffer, sizeof(buffer));
	return r;
}

void handover_ready(void)
{
	sd_notify(0, "READY=1");
}

void handover_status(const char *text)
{
	sd_notifyf(0, "STATUS=%s", text);
}
