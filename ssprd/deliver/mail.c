// SPDX-License-Identifier: LGPL-2.1-or-later
#include "deliver/mail.h"

#include <errno.h>
#include <string.h>
#include <time.h>

#include "base/cleanup.h"
#include "base/handover.h"
#include "base/log.h"
#include "deliver/message.h"

#define MAIL_CREDENTIAL "sspr-mail-password"

struct verdict mail_judge(const struct transfer_report *report)
{
	static const struct verdict done = { .outcome = OUTCOME_DONE };
	static const struct verdict unknown = { .outcome = OUTCOME_UNKNOWN, .why = WHY_UNREACHABLE };
	static const struct verdict rejected = { .outcome = OUTCOME_REFUSED, .why = WHY_REJECTED };
	static const struct verdict misconfigured = { .outcome = OUTCOME_REFUSED, .why = WHY_MISCONFIGURED };
	static const struct verdict untrusted = { .outcome = OUTCOME_REFUSED, .why = WHY_UNREACHABLE };
	static const struct verdict later = { .outcome = OUTCOME_REFUSED, .why = WHY_UNREACHABLE, .again = true };

	if (report->end == TRANSFER_DONE)
		return done;
	if (report->handed_over)
		return unknown;
	if (report->end == TRANSFER_UNTRUSTED || report->end == TRANSFER_GIVEN_UP)
		return untrusted;
	if (report->end == TRANSFER_IMPOSSIBLE)
		return misconfigured;
	if (report->reply >= 400 && report->reply < 500)
		return later;
	if (report->end == TRANSFER_LOGIN)
		return misconfigured;
	return report->reply >= 500 ? rejected : later;
}

/* Editors and echo(1) put a newline at the end of a file, which no mail password has. */
static void drop_newline(struct secret *s)
{
	while (s->len > 0 && (s->b[s->len - 1] == '\n' || s->b[s->len - 1] == '\r'))
		s->b[--s->len] = 0;
}

static int read_password(struct secret *ret)
{
	int r = handover_credential(MAIL_CREDENTIAL, ret->b, SECRET_MAX, &ret->len);

	if (r < 0) {
		log_error("[mail] user needs the credential " MAIL_CREDENTIAL ": %s", strerror(-r));
		return r;
	}
	drop_newline(ret);
	return secret_has_nul(ret) ? -EINVAL : 0;
}

/* One mail on its way by one server. */
struct mail_way {
	const struct trust *trust;
	struct transfer_mail mail;
};

static struct verdict attempt(void *way, const struct job *job)
{
	const struct mail_way *w = way;
	struct transfer_report report;
	struct verdict v;

	transfer_mail(w->trust, &w->mail, &report);
	v = mail_judge(&report);
	if (v.outcome == OUTCOME_DONE)
		log_info("mail %s was taken by the mail server", job->id);
	else
		log_warning("mail %s was not taken%s: %s", job->id,
			    v.outcome == OUTCOME_UNKNOWN ? " for certain" : v.again ? " for now" : "", report.said);
	return v;
}

static void refuse(struct job_result *ret, enum why why)
{
	*ret = (struct job_result){ .outcome = OUTCOME_REFUSED, .why = why };
}

void mail_deliver(const struct mail *m, int peer, int leave, const struct job *job, struct job_result *ret)
{
	_cleanup_(message_wipe) struct message message = {};
	_cleanup_(secret_wipe) struct secret password = {};
	const struct policy_mail *p = m->policy;
	struct mail_way way = { .trust = m->trust };
	struct verdict v;
	int r;

	if (!*p->server || !*p->from) {
		log_error("there is a mail to send, but [mail] has no server");
		return refuse(ret, WHY_MISCONFIGURED);
	}
	r = message_write(job, p->from, time(NULL), &message);
	if (r < 0) {
		log_warning("mail %s cannot be written: %s", job->id, strerror(-r));
		return refuse(ret, WHY_REJECTED);
	}
	if (*p->user && read_password(&password) < 0)
		return refuse(ret, WHY_MISCONFIGURED);
	way.mail = (struct transfer_mail){
		.server = p->server,
		.from = p->from,
		.to = job->to,
		.user = *p->user ? p->user : NULL,
		.password = &password,
		.text = message.b,
		.len = message.len,
		.peer = peer,
	};
	v = persist(attempt, &way, peer, leave, job);
	*ret = (struct job_result){ .outcome = v.outcome, .why = v.why };
}
