// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

/* One dialogue with ssprd, shown through the application's conversation. Knows the wire, no method and no policy. */

#include <security/pam_modules.h>
#include <stdbool.h>

#include "base/wire.h"

struct dialogue_start {
	const char *socket;
	const char *user;
	const char *service;
	const char *tty;  /* may be NULL */
	const char *lang; /* may be NULL */
	enum wire_reason reason;
	bool quiet; /* no hint */
	bool debug;
};

/*
 * PAM_IGNORE when the branch was not taken, which is also the answer to an ssprd that is absent, slow, of another
 * version or not run by root. Else an error: PAM_AUTH_ERR (also after a reset: the user signs in anew), PAM_MAXTRIES,
 * PAM_CONV_ERR, PAM_ABORT. Never PAM_SUCCESS.
 */
int dialogue_run(pam_handle_t *pamh, const struct dialogue_start *start);
