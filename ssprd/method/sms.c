// SPDX-License-Identifier: LGPL-2.1-or-later
/* A code by text message to the registered mobile. */
#include "method/methods.h"

static bool registered(const struct registration *r)
{
	return r->mobile[0] != 0;
}

static const char *number(const struct registration *r)
{
	return r->mobile;
}

static bool verify(const struct proof_question *q, struct proof *ret)
{
	(void)ret;
	return code_matches(q->code, q->code_key, q->account, q->answer, q->now);
}

const struct method method_sms = {
	.name = "sms",
	.label = "Text message",
	.ask = "we sent a code to your phone.",
	.prompt = "Code: ",
	.sends = true,
	.family = FAMILY_PHONE,
	.channel = CHANNEL_SMS,
	.number = number,
	.ask_number = "type your whole mobile number, with its country code, like +1 425 5550100.",
	.number_prompt = "Mobile number: ",
	.registered = registered,
	.verify = verify,
};
