// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * A helpdesk pass: given by a person to a person whom they have verified in another way, good for one gate, once, for minutes. It is
 * short enough to be read out on the phone; what keeps it from being guessed is that every try is counted.
 */
#include "method/methods.h"
#include "method/printed.h"

#define PASS_CHARS 10
#define PASS_GROUP 5

static bool registered(const struct registration *r)
{
	return r->pass.row != 0;
}

static bool verify(const struct proof_question *q, struct proof *ret)
{
	const struct registration_pass *kept = &q->registration->pass;

	if (kept->row == 0 || kept->expires <= q->now->lasting ||
	    !printed_matches(q->pass_key, kept->salt, kept->hash, q->answer))
		return false;
	ret->pass_row = kept->row;
	return true;
}

int pass_make(const struct crypto_key *key, struct secret *ret_pass, struct registration_pass *ret)
{
	struct registration_pass made = {};
	int r = printed_make(key, PASS_CHARS, PASS_GROUP, ret_pass, made.salt, made.hash);

	if (r == 0)
		*ret = made;
	return r;
}

const struct method method_pass = {
	.name = "pass",
	.label = "Helpdesk pass",
	.ask = "the pass that your helpdesk gave you.",
	.prompt = "Helpdesk pass: ",
	.hidden = true,
	.registered = registered,
	.verify = verify,
};
