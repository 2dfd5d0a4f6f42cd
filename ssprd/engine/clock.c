// SPDX-License-Identifier: LGPL-2.1-or-later
#include "engine/clock.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "base/boot.h"
#include "base/cleanup.h"

static void boot_id(char *ret, size_t size)
{
	_cleanup_(fclosep) FILE *f = fopen("/proc/sys/kernel/random/boot_id", "re");

	/* Without it every start counts as a new boot, which is the careful side. */
	if (!f || !fgets(ret, (int)size, f))
		snprintf(ret, size, "unknown");
	ret[strcspn(ret, "\n")] = 0;
}

int clock_init(struct clock *c, struct store *store)
{
	int64_t now = boot_ms() / 1000, wall = time(NULL);
	struct store_clock saved;
	int r = store_clock_load(store, &saved);

	if (r < 0)
		return r;
	*c = (struct clock){ .offset = wall - now };
	boot_id(c->boot, sizeof(c->boot));
	if (r == 0 && strcmp(saved.boot, c->boot) == 0 && strcmp(c->boot, "unknown") != 0)
		c->offset = saved.lasting - saved.boot_ms / 1000;
	else if (r == 0 && saved.lasting > wall)
		c->offset = saved.lasting - now;
	return clock_save(c, store);
}

void clock_now(const struct clock *c, struct moment *ret)
{
	ret->boot = boot_ms();
	ret->wall = time(NULL);
	ret->lasting = c->offset + ret->boot / 1000;
}

int clock_save(const struct clock *c, struct store *store)
{
	struct store_clock now = {};
	struct moment m;

	clock_now(c, &m);
	snprintf(now.boot, sizeof(now.boot), "%s", c->boot);
	now.boot_ms = m.boot;
	now.lasting = m.lasting;
	return store_clock_save(store, &now);
}

int clock_accept(struct clock *c, struct store *store)
{
	struct clock accepted = *c;
	int r;

	accepted.offset = time(NULL) - boot_ms() / 1000;
	r = clock_save(&accepted, store);
	if (r == 0)
		*c = accepted;
	return r;
}
