// SPDX-License-Identifier: LGPL-2.1-or-later
#include "engine/lookup.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"

#define LOCAL "local"

/* One name, asked of several directories. */
struct lookup {
	struct lookup *next, **at;
	struct server *server;
	enum lookup_whom whom;
	jobs_done_fn *done;
	void *owner;
	unsigned int waiting, known;
	bool trouble;
	size_t spelt_n;
	char spelt[POLICY_DIRECTORIES][ACCOUNT_NAME];
	struct job_result result; /* of the one that knows it, or of the first trouble */
};

static struct jobs *worker(struct server *s, const char *directory)
{
	return strcmp(directory, LOCAL) == 0 ? &s->local : &s->net;
}

static void scope(const struct server *s, enum lookup_whom whom, struct job *job)
{
	const struct policy_directory *d = policy_directory(&s->policy, job->account.directory);
	const char *group = d && *d->entra.group ? d->entra.group : s->policy.group;

	*job->group = 0;
	if (whom == LOOKUP_IN_SCOPE && s->policy.enabled == ENABLED_SELECTED)
		snprintf(job->group, sizeof(job->group), "%.63s", group);
}

static void lookup_free(struct lookup *l)
{
	*l->at = l->next;
	if (l->next)
		l->next->at = l->at;
	job_result_wipe(&l->result);
	free(l);
}

/* Everybody's; what makes no sense of one account is a refusal of that one, and must look like any other. */
static bool is_trouble(const struct job_result *r)
{
	return r->outcome == OUTCOME_UNKNOWN ||
	       (r->outcome == OUTCOME_REFUSED && r->why >= WHY_BUSY && !*r->account.object);
}

static int compare(const void *a, const void *b)
{
	return strcmp(a, b);
}

/* What the name would be in that directory, whether or not somebody has it; in an order that tells nothing. */
static void take_name(struct lookup *l, const struct job_result *r)
{
	char *name = l->spelt[l->spelt_n];

	if (!strchr(r->account.name, '@') || l->spelt_n == POLICY_DIRECTORIES)
		return;
	for (size_t i = 0; i < ACCOUNT_NAME; i++)
		name[i] = (char)tolower((unsigned char)r->account.name[i]);
	for (size_t i = 0; i < l->spelt_n; i++)
		if (strcmp(l->spelt[i], name) == 0)
			return;
	l->spelt_n++;
	qsort(l->spelt, l->spelt_n, sizeof(l->spelt[0]), compare);
}

static void take(struct lookup *l, const struct job_result *r)
{
	if (is_trouble(r)) {
		if (!l->trouble)
			l->result = *r;
		l->trouble = true;
	} else if (r->outcome == OUTCOME_DONE || r->why != WHY_NO_ACCOUNT) {
		if (!l->trouble)
			l->result = *r;
		l->known++;
	}
	take_name(l, r);
}

static void finish(struct lookup *l)
{
	_cleanup_(job_result_wipe) struct job_result result = l->result;
	jobs_done_fn *done = l->done;
	void *owner = l->owner;

	if (l->trouble)
		result.account = (struct account){};
	else if (l->known != 1)
		result = (struct job_result){ .outcome = OUTCOME_REFUSED,
					      .why = l->known ? WHY_AMBIGUOUS : WHY_NO_ACCOUNT };
	if (!l->trouble && l->known == 0 && l->spelt_n > 0)
		memcpy(result.account.name, l->spelt[0], sizeof(result.account.name));
	result.spelt_n = l->spelt_n;
	memcpy(result.spelt, l->spelt, sizeof(result.spelt));
	lookup_free(l);
	done(owner, JOB_LOOKUP, &result);
}

static void on_one(void *owner, enum job_kind kind _unused_, const struct job_result *result)
{
	struct lookup *l = owner;

	take(l, result);
	if (--l->waiting == 0)
		finish(l);
}

static int ask(struct lookup *l, const struct job *job, const char *directory)
{
	struct job one = *job;
	int r;

	snprintf(one.account.directory, sizeof(one.account.directory), "%s", directory);
	scope(l->server, l->whom, &one);
	r = jobs_submit(worker(l->server, directory), &one, on_one, l);
	if (r == 0)
		l->waiting++;
	return r;
}

static int ask_all(struct lookup *l, const struct job *job)
{
	const struct policy *p = &l->server->policy;
	/* Also where local accounts are not reset: a name that is one must not mean another one elsewhere. */
	int r = ask(l, job, LOCAL);

	for (size_t i = 0; i < p->directories_n && r == 0; i++)
		r = ask(l, job, p->directories[i].name);
	return r;
}

static int submit_to_all(struct server *s, const struct job *job, enum lookup_whom whom, jobs_done_fn *done, void *owner)
{
	struct lookup *l = calloc(1, sizeof(*l));
	int r;

	if (!l)
		return -ENOMEM;
	*l = (struct lookup){
		.next = s->lookups, .at = &s->lookups, .server = s, .whom = whom, .done = done, .owner = owner
	};
	if (s->lookups)
		s->lookups->at = &l->next;
	s->lookups = l;
	r = ask_all(l, job);
	if (r < 0) {
		jobs_forget(&s->local, l);
		jobs_forget(&s->net, l);
		lookup_free(l);
	}
	return r;
}

int lookup_submit(struct server *s, struct job *job, enum lookup_whom whom, jobs_done_fn *done, void *owner)
{
	bool everywhere = job->kind == JOB_LOOKUP && !*job->account.directory;

	if (everywhere && s->policy.directories_n > 0)
		return submit_to_all(s, job, whom, done, owner);
	if (everywhere)
		snprintf(job->account.directory, sizeof(job->account.directory), LOCAL);
	scope(s, whom, job);
	return jobs_submit(worker(s, job->account.directory), job, done, owner);
}

void lookup_forget(struct server *s, const void *owner)
{
	for (struct lookup *l = s->lookups, *next; l; l = next) {
		next = l->next;
		if (l->owner != owner)
			continue;
		jobs_forget(&s->local, l);
		jobs_forget(&s->net, l);
		lookup_free(l);
	}
	jobs_forget(&s->local, owner);
	jobs_forget(&s->net, owner);
}
