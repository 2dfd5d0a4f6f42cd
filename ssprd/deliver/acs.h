// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

/* The signature of a request to Azure Communication Services, by an access key. */

#include "base/secret.h"

#define ACS_HASH 48
#define ACS_AUTHORIZATION 160

struct acs_request {
	const char *verb, *path, *host; /* path with its query; host as the header has it */
	const char *date;		/* as HTTP has it */
	const char *body;
	size_t len;
};

/* The value of x-ms-content-sha256, and of Authorization. -EINVAL: the key is not base 64. */
int acs_sign(const struct acs_request *request, const struct secret *key, char ret_hash[static ACS_HASH],
	     char ret_authorization[static ACS_AUTHORIZATION]);
