// SPDX-License-Identifier: LGPL-2.1-or-later

/*
 * The entries of the module, and the decision whether the branch is taken. Whatever happens in here, PAM_SUCCESS is not
 * returned: the directory alone says who may come in.
 */

#include <ctype.h>
#include <locale.h>
#include <security/pam_ext.h>
#include <security/pam_modules.h>
#include <stdint.h>
#include <string.h>
#include <syslog.h>
#include <unistd.h>

#include "args.h"
#include "base/cleanup.h"
#include "base/text.h"
#include "dialogue.h"

#define USER_SIZE 128 /* of a name that ssprd takes, its NUL included */
#define EXPORT __attribute__((visibility("default")))

static const char *item_text(pam_handle_t *pamh, int item)
{
	const void *text = NULL;

	return pam_get_item(pamh, item, &text) == PAM_SUCCESS ? text : NULL;
}

static bool is_display(const char *host)
{
	return host[0] == ':' && isdigit((unsigned char)host[1]);
}

/* Nobody is asked from afar. */
static bool host_is_local(const char *host)
{
	static const char *const local[] = { "", "localhost", "127.0.0.1", "::1" };

	if (!host || is_display(host))
		return true;
	for (size_t i = 0; i < ARRAY_SIZE(local); i++)
		if (strcmp(host, local[i]) == 0)
			return true;
	return false;
}

static bool user_is_sane(const char *user, size_t len)
{
	return len > 0 && len < USER_SIZE && user[0] != '-' && !memchr(user, '/', len) && text_printable(user, len);
}

/* The name is read once; the dialogue is about this one whatever others write into PAM_USER. */
static bool user_read(pam_handle_t *pamh, const struct args *a, char ret[static USER_SIZE])
{
	const char *user = NULL;
	size_t len;

	if (a->first && pam_get_user(pamh, &user, NULL) != PAM_SUCCESS)
		return false;
	if (!a->first)
		user = item_text(pamh, PAM_USER);
	len = user ? strnlen(user, USER_SIZE) : 0;
	if (!user_is_sane(user, len))
		return false;
	memcpy(ret, user, len + 1);
	return true;
}

/* Whether anybody typed a password and we are to come in for it. What was typed stays here. */
static bool reason_find(pam_handle_t *pamh, const struct args *a, enum wire_reason *ret)
{
	const char *typed = NULL;

	if (a->first && pam_get_authtok(pamh, PAM_AUTHTOK, &typed, NULL) != PAM_SUCCESS)
		return false;
	if (!a->first)
		typed = item_text(pamh, PAM_AUTHTOK);
	if (!typed)
		return false;
	*ret = args_keyword(a, typed) ? REASON_KEYWORD : REASON_FAILED;
	if (!a->first)
		return true;
	/* Who comes first knows of no failure yet, and the modules behind are not to take the keyword for a password. */
	if (*ret == REASON_KEYWORD)
		pam_set_item(pamh, PAM_AUTHTOK, NULL);
	return *ret == REASON_KEYWORD;
}

/* login(1) gives a minute for everything, which is not enough for a code by mail. */
static unsigned int alarm_suspend(const char *service)
{
	return strcmp(service, "login") == 0 ? alarm(0) : 0;
}

static void alarm_resume(const unsigned int *left)
{
	if (*left > 0)
		alarm(*left);
}

static int branch_run(pam_handle_t *pamh, const struct dialogue_start *start)
{
	_cleanup_(alarm_resume) _unused_ unsigned int left = alarm_suspend(start->service);
	int r = dialogue_run(pamh, start);
	const char *user = item_text(pamh, PAM_USER);

	return user && strcmp(user, start->user) == 0 ? r : PAM_ABORT;
}

static int not_ours(pam_handle_t *pamh, const struct args *a, const char *why)
{
	if (a->debug)
		pam_syslog(pamh, LOG_DEBUG, "left alone: %s", why);
	return PAM_IGNORE;
}

EXPORT int pam_sm_authenticate(pam_handle_t *pamh, int flags, int argc, const char **argv)
{
	const char *service = item_text(pamh, PAM_SERVICE);
	const char *tty = item_text(pamh, PAM_TTY);
	struct dialogue_start start = {};
	char user[USER_SIZE];
	struct args a;

	args_parse(pamh, argc, argv, &a);
	if (!service || !args_service(&a, service))
		return not_ours(pamh, &a, "the service is not on the list");
	if (!host_is_local(item_text(pamh, PAM_RHOST)))
		return not_ours(pamh, &a, "the user is not at this machine");
	if (!user_read(pamh, &a, user))
		return not_ours(pamh, &a, "no user name, or none that can be right");
	if (!reason_find(pamh, &a, &start.reason))
		return not_ours(pamh, &a, "no password was typed, or it is another module's turn");
	start.socket = a.socket;
	start.user = user;
	start.service = service;
	start.tty = tty ? tty : item_text(pamh, PAM_XDISPLAY);
	start.lang = setlocale(LC_MESSAGES, NULL);
	start.quiet = a.quiet || ((unsigned int)flags & PAM_SILENT);
	start.debug = a.debug;
	return branch_run(pamh, &start);
}

EXPORT int pam_sm_setcred(pam_handle_t *pamh _unused_, int flags _unused_, int argc _unused_,
			  const char **argv _unused_)
{
	return PAM_IGNORE;
}
