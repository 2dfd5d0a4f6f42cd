// SPDX-License-Identifier: LGPL-2.1-or-later
#include "flow/policy.h"

#include <string.h>

#include "base/cleanup.h"
#include "base/log.h"
#include "base/text.h"

static const char *const enabled_choices[] = { "none", "selected", "all", NULL };
static const char *const method_choices[] = { "authenticator", "email", "recovery-code", NULL };
static const char *const local_types[] = { "local", NULL };

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

#define KEY(s, k, kind_, member, ...)                                                                                  \
	{ .section = (s), .key = (k), .kind = (kind_), .offset = offsetof(struct policy, member), __VA_ARGS__ }
#define NUMBER(s, k, member, lowest, highest) KEY(s, k, CONF_NUMBER, member, .min = (lowest), .max = (highest))
#define TIME(s, k, member, lowest, highest) KEY(s, k, CONF_DURATION, member, .min = (lowest), .max = (highest))
#define STRING(s, k, member, check) KEY(s, k, CONF_STRING, member, .wrong = (check))

enum { MINUTE = 60, HOUR = 3600, DAY = 86400 };

/* No limit has a value that means "unlimited". */
static const struct conf_key keys[] = {
	KEY("properties", "enabled", CONF_CHOICE, enabled, .choices = enabled_choices),
	STRING("properties", "group", group, wrong_group),
	KEY("authentication-methods", "methods", CONF_WORDS, methods, .choices = method_choices),
	NUMBER("authentication-methods", "required", required, 1, 2),
	STRING("customization", "helpdesk", helpdesk, wrong_text),
	STRING("customization", "phone", phone, wrong_text),
	NUMBER("limits", "account-failures", limits.account_failures, 1, 100),
	TIME("limits", "account-window", limits.account_window, HOUR, 30 * DAY),
	NUMBER("limits", "gate-failures", limits.gate_failures, 1, 100),
	TIME("limits", "gate-window", limits.gate_window, 10 * MINUTE, 30 * DAY),
	TIME("limits", "block", limits.block, 10 * MINUTE, 30 * DAY),
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
	NUMBER("limits", "new-password-tries", limits.new_password_tries, 1, 10),
	NUMBER("limits", "dialogues", limits.dialogues, 8, 15000),
	NUMBER("limits", "user-dialogues", limits.user_dialogues, 4, 1000),
	NUMBER("limits", "audit-rows", limits.audit_rows, 1000, 1000000),
	NUMBER("password", "min-length", password.min_length, 8, 128),
	NUMBER("password", "max-length", password.max_length, 64, 256),
	NUMBER("password", "min-classes", password.min_classes, 1, 4),
	KEY("password", "deny-words", CONF_WORDS, password.deny_words, .wrong = wrong_text),
	KEY("password", "check-quality", CONF_BOOL, password.check_quality),
	KEY("privacy", "hide-account-state", CONF_BOOL, hide_account_state),
	KEY("services", "allow", CONF_WORDS, services, .wrong = wrong_text),
	KEY("services", "self-service", CONF_BOOL, self_service),
	STRING("mail", "server", mail.server, wrong_server),
	STRING("mail", "from", mail.from, wrong_address),
	STRING("mail", "user", mail.user, wrong_text),
	STRING("mail", "ca-file", mail.ca_file, wrong_path),
	KEY("directory local", "type", CONF_CHOICE, local.type, .choices = local_types),
	KEY("directory local", "allow-privileged", CONF_WORDS, local.allow_privileged, .wrong = wrong_text),
	KEY("directory local", "privileged-groups", CONF_WORDS, local.privileged_groups, .wrong = wrong_text),
};

#define LIST(...)                                                                                                      \
	{                                                                                                              \
		.n = sizeof((const char *const[]){ __VA_ARGS__ }) / sizeof(char *), .item = { __VA_ARGS__ }            \
	}

static const struct policy defaults = {
	.enabled = ENABLED_NONE,
	.methods = LIST("authenticator", "email", "recovery-code"),
	.required = 2,
	.limits = {
		.account_failures = 5,
		.account_window = 24 * HOUR,
		.gate_failures = 5,
		.gate_window = HOUR,
		.block = 24 * HOUR,
		.seat_failures = 20,
		.seat_users = 5,
		.seat_window = HOUR,
		.global_failures = 200,
		.global_window = HOUR,
		.code_lifetime = 5 * MINUTE,
		.code_tries = 5,
		.code_sends = 3,
		.sends_per_day = 5,
		.dialogue = 15 * MINUTE,
		.verified = 3 * MINUTE,
		.new_password_tries = 5,
		.dialogues = 12000,
		.user_dialogues = 64,
		.audit_rows = 200000,
	},
	.password = { .min_length = 8, .max_length = 256, .min_classes = 1, .check_quality = true },
	.hide_account_state = true,
	.services = LIST("login", "gdm-password", "lightdm", "greetd", "xdm"),
};

bool policy_list_has(const struct conf_list *list, const char *word)
{
	for (size_t i = 0; i < list->n; i++)
		if (strcmp(list->item[i], word) == 0)
			return true;
	return false;
}

/* What no single value shows. */
static void policy_judge(const char *path, const struct policy *p, struct conf_report *report)
{
	if (p->enabled == ENABLED_SELECTED && !*p->group)
		conf_complain(report, "%s: [properties] enabled = selected needs [properties] group = NAME", path);
	if (p->methods.n < p->required)
		conf_complain(report,
			      "%s: [authentication-methods] required = %u needs at least %u methods, but methods has %zu",
			      path, p->required, p->required, p->methods.n);
	if (p->self_service && p->required == 1 && policy_list_has(&p->methods, "email"))
		conf_complain(report,
			      "%s: [services] self-service = yes needs [authentication-methods] required = 2: an open mailbox "
			      "must not be enough",
			      path);
	if (*p->mail.server && !*p->mail.from)
		conf_complain(report, "%s: [mail] server needs [mail] from = ADDRESS", path);
	if (p->password.max_length < p->password.min_length)
		conf_complain(report, "%s: [password] max-length must not be below min-length", path);
}

int policy_read(const char *path, struct policy *ret, struct conf_report *report)
{
	struct policy p = defaults;
	const struct conf_table table = { .keys = keys, .n = ARRAY_SIZE(keys), .values = &p };

	if (conf_read(path, &table, report) == 0)
		policy_judge(path, &p, report);
	if (report->mistakes > 0)
		return 1;
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
