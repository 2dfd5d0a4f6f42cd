// SPDX-License-Identifier: LGPL-2.1-or-later
/* Recovery codes: printed once, each good for one gate. */
#include "method/methods.h"
#include "method/printed.h"

#define RECOVERY_CHARS 16
#define RECOVERY_GROUP 4

static bool registered(const struct registration *r)
{
	return r->recovery_n > 0;
}

/* All of them are looked at, so that the time does not tell which one it was. */
static bool verify(const struct proof_question *q, struct proof *ret)
{
	bool proven = false;

	for (size_t i = 0; i < q->registration->recovery_n; i++) {
		const struct registration_recovery *kept = &q->registration->recovery[i];

		if (printed_matches(q->recovery_key, kept->salt, kept->hash, q->answer)) {
			ret->recovery_row = kept->row;
			proven = true;
		}
	}
	return proven;
}

int recovery_make(const struct crypto_key *key, struct secret *ret_code, struct registration_recovery *ret)
{
	struct registration_recovery made = {};
	int r = printed_make(key, RECOVERY_CHARS, RECOVERY_GROUP, ret_code, made.salt, made.hash);

	if (r == 0)
		*ret = made;
	return r;
}

const struct method method_recovery = {
	.name = "recovery-code",
	.label = "Recovery code",
	.ask = "one of your recovery codes.",
	.prompt = "Recovery code: ",
	.hidden = true,
	.registered = registered,
	.verify = verify,
};
