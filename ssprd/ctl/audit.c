// SPDX-License-Identifier: LGPL-2.1-or-later
#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "base/cleanup.h"
#include "base/conf.h"
#include "ctl/client.h"
#include "ctl/commands.h"
#include "ctl/ctl.h"
#include "ctl/output.h"

/* A date of local time, with or without the hour. */
static int read_date(const char *text, time_t *ret)
{
	static const char *const forms[] = { "%Y-%m-%d", "%Y-%m-%d %H:%M", "%Y-%m-%d %H:%M:%S", "%Y-%m-%dT%H:%M:%S" };

	for (size_t i = 0; i < ARRAY_SIZE(forms); i++) {
		struct tm tm = { .tm_isdst = -1 };
		const char *end = strptime(text, forms[i], &tm);

		if (!end || *end)
			continue;
		*ret = mktime(&tm);
		return *ret > 0 ? 0 : -EINVAL;
	}
	return -EINVAL;
}

static int read_since(const char *text, uint64_t *ret)
{
	time_t when, now = time(NULL);
	int64_t ago;

	if (conf_duration(text, &ago) == 0)
		when = now > ago ? now - ago : 1;
	else if (read_date(text, &when) < 0)
		return -EINVAL;
	*ret = (uint64_t)when;
	return 0;
}

static int ask_audit(const struct ctl *ctl, const struct client_request *q, const char *empty)
{
	_cleanup_(output_free) struct output rows = {};
	struct client_end end = {};
	int status = client_ask(ctl, q, &rows, &end);

	if (status != CTL_OK)
		return status;
	if (ctl->json || rows.rows > 0)
		output_print(&rows, ctl->json ? OUTPUT_JSON : OUTPUT_TABLE);
	else
		puts(*end.text ? end.text : empty);
	return CTL_OK;
}

int ctl_audit(const struct ctl *ctl, int argc, char **argv)
{
	static const struct option options[] = {
		{ "user", required_argument, NULL, 'u' },
		{ "since", required_argument, NULL, 's' },
		{ "verify", no_argument, NULL, 'v' },
		{},
	};
	static const struct client_request verification = { .verb = "audit-verify" };
	struct client_request q = { .verb = "audit" };
	bool verify = false;
	int option;

	while ((option = getopt_long(argc, argv, "", options, NULL)) >= 0) {
		if (option == 'u')
			q.user = optarg;
		else if (option == 's' && read_since(optarg, &q.since) < 0)
			return ctl_fail(ctl, CTL_USAGE, "--since %s: must be a time like 90s, 5m, 24h, 7d, or a date like "
							"2026-01-31 or \"2026-01-31 08:00\"", optarg);
		else if (option == 'v')
			verify = true;
		else if (option == '?')
			return ctl_usage(argv[0]);
	}
	if (optind != argc || (verify && (q.user || q.since > 0)))
		return ctl_usage(argv[0]);
	if (verify)
		return ask_audit(ctl, &verification, "The audit is whole.");
	return ask_audit(ctl, &q, "Nothing is recorded.");
}
