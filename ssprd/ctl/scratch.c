// SPDX-License-Identifier: LGPL-2.1-or-later
#include "ctl/scratch.h"

#include <crypt.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pwd.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/random.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"

#define USER "sspr-pam-check"
#define UID_FIRST 30000
#define UID_LAST 60000
#define PASSWORD_LENGTH 24
#define SALT "$6$rounds=1000$"
#define FAILLOCK "/etc/sspr-pam-check"

static void closedirp(DIR **d)
{
	if (*d)
		closedir(*d);
}

/* ---- the copy ---- */

static int bytes_copy(int from, int to)
{
	ssize_t n;

	do
		n = sendfile(to, from, NULL, 1 << 20);
	while (n > 0);
	return n < 0 ? -errno : 0;
}

static int file_copy(int from_dir, int to_dir, const char *name, const struct stat *st)
{
	_cleanup_(closep) int from = openat(from_dir, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
	_cleanup_(closep) int to = -1;
	int r;

	if (from < 0)
		return -errno;
	to = openat(to_dir, name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	if (to < 0)
		return -errno;
	r = bytes_copy(from, to);
	if (r == 0 && (fchown(to, st->st_uid, st->st_gid) < 0 || fchmod(to, st->st_mode & 07777) < 0))
		r = -errno;
	return r;
}

static int link_copy(int from_dir, int to_dir, const char *name)
{
	char target[PATH_MAX];
	ssize_t n = readlinkat(from_dir, name, target, sizeof(target) - 1);

	if (n < 0)
		return -errno;
	target[n] = 0;
	return symlinkat(target, to_dir, name) < 0 ? -errno : 0;
}

static int tree_copy(int from, int to);

static int folder_copy(int from_dir, int to_dir, const char *name, const struct stat *st)
{
	_cleanup_(closep) int from = openat(from_dir, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
	_cleanup_(closep) int to = -1;

	if (from < 0)
		return -errno;
	if (mkdirat(to_dir, name, 0700) < 0)
		return -errno;
	to = openat(to_dir, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
	if (to < 0 || fchown(to, st->st_uid, st->st_gid) < 0 || fchmod(to, st->st_mode & 07777) < 0)
		return -errno;
	return tree_copy(from, to);
}

/* What is no file, folder or link is no configuration. */
static int entry_copy(int from, int to, const char *name)
{
	struct stat st;

	if (fstatat(from, name, &st, AT_SYMLINK_NOFOLLOW) < 0)
		return errno == ENOENT ? 0 : -errno;
	if (S_ISREG(st.st_mode))
		return file_copy(from, to, name, &st);
	if (S_ISLNK(st.st_mode))
		return link_copy(from, to, name);
	return S_ISDIR(st.st_mode) ? folder_copy(from, to, name, &st) : 0;
}

static int tree_copy(int from, int to)
{
	_cleanup_(closedirp) DIR *d = NULL;
	int fd = openat(from, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	struct dirent *e;
	int r = 0;

	d = fd < 0 ? NULL : fdopendir(fd);
	if (!d)
		return -errno;
	while (r == 0 && (e = readdir(d)))
		if (strcmp(e->d_name, ".") != 0 && strcmp(e->d_name, "..") != 0)
			r = entry_copy(from, to, e->d_name);
	return r;
}

/* ---- the user ---- */

static int uid_find(uid_t *ret)
{
	for (uid_t uid = UID_FIRST; uid < UID_LAST; uid++)
		if (!getpwuid(uid)) {
			*ret = uid;
			return 0;
		}
	return -EUSERS;
}

/* Six bits of chance in each character. */
static int random_text(char *ret, size_t n)
{
	static const char set[] = "./0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

	if (getrandom(ret, n, 0) != (ssize_t)n)
		return -EIO;
	for (size_t i = 0; i < n; i++)
		ret[i] = set[(unsigned char)ret[i] % (sizeof(set) - 1)];
	ret[n] = 0;
	return 0;
}

static int password_make(struct secret *ret)
{
	int r = random_text(ret->b, PASSWORD_LENGTH);

	ret->len = r == 0 ? PASSWORD_LENGTH : 0;
	return r;
}

static int password_hash(const struct secret *password, char *ret, size_t size)
{
	struct crypt_data data = {};
	char setting[64] = SALT;
	const char *hash;
	int r;

	r = random_text(setting + strlen(SALT), 16);
	if (r < 0)
		return r;
	hash = crypt_r(password->b, setting, &data);
	if (hash && hash[0] == '$' && strlen(hash) < size)
		memcpy(ret, hash, strlen(hash) + 1);
	else
		r = -EIO;
	explicit_bzero(&data, sizeof(data));
	return r;
}

static int line_add(const char *path, const char *line)
{
	/* A link of the copy may lead out of it. */
	_cleanup_(closep) int fd = open(path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0644);
	_cleanup_(fclosep) FILE *f = fd < 0 ? NULL : fdopen(fd, "a");

	if (!f)
		return -errno;
	TAKE_FD(fd);
	return fprintf(f, "%s\n", line) < 0 || fflush(f) < 0 ? -EIO : 0;
}

static int user_add(const struct scratch *s, uid_t uid)
{
	char line[256], hash[160];
	int r;

	r = password_hash(&s->password, hash, sizeof(hash));
	if (r < 0)
		return r;
	snprintf(line, sizeof(line), "%s:x:%u:%u:made by ssprctl pam check:/:/bin/sh", s->user, uid, uid);
	r = line_add("/etc/passwd", line);
	if (r < 0)
		return r;
	snprintf(line, sizeof(line), "%s:%s:19000:0:99999:7:::", s->user, hash);
	return line_add("/etc/shadow", line);
}

/* ---- the mounts ---- */

int scratch_mounts(void)
{
	if (unshare(CLONE_NEWNS) < 0 || mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0)
		return -errno;
	return 0;
}

int scratch_cover(const char *folder)
{
	return mount("tmpfs", folder, "tmpfs", MS_NOSUID | MS_NODEV, "mode=755") < 0 ? -errno : 0;
}

/* The real one stays at hand by the descriptor that was opened before. */
static int etc_replace(void)
{
	_cleanup_(closep) int from = open("/etc", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	_cleanup_(closep) int to = -1;
	int r;

	if (from < 0)
		return -errno;
	r = scratch_cover("/etc");
	if (r < 0)
		return r;
	to = open("/etc", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	return to < 0 ? -errno : tree_copy(from, to);
}

/* What others would answer from memory. */
static int memories_cover(void)
{
	return access("/run/nscd", F_OK) == 0 ? scratch_cover("/run/nscd") : 0;
}

/* pam_faillock is to remember the tries within the copy alone. */
static int faillock_move(void)
{
	if ((mkdir("/etc/security", 0755) < 0 && errno != EEXIST) || mkdir(FAILLOCK, 0700) < 0)
		return -errno;
	return line_add("/etc/security/faillock.conf", "\ndir = " FAILLOCK);
}

int scratch_service(void)
{
	int r = scratch_mounts();

	if (r == 0)
		r = scratch_cover(FAILLOCK);
	/* For a stack that names this folder itself. */
	if (r == 0 && access("/run/faillock", F_OK) == 0)
		r = scratch_cover("/run/faillock");
	return r;
}

void scratch_forget(const struct scratch *s)
{
	char path[96];

	snprintf(path, sizeof(path), FAILLOCK "/%s", s->user);
	unlink(path);
}

int scratch_enter(struct scratch *ret)
{
	struct scratch s = { .user = USER };
	uid_t uid;
	int r;

	r = uid_find(&uid);
	if (r == 0)
		r = scratch_mounts();
	if (r == 0)
		r = etc_replace();
	if (r == 0)
		r = memories_cover();
	if (r == 0)
		r = faillock_move();
	if (r == 0)
		r = password_make(&s.password);
	if (r == 0)
		r = user_add(&s, uid);
	if (r == 0)
		*ret = s;
	secret_wipe(&s.password);
	return r;
}
