// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

/*
 * What a worker is to do, and what came of it.
 *
 *   LOOKUP   needs account.directory, account.name, group ("" = no scope group)
 *            DONE: the account, complete with object, name and mark, may be reset
 *            REFUSED: why; object and name are filled in where there is such an account
 *   DELIVER  needs channel, to, subject (mail), body, lang and code (not mail), id, life. Tried again for `life` seconds while
 *            the failure is temporary. A text message's body is one line; a call's has lines to be spoken with pauses between them.
 *            DONE: the next mail server, or the provider, has taken it
 *   NOTIFY   like DELIVER
 *   RESET    needs account (directory, object, name, mark), group, secret, until. The worker looks the account up again, by
 *            the object, and refuses what LOOKUP would refuse, an account that has another name now, or another mark.
 *            After `until` (boot milliseconds; 0: never) nothing is written any more, so that who has stopped waiting may
 *            ask what came of it.
 *            DONE: changed, account.mark is the new one.  REFUSED: unchanged, why.  UNKNOWN: find out by LOOKUP and mark.
 *
 *   VERIFY   needs secret (what the user typed). Never goes to a worker: ssprd itself does it, out of its database.
 *            DONE: proven.  REFUSED: wrong; with WHY_LOCKED that was the last try, with WHY_BUSY the limits forbade to
 *            look at all.  UNKNOWN: could not be counted, so it was not looked at
 *
 *   NUMBER   needs secret (the phone number that the user typed, as base/phone.h has it). Like VERIFY ssprd does it itself.
 *            DONE: it is the registered one, and JOB_DELIVER comes next.  REFUSED, UNKNOWN: as for VERIFY
 *
 *   APPROVAL needs account. Begins a sign-in that the user finishes with another device (RFC 8628).
 *            DONE: code, address, life, and the ticket to ask by (a secret)
 *   APPROVE  needs account, secret (the ticket), until. DONE: the owner of exactly this account has signed in since the ticket
 *            was made.  REFUSED: WHY_PENDING not so far, WHY_OTHER_ACCOUNT, WHY_DECLINED, or the machinery
 *   BREACHED needs secret: the SHA-1 of a password in hexadecimal, of which five digits leave the machine.
 *            DONE: it is in no list.  REFUSED: WHY_BREACHED it is, or the machinery
 *   CHECK    needs account.directory, account.name ("" = only the directory itself), group.
 *            DONE: report, lines of "ok|warn|fail TAB what TAB text LF" for an administrator
 *
 * A LOOKUP with an object goes by it, else by the name. A directory that knows how to reach the user fills in mail and phones, where
 * codes may go, and contacts, where notices go; they are never shown whole to anybody. It tells the names of the person too, which must not
 * be in a password. `detail` is for the administrator: what the directory said, with its request ids.
 *
 * OUTCOME_UNKNOWN is also what the asking side assumes when the connection ended without an answer.
 */

#include <stdint.h>

#include "base/secret.h"
#include "base/wire.h"
#include "flow/account.h"
#include "flow/policy.h"

enum job_kind {
	JOB_NONE = 0,
	JOB_LOOKUP = 1,
	JOB_DELIVER = 2,
	JOB_RESET = 4,
	JOB_NOTIFY = 6,
	JOB_VERIFY = 7,
	JOB_APPROVAL = 8,
	JOB_APPROVE = 9,
	JOB_CHECK = 10,
	JOB_BREACHED = 11,
	JOB_NUMBER = 14,
};

enum job_channel {
	CHANNEL_MAIL = 0,
	CHANNEL_SMS = 1,
	CHANNEL_VOICE = 2,
};

enum outcome {
	OUTCOME_DONE = 1,
	OUTCOME_REFUSED = 2,
	OUTCOME_UNKNOWN = 3,
};

