// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * init: makes the key that the database is sealed with, where systemd looks for the credential sspr-key. It is made here
 * and read by systemd alone: never shown, never in an argument, never written over.
 */

#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/crypto.h"
#include "ctl/commands.h"
#include "ctl/ctl.h"

#define INIT_KEY "sspr-key"
#define INIT_NEW ".sspr-key.new"
#define INIT_DATABASE "/var/lib/sspr/ssprd.db"
#define INIT_CREDS "/usr/bin/systemd-creds"

#define INIT_UNIT "/etc/systemd/system/ssprd.service.d"
#define INIT_DROP_IN INIT_UNIT "/sspr-key.conf"

struct place {
	const char *directory;
	int (*write)(int directory, const struct crypto_key *key);
	int (*announce)(void); /* to the service manager, where it needs that */
};

static int write_all(int fd, const void *bytes, size_t len)
{
	const char *at = bytes;

	while (len > 0) {
		ssize_t n = write(fd, at, len);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		at += n;
		len -= (size_t)n;
	}
	return 0;
}

static int create(int directory)
{
	int fd = openat(directory, INIT_NEW, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0400);

	return fd < 0 ? -errno : fd;
}

static int write_plain(int directory, const struct crypto_key *key)
{
	_cleanup_(closep) int fd = create(directory);
	int r;

	if (fd < 0)
		return fd;
	r = write_all(fd, key->b, sizeof(key->b));
	if (r == 0 && fsync(fd) < 0)
		r = -errno;
	return r;
}

static int spawn_creds(int in, int out, pid_t *ret)
{
	char *const argv[] = { (char[]){ "systemd-creds" }, (char[]){ "encrypt" }, (char[]){ "--name=" INIT_KEY },
				      (char[]){ "-" }, (char[]){ "-" }, NULL };
	char *const environment[] = { NULL };
	posix_spawn_file_actions_t actions;
	int r;

	r = posix_spawn_file_actions_init(&actions);
	if (r != 0)
		return -r;
	r = posix_spawn_file_actions_adddup2(&actions, in, STDIN_FILENO);
	if (r == 0)
		r = posix_spawn_file_actions_adddup2(&actions, out, STDOUT_FILENO);
	if (r == 0)
		r = posix_spawn(ret, INIT_CREDS, &actions, NULL, argv, environment);
	posix_spawn_file_actions_destroy(&actions);
	return -r;
}

static int wait_for(pid_t pid)
{
	int status;

	while (waitpid(pid, &status, 0) < 0)
		if (errno != EINTR)
			return -errno;
	return WIFEXITED(status) && WEXITSTATUS(status) == 0 ? 0 : -EPROTO;
}

/* The key fits into the pipe, so it can be written before anybody reads. */
static int write_encrypted(int directory, const struct crypto_key *key)
{
	_cleanup_(closep) int in = -1;
	_cleanup_(closep) int out = -1;
	int pipes[2], r;
	pid_t pid;

	if (pipe2(pipes, O_CLOEXEC) < 0)
		return -errno;
	in = pipes[0];
	r = write_all(pipes[1], key->b, sizeof(key->b));
	close(pipes[1]);
	if (r < 0)
		return r;
	out = create(directory);
	if (out < 0)
		return out;
	r = spawn_creds(in, out, &pid);
	if (r == 0)
		r = wait_for(pid);
	if (r == 0 && fsync(out) < 0)
		r = -errno;
	return r;
}

static int make_directory(const char *path, mode_t mode)
{
	return mkdir(path, mode) < 0 && errno != EEXIST ? -errno : 0;
}

/* The unit asks for the plain key: one directive cannot ask for both kinds. */
static int write_drop_in(void)
{
	static const char text[] = "[Service]\nLoadCredentialEncrypted=" INIT_KEY "\n";
	_cleanup_(closep) int fd = -1;
	int r;

	r = make_directory(INIT_UNIT, 0755);
	if (r < 0)
		return r;
	fd = open(INIT_DROP_IN, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, 0644);
	if (fd < 0)
		return -errno;
	return write_all(fd, text, sizeof(text) - 1);
}

