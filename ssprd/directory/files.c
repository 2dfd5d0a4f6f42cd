// SPDX-License-Identifier: LGPL-2.1-or-later
#include "directory/files.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <pwd.h>
#include <shadow.h>
#include <stdint.h>
#include <string.h>

#include "base/boot.h"
#include "base/cleanup.h"
#include "base/text.h"
#include "base/wire.h"

#define FILES_UID_MIN 1000
#define FILES_LOCK_PAUSE 20 /* milliseconds */

const struct files files_etc = {
	.passwd = "/etc/passwd",
	.shadow = "/etc/shadow",
	.group = "/etc/group",
	.shells = "/etc/shells",
	.login_defs = "/etc/login.defs",
	.lock = "/etc/.pwd.lock",
};

int files_lock(const struct files *f, int peer, int64_t ms)
{
	_cleanup_(closep) int fd = open(f->lock, O_WRONLY | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
	struct flock whole = { .l_type = F_WRLCK, .l_whence = SEEK_SET };
	int64_t end = boot_ms() + ms;

	if (fd < 0)
		return -errno;
	while (fcntl(fd, F_SETLK, &whole) < 0) {
		if (errno != EAGAIN && errno != EACCES && errno != EINTR)
			return -errno;
		if (boot_ms() >= end)
			return -EBUSY;
		if (wire_peer_gone(peer))
			return -EPIPE;
		poll(NULL, 0, FILES_LOCK_PAUSE);
	}
	return wire_peer_gone(peer) ? -EPIPE : TAKE_FD(fd);
}

void files_shadow_wipe(struct files_shadow *s)
{
	explicit_bzero(s, sizeof(*s));
}

static int files_open(const char *path, FILE **ret)
{
	*ret = fopen(path, "re");
	return *ret ? 0 : -errno;
}

static int files_open_vendor(const char *path, FILE **ret)
{
	char vendor[PATH_MAX];
	int r = files_open(path, ret);

	if (r != -ENOENT || (size_t)snprintf(vendor, sizeof(vendor), "/usr%s", path) >= sizeof(vendor))
		return r;
	return files_open(vendor, ret);
}

static int copy(char *to, size_t size, const char *from)
{
	size_t len = strlen(from);

	if (len >= size)
		return -EMSGSIZE;
	memcpy(to, from, len + 1);
	return 0;
}

static void full_name_copy(const char *gecos, char ret[static FILES_FULL_NAME])
{
	if (gecos)
		text_clean(gecos, strcspn(gecos, ","), ret, FILES_FULL_NAME);
}

static int user_copy(const struct passwd *p, struct files_user *ret)
{
	struct files_user u = { .uid = p->pw_uid, .gid = p->pw_gid };

	u.shadowed = strcmp(p->pw_passwd, "x") == 0;
	if (copy(u.name, sizeof(u.name), p->pw_name) < 0 || copy(u.shell, sizeof(u.shell), p->pw_shell) < 0)
		return -EMSGSIZE;
	full_name_copy(p->pw_gecos, u.full_name);
	*ret = u;
	return 0;
}

/* NULL at the end of the file (*ret_error is 0) and on failure. */
static struct passwd *user_next(FILE *file, int *ret_error)
{
	struct passwd *p;

	errno = 0;
	p = fgetpwent(file);
	*ret_error = p || errno == ENOENT ? 0 : -errno;
	if (!p && *ret_error == 0 && ferror(file))
		*ret_error = -EIO;
	return p;
}

static int user_find(const struct files *f, const char *name, uid_t uid, struct files_user *ret)
{
	_cleanup_(fclosep) FILE *file = NULL;
	struct files_user found;
	const struct passwd *p;
	int n = 0, r = files_open(f->passwd, &file);

	if (r < 0)
		return r;
	while ((p = user_next(file, &r))) {
		if (name ? strcmp(p->pw_name, name) != 0 : p->pw_uid != uid)
			continue;
		n++;
		r = user_copy(p, &found);
		if (r < 0)
			return r;
	}
	if (r < 0)
		return r;
	if (n != 1)
		return n == 0 ? -ENOENT : -ENOTUNIQ;
	*ret = found;
	return 0;
}

int files_user_by_name(const struct files *f, const char *name, struct files_user *ret)
{
	struct files_user by_name, by_uid;
	int r = user_find(f, name, 0, &by_name);

	if (r == 0)
		r = user_find(f, NULL, by_name.uid, &by_uid);
	if (r == 0)
		*ret = by_name;
	return r;
}

int files_user_by_uid(const struct files *f, uid_t uid, struct files_user *ret)
{
	struct files_user by_name, by_uid;
	int r = user_find(f, NULL, uid, &by_uid);

	if (r == 0)
		r = user_find(f, by_uid.name, 0, &by_name);
	if (r == 0)
		*ret = by_uid;
	return r;
}

static int shadow_copy(const struct spwd *s, struct files_shadow *ret)
{
	ret->changed = s->sp_lstchg;
	ret->max = s->sp_max;
	ret->inactive = s->sp_inact;
	ret->expires = s->sp_expire;
	return copy(ret->hash, sizeof(ret->hash), s->sp_pwdp ? s->sp_pwdp : "");
}

/* The line and the stream's buffer hold everybody's hashes. */
struct shadow_reading {
	char stream[BUFSIZ];
	char line[8192];
	struct files_shadow found;
};

static void shadow_reading_wipe(struct shadow_reading *s)
{
	explicit_bzero(s, sizeof(*s));
}

static int shadow_find(FILE *file, const char *name, struct shadow_reading *reading)
{
	struct spwd entry, *s;
	int n = 0, r;

	while ((r = fgetspent_r(file, &entry, reading->line, sizeof(reading->line), &s)) == 0) {
		if (strcmp(s->sp_namp, name) != 0)
			continue;
		n++;
		r = shadow_copy(s, &reading->found);
		if (r < 0)
			return r;
	}
	if (r != ENOENT || ferror(file))
		return r == ENOENT ? -EIO : -r;
	return n == 1 ? 0 : n == 0 ? -ENOENT : -ENOTUNIQ;
}

int files_shadow(const struct files *f, const char *name, struct files_shadow *ret)
{
	_cleanup_(shadow_reading_wipe) struct shadow_reading reading;
	FILE *file;
	int r = files_open(f->shadow, &file);

	if (r < 0)
		return r;
	setvbuf(file, reading.stream, _IOFBF, sizeof(reading.stream));
	r = shadow_find(file, name, &reading);
	fclose(file);
	if (r == 0)
		*ret = reading.found;
	return r;
}

int files_shell_listed(const struct files *f, const char *shell)
{
	_cleanup_(fclosep) FILE *file = NULL;
	char line[FILES_SHELL + 2];
	int r = files_open_vendor(f->shells, &file);

	if (r < 0)
		return r;
	while (fgets(line, sizeof(line), file)) {
		line[strcspn(line, "# \t\n")] = 0;
		if (line[0] == '/' && strcmp(line, shell) == 0)
			return 1;
	}
	return ferror(file) ? -EIO : 0;
}

static int uid_parse(const char *text, uid_t *ret)
{
	unsigned long n;
	char *end;

	if (*text < '0' || *text > '9')
		return -EINVAL;
	errno = 0;
	n = strtoul(text, &end, 10);
	if (errno != 0 || n >= UINT32_MAX || end[strspn(end, " \t\n")] != 0)
		return -EINVAL;
	*ret = (uid_t)n;
	return 0;
}

int files_uid_min(const struct files *f, uid_t *ret)
{
	static const char key[] = "UID_MIN";
	_cleanup_(fclosep) FILE *file = NULL;
	uid_t uid = FILES_UID_MIN;
	char line[1024];
	int r = files_open_vendor(f->login_defs, &file);

	if (r < 0)
		return r;
	while (fgets(line, sizeof(line), file)) {
		char *at = line + strspn(line, " \t");
		size_t blank;

		if (strncmp(at, key, sizeof(key) - 1) != 0)
			continue;
		at += sizeof(key) - 1;
		blank = strspn(at, " \t");
		if (blank > 0 && uid_parse(at + blank, &uid) < 0)
			return -EINVAL;
	}
	if (ferror(file))
		return -EIO;
	*ret = uid;
	return 0;
}
