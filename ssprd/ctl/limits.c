// SPDX-License-Identifier: LGPL-2.1-or-later
/* limits clear: for one user, one seat, or all. */

#include <getopt.h>
#include <stdio.h>

#include "base/cleanup.h"
#include "ctl/client.h"
#include "ctl/commands.h"
#include "ctl/ctl.h"
#include "ctl/output.h"

static int clear(const struct ctl *ctl, const struct client_request *request)
{
	_cleanup_(output_free) struct output rows = {};
	struct client_end end = {};
	int status = client_ask(ctl, request, &rows, &end);

	if (status == CTL_OK && ctl->json)
		output_print(&rows, OUTPUT_JSON);
	else if (status == CTL_OK)
		puts("Cleared.");
	return status;
}

int ctl_limits_clear(const struct ctl *ctl, int argc, char **argv)
{
	static const struct option options[] = {
		{ "seat", required_argument, NULL, 's' },
		{ "all", no_argument, NULL, 'a' },
		{},
	};
	struct client_request request = { .verb = "limits-clear" };
	int option, chosen = 0;

	while ((option = getopt_long(argc, argv, "", options, NULL)) >= 0) {
		if (option == '?')
			return ctl_usage(argv[0]);
		request.name = option == 's' ? "seat" : "all";
		if (option == 's')
			request.to = optarg;
		chosen++;
	}
	if (optind + 1 == argc && *argv[optind]) {
		request.name = "user";
		request.user = argv[optind++];
		chosen++;
	}
	return chosen == 1 && optind == argc ? clear(ctl, &request) : ctl_usage(argv[0]);
}
