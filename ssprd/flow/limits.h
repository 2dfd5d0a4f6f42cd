// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

/*
 * When a try to prove is allowed: Entra's limits per account and gate, ours per seat and for all. Only resets are
 * limited, never a login. The counts are what the database holds within each limit's window; a try is counted before
 * it is looked at.
 */

#include "flow/policy.h"

struct limits_counts {
	int64_t blocked_until; /* lasting seconds; 0: not blocked */
	unsigned int account, gate, seat, global;
	unsigned int seat_users; /* different accounts and names tried at this seat */
	bool known_at_seat;	 /* this one is among them */
};

enum limits_verdict {
	LIMITS_ALLOWED,
	LIMITS_LAST,  /* allowed, and the one after it will not be: block the account now */
	LIMITS_BLOCK, /* not allowed, and the account is to be blocked for policy_limits.block */
	LIMITS_BUSY,  /* not allowed */
};

enum limits_verdict limits_judge(const struct policy_limits *limits, const struct limits_counts *counts, int64_t now);
