// SPDX-License-Identifier: LGPL-2.1-or-later
/* A code sent to the registered mail address. */
#include "method/methods.h"
#include "method/sent.h"

static bool registered(const struct registration *r)
{
	return r->mail[0] != 0;
}

const struct method method_email = {
	.name = "email",
	.label = "E-mail code",
	.ask = "we sent a code to your e-mail.",
	.prompt = "Code: ",
	.sends = true,
	.registered = registered,
	.verify = sent_verify,
};
