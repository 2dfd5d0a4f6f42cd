// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

/*
 * The dialogue of a forgotten password as a pure machine: an event goes in, effects come out. It does no I/O, reads no
 * clock, allocates nothing, and knows no secret after a dispatch but the HMAC of what was typed.
 *
 *     IDLE --START--> LOOKING                         the keyword was typed
 *     IDLE --START--> (hint, over)                    a wrong password
 *     IDLE --START--> CHALLENGE --ANSWER--> LOOKING   too many wrong passwords
 *     LOOKING --DONE(LOOKUP)--> CODE                  a gate is open: its method asks
 *     CODE <--ANSWER--> MENU                          Enter: another method
 *     NUMBER --ANSWER--> NUMBERING --DONE(NUMBER)--> CODE   a code goes to a phone only when its number was typed; a wrong one
 *                                                     looks the same, and its code goes nowhere and never proves anything
 *     CODE --ANSWER--> VERIFYING --DONE(VERIFY)--> CODE, or the next gate, or NEW
 *     MENU --ANSWER--> OPENING --DONE(APPROVAL)--> APPROVAL   a method that is a sign-in elsewhere
 *     APPROVAL --ANSWER--> APPROVING --DONE(APPROVE)--> APPROVAL, or the next gate, or NEW
 *     NEW --ANSWER--> AGAIN, or NEW when the password breaks a rule
 *     NEW --ANSWER--> SCREENING --DONE(BREACHED)--> AGAIN, or NEW      where lists of stolen passwords are asked
 *     AGAIN --ANSWER--> WRITING --DONE(RESET)--> over, or NEW when the password breaks a rule of the writer's
 *     WRITING --DONE(RESET), unknown--> RECONCILING --DONE(LOOKUP)--> over
 *
 * A dialogue for an account that cannot be reset is a decoy: it walks the same road up to the last wrong code, and no
 * answer passes a gate. Once the write is asked for, nothing but its outcome ends the flow: a client that goes away
 * changes what is shown, not what is written.
 */

#include "base/wire.h"
#include "flow/code.h"
#include "flow/job.h"
#include "flow/method.h"
#include "flow/policy.h"

#define FLOW_METHODS 8
#define FLOW_INFO 256
#define FLOW_PROMPT 32
#define FLOW_FACTS 4

/* What every dialogue of a server shares; outlives them. */
struct flow_rules {
	const struct policy *policy;
	const struct method *methods[FLOW_METHODS]; /* in the policy's order */
	size_t methods_n;
	struct crypto_key code_key; /* made at start, never stored */
	char host[64];		    /* named in messages */
};

enum flow_state {
	FLOW_IDLE,
	FLOW_CHALLENGE,
	FLOW_LOOKING,
	FLOW_MENU,
	FLOW_NUMBER,
	FLOW_NUMBERING,
	FLOW_CODE,
	FLOW_VERIFYING,
	FLOW_OPENING,
	FLOW_APPROVAL,
	FLOW_APPROVING,
	FLOW_NEW,
	FLOW_SCREENING,
	FLOW_AGAIN,
	FLOW_WRITING,
	FLOW_RECONCILING,
	FLOW_OVER,
};

struct flow {
	const struct flow_rules *rules;
	enum flow_state state;
	struct account account; /* name as typed, until the look-up has completed it */
	char names[JOB_NAMES];	/* of the person, as the look-up told them */
	int64_t started, verified; /* boot milliseconds */
	bool decoy, begun, gone, resumed;
	bool admin;  /* always two gates */
	bool failed; /* something was wrong, so that who gives up may need help */
	uint8_t passed;	  /* bit per method */
	uint8_t gate;	  /* gates passed */
	uint8_t method;	  /* the one that asks */
	uint8_t sends, new_tries;
	uint8_t language; /* of what a phone shows or speaks */
	uint16_t challenge;
	enum why decoy_why;
	struct code code;
	uint8_t code_method;	       /* which method sent it */
	uint8_t first[CRYPTO_MAC];     /* of the new password, typed once */
};