static int announce_nothing(void)
{
	return 0;
}

static const struct place plain = { "/etc/credstore", write_plain, announce_nothing };
static const struct place encrypted = { "/etc/credstore.encrypted", write_encrypted, write_drop_in };

static int open_directory(const char *path, int *ret)
{
	struct stat st;
	int fd, r;

	r = make_directory(path, 0700);
	if (r < 0)
		return r;
	fd = open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	if (fstat(fd, &st) < 0 || st.st_uid != geteuid() || (st.st_mode & (S_IWGRP | S_IWOTH))) {
		close(fd);
		return -EPERM;
	}
	*ret = fd;
	return 0;
}

/* The file appears under its name whole or not at all, and never in the place of another one. */
static int keep(int directory)
{
	if (renameat2(directory, INIT_NEW, directory, INIT_KEY, RENAME_NOREPLACE) < 0)
		return -errno;
	return fsync(directory) < 0 ? -errno : 0;
}

static int store(const struct place *p, const struct crypto_key *key)
{
	_cleanup_(closep) int directory = -1;
	int r;

	r = open_directory(p->directory, &directory);
	if (r < 0)
		return r;
	unlinkat(directory, INIT_NEW, 0);
	r = p->write(directory, key);
	if (r == 0)
		r = keep(directory);
	if (r < 0)
		unlinkat(directory, INIT_NEW, 0);
	return r;
}

static bool exists(const char *directory)
{
	char path[256];

	snprintf(path, sizeof(path), "%s/" INIT_KEY, directory);
	return access(path, F_OK) == 0;
}

static const char *reason(int r)
{
	switch (r) {
	case -EEXIST:
		return "there is a key already";
	case -EPERM:
		return "the directory must belong to root, and nobody else may write to it";
	case -EPROTO:
		return "systemd-creds failed";
	default:
		return strerror(-r);
	}
}

static int told(const struct ctl *ctl, const struct place *p)
{
	if (ctl->json) {
		puts("[\n]");
		return CTL_OK;
	}
	printf("%s/" INIT_KEY ": made. Keep a copy where the backups of /var/lib/sspr are not.\n", p->directory);
	if (p == &encrypted)
		puts(INIT_DROP_IN ": made. Now run: systemctl daemon-reload");
	return CTL_OK;
}

static int init(const struct ctl *ctl, const struct place *p)
{
	_cleanup_(crypto_key_wipe) struct crypto_key key = {};
	int r;

	if (exists(plain.directory) || exists(encrypted.directory))
		return ctl_fail(ctl, CTL_FAILED, "%s/" INIT_KEY ": there is a key already, and it stays",
				exists(plain.directory) ? plain.directory : encrypted.directory);
	if (access(INIT_DATABASE, F_OK) == 0)
		return ctl_fail(ctl, CTL_FAILED, INIT_DATABASE " is sealed with a key that is missing. Bring that key back "
				"from a backup; or move the database away, and every user registers anew");
	if (p == &encrypted && access(INIT_CREDS, X_OK) < 0)
		return ctl_fail(ctl, CTL_FAILED, INIT_CREDS " is missing: --encrypt needs it");
	r = p->announce();
	if (r < 0)
		return ctl_fail(ctl, CTL_FAILED, INIT_DROP_IN ": %s", strerror(-r));
	r = crypto_random(key.b, sizeof(key.b));
	if (r == 0)
		r = store(p, &key);
	if (r < 0)
		return ctl_fail(ctl, CTL_FAILED, "%s/" INIT_KEY ": %s", p->directory, reason(r));
	return told(ctl, p);
}

int ctl_init(const struct ctl *ctl, int argc, char **argv)
{
	static const struct option options[] = {
		{ "encrypt", no_argument, NULL, 'e' },
		{},
	};
	const struct place *place = &plain;
	int option;

	while ((option = getopt_long(argc, argv, "", options, NULL)) >= 0) {
		if (option == '?')
			return ctl_usage(argv[0]);
		place = &encrypted;
	}
	return optind == argc ? init(ctl, place) : ctl_usage(argv[0]);
}
