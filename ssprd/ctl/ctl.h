// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

/* ssprctl: a command is one row of a table and one function. It asks ssprd and decides nothing. */

#include <stdbool.h>

#define CTL_CONFIG "/etc/sspr/ssprd.conf"

/* The exit status, which a command's function returns. */
enum ctl_exit {
	CTL_OK = 0,
	CTL_FAILED = 1,	     /* or refused */
	CTL_USAGE = 2,	     /* what was typed is no command */
	CTL_UNREACHABLE = 3, /* ssprd does not answer */
};

struct ctl {
	bool json;
	const char *socket; /* of ssprd's administration */
};

struct command {
	const char *name; /* one word or two */
	const char *usage;
	const char *help;
	/* argv[0] is the command, the options that every command has are taken out. */
	int (*fn)(const struct ctl *ctl, int argc, char **argv);
};

/* Says on standard error how the command named argv[0] is used; returns CTL_USAGE. */
int ctl_usage(const char *command);

/* Tells a failure: {"error": ...} on standard output with --json, else a line on standard error. Returns `status`. */
int ctl_fail(const struct ctl *ctl, int status, const char *format, ...)
	__attribute__((format(printf, 3, 4)));
