// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

/*
 * What Graph's answers about a user mean. Pure: JSON in, a verdict out. What is missing or of another type than documented is a
 * refusal; nothing is taken for granted.
 */

#include "base/json.h"
#include "flow/job.h"
#include "flow/policy.h"

/* Of a user that is selected. */
#define ENTRA_SELECT                                                                                                           \
	"id,userPrincipalName,accountEnabled,userType,onPremisesSyncEnabled,lastPasswordChangeDateTime,mail,otherMails,"            \
	"mobilePhone,businessPhones,givenName,surname,displayName"

/* The immutable id, the name, and the mark. False when it is no user that could be told from others. */
bool entra_account(const struct json *user, struct account *ret);

/* lastPasswordChangeDateTime, or "never"; false when it is neither. */
bool entra_mark(const struct json *user, char ret[static ACCOUNT_MARK]);

/* 1: a later one. 0: the same. -EAGAIN: an earlier one or none, so it comes from a server that lags behind. */
int entra_compare_marks(const char *then, const char *now);

/* Guests, disabled and synced accounts. */
enum why entra_judge_user(const struct json *user);

/* WHY_NONE when the list holds nothing, WHY_PROTECTED when it holds something: roles, role-assignable groups. */
enum why entra_judge_protection(const struct json *list);

/* checkMemberGroups: whether the group's id is in the list. */
enum why entra_judge_scope(const struct json *list, const char *group);

/* domains/{id}: Managed, or refused. */
enum why entra_judge_domain(const struct json *domain);

/* userRegistrationDetails, alone or wrapped in "value". */
enum why entra_judge_registration(const struct json *details);

/* The id of the one group in a list. -ENOENT none, -ENOTUNIQ more than one, -EBADMSG. */
int entra_group_id(const struct json *list, char ret[static ACCOUNT_OBJECT]);

/*
 * Fills mail and phones of *ret from the user's methods, and from the profile where the policy allows it and there are none; and contacts with
 * all addresses that are known: who is told of a reset gets no power by it.
 */
void entra_contacts(enum policy_contacts contacts, const struct json *user, const struct json *phones, const struct json *mails,
		    struct job_result *ret);

/* givenName, surname and displayName, as far as there are any; what is not fit to be shown is left out. */
void entra_names(const struct json *user, char ret[static JOB_NAMES]);

bool entra_is_guid(const char *text);
