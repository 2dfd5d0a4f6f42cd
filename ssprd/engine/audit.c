// SPDX-License-Identifier: LGPL-2.1-or-later
#define SD_JOURNAL_SUPPRESS_LOCATION
#include "engine/audit.h"

#include <stdio.h>
#include <string.h>
#include <systemd/sd-journal.h>

#include "base/cleanup.h"
#include "base/text.h"
#include "engine/message-ids.h"

#define PROGRESS "Self-service password reset flow activity progress"
#define RESET "Reset password (self-service)"
#define BLOCKED "Blocked from self-service password reset"
#define UNAVAILABLE "Password reset is not available"

/* Anybody can cause these without proving anything: one row an hour and target must do, and so many rows for all targets. */
#define AUDIT_SELDOM (60 * 60)
#define AUDIT_SELDOM_MOST 100

struct audit_kind {
	const char *id, *activity, *result, *reason;
	bool seldom;
};

#define ROW(i, a, r, w) { .id = (i), .activity = (a), .result = (r), .reason = (w) }
#define SELDOM(i, a, r, w) { .id = (i), .activity = (a), .result = (r), .reason = (w), .seldom = true }

static const struct audit_kind facts[FACT_KINDS] = {
	[FACT_STARTED] = ROW(MESSAGE_STARTED, PROGRESS, "success", "User was presented with verification options"),
	[FACT_NOT_RESETTABLE] = ROW(MESSAGE_NOT_RESETTABLE, PROGRESS, "failure", "The account cannot be reset here"),
	[FACT_CODE_SENT] = ROW(MESSAGE_CODE_SENT, PROGRESS, "success", "User started the verification option"),
	[FACT_CODE_DELIVERED] = ROW(MESSAGE_CODE_DELIVERED, PROGRESS, "success", "The code was handed over for delivery"),
	[FACT_CODE_UNDELIVERED] = ROW(MESSAGE_CODE_UNDELIVERED, PROGRESS, "failure", "The code could not be delivered"),
	[FACT_PROOF_FAILED] = ROW(MESSAGE_PROOF_FAILED, PROGRESS, "failure", "User failed the verification option"),
	[FACT_GATE_PASSED] = ROW(MESSAGE_GATE_PASSED, PROGRESS, "success", "User completed the verification option"),
	[FACT_VERIFIED] = ROW(MESSAGE_VERIFIED, PROGRESS, "success", "User passed the required authentication methods"),
	[FACT_BLOCKED] = SELDOM(MESSAGE_BLOCKED, BLOCKED, "success", "Too many tries"),
	[FACT_PASSWORD_REFUSED] = ROW(MESSAGE_PASSWORD_REFUSED, PROGRESS, "failure", "The new password breaks a rule"),
	[FACT_INTENT] = ROW(MESSAGE_INTENT, PROGRESS, "success", "User submitted a new password"),
	[FACT_RESET] = ROW(MESSAGE_RESET, RESET, "success", "User successfully reset password"),
	[FACT_UNCHANGED] = ROW(MESSAGE_UNCHANGED, RESET, "failure", "The password was not changed"),
	[FACT_UNKNOWN] = ROW(MESSAGE_UNKNOWN, RESET, "unknown", "The outcome of the write could not be confirmed"),
	[FACT_CANCELLED] = ROW(MESSAGE_CANCELLED, PROGRESS, "failure", "User cancelled"),
	[FACT_EXPIRED] = ROW(MESSAGE_EXPIRED, PROGRESS, "failure", "The dialogue ran out of time"),
	[FACT_UNAVAILABLE] = SELDOM(MESSAGE_UNAVAILABLE, UNAVAILABLE, "failure", "Something that resets need does not work"),
	[FACT_VIOLATION] = SELDOM(MESSAGE_VIOLATION, "Protocol violation", "failure", "The peer broke the protocol"),
};

