// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

/* One way to prove who one is: a table of texts and functions, one file each in method/. */

#include <stdbool.h>
#include <stddef.h>

#include "base/phone.h"
#include "flow/code.h"
#include "flow/job.h"

#define RECOVERY_CODES 10
#define RECOVERY_SALT 16

struct registration_recovery {
	int64_t row;
	uint8_t salt[RECOVERY_SALT], hash[CRYPTO_MAC];
};

/* What a helpdesk gave the user for one gate. */
struct registration_pass {
	int64_t row, expires; /* row 0: none; lasting seconds */
	uint8_t salt[RECOVERY_SALT], hash[CRYPTO_MAC];
};

/* What an account has registered, as the database holds it; seeds are open here, so it is wiped after use. */
struct registration {
	int64_t account; /* row; 0: nothing at all */
	bool has_authenticator;
	struct secret seed;
	int64_t last_step;
	char mail[JOB_TO], mobile[PHONE], office[PHONE];
	bool sign_in; /* its directory has a sign-in of its own */
	size_t recovery_n;
	struct registration_recovery recovery[RECOVERY_CODES];
	struct registration_pass pass;
};

void registration_wipe(struct registration *r);

/* What must be used up in the database before the proof counts. */
struct proof {
	int64_t step;	      /* authenticator: the time step of the code */
	int64_t recovery_row; /* recovery code: its row */
	int64_t pass_row;     /* helpdesk pass: its row */
};

struct proof_question {
	const struct account *account;
	const struct registration *registration;
	struct code *code; /* the one that was sent in this dialogue, if the method sends one */
	const struct crypto_key *code_key, *recovery_key, *pass_key;
	const struct secret *answer;
	const struct moment *now;
};

/* Of the methods of one family only one counts: one phone in the wrong hands must not be two proofs. */
enum method_family {
	FAMILY_NONE = 0, /* each for itself */
	FAMILY_PHONE,
};

struct method {
	const char *name;   /* in the policy, in the audit */
	const char *label;  /* in the menu */
	const char *ask;    /* follows "Step 1 of 2: " */
	const char *prompt; /* clear without the line above it */
	bool sends;	    /* a code is made and sent when the gate opens */
	enum method_family family;
	enum job_channel channel; /* by which it is sent */
	/* Sent only after the user has typed the whole of this number. NULL: nothing is to be typed. "": none is registered. */
	const char *(*number)(const struct registration *r);
	const char *ask_number, *number_prompt;
	bool approves;	    /* the proof is a sign-in with another device; verify is NULL */
	bool hidden;
	bool not_for_admins; /* is no gate for those whom the policy names as admins */
	bool (*registered)(const struct registration *r);
	/* True when the answer is right; *ret then says what it uses up. */
	bool (*verify)(const struct proof_question *q, struct proof *ret);
};
