// SPDX-License-Identifier: LGPL-2.1-or-later
/* entra setup: prints the script that registers the application, with settings of this machine's policy in it. */

#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/text.h"
#include "ctl/commands.h"
#include "ctl/ctl.h"
#include "flow/permission.h"
#include "flow/policy.h"

#define SETUP_NAME "entra"
#define SETUP_UNIT "Self-service password reset"
#define SETTINGS "#@SETTINGS@\n"

static const char script[] =
#include "ctl/entra-setup.inc"
	;

struct setup {
	const char *config, *name, *domain, *group, *unit; /* NULL: not said */
	struct policy policy;
	struct policy_directory directory;
};

static void setup_done(struct setup *s)
{
	policy_done(&s->policy);
}

/* Between '', as a shell reads it. */
static void print_quoted(const char *text)
{
	putchar('\'');
	for (; *text; text++) {
		if (*text == '\'')
			fputs("'\\''", stdout);
		else
			putchar(*text);
	}
	putchar('\'');
}

static void print_setting(const char *name, const char *value, const char *remark)
{
	printf("# %s\n%s=", remark, name);
	print_quoted(value);
	putchar('\n');
}

static void print_domains(const struct setup *s)
{
	const struct conf_list *list = &s->directory.entra.domains;
	char text[sizeof(list->item) + CONF_LIST] = "";
	size_t len = 0;

	for (size_t i = 0; i < list->n; i++)
		len += (size_t)snprintf(text + len, sizeof(text) - len, "%s%s", i > 0 ? " " : "", list->item[i]);
	print_setting("domains", s->domain ? s->domain : text,
		      "Its domains for user names, between blanks, the first one for names without; '' = the tenant's default one.");
}

static void print_directory(const struct setup *s)
{
	static const char *const clouds[] = {
		[CLOUD_GLOBAL] = "global", [CLOUD_US_GOV] = "us-gov", [CLOUD_US_DOD] = "us-dod", [CLOUD_CHINA] = "china"
	};
	const struct policy_entra *e = &s->directory.entra;
	char text[CONF_TEXT];

	print_setting("name", s->directory.name, "The NAME of [directory NAME] in ssprd.conf(5).");
	print_setting("cloud", clouds[e->cloud], "Microsoft's cloud: global, us-gov, us-dod or china.");
	print_setting("tenant", e->tenant, "The tenant's id; '' = the one that az is signed in to.");
	print_domains(s);
	print_setting("application", e->client_id, "The id of an application that is there; '' = found by its title, or made.");
	snprintf(text, sizeof(text), "Linux password reset (%s)", s->directory.name);
	print_setting("title", text, "Its title.");
	snprintf(text, sizeof(text), "sspr-%s-certificate", s->directory.name);
	print_setting("credential", text, "The credential with its certificate and key: a file of this name, here in this folder.");
}

static const char *group_of(const struct setup *s)
{
	if (s->group)
		return s->group;
	return *s->directory.entra.group ? s->directory.entra.group : s->policy.group;
}

static void print_scope(const struct setup *s)
{
	print_setting("group", group_of(s), "Who may reset: the members of this group, by its name or id; '' = everybody.");
	print_setting("enable", s->policy.enabled == ENABLED_NONE ? "yes" : "no",
		      "yes: what is printed at the end also switches the reset on, in [properties].");
	puts("\n"
	     "# Whose password can this credential set?\n"
	     "#   unit     the users of one administrative unit, by the role Password Administrator for that unit. Whoever steals the\n"
	     "#            credential has these accounts. Users must be put into the unit; it wants a licence of Entra ID P1.\n"
	     "#   tenant   any account, by a permission for the whole tenant. Nothing to keep filled, and everything to lose.");
	print_setting("reach", "unit", "unit or tenant:");
	print_setting("unit", s->unit ? s->unit : SETUP_UNIT, "The administrative unit; made where it is not there.");
	print_setting("fill", "yes", "yes: put the members of the group into it, one by one. For thousands of users let a membership "
				     "rule do that.");
}

static void print_features(const struct setup *s)
{
	bool app = policy_list_has(&s->policy.methods, "app");
	bool mail = permission_sends_mail(&s->policy, &s->directory);

	print_setting("device_code", app ? "yes" : "no",
		      "yes: users prove who they are by a sign-in with another device (the method app).");
	print_setting("mailbox", mail ? s->policy.mail.from : "",
		      "The mailbox that mail is sent from, where [mail] directory is this one; '' = none.");
}

