// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

/* Every text that a user sees at the prompt or in a mail. A line stays under 150 characters, a prompt under 30. */

#include "flow/flow.h"

extern const char text_lost_unchanged[];
extern const char text_lost_unconfirmed[];
/* Whether or not it is. */
extern const char text_on_its_way[];
extern const char text_no_number[];

/* How a dialogue ends for whom somebody else must help now. */
enum text_stuck {
	STUCK_TOO_MANY,
	STUCK_UNAVAILABLE,
	STUCK_CANCELLED, /* after something failed */
	STUCK_EXPIRED,	 /* the same */
	STUCK_PASSWORD,	 /* no more tries at a new one */
	STUCK_UNCHANGED,
	STUCK_UNKNOWN,
};

/* Info line with the ways to the helpdesk, as far as it has room; and the helpdesk's page as the address to be shown as a figure. */
void text_stuck(const struct policy *p, enum text_stuck which, struct step *ret);
void text_not_resettable(const struct policy *p, enum why why, struct step *ret);

/* "Step 1 of 2: code from your authenticator app." */
void text_gate(unsigned int required, const struct method *m, unsigned int gate, char *ret, size_t size);
/* "Step 1 of 2: type your whole mobile number, ..." */
void text_number(unsigned int required, const struct method *m, unsigned int gate, char *ret, size_t size);
/* "Enter the code sent at 10:42, or press Enter for a new one." */
void text_resume(int64_t sent, char *ret, size_t size);
/* "Step 1 of 2: on your phone, at https://microsoft.com/devicelogin, enter ABCD1234 and sign in." */
void text_approval(unsigned int required, unsigned int gate, const char *address, const char *code, char *ret, size_t size);
void text_menu(const struct flow *f, char *ret, size_t size);

/* The rules in one line, told before typing; and the one that was broken. */
void text_rules(const struct policy_password *rules, char *ret, size_t size);
void text_broken_rule(const struct policy_password *rules, enum why why, char *ret, size_t size);

/* Subject and body. */
void text_code_mail(const struct flow_rules *rules, const char *code, struct job *ret);
void text_reset_mail(const struct flow_rules *rules, const struct template *template, int64_t wall, struct job *ret);
/* To administrators, of one of them. */
void text_admin_mail(const struct flow_rules *rules, const char *name, int64_t wall, struct job *ret);
void text_pass_mail(const struct flow_rules *rules, int64_t wall, struct job *ret);
