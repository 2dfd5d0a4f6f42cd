// SPDX-License-Identifier: LGPL-2.1-or-later
#include "directory/entra_name.h"

#include <errno.h>
#include <string.h>
#include <strings.h>

#include "base/cleanup.h"
#include "base/log.h"

#define LOCAL_PART 64
#define DOMAIN 48

#define LETTERS "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"

static bool well_formed(const char *name)
{
	const char *at = strchr(name, '@');
	size_t user, domain;

	if (!at)
		return false;
	user = (size_t)(at - name);
	domain = strlen(at + 1);
	return user > 0 && user <= LOCAL_PART && strspn(name, LETTERS "'.-_!#^~") == user && domain > 0 && domain <= DOMAIN &&
	       strspn(at + 1, LETTERS ".-") == domain;
}

bool entra_same_name(const char *a, const char *b)
{
	return strcasecmp(a, b) == 0;
}

static bool of_domain(const struct policy_entra *p, const char *name)
{
	const char *domain = strchr(name, '@');

	for (size_t i = 0; domain && i < p->domains.n; i++)
		if (strcasecmp(domain + 1, p->domains.item[i]) == 0)
			return true;
	return false;
}

/* One line: nothing, a remark, or "name principal-name". Its two words, which point into the line; -EBADMSG. */
static int map_line(char *line, const char **ret_name, const char **ret_principal)
{
	static const char blanks[] = " \t\r\n";
	char *rest = NULL;

	*ret_name = strtok_r(line, blanks, &rest);
	*ret_principal = NULL;
	if (!*ret_name || **ret_name == '#') {
		*ret_name = NULL;
		return 0;
	}
	*ret_principal = strtok_r(NULL, blanks, &rest);
	return *ret_principal && well_formed(*ret_principal) && !strtok_r(NULL, blanks, &rest) ? 0 : -EBADMSG;
}

static int map_find(const char *path, const char *typed, char ret[static ACCOUNT_NAME])
{
	_cleanup_(fclosep) FILE *f = fopen(path, "re");
	_cleanup_(freep) char *line = NULL;
	const char *name, *principal;
	unsigned int n = 0;
	size_t size = 0;

	if (!f)
		return -errno;
	while (getline(&line, &size, f) >= 0) {
		n++;
		if (map_line(line, &name, &principal) < 0) {
			log_error("%s:%u: a line is \"name name@domain\"", path, n);
			return -EBADMSG;
		}
		if (name && strcmp(name, typed) == 0) {
			snprintf(ret, ACCOUNT_NAME, "%s", principal);
			return 0;
		}
	}
	return ferror(f) ? -EIO : 1;
}

static int fill_template(const struct policy_entra *p, const char *typed, char ret[static ACCOUNT_NAME])
{
	const char *user = strstr(p->template, "%u");
	int n;

	if (user)
		n = snprintf(ret, ACCOUNT_NAME, "%.*s%s%s", (int)(user - p->template), p->template, typed, user + 2);
	else
		n = snprintf(ret, ACCOUNT_NAME, "%s@%s", typed, p->domains.item[0]);
	return n > 0 && n < ACCOUNT_NAME && well_formed(ret) ? 0 : 1;
}

int entra_name(const struct policy_entra *p, const char *typed, char ret[static ACCOUNT_NAME])
{
	int r = 1;

	if (!*typed)
		return 1;
	if (strchr(typed, '@')) {
		if (strlen(typed) >= ACCOUNT_NAME || !well_formed(typed) || !of_domain(p, typed))
			return 1;
		snprintf(ret, ACCOUNT_NAME, "%s", typed);
		return 0;
	}
	if (*p->map_file)
		r = map_find(p->map_file, typed, ret);
	return r == 1 ? fill_template(p, typed, ret) : r;
}
