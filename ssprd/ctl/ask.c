// SPDX-License-Identifier: LGPL-2.1-or-later
/* The commands that are one question to ssprd. */

#include <stdio.h>

#include "base/cleanup.h"
#include "ctl/client.h"
#include "ctl/commands.h"
#include "ctl/ctl.h"
#include "ctl/output.h"

struct question {
	const char *verb;
	enum output_form form;
	const char *done; /* told to a person when ssprd said nothing itself */
};

static int ask(const struct ctl *ctl, const struct question *q, const char *user)
{
	_cleanup_(output_free) struct output rows = {};
	struct client_end end = {};
	const struct client_request request = { .verb = q->verb, .user = user };
	int status = client_ask(ctl, &request, &rows, &end);

	if (status != CTL_OK)
		return status;
	if (ctl->json)
		output_print(&rows, OUTPUT_JSON);
	else if (rows.rows > 0)
		output_print(&rows, q->form);
	else
		puts(*end.text ? end.text : q->done);
	return CTL_OK;
}

static int ask_plain(const struct ctl *ctl, int argc, char **argv, const struct question *q)
{
	return argc == 1 ? ask(ctl, q, NULL) : ctl_usage(argv[0]);
}

static int ask_user(const struct ctl *ctl, int argc, char **argv, const struct question *q)
{
	return argc == 2 && *argv[1] && *argv[1] != '-' ? ask(ctl, q, argv[1]) : ctl_usage(argv[0]);
}

int ctl_status(const struct ctl *ctl, int argc, char **argv)
{
	static const struct question q = { "status", OUTPUT_RECORD, "running" };

	return ask_plain(ctl, argc, argv, &q);
}

int ctl_pending(const struct ctl *ctl, int argc, char **argv)
{
	static const struct question q = { "pending", OUTPUT_TABLE, "Every write has a known outcome." };

	return ask_plain(ctl, argc, argv, &q);
}

int ctl_clock_accept(const struct ctl *ctl, int argc, char **argv)
{
	static const struct question q = { "clock-accept", OUTPUT_TABLE, "The clock is taken as it is now." };

	return ask_plain(ctl, argc, argv, &q);
}

int ctl_user_add(const struct ctl *ctl, int argc, char **argv)
{
	static const struct question q = { "user-add", OUTPUT_RECORD, "Added." };

	return ask_user(ctl, argc, argv, &q);
}

int ctl_user_show(const struct ctl *ctl, int argc, char **argv)
{
	static const struct question q = { "user-show", OUTPUT_RECORD, "Nothing is registered." };

	return ask_user(ctl, argc, argv, &q);
}

int ctl_user_list(const struct ctl *ctl, int argc, char **argv)
{
	static const struct question q = { "user-list", OUTPUT_TABLE, "Nobody is registered." };

	return ask_plain(ctl, argc, argv, &q);
}

int ctl_user_remove(const struct ctl *ctl, int argc, char **argv)
{
	static const struct question q = { "user-remove", OUTPUT_RECORD, "Removed." };

	return ask_user(ctl, argc, argv, &q);
}

int ctl_limits(const struct ctl *ctl, int argc, char **argv)
{
	static const struct question q = { "limits", OUTPUT_TABLE, "Nothing is counted." };

	return ask_plain(ctl, argc, argv, &q);
}

int ctl_pass_list(const struct ctl *ctl, int argc, char **argv)
{
	static const struct question q = { "pass-list", OUTPUT_TABLE, "Nobody has a pass." };

	return ask_plain(ctl, argc, argv, &q);
}

int ctl_pass_revoke(const struct ctl *ctl, int argc, char **argv)
{
	static const struct question q = { "pass-revoke", OUTPUT_RECORD, "Revoked." };

	return ask_user(ctl, argc, argv, &q);
}

int ctl_user_unlock(const struct ctl *ctl, int argc, char **argv)
{
	static const struct question q = { "user-unlock", OUTPUT_RECORD, "Unlocked." };

	return ask_user(ctl, argc, argv, &q);
}
