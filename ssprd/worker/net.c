// SPDX-License-Identifier: LGPL-2.1-or-later

/* ssprd-net: asks Entra, writes to it, delivers mail, text messages and calls, and asks lists of stolen passwords. */

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>

#include "base/log.h"
#include "base/options.h"
#include "deliver/graph_mail.h"
#include "deliver/mail.h"
#include "deliver/phone.h"
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
	struct trust *mail, *sms, *voice, *breached;
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

	if (job->channel != CHANNEL_MAIL)
		phone_deliver(&(struct phone){ .policy = net->policy, .sms = net->sms, .voice = net->voice }, peer, leave, job, ret);
	else if (of_directory(net, net->policy->mail.directory, peer, &e))
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
	case JOB_NUMBER:
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
	if (net->sms && strcmp(net->policy->sms.ca_file, ca_file) == 0)
		return net->sms;
	if (net->voice && strcmp(net->policy->voice.ca_file, ca_file) == 0)
		return net->voice;
	for (size_t i = 0; i < net->policy->directories_n; i++)
		if (net->directories[i] && strcmp(net->policy->directories[i].entra.ca_file, ca_file) == 0)
			return net->directories[i];
	return NULL;
}

/* A file that was read already is not read again. */
static int trust_shared(const struct net *net, const char *ca_file, struct trust **ret)
{
	struct trust *same = known(net, ca_file);

	if (!same)
		return trust(ca_file, ret);
	*ret = same;
	return 0;
}

static int trust_all(struct net *net)
{
	const struct policy *p = net->policy;
	int r = *p->mail.server ? trust(p->mail.ca_file, &net->mail) : 0;

	if (r == 0 && p->sms.provider != PROVIDER_NONE)
		r = trust_shared(net, p->sms.ca_file, &net->sms);
	if (r == 0 && p->voice.provider != PROVIDER_NONE)
		r = trust_shared(net, p->voice.ca_file, &net->voice);
	for (size_t i = 0; i < p->directories_n && r == 0; i++)
		r = trust_shared(net, p->directories[i].entra.ca_file, &net->directories[i]);
	if (r == 0 && p->password.breached != BREACHED_OFF)
		r = trust_shared(net, p->password.breached_ca_file, &net->breached);
	return r;
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
