// SPDX-License-Identifier: LGPL-2.1-or-later
#include <errno.h>
#include <locale.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>

#include "base/cleanup.h"
#include "base/text.h"
#include "ctl/client.h"
#include "ctl/commands.h"
#include "ctl/ctl.h"
#include "ctl/output.h"
#include "ctl/pamcheck.h"

static int ctl_help(const struct ctl *ctl, int argc, char **argv);
static int ctl_version(const struct ctl *ctl, int argc, char **argv);

static const struct command commands[] = {
	{ "init", "[--encrypt]", "make the key that the database is sealed with", ctl_init },
	{ "check", "[--config FILE]", "find the mistakes in the configuration", ctl_check },
	{ "status", "", "show how ssprd is", ctl_status },
	{ "user add", "NAME", "let a user reset the password, once enrolled", ctl_user_add },
	{ "user show", "NAME", "show what a user is registered with", ctl_user_show },
	{ "user list", "", "list the registered users", ctl_user_list },
	{ "user remove", "NAME", "forget a user and all proofs of the user", ctl_user_remove },
	{ "user unlock", "NAME", "end a block after too many failures", ctl_user_unlock },
	{ "user check", "NAME", "tell whether a user could reset the password, and why not", ctl_user_check },
	{ "user enrol", "NAME --authenticator [--qr] | --email ADDRESS | --mobile NUMBER | --office NUMBER | --recovery-codes",
	  "register a proof of a user",
	  ctl_user_enrol },
	{ "limits clear", "USER | --seat SEAT | --all", "forget what is counted, and end blocks", ctl_limits_clear },
	{ "limits", "", "show what the limits have counted, and the blocks", ctl_limits },
	{ "pass issue", "USER --verified HOW [--minutes N]", "give a caller a pass that stands for one proof", ctl_pass_issue },
	{ "pass list", "", "list the passes that are good now", ctl_pass_list },
	{ "pass revoke", "USER", "take the pass of a user back", ctl_pass_revoke },
	{ "audit", "[--user NAME] [--since DURATION|DATE] | --verify", "show what happened, or prove the record whole",
	  ctl_audit },
	{ "pending", "", "list the writes whose outcome is unknown", ctl_pending },
	{ "clock accept", "", "go on after the clock was set back", ctl_clock_accept },
	{ "entra setup", "[--directory NAME] [--domain DOMAIN] [--group GROUP] [--unit NAME] [--config FILE]",
	  "print the script that registers the application in a tenant", ctl_entra_setup },
	{ "entra check", "[USER] [--directory NAME]", "try the tenants: credential, permissions, group, a user", ctl_entra_check },
	{ "pam check", "[SERVICE...]", "try the PAM stacks of this machine on a copy", pamcheck },
	{ "version", "", "show the version", ctl_version },
	{ "help", "[COMMAND]", "show the commands, or one of them", ctl_help },
};

int ctl_fail(const struct ctl *ctl, int status, const char *format, ...)
{
	char text[1024], clean[1024];
	va_list args;

	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	text_clean(text, strlen(text), clean, sizeof(clean));
	if (ctl->json)
		output_json_error(clean);
	else
		fprintf(stderr, "ssprctl: %s\n", clean);
	return status;
}

static void print_usage(const struct command *c, FILE *to)
{
	fprintf(to, "ssprctl %s%s%s\n", c->name, *c->usage ? " " : "", c->usage);
}

/* How many of the words are the command's name; 0 when it is another one. */
static int words_of(const struct command *c, int argc, char **argv)
{
	const char *second = strchr(c->name, ' ');
	size_t len = second ? (size_t)(second - c->name) : strlen(c->name);

	if (argc < 1 || strlen(argv[0]) != len || strncmp(argv[0], c->name, len) != 0)
		return 0;
	if (!second)
		return 1;
	return argc > 1 && strcmp(argv[1], second + 1) == 0 ? 2 : 0;
}

static const struct command *find(int argc, char **argv, int *ret_words)
{
	for (size_t i = 0; i < ARRAY_SIZE(commands); i++) {
		int words = words_of(&commands[i], argc, argv);

		if (words > 0) {
			*ret_words = words;
			return &commands[i];
		}
	}
	return NULL;
}

int ctl_usage(const char *command)
{
	for (size_t i = 0; i < ARRAY_SIZE(commands); i++)
		if (strcmp(commands[i].name, command) == 0) {
			fputs("usage: ", stderr);
			print_usage(&commands[i], stderr);
		}
	return CTL_USAGE;
}

static void print_all(FILE *to)
{
	fputs("ssprctl [--json] [--socket PATH] COMMAND\n\n", to);
	for (size_t i = 0; i < ARRAY_SIZE(commands); i++)
		fprintf(to, "  %-13s %s\n", commands[i].name, commands[i].help);
}

static int ctl_help(const struct ctl *ctl, int argc, char **argv)
{
	const struct command *c;
	int words = 0;

	if (argc == 1) {
		print_all(stdout);
		return CTL_OK;
	}
	c = find(argc - 1, argv + 1, &words);
	if (!c || words != argc - 1)
		return ctl_fail(ctl, CTL_USAGE, "there is no such command; see: ssprctl help");
	print_usage(c, stdout);
	printf("  %s\n", c->help);
	return CTL_OK;
}

static int ctl_version(const struct ctl *ctl _unused_, int argc, char **argv)
{
	if (argc != 1)
		return ctl_usage(argv[0]);
	puts(PACKAGE_STRING);
	return CTL_OK;
}

/* Takes the options that every command has out of the words; returns how many are left, or -EINVAL. */
static int take_common(struct ctl *ctl, int argc, char **argv)
{
	int left = 0;

	for (int i = 1; i < argc; i++) {
		if (strcmp(argv[i], "--json") == 0)
			ctl->json = true;
		else if (strcmp(argv[i], "--socket") == 0 && i + 1 < argc)
			ctl->socket = argv[++i];
		else if (strcmp(argv[i], "--socket") == 0)
			return -EINVAL;
		else
			argv[left++] = argv[i];
	}
	argv[left] = NULL;
	return left;
}

static int run(const struct ctl *ctl, int argc, char **argv)
{
	static char name[32];
	const struct command *c;
	int words = 0;

	c = find(argc, argv, &words);
	if (!c)
		return ctl_fail(ctl, CTL_USAGE, "there is no such command; see: ssprctl help");
	snprintf(name, sizeof(name), "%s", c->name);
	argv[words - 1] = name;
	return c->fn(ctl, argc - words + 1, argv + words - 1);
}

static const char *long_form(const char *word)
{
	if (strcmp(word, "--help") == 0 || strcmp(word, "-h") == 0)
		return "help";
	return strcmp(word, "--version") == 0 ? "version" : NULL;
}

int main(int argc, char **argv)
{
	static char word[16];
	struct ctl ctl = { .socket = CLIENT_SOCKET };

	setlocale(LC_CTYPE, "");
	/* A seed passes through: no core file, no debugger of another user. */
	prctl(PR_SET_DUMPABLE, 0);
	argc = take_common(&ctl, argc, argv);
	if (argc <= 0) {
		print_all(stderr);
		return CTL_USAGE;
	}
	if (long_form(argv[0])) {
		snprintf(word, sizeof(word), "%s", long_form(argv[0]));
		argv[0] = word;
	}
	return run(&ctl, argc, argv);
}
