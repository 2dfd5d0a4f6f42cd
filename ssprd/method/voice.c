// SPDX-License-Identifier: LGPL-2.1-or-later
/* A code spoken by a call to the registered mobile. */
#include "method/methods.h"
#include "method/sent.h"

const struct method method_voice = {
	.name = "voice",
	.label = "Call to your mobile",
	.ask = "we call your mobile with a code.",
	.prompt = "Code: ",
	.sends = true,
	.family = FAMILY_PHONE,
	.channel = CHANNEL_VOICE,
	.number = sent_mobile,
	.ask_number = "type your whole mobile number, with its country code, like +1 425 5550100.",
	.number_prompt = "Mobile number: ",
	.registered = sent_has_mobile,
	.verify = sent_verify,
};
