// SPDX-License-Identifier: LGPL-2.1-or-later
#include "method/methods.h"

#include <string.h>

#include "base/cleanup.h"

static const struct method *const methods[] = {
	&method_authenticator,
	&method_email,
	&method_recovery,
	&method_app,
	&method_pass,
};

const struct method *method_find(const char *name)
{
	for (size_t i = 0; i < ARRAY_SIZE(methods); i++)
		if (strcmp(methods[i]->name, name) == 0)
			return methods[i];
	return NULL;
}

size_t methods_registered(const struct registration *r, const struct method *const *which, size_t n, bool admin)
{
	size_t count = 0;

	for (size_t i = 0; i < n; i++)
		count += which[i]->registered(r) && !(admin && which[i]->not_for_admins);
	return count;
}

void registration_expire(struct registration *r, int64_t lasting)
{
	if (r->pass.expires <= lasting)
		r->pass = (struct registration_pass){};
}

void registration_wipe(struct registration *r)
{
	explicit_bzero(r, sizeof(*r));
}
