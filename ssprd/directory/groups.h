// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

/* Which groups an account belongs to: its primary one, those of the local file and those that the name service knows. */

#include <stddef.h>
#include <sys/types.h>

#include "directory/files.h"

#define GROUPS_MAX 1024

struct groups {
	size_t n;
	gid_t gid[GROUPS_MAX];
};

int groups_read(const struct files *f, const struct files_user *user, struct groups *ret);

/*
 * 1 when the group of this name (in the file or in the name service) is one of them, 0 when not, -ENOENT when there is
 * no such group.
 */
int groups_have(const struct files *f, const struct groups *g, const char *name);
