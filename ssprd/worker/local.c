// SPDX-License-Identifier: LGPL-2.1-or-later

/* ssprd-local: looks local accounts up and sets their passwords. */

#include <stdlib.h>
#include <sysexits.h>

#include "base/log.h"
#include "base/options.h"
#include "directory/local.h"
#include "directory/local_pam.h"
#include "directory/names.h"
#include "flow/policy.h"
#include "worker/serve.h"

/* The lock is waited for in directory/local.c; this ends what hangs in a PAM module or in the name service. */
#define LOCAL_DEADLINE 30

static unsigned int deadline(const struct job *job _unused_)
{
	return LOCAL_DEADLINE;
}

static void work(const void *context, int peer, int leave _unused_, const struct job *job,
		 struct job_result *ret)
{
	switch (job->kind) {
	case JOB_LOOKUP:
		local_lookup(context, peer, job, ret);
		break;
	case JOB_RESET:
		local_reset(context, peer, job, ret);
		break;
	case JOB_NONE:
	case JOB_DELIVER:
	case JOB_NOTIFY:
	default:
		*ret = (struct job_result){ .outcome = OUTCOME_REFUSED, .why = WHY_MISCONFIGURED };
	}
}

int main(int argc, char **argv)
{
	static struct policy policy;
	struct local local = { .policy = &policy, .files = files_etc };
	const struct serve serve = {
		.children = SERVE_CHILDREN, .deadline = deadline, .work = work, .context = &local
	};
	const char *config;
	int r;

	r = options_read(argc, argv, &config);
	if (r != 0)
		return r < 0 ? EX_USAGE : EXIT_SUCCESS;
	log_init("ssprd-local");
	if (process_harden() < 0)
		return EXIT_FAILURE;
	if (policy_load(config, &policy) != 0)
		return EX_CONFIG;
	names_load();
	local_pam_load();
	return serve_handed_over("local", &serve) < 0 ? EXIT_FAILURE : EXIT_SUCCESS;
}
