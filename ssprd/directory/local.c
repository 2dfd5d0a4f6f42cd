// SPDX-License-Identifier: LGPL-2.1-or-later
#include "directory/local.h"

#include <errno.h>
#include <inttypes.h>
#include <stdint.h>
#include <string.h>
#include <time.h>

#include "base/cleanup.h"
#include "base/crypto.h"
#include "base/log.h"
#include "directory/groups.h"
#include "directory/hash.h"
#include "directory/local_pam.h"
#include "directory/local_quality.h"
#include "directory/names.h"
#include "directory/protected.h"
#include "flow/password.h"

#define DAY 86400
/* Somebody who edits passwd by hand holds the lock for long; a person at the prompt does not wait that long. */
#define LOCK_PATIENCE 8000

/* One account at one moment: what was read, and what is told of it. */
struct found {
	struct files_user user;
	struct files_shadow shadow;
	struct groups groups;
};

static void found_wipe(struct found *f)
{
	explicit_bzero(f, sizeof(*f));
}

static enum why why_of_error(const char *what, int error)
{
	if (error == -ENOENT)
		return WHY_NO_ACCOUNT;
	if (error == -ENOTUNIQ)
		return WHY_AMBIGUOUS;
	log_error("%s cannot be read: %s", what, strerror(-error));
	return WHY_BROKEN;
}

static int mark_of(uid_t uid, const struct files_shadow *shadow, char ret[static ACCOUNT_MARK])
{
	char text[16 + FILES_HASH];
	uint8_t digest[CRYPTO_MAC];
	int len, r;

	_Static_assert(ACCOUNT_MARK > 2 * CRYPTO_MAC, "a mark is a whole SHA-256");
	len = snprintf(text, sizeof(text), "%" PRIu32 ":%s", uid, shadow->hash);
	r = crypto_sha256(text, (size_t)len, digest);
	explicit_bzero(text, sizeof(text));
	if (r == 0)
		crypto_hex(digest, sizeof(digest), ret);
	return r;
}

/* Where there are other directories the group may be theirs alone, and then no local account is in scope. */
static bool group_is_elsewhere(const struct local *l, int error)
{
	return error == -ENOENT && l->policy->directories_n > 0;
}

static enum why judge_scope(const struct local *l, const struct found *found, const char *group)
{
	int r;

	if (l->policy->local.type == LOCAL_NONE)
		return WHY_NOT_IN_SCOPE;
	if (*group == 0)
		return WHY_NONE;
	r = groups_have(&l->files, &found->groups, group);
	if (group_is_elsewhere(l, r))
		return WHY_NOT_IN_SCOPE;
	if (r == -ENOENT)
		log_error("the group %s does not exist, so nobody is in scope", group);
	else if (r < 0)
		log_error("the group %s cannot be looked up: %s", group, strerror(-r));
	return r == 1 ? WHY_NONE : r == 0 ? WHY_NOT_IN_SCOPE : r == -ENOENT ? WHY_MISCONFIGURED : WHY_BROKEN;
}

/* Everything that keeps an account from being reset; found->user is there already. */
static enum why judge(const struct local *l, const char *group, struct found *found)
{
	enum why why;
	int r;

	if (!name_valid(found->user.name))
		return WHY_NO_ACCOUNT;
	why = protected_uid(&l->files, found->user.uid);
	if (why != WHY_NONE)
		return why;
	r = name_agreed(found->user.name, found->user.uid, found->user.gid);
	if (r != 1)
		return r == 0 ? WHY_AMBIGUOUS : why_of_error("the name service", r);
	r = files_shadow(&l->files, found->user.name, &found->shadow);
	if (r < 0)
		return r == -ENOENT ? WHY_LOCKED : why_of_error(l->files.shadow, r);
	r = groups_read(&l->files, &found->user, &found->groups);
	if (r < 0)
		return why_of_error(l->files.group, r);
	why = protected_groups(&l->files, &l->policy->local, found->user.name, &found->groups);
	if (why == WHY_NONE)
		why = protected_shell(&l->files, found->user.shell);
	if (why == WHY_NONE)
		why = protected_locked(&found->user, &found->shadow, (long)(time(NULL) / DAY));
	if (why == WHY_NONE)
		why = judge_scope(l, found, group);
	return why;
}

