// SPDX-License-Identifier: LGPL-2.1-or-later
#include "deliver/persist.h"

#include <errno.h>
#include <poll.h>

#include "base/boot.h"
#include "base/cleanup.h"

#define PAUSE_MAX_MS 60000

/* True when nobody minded. */
static bool pause_for(int peer, int leave, int64_t ms)
{
	struct pollfd fds[] = { { .fd = peer, .events = POLLIN }, { .fd = leave, .events = POLLIN } };
	int64_t end = boot_ms() + ms;

	while (ms > 0) {
		int r = poll(fds, ARRAY_SIZE(fds), (int)ms);

		if (r > 0 || (r < 0 && errno != EINTR))
			return false;
		ms = end - boot_ms();
	}
	return true;
}

struct verdict persist(persist_fn *attempt, void *way, int peer, int leave, const struct job *job)
{
	int64_t life = job->life < PERSIST_MAX ? job->life : PERSIST_MAX;
	int64_t end = boot_ms() + life * 1000, next = 1000;

	for (;;) {
		struct verdict v = attempt(way, job);
		int64_t wait = (int64_t)v.wait * 1000, pause = wait > next ? wait : next;

		if (!v.again || boot_ms() + pause > end || !pause_for(peer, leave, pause))
			return v;
		next = next < PAUSE_MAX_MS / 2 ? 2 * next : PAUSE_MAX_MS;
	}
}
