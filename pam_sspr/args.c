// SPDX-License-Identifier: LGPL-2.1-or-later
#include "args.h"

#include <security/pam_ext.h>
#include <string.h>
#include <sys/un.h>
#include <syslog.h>

#include "base/cleanup.h"

#define SERVICES "login,gdm-password,lightdm,greetd,xdm"
#define SOCKET "/run/sspr/login.sock"
#define KEYWORD "forgot"

static bool set_first(struct args *a, const char *value _unused_)
{
	return a->first = true;
}

static bool set_quiet(struct args *a, const char *value _unused_)
{
	return a->quiet = true;
}

static bool set_debug(struct args *a, const char *value _unused_)
{
	return a->debug = true;
}

static bool set_services(struct args *a, const char *value)
{
	a->services = value;
	return true;
}

static bool set_socket(struct args *a, const char *value)
{
	if (value[0] != '/' || strlen(value) >= sizeof(((struct sockaddr_un *)NULL)->sun_path))
		return false;
	a->socket = value;
	return true;
}

static bool add_keyword(struct args *a, const char *value)
{
	if (value[0] == 0 || a->n_keywords == ARGS_KEYWORDS)
		return false;
	a->keyword[a->n_keywords++] = value;
	return true;
}

static const struct option {
	const char *name; /* with its '=' where a value follows */
	bool (*set)(struct args *a, const char *value);
} options[] = {
	{ .name = "first", .set = set_first },
	{ .name = "quiet", .set = set_quiet },
	{ .name = "debug", .set = set_debug },
	{ .name = "services=", .set = set_services },
	{ .name = "socket=", .set = set_socket },
	{ .name = "keyword=", .set = add_keyword },
};

static bool option_matches(const struct option *o, const char *arg)
{
	size_t n = strlen(o->name);

	return o->name[n - 1] == '=' ? strncmp(arg, o->name, n) == 0 : strcmp(arg, o->name) == 0;
}

static bool args_set(struct args *a, const char *arg)
{
	for (size_t i = 0; i < ARRAY_SIZE(options); i++)
		if (option_matches(&options[i], arg))
			return options[i].set(a, arg + strlen(options[i].name));
	return false;
}

void args_parse(pam_handle_t *pamh, int argc, const char **argv, struct args *ret)
{
	struct args a = { .services = SERVICES, .socket = SOCKET };

	for (int i = 0; i < argc; i++)
		if (!args_set(&a, argv[i]))
			pam_syslog(pamh, LOG_ERR, "unknown or bad argument, left out: %s", argv[i]);
	if (a.n_keywords == 0)
		add_keyword(&a, KEYWORD);
	*ret = a;
}

bool args_service(const struct args *a, const char *service)
{
	size_t n = strlen(service);

	for (const char *s = a->services; n > 0; s++) {
		size_t len = strcspn(s, ",");

		if (len == n && memcmp(s, service, n) == 0)
			return true;
		s += len;
		if (*s == 0)
			break;
	}
	return false;
}

bool args_keyword(const struct args *a, const char *typed)
{
	for (size_t i = 0; i < a->n_keywords; i++)
		if (strcmp(a->keyword[i], typed) == 0)
			return true;
	return false;
}
