// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

/*
 * Everything that Graph must be asked before an account may be reset, in as few round trips as its answers allow: one where object
 * and group id are known, else two. A name that nobody has costs the same two.
 */

#include "directory/entra.h"
#include "web/graph.h"

enum entra_question {
	ASK_USER = 0,
	ASK_DOMAIN,
	ASK_PHONES,
	ASK_MAILS,
	ASK_GROUP,
	ASK_MEMBER,
	ASK_ASSIGNABLE,
	ASK_ROLES,
	ASK_ELIGIBLE,
	ASK_REGISTRATION,
	ASK_COUNT,
};

struct entra_inquiry {
	const struct entra *entra;
	struct graph *graph;
	bool contacts; /* phones and mail addresses are of interest */
	char user[3 * ACCOUNT_NAME];	 /* id or name, escaped, for a path */
	char name[ACCOUNT_NAME];	 /* that was asked for; "" = by the id alone */
	char object[ACCOUNT_OBJECT];	 /* "" while it is not known */
	char domain[ACCOUNT_NAME];	 /* "" while it is not known */
	char group[JOB_GROUP];		 /* "" = no scope group */
	char group_id[ACCOUNT_OBJECT];	 /* "" while it is not known */
	int64_t until;			 /* boot milliseconds */
	bool asked[ASK_COUNT];
	struct graph_answer answers[ASK_COUNT];
};

void entra_inquiry_wipe(struct entra_inquiry *i);

/* By account->object if there is one, else by account->name, which is a principal name. */
void entra_inquire(struct entra_inquiry *i, const struct account *account, const char *group);

/*
 * The verdict on the answers: WHY_NONE when the account may be reset. Fills account, contacts and detail of *ret as far as they are
 * known.
 */
enum why entra_verdict(const struct entra_inquiry *i, struct job_result *ret);

#define ENTRA_PATH 768

/* The request for a group by its id, or for the groups of its name. */
void entra_write_group_path(const char *group, char ret[static ENTRA_PATH]);
