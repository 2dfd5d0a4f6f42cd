// SPDX-License-Identifier: LGPL-2.1-or-later
#include "method/sent.h"

bool sent_verify(const struct proof_question *q, struct proof *ret)
{
	(void)ret;
	return code_matches(q->code, q->code_key, q->account, q->answer, q->now);
}

bool sent_has_mobile(const struct registration *r)
{
	return r->mobile[0] != 0;
}

const char *sent_mobile(const struct registration *r)
{
	return r->mobile;
}
