// SPDX-License-Identifier: LGPL-2.1-or-later
/* A PAM module that asks for the password and takes none; with the argument "empty" it does nothing at all. */

#include <security/pam_ext.h>
#include <security/pam_modules.h>
#include <string.h>

int pam_sm_authenticate(pam_handle_t *pamh, int flags, int argc, const char **argv)
{
	const char *password;

	(void)flags;
	if (argc > 0 && strcmp(argv[0], "empty") == 0)
		return PAM_IGNORE;
	return pam_get_authtok(pamh, PAM_AUTHTOK, &password, NULL) == PAM_SUCCESS ? PAM_AUTH_ERR : PAM_CONV_ERR;
}

int pam_sm_setcred(pam_handle_t *pamh, int flags, int argc, const char **argv)
{
	(void)pamh;
	(void)flags;
	(void)argc;
	(void)argv;
	return PAM_IGNORE;
}
