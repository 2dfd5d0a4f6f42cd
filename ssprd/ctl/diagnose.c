// SPDX-License-Identifier: LGPL-2.1-or-later
/* user check, entra check: lines with a level, of which none may be "fail". */

#include <getopt.h>
#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"
#include "ctl/client.h"
#include "ctl/commands.h"
#include "ctl/ctl.h"
#include "ctl/output.h"

/* A column that the answer does not have is empty. */
static const char *value(const struct output *rows, size_t row, const char *column)
{
	const char *text = output_value(rows, row, column);

	return text ? text : "";
}

static bool is(const struct output *rows, size_t row, const char *column, const char *text)
{
	return strcmp(value(rows, row, column), text) == 0;
}

static bool any(const struct output *rows, const char *level, const char *what)
{
	for (size_t i = 0; i < rows->rows; i++)
		if (is(rows, i, "level", level) && (!what || is(rows, i, "what", what)))
			return true;
	return false;
}

static void print_lines(const struct output *rows)
{
	const char *directory = "";

	for (size_t i = 0; i < rows->rows; i++) {
		if (!is(rows, i, "directory", directory)) {
			directory = value(rows, i, "directory");
			printf("[directory %s]\n", directory);
		}
		printf("%-4s  %-13s  %s\n", value(rows, i, "level"), value(rows, i, "what"), value(rows, i, "text"));
	}
	fflush(stdout);
}

/* Where several directories are asked, a user whom none of them would let in is not the failure of a single one. */
static bool good(const struct client_request *q, const struct output *rows)
{
	bool sought = strcmp(q->verb, "entra-check") == 0 && q->user;

	return rows->rows > 0 && !any(rows, "fail", NULL) && (!sought || any(rows, "ok", "user"));
}

static int diagnose(const struct ctl *ctl, const struct client_request *q)
{
	_cleanup_(output_free) struct output rows = {};
	struct client_end end = {};
	int status = client_ask(ctl, q, &rows, &end);

	if (status != CTL_OK)
		return status;
	if (ctl->json)
		output_print(&rows, OUTPUT_JSON);
	else
		print_lines(&rows);
	return good(q, &rows) ? CTL_OK : CTL_FAILED;
}

int ctl_user_check(const struct ctl *ctl, int argc, char **argv)
{
	const struct client_request q = { .verb = "user-check", .user = argc > 1 ? argv[1] : NULL };

	return argc == 2 && *argv[1] && *argv[1] != '-' ? diagnose(ctl, &q) : ctl_usage(argv[0]);
}

int ctl_entra_check(const struct ctl *ctl, int argc, char **argv)
{
	static const struct option options[] = {
		{ "directory", required_argument, NULL, 'd' },
		{},
	};
	struct client_request q = { .verb = "entra-check" };
	int option;

	while ((option = getopt_long(argc, argv, "", options, NULL)) >= 0) {
		if (option == '?')
			return ctl_usage(argv[0]);
		q.directory = optarg;
	}
	if (argc - optind > 1 || (optind < argc && !*argv[optind]))
		return ctl_usage(argv[0]);
	q.user = argv[optind];
	return diagnose(ctl, &q);
}
