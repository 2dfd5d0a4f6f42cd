// SPDX-License-Identifier: LGPL-2.1-or-later
/* The configuration: whatever is in the file, no limit of a policy that was taken is outside of its bounds. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "flow/policy.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void hear(void *to, const char *line)
{
	(void)to;
	if (strlen(line) < 10)
		abort();
}

static void judge(const struct policy *p)
{
	const struct policy_limits *l = &p->limits;

	if (p->required < 1 || p->required > 2 || p->methods.n < p->required)
		abort();
	if (l->account_failures < 1 || l->account_failures > 100 || l->code_tries < 1 || l->code_tries > 10 ||
	    l->block < 600 || l->verified < 30 || l->verified > 600 || l->dialogue > 1800)
		abort();
	if (p->password.min_length < 8 || p->password.max_length < p->password.min_length)
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct conf_report report = { .say = hear };
	_cleanup_(closep) int fd = memfd_create("conf", MFD_CLOEXEC);
	static struct policy p;
	char path[64];

	if (fd < 0 || fchmod(fd, 0600) < 0 || write(fd, data, size) != (ssize_t)size)
		return 0;
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	if (policy_read(path, &p, &report) == 0)
		judge(&p), policy_done(&p);
	else if (report.mistakes == 0)
		abort();
	return 0;
}
