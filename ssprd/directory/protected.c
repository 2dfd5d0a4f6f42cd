// SPDX-License-Identifier: LGPL-2.1-or-later
#include "directory/protected.h"

#include <errno.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/log.h"
#include "directory/hash.h"

/* Who is in one of these can become root, or read what root alone should. The policy may name more, not fewer. */
static const char *const privileged[] = {
	"root", "sudo", "wheel", "admin", "adm", "docker", "lxd", "incus", "incus-admin", "libvirt", "disk", "kmem", "shadow",
};

static enum why broken(const char *what, int error)
{
	log_error("%s cannot be read: %s", what, strerror(-error));
	return error == -EINVAL ? WHY_MISCONFIGURED : WHY_BROKEN;
}

enum why protected_uid(const struct files *f, uid_t uid)
{
	/* systemd's dynamic users, and nobody; see UIDS-GIDS of systemd. */
	static const struct {
		uid_t first, last;
	} reserved[] = { { 0, 0 }, { 61184, 65519 }, { 65534, 65535 }, { UINT32_MAX, UINT32_MAX } };
	uid_t min;
	int r = files_uid_min(f, &min);

	if (r < 0)
		return broken("UID_MIN", r);
	for (size_t i = 0; i < ARRAY_SIZE(reserved); i++)
		if (uid >= reserved[i].first && uid <= reserved[i].last)
			return WHY_PROTECTED;
	return uid < min ? WHY_PROTECTED : WHY_NONE;
}

enum why protected_shell(const struct files *f, const char *shell)
{
	const char *base = strrchr(shell, '/');
	int r;

	/* passwd(5): an empty field is /bin/sh. */
	if (*shell == 0)
		return WHY_NONE;
	if (!base || strcmp(base, "/nologin") == 0 || strcmp(base, "/false") == 0)
		return WHY_NO_LOGIN;
	r = files_shell_listed(f, shell);
	if (r < 0)
		return broken("the list of shells", r);
	return r == 1 ? WHY_NONE : WHY_NO_LOGIN;
}

/* As pam_unix judges them at a login. */
static bool expired(const struct files_shadow *s, long today)
{
	if (s->expires != -1 && today >= s->expires)
		return true;
	return s->changed > 0 && s->max != -1 && s->inactive != -1 && today - s->changed > s->max + s->inactive;
}

enum why protected_locked(const struct files_user *user, const struct files_shadow *shadow, long today)
{
	if (!user->shadowed || !hash_is_one(shadow->hash))
		return WHY_LOCKED;
	return expired(shadow, today) ? WHY_LOCKED : WHY_NONE;
}

static enum why protected_group(const struct files *f, const struct groups *groups, const char *name)
{
	int r = groups_have(f, groups, name);

	if (r < 0 && r != -ENOENT)
		return broken("a privileged group", r);
	return r == 1 ? WHY_PROTECTED : WHY_NONE;
}

enum why protected_groups(const struct files *f, const struct policy_local *policy, const char *name,
			  const struct groups *groups)
{
	const struct conf_list *more = &policy->privileged_groups;
	enum why why = WHY_NONE;

	if (policy_list_has(&policy->allow_privileged, name))
		return WHY_NONE;
	for (size_t i = 0; i < groups->n; i++)
		if (groups->gid[i] == 0)
			return WHY_PROTECTED;
	for (size_t i = 0; why == WHY_NONE && i < ARRAY_SIZE(privileged); i++)
		why = protected_group(f, groups, privileged[i]);
	for (size_t i = 0; why == WHY_NONE && i < more->n; i++)
		why = protected_group(f, groups, more->item[i]);
	return why;
}
