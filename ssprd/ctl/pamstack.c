// SPDX-License-Identifier: LGPL-2.1-or-later
#include "ctl/pamstack.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"

#define MODULE "pam_sspr.so"
#define DEPTH 16

const char *const pamstack_defaults[PAMSTACK_DEFAULTS] = { "login", "gdm-password", "lightdm", "greetd", "xdm" };

/* Where Linux-PAM looks, in its order; the last two are of distributions that leave /etc to the administrator. */
static const char *const folders[] = { "/etc/pam.d", "/usr/lib/pam.d", "/usr/etc/pam.d" };

static FILE *service_open(const char *name)
{
	char path[512];

	if (name[0] == '/')
		return fopen(name, "re");
	for (size_t i = 0; i < ARRAY_SIZE(folders); i++) {
		FILE *f;

		snprintf(path, sizeof(path), "%s/%s", folders[i], name);
		f = fopen(path, "re");
		if (f)
			return f;
	}
	return NULL;
}

/* The next word of a line; what stands in brackets is one. NULL at the end. */
static char *word_next(char **line)
{
	char *word = *line + strspn(*line, " \t\n"), *end;

	if (*word == 0)
		return NULL;
	end = *word == '[' ? strchrnul(word, ']') : word + strcspn(word, " \t\n");
	if (*end == ']')
		end++;
	*line = *end ? end + 1 : end;
	*end = 0;
	return word;
}

static bool is_sspr(const char *module)
{
	const char *name = strrchr(module, '/');

	return strcmp(name ? name + 1 : module, MODULE) == 0;
}

static void value_take(const char *word, const char *name, char *ret, size_t size)
{
	size_t n = strlen(name);

	if (strncmp(word, name, n) == 0 && strlen(word + n) < size)
		memcpy(ret, word + n, strlen(word + n) + 1);
}

static void arg_take(const char *word, struct pamstack *s)
{
	value_take(word, "socket=", s->socket, sizeof(s->socket));
	value_take(word, "services=", s->services, sizeof(s->services));
	if (s->keyword[0] == 0)
		value_take(word, "keyword=", s->keyword, sizeof(s->keyword));
}

static void module_take(const char *module, char *args, struct pamstack *s)
{
	struct pamstack found = *s;
	char *word;

	if (s->named || strlen(module) >= sizeof(found.module))
		return;
	found.named = true;
	found.keyword[0] = 0;
	memcpy(found.module, module, strlen(module) + 1);
	while ((word = word_next(&args)))
		arg_take(word, &found);
	if (found.keyword[0] == 0)
		memcpy(found.keyword, s->keyword, sizeof(found.keyword));
	*s = found;
}

static int file_read(const char *name, unsigned int depth, struct pamstack *s);

static bool is_one_of(const char *word, const char *a, const char *b)
{
	return strcmp(word, a) == 0 || strcmp(word, b) == 0;
}

static void line_read(char *line, unsigned int depth, struct pamstack *s)
{
	const char *type, *control, *module;

	line[strcspn(line, "#")] = 0;
	type = word_next(&line);
	control = type ? word_next(&line) : NULL;
	if (!control)
		return;
	if (strcmp(type, "@include") == 0) {
		(void)file_read(control, depth + 1, s);
		return;
	}
	module = is_one_of(type, "auth", "-auth") ? word_next(&line) : NULL;
	if (!module)
		return;
	if (is_one_of(control, "include", "substack"))
		(void)file_read(module, depth + 1, s);
	else if (is_sspr(module))
		module_take(module, line, s);
}

static int file_read(const char *name, unsigned int depth, struct pamstack *s)
{
	_cleanup_(fclosep) FILE *f = NULL;
	_cleanup_(freep) char *line = NULL;
	size_t size = 0;

	if (depth > DEPTH)
		return -ELOOP;
	f = service_open(name);
	if (!f)
		return -errno;
	while (getline(&line, &size, f) >= 0)
		line_read(line, depth, s);
	return 0;
}

static bool lists(const char *services, const char *service)
{
	for (size_t len; *services; services += len + (services[len] == ',')) {
		len = strcspn(services, ",");
		if (len == strlen(service) && memcmp(services, service, len) == 0)
			return true;
	}
	return false;
}

int pamstack_read(const char *service, struct pamstack *ret)
{
	struct pamstack s = {
		.socket = "/run/sspr/login.sock",
		.keyword = "forgot",
		.services = "login,gdm-password,lightdm,greetd,xdm",
	};
	int r;

	if (strchr(service, '/') || service[0] == '.' || service[0] == 0)
		return -ENOENT;
	r = file_read(service, 0, &s);
	s.listed = lists(s.services, service);
	if (r == 0)
		*ret = s;
	return r;
}

bool pamstack_module_exists(const char *module)
{
	char path[512];

	snprintf(path, sizeof(path), "%s%s", module[0] == '/' ? "" : PAMMODDIR "/", module);
	return access(path, R_OK) == 0;
}
