// SPDX-License-Identifier: LGPL-2.1-or-later
/* A sign-in with another device at the account's own directory, by a passkey or an app: the directory says who it was. */
#include "method/methods.h"

static bool registered(const struct registration *r)
{
	return r->sign_in;
}

const struct method method_app = {
	.name = "app",
	.label = "Sign in with your phone",
	.ask = "on your phone, at",
	.prompt = "Enter when done (0: back): ",
	.approves = true,
	.registered = registered,
};
