// SPDX-License-Identifier: LGPL-2.1-or-later

/* ssprd-net: delivers mail. */

#include <stdlib.h>
#include <string.h>
#include <sysexits.h>

#include "base/log.h"
#include "base/options.h"
#include "deliver/mail.h"
#include "flow/policy.h"
#include "worker/serve.h"

/* What the last try may take beyond the job's life. */
#define NET_GRACE 30

static unsigned int deadline(const struct job *job)
{
	return (job->life < MAIL_LIFE_MAX ? job->life : MAIL_LIFE_MAX) + NET_GRACE;
}

static void work(const void *context, int peer, int leave, const struct job *job, struct job_result *ret)
{
	switch (job->kind) {
	case JOB_DELIVER:
	case JOB_NOTIFY:
		mail_deliver(context, peer, leave, job, ret);
		break;
	case JOB_NONE:
	case JOB_LOOKUP:
	case JOB_RESET:
	default:
		*ret = (struct job_result){ .outcome = OUTCOME_REFUSED, .why = WHY_MISCONFIGURED };
	}
}

static int run(const struct policy *policy)
{
	struct transfer *transfer;
	struct mail mail = { .policy = &policy->mail };
	const struct serve serve = {
		.children = SERVE_CHILDREN, .deadline = deadline, .work = work, .context = &mail
	};
	int r = transfer_open(policy->mail.ca_file, &transfer);

	if (r < 0) {
		log_error("the certificates to trust cannot be read from %s: %s",
			  *policy->mail.ca_file ? policy->mail.ca_file : "the system's place", strerror(-r));
		return EX_CONFIG;
	}
	mail.transfer = transfer;
	r = serve_handed_over("net", &serve);
	transfer_close(transfer);
	return r < 0 ? EXIT_FAILURE : EXIT_SUCCESS;
}

int main(int argc, char **argv)
{
	static struct policy policy;
	const char *config;
	int r;

	r = options_read(argc, argv, &config);
	if (r != 0)
		return r < 0 ? EX_USAGE : EXIT_SUCCESS;
	log_init("ssprd-net");
	if (process_harden() < 0)
		return EXIT_FAILURE;
	if (policy_load(config, &policy) != 0)
		return EX_CONFIG;
	return run(&policy);
}
