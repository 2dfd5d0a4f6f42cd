// SPDX-License-Identifier: LGPL-2.1-or-later
#include "directory/entra_judge.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "base/cleanup.h"
#include "base/text.h"

/* The mark of a password that was not set so far. */
#define NEVER "never"

bool entra_is_guid(const char *text)
{
	static const char form[] = "xxxxxxxx-xxxx-xxxx-xxxx-xxxxxxxxxxxx";

	if (strlen(text) != sizeof(form) - 1)
		return false;
	for (size_t i = 0; form[i]; i++)
		if (form[i] == '-' ? text[i] != '-' : !isxdigit((unsigned char)text[i]))
			return false;
	return true;
}

/* A text of the directory that is fit to be kept whole; "" when it is not. */
static bool take(const char *text, char *ret, size_t size)
{
	if (!text || !*text || strlen(text) >= size || !text_printable(text, strlen(text)))
		return false;
	memcpy(ret, text, strlen(text) + 1);
	return true;
}

bool entra_mark(const struct json *user, char ret[static ACCOUNT_MARK])
{
	const struct json *changed = json_member(user, "lastPasswordChangeDateTime");

	return json_has(user, "lastPasswordChangeDateTime") && take(changed ? json_text(changed) : NEVER, ret, ACCOUNT_MARK);
}

/* ISO 8601 in one form: the order of the texts is that of time. */
int entra_compare_marks(const char *then, const char *now)
{
	if (strcmp(then, now) == 0)
		return 0;
	return strcmp(now, NEVER) != 0 && (strcmp(then, NEVER) == 0 || strcmp(now, then) > 0) ? 1 : -EAGAIN;
}

bool entra_account(const struct json *user, struct account *ret)
{
	struct account a = *ret;
	const char *id = json_text_of(user, "id");

	if (!id || !entra_is_guid(id) || !take(id, a.object, sizeof(a.object)) ||
	    !take(json_text_of(user, "userPrincipalName"), a.name, sizeof(a.name)) || !entra_mark(user, a.mark))
		return false;
	*ret = a;
	return true;
}

enum why entra_judge_user(const struct json *user)
{
	const char *type = json_text_of(user, "userType");
	const char *name = json_text_of(user, "userPrincipalName");
	const struct json *synced = json_member(user, "onPremisesSyncEnabled"); /* null: never was */

	if (!name)
		return WHY_BROKEN;
	if (!type || strcmp(type, "Member") != 0 || strcasestr(name, "#EXT#"))
		return WHY_PROTECTED;
	if (!json_is_true(json_member(user, "accountEnabled")))
		return WHY_LOCKED;
	if (!json_has(user, "onPremisesSyncEnabled"))
		return WHY_BROKEN;
	if (!synced || json_is_false(synced))
		return WHY_NONE;
	return json_is_true(synced) ? WHY_SYNCED : WHY_BROKEN;
}

enum why entra_judge_protection(const struct json *list)
{
	const struct json *value = json_member(list, "value");

	if (!json_is_array(value))
		return WHY_BROKEN;
	return json_length(value) > 0 ? WHY_PROTECTED : WHY_NONE;
}

enum why entra_judge_scope(const struct json *list, const char *group)
{
	const struct json *value = json_member(list, "value");

	if (!json_is_array(value))
		return WHY_BROKEN;
	for (size_t i = 0; i < json_length(value); i++) {
		const char *id = json_text(json_item(value, i));

		if (id && strcasecmp(id, group) == 0)
			return WHY_NONE;
	}
	return WHY_NOT_IN_SCOPE;
}

enum why entra_judge_domain(const struct json *domain)
{
	const char *type = json_text_of(domain, "authenticationType");

	if (type && strcasecmp(type, "Managed") == 0)
		return WHY_NONE;
	return type && strcasecmp(type, "Federated") == 0 ? WHY_FEDERATED : WHY_BROKEN;
}

enum why entra_judge_registration(const struct json *details)
{
	const struct json *wrapped = json_member(details, "value");
	const struct json *d = wrapped ? wrapped : details;

	return json_is_true(json_member(d, "isSsprCapable")) ? WHY_NONE : WHY_NOT_CAPABLE;
}

