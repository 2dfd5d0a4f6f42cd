// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

/*
 * A copy of /etc in memory, seen by the calling process and its children alone, with one more user whose password is
 * random. The real /etc is only read; all is gone when the processes are.
 */

#include "base/secret.h"

struct scratch {
	char user[32];
	struct secret password;
};

/* Once, in a process that has nothing else to do. Wipe the password with secret_wipe(). */
int scratch_enter(struct scratch *ret);

/* Mounts of this process are its own from here on. */
int scratch_mounts(void);

/* The same, for one of several processes in one copy, with a memory of failures of its own. */
int scratch_service(void);

/* The tries so far never happened. */
void scratch_forget(const struct scratch *s);

/* An empty folder in the place of this one; its copy of what was there before is not made. */
int scratch_cover(const char *folder);
