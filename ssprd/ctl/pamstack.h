// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

/* What the files of a PAM service say about pam_sspr.so; how the stack behaves is found out by running it. */

#include <stdbool.h>
#include <stddef.h>

struct pamstack {
	bool named;	    /* pam_sspr.so stands in an auth line */
	bool listed;	    /* by default, or by services= */
	char module[256];   /* as it is written there */
	char socket[108];   /* the default, or what socket= says */
	char keyword[64];   /* the default, or the first that keyword= says */
	char services[256]; /* the default, or what services= says */
};

/* -ENOENT when this machine has no such service. */
int pamstack_read(const char *service, struct pamstack *ret);

/* Whether libpam would find the file of that module. */
bool pamstack_module_exists(const char *module);

#define PAMSTACK_DEFAULTS 5
extern const char *const pamstack_defaults[PAMSTACK_DEFAULTS]; /* the services of pam_sspr's own list */
