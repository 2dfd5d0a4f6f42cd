// SPDX-License-Identifier: LGPL-2.1-or-later
/* check: the mistakes by ssprd's own parser, and what is no mistake but may not be meant. */

#include <errno.h>
#include <getopt.h>
#include <grp.h>
#include <pwd.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "ctl/commands.h"
#include "ctl/ctl.h"
#include "ctl/output.h"
#include "flow/policy.h"

/* Who reads what [mail], [password] and [directory NAME] name. */
#define CHECK_READER "sspr-net"
#define CHECK_LABEL 64

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
	/* A tenant looks the group up by itself. */
	if (p->enabled == ENABLED_SELECTED && p->local.type == LOCAL_ACCOUNTS && !getgrnam(p->group))
		warn(f, "[properties] group = %s: this machine knows no such group, so %s is in it", p->group,
		     p->directories_n > 0 ? "no account of its own" : "nobody");
}

/* By the file's mode: root, who asks here, may read everything. The folders above it are not looked at. */
static bool readable(const struct stat *st)
{
	const struct passwd *reader = getpwnam(CHECK_READER);

	if (reader && st->st_uid == reader->pw_uid)
		return st->st_mode & S_IRUSR;
	if (reader && st->st_gid == reader->pw_gid)
		return st->st_mode & S_IRGRP;
	return st->st_mode & S_IROTH;
}

static void warn_of_file(struct findings *f, const char *section, const char *key, const char *path)
{
	struct stat st;

	if (!*path)
		return;
	if (stat(path, &st) < 0)
		warn(f, "[%s] %s = %s: %s", section, key, path, strerror(errno));
	else if (!S_ISREG(st.st_mode))
		warn(f, "[%s] %s = %s: is not a file", section, key, path);
	else if (!readable(&st))
		warn(f, "[%s] %s = %s: ssprd-net, which runs as " CHECK_READER ", may not read it; chmod a+r", section, key, path);
}

static void warn_of_mail(struct findings *f, const struct policy *p)
{
	if (policy_list_has(&p->methods, "email") && !*p->mail.server && !*p->mail.directory)
		warn(f, "[mail] neither server nor directory is set, but email is a method: no code can be sent");
	warn_of_file(f, "mail", "ca-file", p->mail.ca_file);
}

/* Where somebody else keeps it, a drop-in of the unit loads it. Who may not look does not know. */
static bool missing(const char *of, const char *kind)
{
	static const char *const stores[] = { "/etc/credstore", "/etc/credstore.encrypted" };
	char path[128];

	for (size_t i = 0; i < ARRAY_SIZE(stores); i++) {
		snprintf(path, sizeof(path), "%s/sspr-%s-%s", stores[i], of, kind);
		if (access(path, F_OK) == 0 || errno != ENOENT)
			return false;
	}
	return true;
}

static void warn_of_credential(struct findings *f, const struct policy_directory *d, const char *section)
{
	bool certificate = !missing(d->name, "certificate"), secret = !missing(d->name, "secret");

	if (!certificate && !secret)
		warn(f, "[%s] there is neither sspr-%s-certificate nor sspr-%s-secret in /etc/credstore or /etc/credstore.encrypted: "
			"unless a drop-in of ssprd-net.service loads one from elsewhere, nobody is reset there", section, d->name,
		     d->name);
	else if (!certificate)
		warn(f, "[%s] sspr-%s-secret is a password that goes over the network; a certificate, sspr-%s-certificate, does not",
		     section, d->name, d->name);
}

static void warn_of_hosts(struct findings *f, const struct policy_entra *e, const char *section)
{
	if (*e->login)
		warn(f, "[%s] login = %s: proofs of this machine go there, in place of Microsoft's own host", section, e->login);
	if (*e->graph)
		warn(f, "[%s] graph = %s: new passwords go there, in place of Microsoft's own host", section, e->graph);
}

static void warn_of_sources(struct findings *f, const struct policy_entra *e, const char *section)
{
	if (e->contacts == CONTACTS_PROFILE)
		warn(f, "[%s] contacts = profile: whoever may edit these attributes, and what synchronises them, decides where codes go",
		     section);
	if (e->contacts != CONTACTS_NONE && e->cloud == CLOUD_CHINA)
		warn(f, "[%s] contacts: this cloud does not tell registered methods; set contacts = none", section);
	if (e->mirror)
		warn(f, "[%s] mirror = yes: Entra answers 5 such questions in 10 s for all machines together, by what is hours old",
		     section);
}

