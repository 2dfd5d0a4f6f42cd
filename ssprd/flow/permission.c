// SPDX-License-Identifier: LGPL-2.1-or-later
#include "flow/permission.h"

#include <string.h>

#include "base/cleanup.h"

static bool always(const struct policy *p _unused_, const struct policy_directory *d _unused_)
{
	return true;
}

static bool for_contacts(const struct policy *p _unused_, const struct policy_directory *d)
{
	return d->entra.contacts != CONTACTS_NONE;
}

static bool for_revocation(const struct policy *p _unused_, const struct policy_directory *d)
{
	return d->entra.revoke_sessions;
}

static bool for_mirror(const struct policy *p _unused_, const struct policy_directory *d)
{
	return d->entra.mirror;
}

bool permission_sends_mail(const struct policy *p, const struct policy_directory *d)
{
	return strcmp(p->mail.directory, d->name) == 0;
}

static const struct permission permissions[] = {
	{ "User.Read.All", "to find users", always },
	{ "GroupMember.Read.All", "to know who is in the scope group and in role-assignable groups", always },
	{ "RoleManagement.Read.Directory", "to refuse administrators", always },
	{ "Domain.Read.All", "to refuse federated users", always },
	{ "UserAuthenticationMethod.Read.All", "to read registered phones and mail addresses (contacts)", for_contacts },
	{ "User.RevokeSessions.All", "to sign the user out elsewhere (revoke-sessions)", for_revocation },
	{ "AuditLog.Read.All", "to read who may reset in Entra (mirror)", for_mirror },
	{ "Mail.Send", "to send mail ([mail] directory)", permission_sends_mail },
};

const struct permission *permission_at(size_t i)
{
	return i < ARRAY_SIZE(permissions) ? &permissions[i] : NULL;
}