enum why {
	WHY_NONE = 0,
	/* the account */
	WHY_NO_ACCOUNT = 1,
	WHY_NOT_IN_SCOPE = 2,
	WHY_PROTECTED = 3, /* design section 7 */
	WHY_LOCKED = 4,	   /* by an administrator, or expired */
	WHY_NO_LOGIN = 5,
	WHY_AMBIGUOUS = 6, /* the name means more than one account */
	WHY_RENAMED = 7,   /* since LOOKUP */
	WHY_NOT_REGISTERED = 8,
	WHY_MEANWHILE = 9, /* the password was changed by somebody else since LOOKUP */
	WHY_SYNCED = 10,   /* mastered on premises, and no directory for it is configured: Entra's SSPR_0010 */
	WHY_FEDERATED = 11,
	WHY_NOT_CAPABLE = 12, /* Entra says that it may not reset (mirror) */
	/* the new password */
	WHY_TOO_SHORT = 16,
	WHY_TOO_LONG = 17,
	WHY_CHARACTERS = 18,
	WHY_CLASSES = 19,
	WHY_NAME = 20,	/* contains the user's name */
	WHY_WORD = 21,	/* contains a word of deny-words */
	WHY_GUESSABLE = 22,
	WHY_USED_BEFORE = 23,
	WHY_POLICY = 24, /* the directory said no, without saying which rule */
	WHY_BREACHED = 25, /* in lists of stolen passwords */
	/* the machinery */
	WHY_BUSY = 32,
	WHY_UNREACHABLE = 33, /* connection, name, certificate */
	WHY_REJECTED = 34,    /* the mail server said no for good */
	WHY_MISCONFIGURED = 35,
	WHY_BROKEN = 36,
	/* an approval */
	WHY_PENDING = 48,
	WHY_OTHER_ACCOUNT = 49,
	WHY_DECLINED = 50,
};

#define JOB_TO 256
#define JOB_SUBJECT 128
#define JOB_BODY 1536
#define JOB_ID 48
#define JOB_GROUP 64
#define JOB_PHONE 40
#define JOB_DETAIL 320
#define JOB_CODE 24
#define JOB_ADDRESS 96
#define JOB_REPORT 3072
#define JOB_NAMES 192
#define JOB_CONTACTS 4
#define JOB_LANG 12

struct job {
	enum job_kind kind;
	struct account account;
	char group[JOB_GROUP];
	char to[JOB_TO], subject[JOB_SUBJECT], body[JOB_BODY], id[JOB_ID];
	enum job_channel channel;
	char lang[JOB_LANG], code[JOB_CODE];
	uint32_t life;
	int64_t until;
	struct secret secret;
};

struct job_result {
	enum outcome outcome;
	enum why why;
	struct account account;
	char mail[JOB_TO], mobile[JOB_PHONE], office[JOB_PHONE]; /* LOOKUP, as the directory has them; "" = none */
	char names[JOB_NAMES]; /* LOOKUP: what the person behind it is called; words that must not be in a password */
	char contacts[JOB_CONTACTS][JOB_TO]; /* LOOKUP, mail addresses to tell of a reset, each once */
	char detail[JOB_DETAIL];
	char code[JOB_CODE], address[JOB_ADDRESS]; /* APPROVAL */
	uint32_t life;
	struct secret ticket;
	char report[JOB_REPORT]; /* CHECK */
	/* Not of a worker: the principal names, in lower case, that a name could mean in the directories that were asked. */
	size_t spelt_n;
	char spelt[POLICY_DIRECTORIES][ACCOUNT_NAME];
};

void job_write(const struct job *j, struct wire *ret);
/* -EBADMSG when a field is missing, too long or unknown. */
int job_read(const struct wire_message *m, struct job *ret);

void job_result_write(const struct job_result *j, struct wire *ret);
int job_result_read(const struct wire_message *m, struct job_result *ret);

void job_wipe(struct job *j);
void job_result_wipe(struct job_result *j);

/* One word each, as in the audit: "lookup", "no-account"; "?" for a number without a name. */
const char *job_kind_name(enum job_kind kind);
const char *why_name(enum why why);
/* For an administrator, of an account or its directory: "is disabled ..."; the name for what has no text. */
const char *why_text(enum why why);
