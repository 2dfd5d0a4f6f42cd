// SPDX-License-Identifier: LGPL-2.1-or-later
#include "directory/groups.h"

#include <errno.h>
#include <grp.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"

/* A group's line may name thousands of members. */
#define GROUPS_LINE_MAX (16u << 20)

static bool groups_hold(const struct groups *g, gid_t gid)
{
	for (size_t i = 0; i < g->n; i++)
		if (g->gid[i] == gid)
			return true;
	return false;
}

static int groups_add(struct groups *g, gid_t gid)
{
	if (groups_hold(g, gid))
		return 0;
	if (g->n == ARRAY_SIZE(g->gid))
		return -E2BIG;
	g->gid[g->n++] = gid;
	return 0;
}

static bool names_user(const struct group *group, const char *user)
{
	for (char **m = group->gr_mem; *m; m++)
		if (strcmp(*m, user) == 0)
			return true;
	return false;
}

static struct group *group_next(FILE *file, int *ret_error)
{
	struct group *g;

	errno = 0;
	g = fgetgrent(file);
	*ret_error = g || errno == ENOENT ? 0 : -errno;
	if (!g && *ret_error == 0 && ferror(file))
		*ret_error = -EIO;
	return g;
}

static int groups_of_file(const struct files *f, const char *user, struct groups *g)
{
	_cleanup_(fclosep) FILE *file = fopen(f->group, "re");
	const struct group *group;
	int r = 0;

	if (!file)
		return -errno;
	while (r == 0 && (group = group_next(file, &r)))
		if (names_user(group, user))
			r = groups_add(g, group->gr_gid);
	return r;
}

static int service_has(const struct groups *g, const char *name)
{
	for (size_t size = 4096; size <= GROUPS_LINE_MAX; size *= 4) {
		_cleanup_(freep) char *buffer = malloc(size);
		struct group group, *found;
		int r;

		if (!buffer)
			return -ENOMEM;
		r = getgrnam_r(name, &group, buffer, size, &found);
		if (r == ERANGE)
			continue;
		/* glibc says 0 and nothing found for "there is none"; ENOENT comes from a service that is away. */
		if (r != 0)
			return r == ENOENT || r == ESRCH ? -EIO : -r;
		return found ? groups_hold(g, group.gr_gid) : -ENOENT;
	}
	return -E2BIG;
}

/* getgrouplist(3) cannot tell "in no group" from "nobody answers"; a question without an answer can. */
static int service_answers(void)
{
	static const struct groups none;
	int r = service_has(&none, "-");

	return r == -ENOENT || r >= 0 ? 0 : r;
}

static int groups_of_service(const struct files_user *user, struct groups *g)
{
	gid_t gid[GROUPS_MAX];
	int n = ARRAY_SIZE(gid), r = service_answers();

	if (r < 0)
		return r;
	if (getgrouplist(user->name, user->gid, gid, &n) < 0)
		return -E2BIG;
	for (int i = 0; r == 0 && i < n; i++)
		r = groups_add(g, gid[i]);
	return r;
}

int groups_read(const struct files *f, const struct files_user *user, struct groups *ret)
{
	struct groups g = { .n = 1, .gid = { user->gid } };
	int r = groups_of_file(f, user->name, &g);

	if (r == 0)
		r = groups_of_service(user, &g);
	if (r == 0)
		*ret = g;
	return r;
}

static int file_has(const struct files *f, const struct groups *g, const char *name)
{
	_cleanup_(fclosep) FILE *file = fopen(f->group, "re");
	const struct group *group;
	int found = -ENOENT, r = 0;

	if (!file)
		return -errno;
	while ((group = group_next(file, &r))) {
		if (strcmp(group->gr_name, name) != 0)
			continue;
		if (groups_hold(g, group->gr_gid))
			return 1;
		found = 0;
	}
	return r < 0 ? r : found;
}

int groups_have(const struct files *f, const struct groups *g, const char *name)
{
	int local = file_has(f, g, name), service;

	if (local == 1 || (local < 0 && local != -ENOENT))
		return local;
	service = service_has(g, name);
	return service == -ENOENT ? local : service;
}
