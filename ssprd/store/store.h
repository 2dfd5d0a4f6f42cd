// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

/*
 * The database of ssprd: who has registered what, how often was tried, which writes are under way, and the audit. SQLite in
 * one directory, the one home of sqlite3.h (store/db.h). Everything that must hold together is put between store_begin() and
 * store_commit(); what is not committed did not happen.
 *
 * Results: 0; negative errno when the database failed (-ENOSPC: full; -EBUSY; -EUCLEAN: damaged, and from then on every call
 * answers so; -EIO), positive as each function says. Nobody may go on as if a failed call had worked.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/crypto.h"
#include "flow/account.h"
#include "flow/limits.h"
#include "flow/method.h"

struct store;

/*
 * Opens, or makes when it never existed. Positive: the store must not be used, and *ret_why tells a person why: a damaged
 * or missing database, another key, another process on it, a newer schema. The directory belongs to us alone.
 */
int store_open(const char *directory, const struct crypto_key *master, struct store **ret, const char **ret_why);
void store_close(struct store *s);
void store_closep(struct store **s);

int store_begin(struct store *s);
int store_commit(struct store *s);
void store_rollback(struct store *s);

/* ---- registrations ---- */

/* Adds or renames; *ret_row is the account's row. 1: it was there. */
int store_account_add(struct store *s, const struct account *a, int64_t at, int64_t *ret_row);
/* 1: no such account. `a` needs directory and object. */
int store_account_find(struct store *s, const struct account *a, int64_t *ret_row);
/* The account that has this name now; a principal name in any case. 1: none. */
int store_account_by_name(struct store *s, const char *name, struct account *ret, int64_t *ret_row);
int store_account_remove(struct store *s, int64_t row);
/* Its directory has said that there is no such account any more; adding it again takes that back. */
int store_account_gone(struct store *s, const struct account *a, int64_t at);
int store_account_count(struct store *s, int64_t *ret);

/* Everything an account has registered; empty when there is no such account. -EBADMSG: a seed that was moved or forged. */
int store_registration(struct store *s, const struct account *a, struct registration *ret);

int store_authenticator_set(struct store *s, const struct account *a, int64_t row, const struct secret *seed,
			    int64_t used_step, int64_t at);
int store_mail_set(struct store *s, int64_t row, const char *mail, int64_t at);
/* kind: "mobile" or "office". */
int store_phone_set(struct store *s, int64_t row, const char *kind, const char *number, int64_t at);
/* Replaces all codes of the account. */
int store_recovery_set(struct store *s, int64_t row, const struct registration_recovery *codes, size_t n, int64_t at);

/* Uses up what a proof needs. 1: it was used already. */
int store_proof_use(struct store *s, int64_t row, const struct proof *proof);

const struct crypto_key *store_recovery_key(const struct store *s);

struct store_account_row {
	int64_t row, blocked_until, gone; /* 0: not */
	struct account account;
	unsigned int authenticators, addresses, recovery_codes;
	char mobile[PHONE], office[PHONE]; /* "" = none */
};

/* At most `limit` rows after row `after`, of one name or ("") all. */
int store_account_list(struct store *s, int64_t after, const char *name, unsigned int limit,
		       void (*each)(void *to, const struct store_account_row *row), void *to);

/* ---- helpdesk passes ---- */

#define STORE_ISSUER 32
#define STORE_VERIFIED 81

struct store_pass {
	int64_t row, issued, life; /* wall seconds; seconds */
	int64_t expires;	   /* lasting seconds */
	char issuer[STORE_ISSUER];
	char verified[STORE_VERIFIED]; /* how the helpdesk knew the caller, in its own words */
	struct account account;
};

/*
 * Gives the account of `row` a pass in place of the one before, and counts it, within the caller's transaction. `kept` is what is kept of
 * it, `who` the account as the limits know it. 1: no more for this issuer in 24 h; 2: no more for this user.
 */
int store_pass_issue(struct store *s, const struct policy_limits *limits, int64_t row, const char *who, const struct store_pass *pass,
		     const struct registration_pass *kept);
