// SPDX-License-Identifier: LGPL-2.1-or-later
/* A code spoken by a call to the registered office phone. */
#include "method/methods.h"
#include "method/sent.h"

static bool registered(const struct registration *r)
{
	return r->office[0] != 0;
}

static const char *number(const struct registration *r)
{
	return r->office;
}

const struct method method_office = {
	.name = "office",
	.label = "Call to your office",
	.ask = "we call your office with a code.",
	.prompt = "Code: ",
	.sends = true,
	.family = FAMILY_PHONE,
	.channel = CHANNEL_VOICE,
	.number = number,
	.ask_number = "type your whole office number, with its country code, like +1 425 5550100.",
	.number_prompt = "Office number: ",
	.registered = registered,
	.verify = sent_verify,
};
