// SPDX-License-Identifier: LGPL-2.1-or-later
/* A code sent to the registered mail address. */
#include "method/methods.h"

static bool registered(const struct registration *r)
{
	return r->mail[0] != 0;
}

static bool verify(const struct proof_question *q, struct proof *ret)
{
	(void)ret;
	return code_matches(q->code, q->code_key, q->account, q->answer, q->now);
}

const struct method method_email = {
	.name = "email",
	.label = "E-mail code",
	.ask = "we sent a code to your e-mail.",
	.prompt = "Code: ",
	.sends = true,
	.registered = registered,
	.verify = verify,
};
