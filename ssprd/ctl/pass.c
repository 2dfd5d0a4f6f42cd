// SPDX-License-Identifier: LGPL-2.1-or-later
/* pass issue, list, revoke: what a helpdesk does for a caller. */

#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "ctl/client.h"
#include "ctl/commands.h"
#include "ctl/ctl.h"
#include "ctl/output.h"

/* -1 when it is no number of minutes; ssprd knows the bounds. */
static long read_minutes(const char *text)
{
	size_t len = strspn(text, "0123456789");

	return len > 0 && len < 6 && !text[len] && strtol(text, NULL, 10) > 0 ? strtol(text, NULL, 10) : -1;
}

/* The pass alone on its line, fit to be read out. */
static void print_pass(const struct ctl *ctl, const struct output *rows)
{
	if (ctl->json) {
		output_print(rows, OUTPUT_JSON);
		return;
	}
	puts(output_value(rows, 0, "pass"));
	printf("Good for one proof of one reset, until %s. It is not shown again, and the user is told by mail.\n",
	       output_value(rows, 0, "valid-until"));
}

static int issue(const struct ctl *ctl, const struct client_request *request)
{
	_cleanup_(output_free) struct output rows = {};
	struct client_end end = {};
	int status = client_ask(ctl, request, &rows, &end);

	if (status != CTL_OK)
		return status;
	if (!output_value(&rows, 0, "pass") || !output_value(&rows, 0, "valid-until"))
		return client_result(ctl, -EBADMSG, &end);
	print_pass(ctl, &rows);
	return CTL_OK;
}

int ctl_pass_issue(const struct ctl *ctl, int argc, char **argv)
{
	static const struct option options[] = {
		{ "minutes", required_argument, NULL, 'm' },
		{ "verified", required_argument, NULL, 'v' },
		{},
	};
	struct client_request request = { .verb = "pass-issue" };
	long minutes = 0;
	int option;

	while ((option = getopt_long(argc, argv, "", options, NULL)) >= 0) {
		if (option == 'm')
			minutes = read_minutes(optarg);
		else if (option == 'v')
			request.detail = optarg;
		if (option == '?' || minutes < 0)
			return ctl_usage(argv[0]);
	}
	if (optind + 1 != argc || !*argv[optind] || !request.detail || !*request.detail)
		return ctl_usage(argv[0]);
	request.user = argv[optind];
	request.life = (uint32_t)minutes * 60;
	return issue(ctl, &request);
}
