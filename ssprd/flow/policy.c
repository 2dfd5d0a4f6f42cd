// SPDX-License-Identifier: LGPL-2.1-or-later
#include "flow/policy.h"

#include <ctype.h>
#include <errno.h>
#include <regex.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/cleanup.h"
#include "base/log.h"
#include "base/phone.h"
#include "base/placeholder.h"
#include "base/text.h"
#include "flow/banned.h"

static const char *const enabled_choices[] = { "none", "selected", "all", NULL };
static const char *const method_choices[] = { "authenticator", "email", "recovery-code", "app", "pass", "sms", "voice", "office", NULL };
static const char *const breached_choices[] = { "off", "refuse", NULL };
static const char *const unreachable_choices[] = { "refuse", "allow", NULL };
static const char *const local_types[] = { "local", "none", NULL };
static const char *const directory_types[] = { "entra", NULL };
static const char *const cloud_choices[] = { "global", "us-gov", "us-dod", "china", NULL };
static const char *const contact_choices[] = { "none", "registered", "profile", NULL };

static const char *const sms_providers[] = { "none", "twilio", "gateway", "azure", NULL };
static const char *const voice_providers[] = { "none", "twilio", "gateway", NULL };
static const char *const verb_choices[] = { "post", "get", "put", NULL };
static const char *const content_choices[] = { "form", "json", "xml", "text", NULL };

static const char *wrong_text(const char *value)
{
	return text_printable(value, strlen(value)) ? NULL : "text without control characters";
}

static const char *wrong_group(const char *value)
{
	return *value && strlen(value) < 64 && text_printable(value, strlen(value)) ? NULL : "the name of a group";
}

static const char *wrong_server(const char *value)
{
	static const char *const schemes[] = { "smtp://", "smtps://" };

	for (size_t i = 0; i < ARRAY_SIZE(schemes); i++) {
		size_t len = strlen(schemes[i]);
		const char *host = value + len;

		if (strncmp(value, schemes[i], len) == 0 && *host && !strpbrk(host, "/@ \t"))
			return NULL;
	}
	return "smtp://HOST[:PORT] (STARTTLS) or smtps://HOST[:PORT] (TLS)";
}

static const char *wrong_address(const char *value)
{
	return text_mail_address(value) ? NULL : "one mail address, like sspr@example.org";
}

static const char *wrong_path(const char *value)
{
	return value[0] == '/' ? NULL : "an absolute path";
}

