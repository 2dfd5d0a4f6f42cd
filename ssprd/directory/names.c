// SPDX-License-Identifier: LGPL-2.1-or-later
#include "directory/names.h"

#include <errno.h>
#include <grp.h>
#include <pwd.h>
#include <string.h>

#define NAME_MAX_LEN 32

bool name_valid(const char *name)
{
	static const char letters[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ";
	static const char others[] = "_0123456789";
	size_t len = strlen(name);

	if (len == 0 || len > NAME_MAX_LEN || name[0] == '-' || name[0] == '.')
		return false;
	if (strspn(name, "0123456789") == len)
		return false;
	for (size_t i = 0; i < len; i++)
		if (!strchr(letters, name[i]) && !strchr(others, name[i]) && name[i] != '-' && name[i] != '.')
			return false;
	return true;
}

static bool is_this(const struct passwd *found, const char *name, uid_t uid, gid_t gid)
{
	return found && found->pw_uid == uid && found->pw_gid == gid && strcmp(found->pw_name, name) == 0;
}

/* POSIX leaves it open how "there is none" looks; glibc also says these. */
static int failure(int r)
{
	return r == ENOENT || r == ESRCH ? 0 : -r;
}

int name_agreed(const char *name, uid_t uid, gid_t gid)
{
	struct passwd entry, *found = NULL;
	char buffer[16384];
	int r;

	r = getpwnam_r(name, &entry, buffer, sizeof(buffer), &found);
	if (r != 0 || !is_this(found, name, uid, gid))
		return failure(r);
	r = getpwuid_r(uid, &entry, buffer, sizeof(buffer), &found);
	return r == 0 ? is_this(found, name, uid, gid) : failure(r);
}

void names_load(void)
{
	/* No service knows it, so each one is asked. */
	static const char nobody[] = "-";
	gid_t gid;
	int n = 1;

	(void)getpwnam(nobody);
	(void)getgrnam(nobody);
	(void)getgrouplist(nobody, (gid_t)-1, &gid, &n);
}