static void tell_account(const struct job *job, const struct files_user *user, struct job_result *ret)
{
	struct account *a = &ret->account;

	memcpy(a->directory, job->account.directory, sizeof(a->directory));
	memcpy(a->name, user->name, sizeof(a->name));
	snprintf(a->object, sizeof(a->object), "%" PRIu32, user->uid);
	snprintf(ret->names, sizeof(ret->names), "%s", user->full_name);
}

static void refuse(struct job_result *ret, enum why why)
{
	ret->outcome = OUTCOME_REFUSED;
	ret->why = why;
}

/* Ends with a complete account in *ret, or with a refusal there and -EPERM. */
static int resettable(const struct local *l, const struct job *job, int error, struct found *found,
		      struct job_result *ret)
{
	enum why why;

	if (error < 0) {
		refuse(ret, why_of_error(l->files.passwd, error));
		return -EPERM;
	}
	tell_account(job, &found->user, ret);
	why = judge(l, job->group, found);
	if (why == WHY_NONE && mark_of(found->user.uid, &found->shadow, ret->account.mark) < 0)
		why = WHY_BROKEN;
	if (why == WHY_NONE)
		return 0;
	refuse(ret, why);
	return -EPERM;
}

/* A descriptor, or a refusal in *ret and a negative number. */
static int lock_files(const struct local *l, int peer, struct job_result *ret)
{
	int lock = files_lock(&l->files, peer, LOCK_PATIENCE);

	if (lock < 0) {
		log_warning("%s: %s", l->files.lock, strerror(-lock));
		refuse(ret, WHY_BUSY);
	}
	return lock;
}

/* A scope that does not exist strikes every name alike, so it is asked for before any name is looked at. */
static enum why check_scope(const struct local *l, const char *group)
{
	static const struct groups none;
	int r = *group ? groups_have(&l->files, &none, group) : 0;

	if (r >= 0 || group_is_elsewhere(l, r))
		return WHY_NONE;
	log_error("the group %s of the policy: %s", group, r == -ENOENT ? "does not exist" : strerror(-r));
	return r == -ENOENT ? WHY_MISCONFIGURED : WHY_BROKEN;
}

void local_lookup(const struct local *l, int peer, const struct job *job, struct job_result *ret)
{
	_cleanup_(found_wipe) struct found found = {};
	_cleanup_(closep) int lock = -1;
	enum why why = check_scope(l, job->group);
	int r = -ENOENT;

	if (*job->account.object && (lock = lock_files(l, peer, ret)) < 0)
		return;
	if (why != WHY_NONE) {
		refuse(ret, why);
		return;
	}
	if (name_valid(job->account.name))
		r = files_user_by_name(&l->files, job->account.name, &found.user);
	if (resettable(l, job, r, &found, ret) == 0)
		ret->outcome = OUTCOME_DONE;
}

static int object_uid(const char *object, uid_t *ret)
{
	char again[ACCOUNT_OBJECT];
	unsigned long n = strtoul(object, NULL, 10);

	if (n >= UINT32_MAX)
		return -ENOENT;
	snprintf(again, sizeof(again), "%lu", n);
	if (strcmp(again, object) != 0)
		return -ENOENT;
	*ret = (uid_t)n;
	return 0;
}

static int find_by_object(const struct local *l, const struct job *job, struct files_user *ret)
{
	uid_t uid;
	int r = object_uid(job->account.object, &uid);

	return r < 0 ? r : files_user_by_uid(&l->files, uid, ret);
}