enum event_type {
	EVENT_START,
	EVENT_ANSWER,
	EVENT_DONE,
	EVENT_TICK,
	EVENT_CANCEL,
};

struct event {
	enum event_type type;
	struct moment now;
	uint8_t entropy[CODE_ENTROPY]; /* fresh for every event */
	/* START */
	enum wire_reason reason;
	const char *name;
	const char *locale; /* of the login program; NULL: not known */
	unsigned int failures; /* of this user at this seat, this one included */
	/* ANSWER */
	const struct secret *answer;
	/* DONE */
	enum job_kind job;
	struct job_result result;
	/* DONE of a LOOKUP that found someone, or no one: what the database says of that account or name */
	bool registered; /* enough methods for the policy */
	bool blocked;
	const struct code *resume; /* a code that was sent to this account at this seat before the connection was lost */
	unsigned int resume_method;
};

struct step {
	enum step_kind kind; /* 0: nothing to show */
	enum step_result result;
	char info[FLOW_INFO], prompt[FLOW_PROMPT];
	char address[JOB_ADDRESS]; /* of a web page that the user is to open elsewhere; "" = none */
	const char *lost; /* what to tell if the connection dies now */
};

enum fact_kind {
	FACT_NONE,
	FACT_STARTED,
	FACT_NOT_RESETTABLE, /* why; the dialogue is a decoy */
	FACT_CODE_SENT,
	FACT_CODE_DELIVERED,
	FACT_CODE_UNDELIVERED, /* why */
	FACT_PROOF_FAILED,
	FACT_GATE_PASSED,
	FACT_VERIFIED, /* all gates */
	FACT_BLOCKED,
	FACT_PASSWORD_REFUSED, /* why */
	FACT_INTENT,	       /* the write is about to be asked for */
	FACT_RESET,
	FACT_UNCHANGED, /* why */
	FACT_UNKNOWN,
	FACT_CANCELLED,
	FACT_EXPIRED,
	FACT_UNAVAILABLE, /* why */
	FACT_VIOLATION,
	FACT_KINDS,
};

struct fact {
	enum fact_kind kind;
	const char *method; /* name, or NULL */
	enum why why;
	const char *detail; /* of the event's result, for an administrator; or NULL */
};

/*
 * Carried out in this order: facts (committed), then the job, then the step; wiped afterwards. FACT_CODE_SENT counts against the
 * limits: where they forbid it, nothing of these effects is carried out, and DONE(DELIVER), refused with WHY_BUSY, comes next.
 */
struct effects {
	struct fact facts[FLOW_FACTS];
	size_t facts_n;
	struct job job;
	struct step step;
};

void flow_init(struct flow *f, const struct flow_rules *rules);

/*
 * 0, or -EPROTO when the event is not permitted in this state: the flow is then over (or, while a write is under way,
 * goes on without its client). *ret is always filled in. Returns -EIO when the cryptography failed; the flow is over.
 */
int flow_dispatch(struct flow *f, const struct event *ev, struct effects *ret);

/* Whether the method may open a gate of this dialogue that is still closed. */
static inline bool flow_offers(const struct flow *f, size_t method)
{
	return !(f->passed & (1u << method)) && !(f->admin && f->rules->methods[method]->not_for_admins);
}

static inline bool flow_over(const struct flow *f)
{
	return f->state == FLOW_OVER;
}

/* A write was asked for, and its outcome is not known yet. */
static inline bool flow_writing(const struct flow *f)
{
	return f->state == FLOW_WRITING || f->state == FLOW_RECONCILING;
}

/* The earliest boot millisecond at which a TICK changes something. */
int64_t flow_deadline(const struct flow *f);

/* A sent code that may be taken up by the next dialogue of this account at this seat. */
bool flow_resumable(const struct flow *f, const struct moment *now);

void effects_wipe(struct effects *e);

/* One word, as in flow stories. */
const char *fact_name(enum fact_kind kind);