int entra_group_id(const struct json *list, char ret[static ACCOUNT_OBJECT])
{
	const struct json *value = json_member(list, "value");
	const char *id;

	if (!json_is_array(value))
		return -EBADMSG;
	if (json_length(value) > 1)
		return -ENOTUNIQ;
	/* Where the list goes on, another one may be behind it. */
	if (json_member(list, "@odata.nextLink"))
		return -EBADMSG;
	if (json_length(value) == 0)
		return -ENOENT;
	id = json_text_of(json_item(value, 0), "id");
	if (!id || !entra_is_guid(id))
		return -EBADMSG;
	snprintf(ret, ACCOUNT_OBJECT, "%s", id);
	return 0;
}

static void take_mail(const char *address, char ret[static JOB_TO])
{
	if (address && text_mail_address(address))
		take(address, ret, JOB_TO);
}

/* E.164 with a blank or two in it: "+1 4251234567". */
static bool is_number(const char *s)
{
	size_t digits = 0;

	if (*s++ != '+' || *s < '1' || *s > '9')
		return false;
	for (; *s; s++)
		if (*s >= '0' && *s <= '9')
			digits++;
		else if (*s != ' ')
			return false;
	return digits >= 7 && digits <= 15;
}

/* An extension is not dialled, and the line without it is everybody's: no proof of one person. */
static void take_phone(const char *number, char ret[static JOB_PHONE])
{
	char plain[JOB_PHONE];
	size_t n = number ? strlen(number) : 0;

	if (n == 0 || n >= sizeof(plain))
		return;
	snprintf(plain, sizeof(plain), "%s", number);
	while (n > 0 && plain[n - 1] == ' ')
		plain[--n] = 0;
	if (is_number(plain))
		take(plain, ret, JOB_PHONE);
}

static void registered(const struct json *phones, const struct json *mails, struct job_result *ret)
{
	const struct json *list = json_member(phones, "value");

	for (size_t i = 0; i < json_length(list); i++) {
		const struct json *phone = json_item(list, i);
		const char *type = json_text_of(phone, "phoneType");

		if (type && strcasecmp(type, "mobile") == 0)
			take_phone(json_text_of(phone, "phoneNumber"), ret->mobile);
		else if (type && strcasecmp(type, "office") == 0)
			take_phone(json_text_of(phone, "phoneNumber"), ret->office);
	}
	take_mail(json_text_of(json_item(json_member(mails, "value"), 0), "emailAddress"), ret->mail);
}

static void of_profile(const struct json *user, struct job_result *ret)
{
	if (!*ret->mail)
		take_mail(json_text(json_item(json_member(user, "otherMails"), 0)), ret->mail);
	if (!*ret->mobile)
		take_phone(json_text_of(user, "mobilePhone"), ret->mobile);
	if (!*ret->office)
		take_phone(json_text(json_item(json_member(user, "businessPhones"), 0)), ret->office);
}

static void add_contact(const char *address, struct job_result *ret)
{
	if (!address || !text_mail_address(address))
		return;
	for (size_t i = 0; i < JOB_CONTACTS; i++) {
		if (strcasecmp(ret->contacts[i], address) == 0)
			return;
		if (!*ret->contacts[i]) {
			take(address, ret->contacts[i], JOB_TO);
			return;
		}
	}
}

/* The methods first: they are the ones that the user has proven. */
static void to_be_told(const struct json *user, const struct json *mails, struct job_result *ret)
{
	const struct json *methods = json_member(mails, "value"), *others = json_member(user, "otherMails");

	for (size_t i = 0; i < json_length(methods); i++)
		add_contact(json_text_of(json_item(methods, i), "emailAddress"), ret);
	add_contact(json_text_of(user, "mail"), ret);
	for (size_t i = 0; i < json_length(others); i++)
		add_contact(json_text(json_item(others, i)), ret);
}

void entra_contacts(enum policy_contacts contacts, const struct json *user, const struct json *phones, const struct json *mails,
		    struct job_result *ret)
{
	if (contacts >= CONTACTS_REGISTERED)
		registered(phones, mails, ret);
	if (contacts == CONTACTS_PROFILE)
		of_profile(user, ret);
	to_be_told(user, mails, ret);
}

void entra_names(const struct json *user, char ret[static JOB_NAMES])
{
	static const char *const members[] = { "givenName", "surname", "displayName" };
	size_t at = 0;

	ret[0] = 0;
	for (size_t i = 0; i < ARRAY_SIZE(members) && at + 1 < JOB_NAMES; i++) {
		const char *name = json_text_of(user, members[i]);

		if (!name || !*name)
			continue;
		if (at > 0)
			ret[at++] = ' ';
		at += text_clean(name, strlen(name), ret + at, JOB_NAMES - at);
	}
}
