// SPDX-License-Identifier: LGPL-2.1-or-later
#include "flow/limits.h"

enum limits_verdict limits_judge(const struct policy_limits *limits, const struct limits_counts *counts, int64_t now)
{
	if (counts->blocked_until > now)
		return LIMITS_BUSY;
	if (counts->account >= limits->account_failures || counts->gate >= limits->gate_failures)
		return LIMITS_BLOCK;
	if (counts->seat >= limits->seat_failures || counts->global >= limits->global_failures)
		return LIMITS_BUSY;
	if (!counts->known_at_seat && counts->seat_users >= limits->seat_users)
		return LIMITS_BUSY;
	if (counts->account + 1 >= limits->account_failures || counts->gate + 1 >= limits->gate_failures)
		return LIMITS_LAST;
	return LIMITS_ALLOWED;
}