/* 1: there was none. */
int store_pass_revoke(struct store *s, int64_t row);
/* Those that are good at `now`, at most `limit` of them after row `after`. */
int store_pass_list(struct store *s, int64_t after, int64_t now, unsigned int limit,
		    void (*each)(void *to, const struct store_pass *pass), void *to);
/* The lasting clock was set back: none may outlast its time from now. */
int store_pass_clamp(struct store *s, int64_t now);
const struct crypto_key *store_pass_key(const struct store *s);

/* ---- limits ---- */

/*
 * Whom a limit counts for: an account by directory and object; a name that is no account by an HMAC, so that the database
 * does not list what people typed. Names differ by upper and lower case as local accounts do: were they the same here only,
 * that would tell which names are accounts.
 */
#define STORE_WHO 96
int store_who(struct store *s, const struct account *a, char ret[static STORE_WHO]);

/*
 * As whom else it counts: the principal names that what was typed could mean. Without that, a block would tell whose account a name is.
 * `who` of each is that of an account without object.
 */
#define STORE_ALIASES 4
struct store_aliases {
	size_t n;
	char who[STORE_ALIASES][STORE_WHO];
};

struct store_try {
	const char *who, *gate, *seat;
	int64_t at; /* lasting seconds */
	const struct store_aliases *aliases; /* or NULL */
};

/*
 * Counts a try before it is made, in a transaction of its own. 0: go on, *ret_attempt is the try; 1: go on, it is the last
 * one before a block; 2: do not look at the answer.
 */
int store_try(struct store *s, const struct policy_limits *limits, const struct store_try *t, int64_t *ret_attempt);
struct store_release {
	const char *who; /* whose try it was */
	int64_t attempt;
	bool last;   /* it brought the block */
	int64_t now; /* of the lasting clock */
};

/*
 * The try was no failure: it does not count, and the block that it brought as the last one is lifted, but for one by too many
 * resets. The failures before it stay: whoever holds one proof must not buy new tries at another with it.
 */
int store_try_release(struct store *s, const struct policy_limits *limits, const struct store_release *release);
/* 1: blocked. */
int store_blocked(struct store *s, const char *who, int64_t now);
int store_limits_clear(struct store *s, const char *who);
/* The lasting clock was set back to `now`: nothing may count from the future, and no block may outlast its time from now. */
int store_limits_clamp(struct store *s, int64_t now, int64_t block);
/*
 * Counts that an account has passed all gates, within the caller's transaction; the last of so many in the window blocks what comes after
 * this dialogue.
 */
int store_reset_count(struct store *s, const struct policy_limits *limits, const char *who, int64_t now);
/* A reset was successful: failures and their block are forgotten, but no block by too many resets. */
int store_limits_succeeded(struct store *s, const struct policy_limits *limits, const char *who, int64_t now);
/* A message was too many: blocks the account where so many were sent in a short time. */
int store_send_overrun(struct store *s, const struct policy_limits *limits, const struct store_try *t);

struct store_counter {
	char scope[8]; /* account, seat, global */
	char who[STORE_WHO], name[ACCOUNT_NAME];
	char gate[24]; /* a method, or: all, resets, sends, users, block */
	int64_t count, until, blocked_until; /* lasting seconds; 0: none */
};

/* At most `limit` after the first `after`. */
int store_counters(struct store *s, const struct policy_limits *limits, int64_t now, uint64_t after, unsigned int limit,
		   void (*each)(void *to, const struct store_counter *counter), void *to);
/* Within the caller's transaction. 1: there was nothing. */
int store_counters_clear(struct store *s, const char *who);
/* Accounts keep what was tried there. */
int store_counters_clear_seat(struct store *s, const char *seat);
int store_counters_clear_all(struct store *s);

/* Counts a message before it is sent: per account and day, per seat, and over all (as many as failures). 1: too many. */
int store_send(struct store *s, const struct policy_limits *limits, const struct store_try *t);

/* The same for a message to a phone, besides store_send(): per number and over all in a day. 1, 2: too many of the one, the other. */
int store_send_phone(struct store *s, const struct policy_limits *limits, const char *number, int64_t at);

