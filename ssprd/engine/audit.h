// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

/*
 * From facts to the audit: rows of the database, in Entra's words, and the journal (MESSAGE_ID, fields SSPR_*). The one home of
 * sd-journal.h.
 */

#include "flow/flow.h"
#include "store/store.h"

/* What all facts of one dialogue or one request have in common. */
struct audit_context {
	struct store *store;
	const struct policy *policy;
	const char *correlation, *seat, *actor;
	const struct account *target;
	int64_t at; /* wall seconds */
};

/* Things that become true outside of a dialogue. */
enum audit_deed {
	AUDIT_NOTHING, /* leaves no row */
	AUDIT_PEER_DENIED,
	AUDIT_PEER_MISMATCH,
	AUDIT_USER_ADDED,
	AUDIT_USER_REMOVED,
	AUDIT_USER_UNLOCKED,
	AUDIT_REGISTERED,
	AUDIT_NOTIFIED,
	AUDIT_NOTIFY_FAILED,
	AUDIT_INTEGRITY,
	AUDIT_CLOCK_ACCEPTED,
	AUDIT_LIMITS_CLEARED,
	AUDIT_PASS_ISSUED,
	AUDIT_PASS_REFUSED,
	AUDIT_PASS_REVOKED,
};

/* Within the caller's transaction. 0, or negative errno: then nothing of the transaction may be taken for true. */
int audit_fact(const struct audit_context *c, const struct fact *fact);
int audit_deed(const struct audit_context *c, enum audit_deed deed, const char *method, const char *reason);
