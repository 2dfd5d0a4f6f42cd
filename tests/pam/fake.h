// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

/*
 * The module's world without libpam, root, or time: this file takes the place of the few functions by which the module's
 * sources reach out, and takes these sources in. One end of a socket pair is the connection; the test holds the other.
 * The clock goes on only while the module waits and nobody says anything.
 */

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <security/pam_ext.h>
#include <security/pam_modules.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#define FAKE_ITEMS 16

struct pam_handle {
	const void *item[FAKE_ITEMS];
	const char *typed; /* at the password prompt of pam_get_authtok() */
};

static struct fake {
	int64_t now_ms;
	int module_fd;
	int fd; /* the daemon's end, or -1 */
	/* The daemon's turn: false when it says nothing more until the time that the module waits for. */
	bool (*turn)(struct fake *f);
	void *data;
} fake;

static int fake_socket(int domain, int type, int protocol)
{
	int pair[2];

	if (socketpair(domain, type, protocol, pair) < 0)
		return -1;
	fake.module_fd = pair[0];
	fake.fd = pair[1];
	return pair[0];
}

static int fake_connect(int fd, const struct sockaddr *address, socklen_t len)
{
	(void)fd;
	(void)address;
	(void)len;
	return 0;
}

static int fake_getsockopt(int fd, int level, int name, void *value, socklen_t *len)
{
	(void)fd;
	(void)level;
	(void)name;
	memset(value, 0, *len);
	return 0;
}

static int fake_lstat(const char *path, struct stat *ret)
{
	(void)path;
	*ret = (struct stat){ .st_mode = S_IFDIR | 0755 };
	return 0;
}

static int fake_clock_gettime(clockid_t clock, struct timespec *ret)
{
	(void)clock;
	ret->tv_sec = fake.now_ms / 1000;
	ret->tv_nsec = fake.now_ms % 1000 * 1000000;
	return 0;
}

static int fake_poll(struct pollfd *p, nfds_t n, int timeout)
{
	int ready = poll(p, n, 0);

	if (ready == 0 && fake.turn(&fake))
		ready = poll(p, n, 0);
	if (ready == 0)
		fake.now_ms += timeout;
	return ready;
}

static unsigned int fake_alarm(unsigned int seconds)
{
	return seconds == 0 ? 17 : 0;
}

static void fake_say(const void *bytes, size_t len)
{
	if (fake.fd >= 0)
		(void)!send(fake.fd, bytes, len, MSG_NOSIGNAL | MSG_DONTWAIT);
}

static void fake_close(void)
{
	if (fake.fd >= 0)
		close(fake.fd);
	fake.fd = -1;
}

int pam_get_item(const pam_handle_t *pamh, int item, const void **ret)
{
	*ret = pamh->item[item];
	return PAM_SUCCESS;
}

int pam_set_item(pam_handle_t *pamh, int item, const void *value)
{
	pamh->item[item] = value;
	return PAM_SUCCESS;
}

int pam_get_user(pam_handle_t *pamh, const char **ret, const char *prompt)
{
	(void)prompt;
	*ret = pamh->item[PAM_USER];
	return *ret ? PAM_SUCCESS : PAM_CONV_ERR;
}

int pam_get_authtok(pam_handle_t *pamh, int item, const char **ret, const char *prompt)
{
	(void)prompt;
	pamh->item[item] = pamh->typed;
	*ret = pamh->typed;
	return *ret ? PAM_SUCCESS : PAM_CONV_ERR;
}

void pam_syslog(const pam_handle_t *pamh, int priority, const char *format, ...)
{
	(void)pamh;
	(void)priority;
	(void)format;
}

#define socket fake_socket
#define connect fake_connect
#define getsockopt fake_getsockopt
#define lstat fake_lstat
#define clock_gettime fake_clock_gettime
#define poll fake_poll
#define alarm fake_alarm

#include "../../pam_sspr/args.c"
#include "../../pam_sspr/dialogue.c"
#include "../../pam_sspr/pam_sspr.c"
