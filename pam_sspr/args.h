// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

/* What stands behind pam_sspr.so in a PAM stack. The strings belong to libpam and live as long as the call. */

#include <security/pam_modules.h>
#include <stdbool.h>
#include <stddef.h>

#define ARGS_KEYWORDS 16

struct args {
	bool first;	      /* the module asks for the password itself */
	bool quiet;	      /* no hint */
	bool debug;
	const char *services; /* list with commas */
	const char *socket;
	size_t n_keywords;
	const char *keyword[ARGS_KEYWORDS];
};

/* What is unknown or cannot be right is logged and left out: a typing error must not break a login. */
void args_parse(pam_handle_t *pamh, int argc, const char **argv, struct args *ret);

bool args_service(const struct args *a, const char *service);
bool args_keyword(const struct args *a, const char *typed);