static void print_permissions(const struct setup *s)
{
	puts("# Application permissions of Microsoft Graph.\npermissions=(");
	for (size_t i = 0; permission_at(i); i++) {
		const struct permission *p = permission_at(i);

		if (p->needed(&s->policy, &s->directory))
			printf("\t%-36s # %s\n", p->name, p->purpose);
	}
	puts(")");
	print_setting("tenant_permission", PERMISSION_WRITE, "And, with reach='tenant', this one.");
}

static int print_script(const struct ctl *ctl, const struct setup *s)
{
	const char *settings = strstr(script, SETTINGS);

	printf("%.*s", (int)(settings - script), script);
	puts("# ---- settings ----\n");
	print_directory(s);
	print_scope(s);
	print_features(s);
	print_permissions(s);
	fputs(settings + strlen(SETTINGS), stdout);
	return fflush(stdout) == 0 ? CTL_OK : ctl_fail(ctl, CTL_FAILED, "the script was not written: %s", strerror(errno));
}

static void ignore(void *to _unused_, const char *line _unused_)
{
}

/* Nothing need be configured so far; what is, is used if there is no mistake in it. */
static void read_policy(const struct ctl *ctl, struct setup *s)
{
	struct conf_report report = { .say = ignore };

	if (policy_read(s->config, &s->policy, &report) != 0 && access(s->config, F_OK) == 0)
		ctl_fail(ctl, CTL_OK, "%s has mistakes and was not used; see: ssprctl check", s->config);
}

static bool is_directory_name(const char *name)
{
	size_t len = strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789-");

	return len > 0 && *name != '-' && !name[len] && len < sizeof(((struct policy_directory *)0)->name) &&
	       strcmp(name, "local") != 0;
}

static void choose_directory(struct setup *s)
{
	const struct policy_directory *found = NULL;

	if (s->name)
		found = policy_directory(&s->policy, s->name);
	else if (s->policy.directories_n > 0)
		found = &s->policy.directories[0];
	s->directory = found ? *found : policy_directory_defaults;
	if (!found)
		snprintf(s->directory.name, sizeof(s->directory.name), "%s", s->name ? s->name : SETUP_NAME);
}

static int check_words(const struct ctl *ctl, const struct setup *s)
{
	const char *const texts[] = { s->domain, s->group, s->unit };

	if (s->name && !is_directory_name(s->name))
		return ctl_fail(ctl, CTL_USAGE, "--directory %s: must be at most 23 of a-z, 0-9 and '-', and not local", s->name);
	for (size_t i = 0; i < ARRAY_SIZE(texts); i++)
		if (texts[i] && !text_printable(texts[i], strlen(texts[i])))
			return ctl_fail(ctl, CTL_USAGE, "%s: must be text without control characters", texts[i]);
	if (ctl->json)
		return ctl_fail(ctl, CTL_USAGE, "entra setup prints a script, never JSON");
	return CTL_OK;
}

int ctl_entra_setup(const struct ctl *ctl, int argc, char **argv)
{
	static const struct option options[] = {
		{ "config", required_argument, NULL, 'c' }, { "directory", required_argument, NULL, 'd' },
		{ "domain", required_argument, NULL, 'D' }, { "group", required_argument, NULL, 'g' },
		{ "unit", required_argument, NULL, 'u' },   {},
	};
	_cleanup_(setup_done) struct setup s = { .config = CTL_CONFIG };
	int option, status;

	while ((option = getopt_long(argc, argv, "", options, NULL)) >= 0) {
		const char **const places[] = {
			['c'] = &s.config, ['d'] = &s.name, ['D'] = &s.domain, ['g'] = &s.group, ['u'] = &s.unit
		};

		if (option == '?')
			return ctl_usage(argv[0]);
		*places[option] = optarg;
	}
	if (optind != argc)
		return ctl_usage(argv[0]);
	status = check_words(ctl, &s);
	if (status != CTL_OK)
		return status;
	read_policy(ctl, &s);
	choose_directory(&s);
	return print_script(ctl, &s);
}
