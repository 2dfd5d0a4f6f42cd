// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

/*
 * Which directory knows a name. A job that names its directory goes there; a LOOKUP that does not goes to all of them at once, and
 * what they say becomes one answer: a name that more than one knows is ambiguous, and where one could not be asked nobody knows
 * whether it is. The answer also tells how the directories would spell the name, in lower case, so that limits count all its
 * spellings as one, whoever has it (C7, E1). A name that is nobody's is the first of these.
 */

#include "engine/server.h"

/* Must the account be in the group that may reset? Who asks what came of a write, or registers a user, asks of anybody. */
enum lookup_whom {
	LOOKUP_ANYBODY,
	LOOKUP_IN_SCOPE,
};

/* As jobs_submit(), for jobs that speak of an account. */
int lookup_submit(struct server *s, struct job *job, enum lookup_whom whom, jobs_done_fn *done, void *owner);

/* As jobs_forget(), for all workers. */
void lookup_forget(struct server *s, const void *owner);