static const struct audit_kind deeds[] = {
	[AUDIT_PEER_DENIED] = SELDOM(MESSAGE_PEER_DENIED, "Peer denied", "failure", "The peer may not use this socket"),
	[AUDIT_PEER_MISMATCH] = SELDOM(MESSAGE_PEER_MISMATCH, "Peer mismatch", "failure", "It asked for another account"),
	[AUDIT_USER_ADDED] = ROW(MESSAGE_USER_ADDED, "Admin added user", "success", ""),
	[AUDIT_USER_REMOVED] = ROW(MESSAGE_USER_REMOVED, "Admin removed user", "success", ""),
	[AUDIT_USER_UNLOCKED] = ROW(MESSAGE_USER_UNLOCKED, "Admin unblocked user", "success", ""),
	[AUDIT_REGISTERED] = ROW(MESSAGE_REGISTERED, "Admin registered security info", "success", ""),
	[AUDIT_NOTIFIED] = ROW(MESSAGE_NOTIFIED, "User notified of password reset", "success", ""),
	[AUDIT_NOTIFY_FAILED] = ROW(MESSAGE_NOTIFY_FAILED, "User notified of password reset", "failure", ""),
	[AUDIT_INTEGRITY] = SELDOM(MESSAGE_INTEGRITY, "Integrity of security info", "failure", "A secret is not this account's"),
	[AUDIT_CLOCK_ACCEPTED] = ROW(MESSAGE_CLOCK_ACCEPTED, "Admin accepted clock", "success", ""),
	[AUDIT_LIMITS_CLEARED] = ROW(MESSAGE_LIMITS_CLEARED, "Admin cleared limits", "success", ""),
	[AUDIT_PASS_ISSUED] = ROW(MESSAGE_PASS_ISSUED, "Helpdesk issued pass", "success", ""),
	[AUDIT_PASS_REFUSED] = ROW(MESSAGE_PASS_REFUSED, "Helpdesk issued pass", "failure", ""),
	[AUDIT_PASS_REVOKED] = ROW(MESSAGE_PASS_REVOKED, "Helpdesk revoked pass", "success", ""),
};

static void to_journal(const struct audit_kind *k, const struct store_audit *row)
{
	sd_journal_send("MESSAGE=%s: %s%s%s (%s)", row->activity, row->reason, *row->target ? ": " : "", row->target,
			row->result, "MESSAGE_ID=%s", k->id, "PRIORITY=%d", strcmp(k->result, "success") == 0 ? 6 : 5,
			"SSPR_ACTIVITY=%s", row->activity, "SSPR_RESULT=%s", row->result, "SSPR_REASON=%s", row->reason,
			"SSPR_METHOD=%s", row->method, "SSPR_TARGET=%s", row->target, "SSPR_OBJECT=%s", row->object,
			"SSPR_SEAT=%s", row->seat, "SSPR_ACTOR=%s", row->actor, "SSPR_CORRELATION=%s", row->correlation,
			NULL);
}

/* What a person typed or a peer sent shows as it is, less what does not show. */
static void clean(const char *from, char *to, size_t size)
{
	text_clean(from, strlen(from), to, size);
}

static void fill(const struct audit_context *c, const struct audit_kind *k, const char *method, const char *detail,
		 struct store_audit *ret)
{
	char said[JOB_DETAIL + 32];

	*ret = (struct store_audit){ .at = c->at };
	clean(detail, said, sizeof(said));
	snprintf(ret->correlation, sizeof(ret->correlation), "%s", c->correlation);
	snprintf(ret->activity, sizeof(ret->activity), "%s", k->activity);
	snprintf(ret->result, sizeof(ret->result), "%s", k->result);
	snprintf(ret->reason, sizeof(ret->reason), "%s%s%s", k->reason, *k->reason && *said ? ": " : "", said);
	snprintf(ret->method, sizeof(ret->method), "%s", method);
	clean(c->target->name, ret->target, sizeof(ret->target));
	if (*c->target->object)
		snprintf(ret->object, sizeof(ret->object), "%s:%s", c->target->directory, c->target->object);
	clean(c->seat, ret->seat, sizeof(ret->seat));
	clean(c->actor, ret->actor, sizeof(ret->actor));
}

static int write_row(const struct audit_context *c, const struct audit_kind *k, const char *method, const char *detail)
{
	struct store_audit row;
	int r;

	fill(c, k, method, detail, &row);
	r = k->seldom ? store_audit_recent(c->store, row.target, k->activity, c->at - AUDIT_SELDOM,
						 AUDIT_SELDOM_MOST) :
			     0;
	if (r != 0)
		return r < 0 ? r : 0;
	r = store_audit_add(c->store, &row, c->policy->limits.audit_rows);
	if (r == 0)
		to_journal(k, &row);
	return r;
}

int audit_fact(const struct audit_context *c, const struct fact *fact)
{
	const char *why = fact->why != WHY_NONE ? why_name(fact->why) : "";
	char reason[JOB_DETAIL + 32];

	snprintf(reason, sizeof(reason), "%s%s%s", why, *why && fact->detail ? ", " : "", fact->detail ? fact->detail : "");
	return write_row(c, &facts[fact->kind], fact->method ? fact->method : "", reason);
}

int audit_deed(const struct audit_context *c, enum audit_deed deed, const char *method, const char *reason)
{
	return write_row(c, &deeds[deed], method, reason);
}