/* Stands in file names. */
static const char *wrong_language(const char *value)
{
	size_t len = strspn(value, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ-");

	return len >= 2 && len <= 16 && !value[len] ? NULL : "a language, like en, de or pt-BR";
}

/* A directory's name stands in file names and in the audit. */
static const char *wrong_directory(const char *value)
{
	size_t len = strspn(value, "abcdefghijklmnopqrstuvwxyz0123456789-");

	return *value && *value != '-' && !value[len] && len < sizeof(((struct policy_directory *)0)->name) ?
		       NULL :
		       "the name of a directory: at most 23 of a-z, 0-9 and '-'";
}

/* RFC 4122, as text. */
static const char *wrong_guid(const char *value)
{
	static const char form[] = "xxxxxxxx-xxxx-xxxx-xxxx-xxxxxxxxxxxx";

	if (strlen(value) != sizeof(form) - 1)
		return "a GUID, like 11111111-2222-3333-4444-555555555555";
	for (size_t i = 0; form[i]; i++)
		if (form[i] == '-' ? value[i] != '-' : !isxdigit((unsigned char)value[i]))
			return "a GUID, like 11111111-2222-3333-4444-555555555555";
	return NULL;
}

static bool host_label(const char *s, size_t len)
{
	return len > 0 && len < 64 && s[0] != '-' && s[len - 1] != '-' &&
	       strspn(s, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-") >= len;
}

/* One name of RFC 1123; returns where it ends, or NULL. */
static const char *host_name(const char *s)
{
	for (;;) {
		size_t len = strcspn(s, ".:");

		if (!host_label(s, len))
			return NULL;
		s += len;
		if (*s != '.')
			return s;
		s++;
	}
}

static const char *wrong_host(const char *value)
{
	const char *port = host_name(value);

	if (port && *port == ':' && port[1] && strspn(port + 1, "0123456789") == strlen(port + 1) && strlen(port) <= 6)
		return NULL;
	return port && !*port ? NULL : "HOST or HOST:PORT";
}

static const char *wrong_domain(const char *value)
{
	const char *end = host_name(value);

	return end && !*end && strchr(value, '.') && strlen(value) <= 48 ? NULL : "domains, like contoso.com";
}

static const char *wrong_template(const char *value)
{
	const char *user = strstr(value, "%u");
	const char *at = strchr(value, '@');

	return user && at && user < at && !strchr(user + 2, '%') && !strchr(at + 1, '@') && !wrong_domain(at + 1) ?
		       NULL :
		       "a principal name in which %u is the name that was typed, like %u@contoso.com";
}

static const char *wrong_key(const char *value)
{
	return strchr(value, ':') && text_printable(value, strlen(value)) ? NULL :
									    "a URI, like pkcs11:token=sspr;object=graph";
}

static const char *wrong_proxy(const char *value)
{
	static const char scheme[] = "http://";

	if (strncmp(value, scheme, sizeof(scheme) - 1) != 0)
		return "http://HOST:PORT";
	return wrong_host(value + sizeof(scheme) - 1) ? "http://HOST:PORT" : NULL;
}

/* Where the path begins in https://HOST[:PORT]/PATH; else NULL. */
static const char *https_path(const char *value)
{
	static const char scheme[] = "https://";
	const char *host = value + sizeof(scheme) - 1, *path;
	char name[CONF_TEXT];

	if (strncmp(value, scheme, sizeof(scheme) - 1) != 0 || !(path = strchr(host, '/')))
		return NULL;
	snprintf(name, sizeof(name), "%.*s", (int)(path - host), host);
	return wrong_host(name) ? NULL : path;
}

/* What is asked for is put behind it. */
static const char *wrong_range(const char *value)
{
	static const char right[] = "https://HOST[:PORT]/PATH/";
	const char *path = https_path(value);

	if (!path || value[strlen(value) - 1] != '/')
		return right;
	return path[strspn(path, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-._~/")] ? right : NULL;
}

/* A number, a name that stands in its place, or the id of a messaging service. */
static const char *wrong_sender(const char *value)
{
	static const char signs[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789+ -";

	return *value && strlen(value) <= 40 && strspn(value, signs) == strlen(value) ? NULL :
											"a number like +14255550100, or a sender's name";
}

static const char *wrong_account(const char *value)
{
	size_t len = strlen(value);

	return len == 34 && strncmp(value, "AC", 2) == 0 && strspn(value + 2, "0123456789abcdefABCDEF") == len - 2 ?
		       NULL :
		       "an account SID: AC and 32 hexadecimal digits";
}

static const char *wrong_user(const char *value)
{
	return *value && text_printable(value, strlen(value)) && !strchr(value, ':') ? NULL : "a name without a colon";
}

/* The host is fixed: no number and no text may choose another one. */
static const char *wrong_url(const char *value)
{
	static const char right[] = "https://HOST[:PORT]/PATH, with placeholders like %to% in the path alone";
	const char *path = https_path(value);

	if (!path || strpbrk(value, " \"#\\<>") || !text_printable(value, strlen(value)))
		return right;
	return placeholder_wrong(path);
}

static const char *wrong_request(const char *value)
{
	return text_printable(value, strlen(value)) ? placeholder_wrong(value) : "text without control characters";
}

/* "Name: value | Name: value" */
static const char *wrong_headers(const char *value)
{
	static const char right[] = "Name: value | Name: value, at most four, none of Authorization, Host and Content-*";
	static const char *const ours[] = { "Authorization:", "Host:", "Content-" };
	unsigned int n = 0;

	for (const char *at = value, *next; at; at = next, n++) {
		size_t len, name = strspn(at, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_");

		next = strstr(at, " | ");
		len = next ? (size_t)(next - at) : strlen(at);
		next = next ? next + 3 : NULL;
		if (name == 0 || name + 2 >= len || at[name] != ':' || at[name + 1] != ' ' || n == 4)
			return right;
		for (size_t i = 0; i < ARRAY_SIZE(ours); i++)
			if (strncasecmp(at, ours[i], strlen(ours[i])) == 0)
				return right;
	}
	return wrong_request(value);
}

static const char *wrong_status(const char *value)
{
	return strlen(value) == 3 && value[0] == '2' && strspn(value, "0123456789") == 3 ? NULL : "numbers from 200 to 299";
}

static const char *wrong_regex(const char *value)
{
	regex_t compiled;

	if (!*value || regcomp(&compiled, value, REG_EXTENDED | REG_NOSUB) != 0)
		return "an extended regular expression";
	regfree(&compiled);
	return NULL;
}

static const char *wrong_json_path(const char *value)
{
	size_t path = strspn(value, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_.@$");

	return path > 0 && value[path] == '=' && value[path + 1] ? NULL : "MEMBER=VALUE, like messages.0.status=0";
}

static const char *wrong_prefix(const char *value)
{
	size_t digits = strspn(value + 1, "0123456789");

	return value[0] == '+' && digits > 0 && digits <= 10 && value[1] != '0' && !value[1 + digits] ?
		       NULL :
		       "prefixes of international numbers, like +49";
}

#define KEY(s, k, kind_, member, ...)                                                                                  \
	{ .section = (s), .key = (k), .kind = (kind_), .offset = offsetof(struct policy, member), __VA_ARGS__ }
#define NUMBER(s, k, member, lowest, highest) KEY(s, k, CONF_NUMBER, member, .min = (lowest), .max = (highest))
#define TIME(s, k, member, lowest, highest) KEY(s, k, CONF_DURATION, member, .min = (lowest), .max = (highest))
#define STRING(s, k, member, check) KEY(s, k, CONF_STRING, member, .wrong = (check))

#define ADMIN_GATES 2

enum { MINUTE = 60, HOUR = 3600, DAY = 86400 };

/* No limit has a value that means "unlimited". */
static const struct conf_key keys[] = {
	KEY("properties", "enabled", CONF_CHOICE, enabled, .choices = enabled_choices),
	STRING("properties", "group", group, wrong_group),
	KEY("authentication-methods", "methods", CONF_WORDS, methods, .choices = method_choices),
	NUMBER("authentication-methods", "required", required, 1, 2),
	KEY("authentication-methods", "admins", CONF_WORDS, admins, .wrong = wrong_text),
	KEY("notifications", "notify-users", CONF_BOOL, notifications.users),
	STRING("notifications", "language", notifications.language, wrong_language),
	KEY("notifications", "notify-admins", CONF_BOOL, notifications.admins),
	KEY("notifications", "admin-addresses", CONF_WORDS, notifications.admin_addresses, .wrong = wrong_address),
	STRING("customization", "helpdesk", helpdesk, wrong_text),
	STRING("customization", "mail", helpdesk_mail, wrong_address),
	STRING("customization", "phone", phone, wrong_text),
	NUMBER("limits", "account-failures", limits.account_failures, 1, 100),
	TIME("limits", "account-window", limits.account_window, HOUR, 30 * DAY),
	NUMBER("limits", "gate-failures", limits.gate_failures, 1, 100),
	TIME("limits", "gate-window", limits.gate_window, 10 * MINUTE, 30 * DAY),
	TIME("limits", "block", limits.block, 10 * MINUTE, 30 * DAY),
	NUMBER("limits", "resets", limits.resets, 1, 100),
	TIME("limits", "reset-window", limits.reset_window, 10 * MINUTE, 30 * DAY),
	NUMBER("limits", "sends", limits.sends, 1, 100),
	TIME("limits", "send-window", limits.send_window, 10 * MINUTE, DAY),
	NUMBER("limits", "seat-failures", limits.seat_failures, 1, 1000000),
	NUMBER("limits", "seat-users", limits.seat_users, 1, 1000000),
	TIME("limits", "seat-window", limits.seat_window, 10 * MINUTE, 7 * DAY),
	NUMBER("limits", "global-failures", limits.global_failures, 1, 1000000),
	TIME("limits", "global-window", limits.global_window, 10 * MINUTE, 7 * DAY),
	TIME("limits", "code-lifetime", limits.code_lifetime, MINUTE, 10 * MINUTE),
	NUMBER("limits", "code-tries", limits.code_tries, 1, 10),
	NUMBER("limits", "code-sends", limits.code_sends, 1, 10),
	NUMBER("limits", "sends-per-day", limits.sends_per_day, 1, 1000),
	TIME("limits", "dialogue", limits.dialogue, 2 * MINUTE, 30 * MINUTE),
	TIME("limits", "verified", limits.verified, 30, 10 * MINUTE),
	NUMBER("limits", "sms-per-day", limits.sms_per_day, 1, 100000),
	NUMBER("limits", "new-password-tries", limits.new_password_tries, 1, 10),
	NUMBER("limits", "dialogues", limits.dialogues, 8, 15000),
	NUMBER("limits", "user-dialogues", limits.user_dialogues, 4, 1000),
	NUMBER("limits", "audit-rows", limits.audit_rows, 1000, 1000000),
	NUMBER("limits", "passes-per-day", limits.passes_per_day, 1, 1000),
	NUMBER("limits", "passes-per-user", limits.passes_per_user, 1, 20),
	NUMBER("password", "min-length", password.min_length, 8, 128),
	NUMBER("password", "max-length", password.max_length, 64, 256),
	NUMBER("password", "min-classes", password.min_classes, 1, 4),
	KEY("password", "deny-words", CONF_WORDS, password.deny_words, .wrong = wrong_text),
	KEY("password", "check-quality", CONF_BOOL, password.check_quality),
	KEY("password", "protection", CONF_BOOL, password.protection),
	STRING("password", "banned-words", password.banned_words, wrong_path),
	KEY("password", "organisation", CONF_WORDS, password.organisation, .wrong = wrong_text),
	NUMBER("password", "history", password.history, 0, 24),
	KEY("password", "breached", CONF_CHOICE, password.breached, .choices = breached_choices),
	STRING("password", "breached-url", password.breached_url, wrong_range),
	KEY("password", "breached-unreachable", CONF_CHOICE, password.breached_unreachable, .choices = unreachable_choices),
	STRING("password", "breached-ca-file", password.breached_ca_file, wrong_path),
	STRING("password", "breached-proxy", password.breached_proxy, wrong_proxy),
	KEY("privacy", "hide-account-state", CONF_BOOL, hide_account_state),
	KEY("services", "allow", CONF_WORDS, services, .wrong = wrong_text),
	KEY("services", "self-service", CONF_BOOL, self_service),
	STRING("mail", "directory", mail.directory, wrong_directory),
	STRING("mail", "server", mail.server, wrong_server),
	STRING("mail", "from", mail.from, wrong_address),
	STRING("mail", "user", mail.user, wrong_text),
	STRING("mail", "ca-file", mail.ca_file, wrong_path),
	KEY("sms", "provider", CONF_CHOICE, sms.provider, .choices = sms_providers),
	STRING("sms", "from", sms.from, wrong_sender),
	STRING("sms", "account", sms.account, wrong_account),
	STRING("sms", "user", sms.user, wrong_user),
	STRING("sms", "endpoint", sms.endpoint, wrong_host),
	STRING("sms", "url", sms.url, wrong_url),
	KEY("sms", "method", CONF_CHOICE, sms.verb, .choices = verb_choices),
	STRING("sms", "headers", sms.headers, wrong_headers),
	STRING("sms", "body", sms.body, wrong_request),
	KEY("sms", "content-type", CONF_CHOICE, sms.content_type, .choices = content_choices),
	KEY("sms", "success-status", CONF_WORDS, sms.success_status, .wrong = wrong_status),
	STRING("sms", "success-match", sms.success_match, wrong_regex),
	STRING("sms", "success-json", sms.success_json, wrong_json_path),
	STRING("sms", "ca-file", sms.ca_file, wrong_path),
	STRING("sms", "proxy", sms.proxy, wrong_proxy),
	KEY("voice", "provider", CONF_CHOICE, voice.provider, .choices = voice_providers),
	STRING("voice", "from", voice.from, wrong_sender),
	STRING("voice", "account", voice.account, wrong_account),
	STRING("voice", "user", voice.user, wrong_user),
	STRING("voice", "endpoint", voice.endpoint, wrong_host),
	STRING("voice", "url", voice.url, wrong_url),
	KEY("voice", "method", CONF_CHOICE, voice.verb, .choices = verb_choices),
	STRING("voice", "headers", voice.headers, wrong_headers),
	STRING("voice", "body", voice.body, wrong_request),
	KEY("voice", "content-type", CONF_CHOICE, voice.content_type, .choices = content_choices),
	KEY("voice", "success-status", CONF_WORDS, voice.success_status, .wrong = wrong_status),
	STRING("voice", "success-match", voice.success_match, wrong_regex),
	STRING("voice", "success-json", voice.success_json, wrong_json_path),
	STRING("voice", "ca-file", voice.ca_file, wrong_path),
	STRING("voice", "proxy", voice.proxy, wrong_proxy),
	KEY("phone", "countries", CONF_WORDS, phone_rules.countries, .wrong = wrong_prefix),
	KEY("phone", "deny-prefixes", CONF_WORDS, phone_rules.deny_prefixes, .wrong = wrong_prefix),
	KEY("directory local", "type", CONF_CHOICE, local.type, .choices = local_types),
	KEY("directory local", "allow-privileged", CONF_WORDS, local.allow_privileged, .wrong = wrong_text),
	KEY("directory local", "privileged-groups", CONF_WORDS, local.privileged_groups, .wrong = wrong_text),
};

#define ENTRA(k, kind_, member, ...)                                                                                   \
	{ .key = (k), .kind = (kind_), .offset = offsetof(struct policy_directory, member), __VA_ARGS__ }

/* Of each [directory NAME] but [directory local]. */
static const struct conf_key directory_keys[] = {
	ENTRA("type", CONF_CHOICE, type, .choices = directory_types),
	ENTRA("tenant", CONF_STRING, entra.tenant, .wrong = wrong_guid),
	ENTRA("client-id", CONF_STRING, entra.client_id, .wrong = wrong_guid),
	ENTRA("cloud", CONF_CHOICE, entra.cloud, .choices = cloud_choices),
	ENTRA("login", CONF_STRING, entra.login, .wrong = wrong_host),
	ENTRA("graph", CONF_STRING, entra.graph, .wrong = wrong_host),
	ENTRA("domains", CONF_WORDS, entra.domains, .wrong = wrong_domain),
	ENTRA("template", CONF_STRING, entra.template, .wrong = wrong_template),
	ENTRA("map-file", CONF_STRING, entra.map_file, .wrong = wrong_path),
	ENTRA("group", CONF_STRING, entra.group, .wrong = wrong_group),
	ENTRA("contacts", CONF_CHOICE, entra.contacts, .choices = contact_choices),
	ENTRA("mirror", CONF_BOOL, entra.mirror),
	ENTRA("revoke-sessions", CONF_BOOL, entra.revoke_sessions),
	ENTRA("key", CONF_STRING, entra.key, .wrong = wrong_key),
	ENTRA("ca-file", CONF_STRING, entra.ca_file, .wrong = wrong_path),
	ENTRA("proxy", CONF_STRING, entra.proxy, .wrong = wrong_proxy),
};

const struct policy_directory policy_directory_defaults = {
	.entra = { .contacts = CONTACTS_REGISTERED, .revoke_sessions = true },
};

static void *directory_place(void *values, const char *name, const char **ret_right)
{
	struct policy *p = values;
	struct policy_directory *d;

	*ret_right = wrong_directory(name);
	if (*ret_right)
		return NULL;
	for (size_t i = 0; i < p->directories_n; i++)
		if (strcmp(p->directories[i].name, name) == 0)
			return &p->directories[i];
	if (p->directories_n == POLICY_DIRECTORIES) {
		*ret_right = "one of at most 4 directories besides local";
		return NULL;
	}
	d = &p->directories[p->directories_n++];
	*d = policy_directory_defaults;
	snprintf(d->name, sizeof(d->name), "%s", name);
	return d;
}

static const struct conf_family directories = {
	.prefix = "directory ",
	.keys = directory_keys,
	.n = sizeof(directory_keys) / sizeof(directory_keys[0]),
	.place = directory_place,
};

#define LIST(...)                                                                                                      \
	{                                                                                                              \
		.n = sizeof((const char *const[]){ __VA_ARGS__ }) / sizeof(char *), .item = { __VA_ARGS__ }            \
	}

static const struct policy defaults = {
	.enabled = ENABLED_NONE,
	.methods = LIST("authenticator", "email", "recovery-code"),
	.required = 2,
	.notifications = {
		.users = true,
		.language = "en",
	},
	.limits = {
		.account_failures = 5,
		.account_window = 24 * HOUR,
		.gate_failures = 5,
		.gate_window = HOUR,
		.block = 24 * HOUR,
		.resets = 5,
		.reset_window = HOUR,
		.sends = 10,
		.send_window = 10 * MINUTE,
		.seat_failures = 20,
		.seat_users = 5,
		.seat_window = HOUR,
		.global_failures = 200,
		.global_window = HOUR,
		.code_lifetime = 5 * MINUTE,
		.code_tries = 5,
		.code_sends = 3,
		.sends_per_day = 5,
		.sms_per_day = 100,
		.dialogue = 15 * MINUTE,
		.verified = 3 * MINUTE,
		.new_password_tries = 5,
		.dialogues = 12000,
		.user_dialogues = 64,
		.audit_rows = 200000,
		.passes_per_day = 20,
		.passes_per_user = 3,
	},
	.password = {
		.min_length = 8,
		.max_length = 256,
		.min_classes = 1,
		.check_quality = true,
		.protection = true,
		.history = 5,
		.breached = BREACHED_OFF,
		.breached_unreachable = UNREACHABLE_REFUSE,
		.breached_url = "https://api.pwnedpasswords.com/range/",
	},
	.sms = { .verb = VERB_POST, .content_type = CONTENT_FORM, .success_status = LIST("200", "201", "202") },
	.voice = { .verb = VERB_POST, .content_type = CONTENT_FORM, .success_status = LIST("200", "201", "202") },
	.hide_account_state = true,
	.services = LIST("login", "gdm-password", "lightdm", "greetd", "xdm"),
};

#define TEMPLATES_OF_ADMIN "/etc/sspr/templates"

/* The file that is shipped, in case somebody has removed it. */
static const char shipped_notice[] =
#include "flow/reset-notice.inc"
	;

void policy_helpdesk(const struct policy *p, char ret[static POLICY_HELPDESK])
{
	const char *const ways[] = { p->helpdesk, p->helpdesk_mail, p->phone };
	size_t at = 0;

	ret[0] = 0;
	for (size_t i = 0; i < ARRAY_SIZE(ways); i++)
		if (*ways[i])
			at += (size_t)snprintf(ret + at, POLICY_HELPDESK - at, "%s%s", at ? ", " : "", ways[i]);
}

void policy_words(const struct policy *p, const char *host, const char *when, char ret_helpdesk[static POLICY_HELPDESK],
		  struct template_word ret[static POLICY_WORDS])
{
	policy_helpdesk(p, ret_helpdesk);
	ret[0] = (struct template_word){ "host", host, 63 };
	ret[1] = (struct template_word){ "time", when, 20 };
	ret[2] = (struct template_word){ "helpdesk", ret_helpdesk, strlen(ret_helpdesk) };
}

int policy_reset_notice(const struct policy *p, struct conf_report *report, struct template *ret)
{
	static const char *const folders[] = { TEMPLATES_OF_ADMIN, SSPR_TEMPLATES };
	struct template_word words[POLICY_WORDS];
	char path[CONF_TEXT + 256], desk[POLICY_HELPDESK];

	policy_words(p, "", "", desk, words);
	for (size_t i = 0; i < ARRAY_SIZE(folders); i++) {
		int r;

		snprintf(path, sizeof(path), "%s/reset-notice.%s.txt", folders[i], p->notifications.language);
		r = template_read(path, words, POLICY_WORDS, report, ret);
		if (r != -ENOENT)
			return r;
	}
	if (strcmp(p->notifications.language, "en") == 0)
		return template_parse(path, shipped_notice, words, POLICY_WORDS, report, ret);
	conf_complain(report, "[notifications] language = %s: there is no template %s/reset-notice.%s.txt; copy the English one and "
		      "translate it", p->notifications.language, folders[0], p->notifications.language);
	return 1;
}

bool policy_is_admin(const struct policy *p, const char *name)
{
	bool principal = strchr(name, '@') != NULL;

	for (size_t i = 0; i < p->admins.n; i++)
		if (strcmp(p->admins.item[i], name) == 0 || (principal && strcasecmp(p->admins.item[i], name) == 0))
			return true;
	return false;
}

unsigned int policy_required(const struct policy *p, bool admin)
{
	return admin ? ADMIN_GATES : p->required;
}

bool policy_list_has(const struct conf_list *list, const char *word)
{
	for (size_t i = 0; i < list->n; i++)
		if (strcmp(list->item[i], word) == 0)
			return true;
	return false;
}

const struct policy_directory *policy_directory(const struct policy *p, const char *name)
{
	for (size_t i = 0; i < p->directories_n; i++)
		if (strcmp(p->directories[i].name, name) == 0)
			return &p->directories[i];
	return NULL;
}

static void judge_directory(const char *path, const struct policy_directory *d, struct conf_report *report)
{
	static const char *const needed[] = { "tenant = GUID", "client-id = GUID", "domains = DOMAIN" };
	const bool there[] = { *d->entra.tenant, *d->entra.client_id, d->entra.domains.n > 0 };

	for (size_t i = 0; i < ARRAY_SIZE(needed); i++)
		if (!there[i])
			conf_complain(report, "%s: [directory %s] needs %s; see ssprctl entra setup", path, d->name, needed[i]);
}

/* The domain that both have, or NULL. */
static const char *shared_domain(const struct policy_entra *a, const struct policy_entra *b)
{
	for (size_t i = 0; i < a->domains.n; i++)
		for (size_t k = 0; k < b->domains.n; k++)
			if (strcasecmp(a->domains.item[i], b->domains.item[k]) == 0)
				return a->domains.item[i];
	return NULL;
}

/* A name that both know would be nobody's. */
static void judge_pair(const char *path, const struct policy_directory *a, const struct policy_directory *b,
		       struct conf_report *report)
{
	const char *domain = shared_domain(&a->entra, &b->entra);

	if (*a->entra.tenant && strcasecmp(a->entra.tenant, b->entra.tenant) == 0)
		conf_complain(report, "%s: [directory %s] and [directory %s] have the same tenant", path, a->name, b->name);
	else if (domain)
		conf_complain(report, "%s: [directory %s] and [directory %s] both have the domain %s", path, a->name, b->name, domain);
}

static void judge_directories(const char *path, const struct policy *p, struct conf_report *report)
{
	for (size_t i = 0; i < p->directories_n; i++) {
		judge_directory(path, &p->directories[i], report);
		for (size_t k = 0; k < i; k++)
			judge_pair(path, &p->directories[k], &p->directories[i], report);
	}
	if (p->local.type == LOCAL_NONE && p->directories_n == 0)
		conf_complain(report, "%s: [directory local] type = none needs another [directory NAME]", path);
	if (*p->mail.directory && !policy_directory(p, p->mail.directory))
		conf_complain(report, "%s: [mail] directory = %s: there is no section [directory %s]", path, p->mail.directory,
			      p->mail.directory);
	if (*p->mail.directory && !*p->mail.from)
		conf_complain(report, "%s: [mail] directory needs [mail] from = ADDRESS, the mailbox to send from", path);
	if (*p->mail.directory && *p->mail.server)
		conf_complain(report, "%s: [mail] has directory and server; one of them sends", path);
	if (policy_list_has(&p->methods, "app") && p->directories_n == 0)
		conf_complain(report, "%s: [authentication-methods] methods: app needs a [directory NAME] of type entra", path);
}

static const char *const phone_methods[] = { "sms", "voice", "office" };

static size_t count_phones(const struct policy *p)
{
	size_t n = 0;

	for (size_t i = 0; i < ARRAY_SIZE(phone_methods); i++)
		n += policy_list_has(&p->methods, phone_methods[i]);
	return n;
}

bool policy_has_phone(const struct policy *p)
{
	return count_phones(p) > 0;
}

size_t policy_gates(const struct policy *p)
{
	size_t phones = count_phones(p);

	return p->methods.n - (phones > 1 ? phones - 1 : 0);
}

static const char *one_counts(const struct policy *p)
{
	return count_phones(p) > 1 ? ": of sms, voice and office one counts" : "";
}

static void need(const char *path, const char *section, const char *provider, const char *key, const char *value,
		 struct conf_report *report)
{
	if (!*value)
		conf_complain(report, "%s: [%s] provider = %s needs [%s] %s", path, section, provider, section, key);
}

static void judge_carrier(const char *path, const char *section, const struct policy_carrier *c, struct conf_report *report)
{
	switch ((enum policy_provider)c->provider) {
	case PROVIDER_TWILIO:
		need(path, section, "twilio", "account", c->account, report);
		need(path, section, "twilio", "from", c->from, report);
		break;
	case PROVIDER_AZURE:
		need(path, section, "azure", "endpoint", c->endpoint, report);
		need(path, section, "azure", "from", c->from, report);
		break;
	case PROVIDER_GATEWAY:
		need(path, section, "gateway", "url", c->url, report);
		break;
	case PROVIDER_NONE:
		break;
	}
	if (c->verb == VERB_GET && *c->body)
		conf_complain(report, "%s: [%s] method = get has no body; its values go into url", path, section);
}

static void judge_phone(const char *path, const struct policy *p, struct conf_report *report)
{
	judge_carrier(path, "sms", &p->sms, report);
	judge_carrier(path, "voice", &p->voice, report);
	if (policy_has_phone(p) && p->phone_rules.countries.n == 0)
		conf_complain(report,
			      "%s: [authentication-methods] methods: sms, voice and office need [phone] countries = +49 and the like, "
			      "unless [customization] phone is an international number",
			      path);
}

/* Where an organisation's helpdesk is, most of its people are. */
static void default_country(struct policy *p)
{
	char number[PHONE], country[5];

	if (p->phone_rules.countries.n > 0 || phone_parse(p->phone, strlen(p->phone), number) < 0)
		return;
	phone_country(number, country);
	memcpy(p->phone_rules.countries.item[0], country, sizeof(country));
	p->phone_rules.countries.n = 1;
}

/*
 * Entra's page refuses what leaves a user nothing when the phone with the authenticator app is lost: with one gate the app must not be the only
 * method, with two it needs two others. Its app is our `authenticator`; our `app` is a sign-in that Entra's page does not know.
 */
static void judge_methods(const char *path, const struct policy *p, struct conf_report *report)
{
	bool authenticator = policy_list_has(&p->methods, "authenticator");

	if (policy_gates(p) < p->required)
		conf_complain(report,
			      "%s: [authentication-methods] required = %u needs at least %u methods, but methods has %zu%s",
			      path, p->required, p->required, policy_gates(p), one_counts(p));
	else if (authenticator && policy_gates(p) < p->required + 1)
		conf_complain(report,
			      "%s: [authentication-methods] methods: authenticator with required = %u needs at least %u other methods, like "
			      "email or recovery-code: who has lost the phone could not reset",
			      path, p->required, p->required);
	if (p->admins.n > 0 && policy_gates(p) < ADMIN_GATES)
		conf_complain(report, "%s: [authentication-methods] admins always need two methods, but methods has %zu%s", path,
			      policy_gates(p), one_counts(p));
	if (p->notifications.admins && (p->notifications.admin_addresses.n == 0 || p->admins.n == 0))
		conf_complain(report,
			      "%s: [notifications] notify-admins = yes needs [notifications] admin-addresses = ADDRESSES and "
			      "[authentication-methods] admins = NAMES",
			      path);
}

/* What no single value shows. */
static void policy_judge(const char *path, const struct policy *p, struct conf_report *report)
{
	if (p->enabled == ENABLED_SELECTED && !*p->group)
		conf_complain(report, "%s: [properties] enabled = selected needs [properties] group = NAME", path);
	judge_methods(path, p, report);
	if (p->self_service && p->required == 1 && policy_list_has(&p->methods, "email"))
		conf_complain(report,
			      "%s: [services] self-service = yes needs [authentication-methods] required = 2: an open mailbox "
			      "must not be enough",
			      path);
	if (policy_list_has(&p->methods, "app") && p->required == 1)
		conf_complain(report,
			      "%s: [authentication-methods] methods: app needs required = 2: who was talked into typing a code "
			      "elsewhere must not lose the account by that alone",
			      path);
	if (*p->mail.server && !*p->mail.from)
		conf_complain(report, "%s: [mail] server needs [mail] from = ADDRESS", path);
	if (p->password.max_length < p->password.min_length)
		conf_complain(report, "%s: [password] max-length must not be below min-length", path);
	if (*p->password.banned_words && !p->password.protection)
		conf_complain(report, "%s: [password] banned-words needs protection = yes", path);
	judge_directories(path, p, report);
	judge_phone(path, p, report);
}

static void read_banned(struct policy *p, struct conf_report *report)
{
	const char *path = p->password.banned_words;

	if (*path && banned_read(path, report, &p->password.banned) < 0)
		conf_complain(report, "%s: there is no memory for it", path);
}

void policy_done(struct policy *p)
{
	free(p->password.banned);
	p->password.banned = NULL;
}

int policy_read(const char *path, struct policy *ret, struct conf_report *report)
{
	struct policy p = defaults;
	const struct conf_table table = { .keys = keys, .n = ARRAY_SIZE(keys), .values = &p, .family = &directories };

	if (conf_read(path, &table, report) == 0) {
		default_country(&p);
		policy_judge(path, &p, report);
		read_banned(&p, report);
	}
	if (report->mistakes > 0) {
		policy_done(&p);
		return 1;
	}
	*ret = p;
	return 0;
}

static void say_on_log(void *to _unused_, const char *line)
{
	log_error("%s", line);
}

int policy_load(const char *path, struct policy *ret)
{
	struct conf_report report = { .say = say_on_log };

	return policy_read(path, ret, &report);
}