/* ---- passwords that were set before ---- */

/*
 * An HMAC under a key of the credential's, with a salt, bound to the account: without the credential it tells nothing, and moved
 * to another account it fits no password.
 */
#define STORE_SALT 16

struct store_history {
	uint8_t salt[STORE_SALT], hash[CRYPTO_MAC];
	unsigned int keep; /* how many the account's history has with this one; 0: none is kept, and the others go */
};

/* Of a password that is about to be written. */
int store_history_make(struct store *s, const struct account *a, const struct secret *password, unsigned int keep,
		       struct store_history *ret);
/* 1: it is one of the last `most` that were set here. */
int store_history_has(struct store *s, const struct account *a, const struct secret *password, unsigned int most);

/* ---- writes ---- */

#define STORE_CORRELATION 37

struct store_intent {
	int64_t row, at, lasting; /* when: for people, and by the clock that nobody sets back or forward */
	char correlation[STORE_CORRELATION];
	struct account account; /* mark: before the write */
	bool unknown;		/* looked for before, and not decided */
	struct store_history history; /* only of one that is added */
};

int store_intent_add(struct store *s, const struct store_intent *intent, int64_t *ret_row);
/*
 * state: "done" (with a notice to send), "failed", "unknown". 1: it had an outcome before, which stays. "done" brings the password
 * into the account's history, whoever found it out, and when.
 */
int store_intent_end(struct store *s, int64_t row, const char *state);
int store_intents(struct store *s, int64_t after, unsigned int limit,
		  void (*each)(void *to, const struct store_intent *intent), void *to);
int store_intent_count(struct store *s, int64_t *ret);

/* ---- notices ---- */

/* Somebody who is to be told something by mail. */
struct store_notice {
	int64_t row, at; /* wall seconds of what happened */
	char kind[8];	 /* "reset", "pass", "admin" */
	char correlation[STORE_CORRELATION];
	char address[JOB_TO]; /* STORE_NOBODY_YET, STORE_ASK_DIRECTORY, or where it goes */
	char told[JOB_TO];    /* with STORE_ASK_DIRECTORY: the address that has a notice of its own already */
	struct account account;
};

#define STORE_NOBODY_YET ""
#define STORE_ASK_DIRECTORY "?"

/* Within the caller's transaction, so that a notice stands or falls with what it tells. */
int store_notice_add(struct store *s, const struct store_notice *notice);
int store_notices(struct store *s, int64_t after, unsigned int limit,
		  void (*each)(void *to, const struct store_notice *notice), void *to);
int store_notice_done(struct store *s, int64_t row);

/* ---- audit ---- */

struct store_audit {
	int64_t row, at;
	char correlation[STORE_CORRELATION];
	char activity[64], result[16], reason[JOB_DETAIL + 96], method[24], target[ACCOUNT_NAME], object[80], seat[64], actor[32];
	uint8_t hash[CRYPTO_MAC];
};

/* Adds a row whose hash covers it and the hash of the row before. */
int store_audit_add(struct store *s, struct store_audit *row, unsigned int keep);
int store_audit_list(struct store *s, int64_t after, int64_t since, const char *target, unsigned int limit,
		     void (*each)(void *to, const struct store_audit *row), void *to);
/* 0: the chain holds; 1: it breaks at *ret_row. *ret_rows: how many were looked at. */
int store_audit_verify(struct store *s, int64_t *ret_row, int64_t *ret_rows);
/* 1: this activity was written for this target after `since`, or for `most` targets. */
int store_audit_recent(struct store *s, const char *target, const char *activity, int64_t since, unsigned int most);

/* ---- clock ---- */

/* What the lasting clock was last known to be. */
struct store_clock {
	char boot[40]; /* /proc/sys/kernel/random/boot_id */
	int64_t boot_ms, lasting;
};

/* 1: never saved. */
int store_clock_load(struct store *s, struct store_clock *ret);
int store_clock_save(struct store *s, const struct store_clock *clock);