static void warn_of_directory(struct findings *f, const struct policy_directory *d)
{
	char section[CHECK_LABEL];

	snprintf(section, sizeof(section), "directory %s", d->name);
	warn_of_credential(f, d, section);
	warn_of_hosts(f, &d->entra, section);
	warn_of_sources(f, &d->entra, section);
	warn_of_file(f, section, "map-file", d->entra.map_file);
	warn_of_file(f, section, "ca-file", d->entra.ca_file);
}

static bool needs_secret(const struct policy_carrier *c)
{
	return c->provider == PROVIDER_TWILIO || c->provider == PROVIDER_AZURE ||
	       (c->provider == PROVIDER_GATEWAY && (*c->user || strstr(c->url, "%secret%") || strstr(c->headers, "%secret%") ||
						    strstr(c->body, "%secret%")));
}

static void warn_of_carrier(struct findings *f, const char *section, const struct policy_carrier *c)
{
	if (c->provider != PROVIDER_NONE && needs_secret(c) && missing(section, "secret"))
		warn(f, "[%s] there is no sspr-%s-secret in /etc/credstore or /etc/credstore.encrypted: unless a drop-in of "
			"ssprd-net.service loads one from elsewhere, nothing is sent", section, section);
	if (c->provider == PROVIDER_GATEWAY && strstr(c->url, "%secret%"))
		warn(f, "[%s] url: %%secret%% in an address stands in the logs of whatever passes it on; headers or body do better", section);
	if (c->provider == PROVIDER_GATEWAY && !*c->success_match && !*c->success_json)
		warn(f, "[%s] neither success-match nor success-json is set: an error page that says 200 counts as sent", section);
	if (c->provider == PROVIDER_TWILIO && !*c->user)
		warn(f, "[%s] user is not set, so the secret is the account's own token; an API key can be taken back alone", section);
	warn_of_file(f, section, "ca-file", c->ca_file);
}

static void warn_of_phone(struct findings *f, const struct policy *p)
{
	bool calls = policy_list_has(&p->methods, "voice") || policy_list_has(&p->methods, "office");

	if (policy_list_has(&p->methods, "sms") && p->sms.provider == PROVIDER_NONE)
		warn(f, "[sms] provider is not set, but sms is a method: no code can be sent");
	if (calls && p->voice.provider == PROVIDER_NONE)
		warn(f, "[voice] provider is not set, but voice or office is a method: no code can be spoken");
	warn_of_carrier(f, "sms", &p->sms);
	warn_of_carrier(f, "voice", &p->voice);
}

/* What only some users can do must not be what all of them need. */
static void warn_of_app(struct findings *f, const struct policy *p)
{
	if (policy_list_has(&p->methods, "app") && policy_gates(p) == p->required)
		warn(f, "[authentication-methods] methods: each reset needs app, so nobody without a passkey or a Temporary Access "
			"Pass%s can do one; add another method", p->local.type == LOCAL_ACCOUNTS ? ", and no account of this machine," : "");
}

static void warn_of_passwords(struct findings *f, const struct policy_password *p)
{
	warn_of_file(f, "password", "banned-words", p->banned_words);
	warn_of_file(f, "password", "breached-ca-file", p->breached_ca_file);
	if (p->breached != BREACHED_OFF && p->breached_unreachable == UNREACHABLE_REFUSE)
		warn(f, "[password] breached = refuse: while %s cannot be asked nobody can reset a password; breached-unreachable = allow "
			"lets them", p->breached_url);
}

static void warn_of_policy(struct findings *f, const struct policy *p)
{
	warn_of_scope(f, p);
	warn_of_mail(f, p);
	warn_of_phone(f, p);
	warn_of_app(f, p);
	warn_of_passwords(f, &p->password);
	for (size_t i = 0; i < p->directories_n; i++)
		warn_of_directory(f, &p->directories[i]);
	if (p->required == 1)
		warn(f, "[authentication-methods] required = 1: one stolen phone or mailbox is enough to take an account");
	if (p->required == 1 && policy_list_has(&p->methods, "pass"))
		warn(f, "[authentication-methods] methods: pass with required = 1 lets the helpdesk alone decide who gets an account");
	if (!*p->helpdesk && !*p->helpdesk_mail && !*p->phone)
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
	_cleanup_(policy_done) struct policy p = {};
	struct template notice;

	if (policy_read(path, &p, &report) == 0) {
		policy_reset_notice(&p, &report, &notice);
		warn_of_policy(&f, &p);
	}
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
	const char *path = CTL_CONFIG;
	int option;

	while ((option = getopt_long(argc, argv, "", options, NULL)) >= 0) {
		if (option == '?')
			return ctl_usage(argv[0]);
		path = optarg;
	}
	return optind == argc ? check(ctl, path) : ctl_usage(argv[0]);
}
