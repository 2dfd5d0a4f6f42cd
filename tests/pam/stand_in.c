// SPDX-License-Identifier: LGPL-2.1-or-later

/*
 * A PAM module in the place of pam_unix.so and the like.
 *
 *     check        asks for the password unless there is one; "right" is right
 *     return=N     returns N
 *     note=FILE    writes PAM_AUTHTOK as it finds it, or nothing when there is none
 */

#include <security/pam_ext.h>
#include <security/pam_modules.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"

#define EXPORT __attribute__((visibility("default")))

static int check(pam_handle_t *pamh)
{
	const char *typed;

	if (pam_get_authtok(pamh, PAM_AUTHTOK, &typed, NULL) != PAM_SUCCESS)
		return PAM_CONV_ERR;
	return strcmp(typed, "right") == 0 ? PAM_SUCCESS : PAM_AUTH_ERR;
}

static void note(pam_handle_t *pamh, const char *path)
{
	_cleanup_(fclosep) FILE *f = fopen(path, "we");
	const void *typed = NULL;

	pam_get_item(pamh, PAM_AUTHTOK, &typed);
	if (f && typed)
		fprintf(f, "%s", (const char *)typed);
}

EXPORT int pam_sm_authenticate(pam_handle_t *pamh, int flags _unused_, int argc, const char **argv)
{
	int r = PAM_AUTH_ERR;

	for (int i = 0; i < argc; i++) {
		if (strcmp(argv[i], "check") == 0)
			r = check(pamh);
		else if (strncmp(argv[i], "return=", 7) == 0)
			r = atoi(argv[i] + 7);
		else if (strncmp(argv[i], "note=", 5) == 0)
			note(pamh, argv[i] + 5);
	}
	return r;
}

EXPORT int pam_sm_setcred(pam_handle_t *pamh _unused_, int flags _unused_, int argc _unused_,
			  const char **argv _unused_)
{
	return PAM_SUCCESS;
}
