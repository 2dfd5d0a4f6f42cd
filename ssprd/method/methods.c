// SPDX-License-Identifier: LGPL-2.1-or-later
#include "method/methods.h"

#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"

static const struct method *const methods[] = {
	&method_authenticator,
	&method_email,
	&method_recovery,
	&method_app,
	&method_pass,
	&method_sms,
	&method_voice,
	&method_office,
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
	bool phone = false;
	size_t count = 0;

	for (size_t i = 0; i < n; i++) {
		bool registered = which[i]->registered(r) && !(admin && which[i]->not_for_admins);

		if (which[i]->family == FAMILY_PHONE)
			phone = phone || registered;
		else
			count += registered;
	}
	return count + phone;
}

static void complete_number(const struct policy *p, const char *other, char number[static PHONE])
{
	if (!*number && other && phone_parse(other, strlen(other), number) < 0)
		return;
	if (*number && phone_judge(number, &p->phone_rules.countries, &p->phone_rules.deny_prefixes) != PHONE_ALLOWED)
		explicit_bzero(number, PHONE);
}

void registration_complete(struct registration *r, const struct policy *p, const char *mail, const char *mobile, const char *office)
{
	if (!r->mail[0] && mail)
		snprintf(r->mail, sizeof(r->mail), "%s", mail);
	complete_number(p, mobile, r->mobile);
	complete_number(p, office, r->office);
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