/* The password that is in force now must not become the new one; PAM would let root do it. */
static enum why check_same(const struct files_shadow *shadow, const struct secret *password)
{
	int r = hash_is_of(shadow->hash, password);

	return r < 0 ? WHY_BROKEN : r > 0 ? WHY_USED_BEFORE : WHY_NONE;
}

static enum why check_password(const struct local *l, const struct found *found, const struct secret *password)
{
	enum why why = password_check(&l->policy->password, password, found->user.name, found->user.full_name);

	if (why == WHY_NONE && l->policy->password.check_quality)
		why = local_quality_check(password, found->user.name);
	if (why == WHY_NONE)
		why = check_same(&found->shadow, password);
	return why;
}

/* The policy's own scope, whatever group the asking side has named. */
static enum why check_enabled(const struct local *l, const struct found *found)
{
	switch (l->policy->enabled) {
	case ENABLED_ALL:
		return WHY_NONE;
	case ENABLED_SELECTED:
		return judge_scope(l, found, l->policy->group);
	default:
		return WHY_NOT_IN_SCOPE;
	}
}

/* What PAM answered is a hint; what stands in shadow(5) counts. */
static void reconcile(const struct local *l, const struct found *before, enum why said, struct job_result *ret)
{
	_cleanup_(files_shadow_wipe) struct files_shadow now = {};
	char mark[ACCOUNT_MARK] = {};
	bool changed;

	ret->outcome = OUTCOME_UNKNOWN;
	ret->why = said;
	if (files_shadow(&l->files, before->user.name, &now) < 0 || mark_of(before->user.uid, &now, mark) < 0)
		return;
	changed = strcmp(mark, ret->account.mark) != 0;
	memcpy(ret->account.mark, mark, sizeof(mark));
	if (changed && said == WHY_NONE)
		ret->outcome = OUTCOME_DONE;
	else if (!changed && said != WHY_NONE)
		ret->outcome = OUTCOME_REFUSED;
}

static void write_password(const struct local *l, const struct job *job, const struct found *found,
			   struct job_result *ret)
{
	static const char *const words[] = {
		[OUTCOME_DONE] = "changed", [OUTCOME_REFUSED] = "unchanged", [OUTCOME_UNKNOWN] = "unknown"
	};

	reconcile(l, found, local_pam_change(found->user.name, &job->secret), ret);
	log_notice("password of uid %" PRIu32 ": %s (%s)", found->user.uid, words[ret->outcome], why_name(ret->why));
}

/* All that can be judged without the password. 0, or a refusal in *ret and -EPERM. */
static int ready(const struct local *l, const struct job *job, const char *mark, struct found *found,
		 struct job_result *ret)
{
	enum why why;

	if (resettable(l, job, find_by_object(l, job, &found->user), found, ret) < 0)
		return -EPERM;
	why = strcmp(found->user.name, job->account.name) == 0 ? check_enabled(l, found) : WHY_RENAMED;
	if (why == WHY_NONE && *mark && strcmp(mark, ret->account.mark) != 0)
		why = WHY_MEANWHILE;
	if (why == WHY_NONE)
		return 0;
	refuse(ret, why);
	return -EPERM;
}

/* The password is judged first, since that takes long; then, under the lock, everything else once more. */
void local_reset(const struct local *l, int peer, const struct job *job, struct job_result *ret)
{
	_cleanup_(found_wipe) struct found found = {};
	_cleanup_(closep) int lock = -1;
	char mark[ACCOUNT_MARK];
	enum why why;

	if (ready(l, job, job->account.mark, &found, ret) < 0)
		return;
	why = check_password(l, &found, &job->secret);
	if (why != WHY_NONE) {
		refuse(ret, why);
		return;
	}
	memcpy(mark, ret->account.mark, sizeof(mark));
	lock = lock_files(l, peer, ret);
	if (lock >= 0 && ready(l, job, mark, &found, ret) == 0)
		write_password(l, job, &found, ret);
}
