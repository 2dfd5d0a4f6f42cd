// SPDX-License-Identifier: LGPL-2.1-or-later

/* ssprd-net: asks Entra, writes to it, delivers mail, and asks lists of stolen passwords. */

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>

#include "base/log.h"
#include "base/options.h"
#include "deliver/graph_mail.h"
#include "deliver/mail.h"
#include "directory/approval.h"
#include "directory/entra.h"
#include "flow/policy.h"
#include "web/breached.h"
#include "worker/serve.h"

/* What the last try may take beyond the job's life. */
#define NET_GRACE 30
/* A write is asked for, waits for a busy directory, and looks what came of it. */
#define NET_WRITE 45

/* Everything that is parsed once, in the parent. */
struct net {
	const struct policy *policy;
	struct trust *mail, *breached;
	struct trust *directories[POLICY_DIRECTORIES];
};

static unsigned int deadline(const struct job *job)
{
	if (job->kind == JOB_RESET)
		return NET_WRITE;
	return (job->life < PERSIST_MAX ? job->life : PERSIST_MAX) + NET_GRACE;
}

static void refuse(struct job_result *ret, enum why why)
{
	*ret = (struct job_result){ .outcome = OUTCOME_REFUSED, .why = why };
}

static bool of_directory(const struct net *net, const char *name, int peer, struct entra *ret)
{
	const struct policy_directory *d = policy_directory(net->policy, name);

	if (!d)
		return false;
	*ret = (struct entra){
		.policy = net->policy, .directory = d, .trust = net->directories[d - net->policy->directories], .peer = peer
	};
	return true;
}

static void deliver(const struct net *net, int peer, int leave, const struct job *job, struct job_result *ret)
{
	const struct mail mail = { .policy = &net->policy->mail, .trust = net->mail };
	struct entra e;

	if (of_directory(net, net->policy->mail.directory, peer, &e))
		graph_mail_deliver(&(struct graph_mail){ .policy = net->policy, .directory = e.directory, .trust = e.trust }, peer,
				   leave, job, ret);
	else
		mail_deliver(&mail, peer, leave, job, ret);
}

static void of_account(const struct net *net, int peer, const struct job *job, struct job_result *ret)
{
	static void (*const work[])(const struct entra *, const struct job *, struct job_result *) = {
		[JOB_LOOKUP] = entra_lookup,	 [JOB_RESET] = entra_reset, [JOB_APPROVAL] = approval_begin,
		[JOB_APPROVE] = approval_ask, [JOB_CHECK] = entra_check,
	};
	struct entra e;

	if (of_directory(net, job->account.directory, peer, &e))
		work[job->kind](&e, job, ret);
	else
		refuse(ret, WHY_MISCONFIGURED);
}

static void range(const struct net *net, int peer, const struct job *job, struct job_result *ret)
{
	const struct breached b = { .policy = &net->policy->password, .trust = net->breached, .peer = peer };

	breached_ask(&b, job, ret);
}

static void work(const void *context, int peer, int leave, const struct job *job, struct job_result *ret)
{
	switch (job->kind) {
	case JOB_DELIVER:
	case JOB_NOTIFY:
		deliver(context, peer, leave, job, ret);
		break;
	case JOB_LOOKUP:
	case JOB_RESET:
	case JOB_APPROVAL:
	case JOB_APPROVE:
	case JOB_CHECK:
		of_account(context, peer, job, ret);
		break;
	case JOB_BREACHED:
		range(context, peer, job, ret);
		break;
	case JOB_NONE:
	case JOB_VERIFY:
	default:
		refuse(ret, WHY_MISCONFIGURED);
	}
}

static int trust(const char *ca_file, struct trust **ret)
{
	int r = trust_open(ca_file, ret);

	if (r < 0)
		log_error("the certificates to trust cannot be read from %s: %s", *ca_file ? ca_file : "the system's place",
			  strerror(-r));
	return r;
}

/* The one that was read for this file already, or NULL. */
static struct trust *known(const struct net *net, const char *ca_file)
{
	if (net->mail && strcmp(net->policy->mail.ca_file, ca_file) == 0)
		return net->mail;
	for (size_t i = 0; i < net->policy->directories_n; i++)
		if (net->directories[i] && strcmp(net->policy->directories[i].entra.ca_file, ca_file) == 0)
			return net->directories[i];
	return NULL;
}

static int trust_breached(struct net *net)
{
	const char *ca_file = net->policy->password.breached_ca_file;

	if (net->policy->password.breached == BREACHED_OFF)
		return 0;
	net->breached = known(net, ca_file);
	return net->breached ? 0 : trust(ca_file, &net->breached);
}

static int trust_all(struct net *net)
{
	int r = *net->policy->mail.server ? trust(net->policy->mail.ca_file, &net->mail) : 0;

	for (size_t i = 0; i < net->policy->directories_n && r == 0; i++) {
		const char *ca_file = net->policy->directories[i].entra.ca_file;

		net->directories[i] = known(net, ca_file);
		if (!net->directories[i])
			r = trust(ca_file, &net->directories[i]);
	}
	return r < 0 ? r : trust_breached(net);
}

int main(int argc, char **argv)
{
	static struct policy policy;
	static struct net net = { .policy = &policy };
	const struct serve serve = {
		.children = SERVE_CHILDREN, .deadline = deadline, .work = work, .context = &net
	};
	const char *config;
	int r;

	r = options_read(argc, argv, &config);
	if (r != 0)
		return r < 0 ? EX_USAGE : EXIT_SUCCESS;
	log_init("ssprd-net");
	if (process_harden() < 0)
		return EXIT_FAILURE;
	if (policy_load(config, &policy) != 0 || trust_all(&net) < 0)
		return EX_CONFIG;
	return serve_handed_over("net", &serve) < 0 ? EXIT_FAILURE : EXIT_SUCCESS;
}
