// SPDX-License-Identifier: LGPL-2.1-or-later
/* check: the mistakes by ssprd's own parser, and what is no mistake but may not be meant. */

#include <errno.h>
#include <getopt.h>
#include <grp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "ctl/commands.h"
#include "ctl/ctl.h"
#include "ctl/output.h"
#include "flow/policy.h"

#define CHECK_CONFIG "/etc/sspr/ssprd.conf"

struct findings {
	struct output rows;
	size_t mistakes;
	int error; /* out of memory */
};

static void findings_free(struct findings *f)
{
	output_free(&f->rows);
}

static void add(struct findings *f, const char *level, const char *text)
{
	const char *const head[] = { "level", "text" }, *const row[] = { level, text };
	int r = output_head(&f->rows, head, ARRAY_SIZE(head));

	if (r == 0)
		r = output_row(&f->rows, row, ARRAY_SIZE(row));
	if (r < 0)
		f->error = r;
}

static void on_mistake(void *to, const char *line)
{
	struct findings *f = to;

	f->mistakes++;
	add(f, "mistake", line);
}

static void __attribute__((format(printf, 2, 3))) warn(struct findings *f, const char *format, ...)
{
	char line[512];
	va_list args;

	va_start(args, format);
	vsnprintf(line, sizeof(line), format, args);
	va_end(args);
	add(f, "warning", line);
}

static void warn_of_scope(struct findings *f, const struct policy *p)
{
	if (p->enabled == ENABLED_NONE)
		warn(f, "[properties] enabled = none: nobody can reset a password");
	if (p->enabled == ENABLED_SELECTED && !getgrnam(p->group))
		warn(f, "[properties] group = %s: this machine knows no such group, so nobody is in it", p->group);
}

static void warn_of_mail(struct findings *f, const struct policy *p)
{
	if (policy_list_has(&p->methods, "email") && !*p->mail.server)
		warn(f, "[mail] server is not set, but email is a method: no code can be sent");
	if (*p->mail.ca_file && access(p->mail.ca_file, R_OK) < 0)
		warn(f, "[mail] ca-file = %s: %s", p->mail.ca_file, strerror(errno));
}

static void warn_of_policy(struct findings *f, const struct policy *p)
{
	warn_of_scope(f, p);
	warn_of_mail(f, p);
	if (p->required == 1)
		warn(f, "[authentication-methods] required = 1: one stolen phone or mailbox is enough to take an account");
	if (!*p->helpdesk)
		warn(f, "[customization] helpdesk is not set: who is stuck is not told whom to ask");
	if (p->self_service)
		warn(f, "[services] self-service = yes: every program of a user can begin a reset of the user's account");
}

static void print_findings(const struct ctl *ctl, const struct findings *f, const char *path)
{
	if (ctl->json) {
		output_print(&f->rows, OUTPUT_JSON);
		return;
	}
	for (size_t i = 0; i < f->rows.rows; i++) {
		const char *level = output_value(&f->rows, i, "level"), *text = output_value(&f->rows, i, "text");

		if (strcmp(level, "mistake") == 0)
			fprintf(stderr, "%s\n", text);
		else
			fprintf(stderr, "%s: %s\n", level, text);
	}
	if (f->mistakes == 0)
		printf("%s: no mistake found.\n", path);
}

static int check(const struct ctl *ctl, const char *path)
{
	_cleanup_(findings_free) struct findings f = {};
	struct conf_report report = { .say = on_mistake, .to = &f };
	struct policy p;

	if (policy_read(path, &p, &report) == 0)
		warn_of_policy(&f, &p);
	if (f.error < 0)
		return ctl_fail(ctl, CTL_FAILED, "%s", strerror(-f.error));
	print_findings(ctl, &f, path);
	return f.mistakes > 0 ? CTL_FAILED : CTL_OK;
}

int ctl_check(const struct ctl *ctl, int argc, char **argv)
{
	static const struct option options[] = {
		{ "config", required_argument, NULL, 'c' },
		{},
	};
	const char *path = CHECK_CONFIG;
	int option;

	while ((option = getopt_long(argc, argv, "", options, NULL)) >= 0) {
		if (option == '?')
			return ctl_usage(argv[0]);
		path = optarg;
	}
	return optind == argc ? check(ctl, path) : ctl_usage(argv[0]);
}
