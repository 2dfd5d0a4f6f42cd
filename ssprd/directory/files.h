// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

/*
 * The local files of passwd(5), shadow(5), group(5), shells(5) and login.defs(5), read strictly: what cannot be read is
 * an error.
 */

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "flow/account.h"

/* Where they are. shells and login_defs may be in /usr/etc instead, as distributions with an empty /etc have it. */
struct files {
	const char *passwd, *shadow, *group;
	const char *shells, *login_defs;
	const char *lock;
};

extern const struct files files_etc;

/*
 * Locks passwd and shadow against every other writer, as lckpwdf(3) does, from a judgement to the write that follows it. Waits so
 * many milliseconds, and only while the asking side is there. The lock belongs to the process: pam_unix's own is granted at
 * once, and its end is the end of this one too. A descriptor to close; -EBUSY; -EPIPE: nobody asks any more; another -errno.
 */
int files_lock(const struct files *f, int peer, int64_t ms);

#define FILES_SHELL 256
#define FILES_HASH 512
#define FILES_FULL_NAME 192

struct files_user {
	uid_t uid;
	gid_t gid;
	bool shadowed; /* the password is where it belongs, in shadow(5) */
	char name[ACCOUNT_NAME];
	char shell[FILES_SHELL];
	char full_name[FILES_FULL_NAME]; /* the first part of the comment; cut where it is longer */
};

/* Days since the epoch, or -1; as in shadow(5). */
struct files_shadow {
	long changed, max, inactive, expires;
	char hash[FILES_HASH];
};

void files_shadow_wipe(struct files_shadow *s);

/*
 * The one user of this name or uid. -ENOENT when there is none, -ENOTUNIQ when the name or the uid stands there twice,
 * another -errno when the file could not be read to its end.
 */
int files_user_by_name(const struct files *f, const char *name, struct files_user *ret);
int files_user_by_uid(const struct files *f, uid_t uid, struct files_user *ret);

/* The same errors. */
int files_shadow(const struct files *f, const char *name, struct files_shadow *ret);

/* 1 when the shell is one of shells(5), 0 when not. */
int files_shell_listed(const struct files *f, const char *shell);

/* UID_MIN of login.defs(5); 1000 when the file does not set it; -EINVAL when the value is not a number. */
int files_uid_min(const struct files *f, uid_t *ret);
