// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

/* /etc/sspr/ssprd.conf: what Entra's page "Password reset" lets an administrator choose, and our own limits. */

#include <stdbool.h>

#include "base/conf.h"
#include "base/template.h"
#include "flow/protection.h"

enum policy_enabled {
	ENABLED_NONE = 0,
	ENABLED_SELECTED = 1,
	ENABLED_ALL = 2,
};

struct policy_limits {
	unsigned int account_failures, gate_failures, seat_failures, seat_users, global_failures;
	int64_t account_window, gate_window, seat_window, global_window, block;
	unsigned int resets, sends; /* of one account, whatever came of them, before it is blocked */
	int64_t reset_window, send_window;
	int64_t code_lifetime, dialogue, verified;
	unsigned int code_tries, code_sends, sends_per_day, sms_per_day, new_password_tries;
	unsigned int dialogues, user_dialogues, audit_rows;
	unsigned int passes_per_day, passes_per_user; /* of a helpdesk: for each who issues, and for each user, in 24 h */
};

enum policy_breached {
	BREACHED_OFF = 0,
	BREACHED_REFUSE = 1,
};

enum policy_unreachable {
	UNREACHABLE_REFUSE = 0,
	UNREACHABLE_ALLOW = 1,
};

struct policy_password {
	unsigned int min_length, max_length, min_classes;
	struct conf_list deny_words;
	bool check_quality;
	bool protection; /* flow/protection.h */
	char banned_words[CONF_TEXT];	/* a file */
	struct conf_list organisation;	/* words of its name */
	unsigned int history;		/* how many of the last ones are refused; 0 = none */
	unsigned int breached;		   /* enum policy_breached */
	unsigned int breached_unreachable; /* enum policy_unreachable */
	char breached_url[CONF_TEXT], breached_ca_file[CONF_TEXT], breached_proxy[CONF_TEXT];
	/* Not keys of the file: what stands in banned_words, or NULL; and what is known of the account's directory. */
	struct protection_list *banned;
	const struct conf_list *domains; /* whose first labels are the organisation's name; or NULL */
	bool ascii; /* it takes no other characters */
};

struct policy_mail {
	char directory[CONF_TEXT]; /* the NAME of the [directory] that sends by Graph; "" = by the server */
	char server[CONF_TEXT], from[CONF_TEXT], user[CONF_TEXT], ca_file[CONF_TEXT];
};

enum policy_provider {
	PROVIDER_NONE = 0,
	PROVIDER_TWILIO,
	PROVIDER_GATEWAY, /* any HTTPS gateway, by a template */
	PROVIDER_AZURE,	  /* Azure Communication Services; text messages only */
};

enum policy_verb {
	VERB_POST = 0,
	VERB_GET = 1,
	VERB_PUT = 2,
};

enum policy_content {
	CONTENT_FORM = 0,
	CONTENT_JSON = 1,
	CONTENT_XML = 2,
	CONTENT_TEXT = 3,
};

/* [sms] or [voice]: who carries messages to phones. */
struct policy_carrier {
	unsigned int provider; /* enum policy_provider */
	char from[CONF_TEXT], account[CONF_TEXT], user[CONF_TEXT];
	char endpoint[CONF_TEXT]; /* HOST[:PORT] */
	/* of PROVIDER_GATEWAY */
	char url[CONF_TEXT], headers[CONF_TEXT], body[CONF_TEXT];
	unsigned int verb, content_type; /* enum policy_verb, policy_content */
	struct conf_list success_status;
	char success_match[CONF_TEXT], success_json[CONF_TEXT];
	char ca_file[CONF_TEXT], proxy[CONF_TEXT];
};

struct policy_phone {
	struct conf_list countries, deny_prefixes; /* +49 and the like */
};

enum policy_local_type {
	LOCAL_ACCOUNTS = 0,
	LOCAL_NONE = 1, /* the accounts of this machine are not reset */
};

struct policy_local {
	unsigned int type; /* enum policy_local_type */
	struct conf_list allow_privileged, privileged_groups;
};

#define POLICY_DIRECTORIES 4

enum policy_cloud {
	CLOUD_GLOBAL = 0,
	CLOUD_US_GOV = 1,
	CLOUD_US_DOD = 2,
	CLOUD_CHINA = 3,
};

enum policy_contacts {
	CONTACTS_NONE = 0,
	CONTACTS_REGISTERED = 1, /* the user's authentication methods */
	CONTACTS_PROFILE = 2,	 /* and, where there are none, mobilePhone and otherMails */
};

/* [directory NAME] of type entra */
struct policy_entra {
	char tenant[CONF_TEXT];	   /* GUID */
	char client_id[CONF_TEXT]; /* GUID */
	unsigned int cloud;	   /* enum policy_cloud */
	char login[CONF_TEXT], graph[CONF_TEXT]; /* HOST[:PORT] in place of the cloud's own; "" = the cloud's */
	struct conf_list domains;  /* of its user principal names; a name without @ gets the first */
	char template[CONF_TEXT];  /* of the principal name of a name without @: %u is the name; "" = %u@first domain */
	char map_file[CONF_TEXT];  /* lines of "name principal-name", asked first */
	char group[CONF_TEXT];	   /* in place of [properties] group; name or id */
	unsigned int contacts;	   /* enum policy_contacts */
	bool mirror, revoke_sessions;
	char key[CONF_TEXT]; /* URI of the private key for OpenSSL's providers; "" = the credential */
	char ca_file[CONF_TEXT], proxy[CONF_TEXT];
};

enum policy_directory_type {
	DIRECTORY_ENTRA = 0,
};

struct policy_directory {
	char name[24];
	unsigned int type; /* enum policy_directory_type */
	struct policy_entra entra;
};

/* One that is not configured so far. */
extern const struct policy_directory policy_directory_defaults;

/* Who hears of a reset, besides the audit. */
struct policy_notifications {
	bool users;		  /* of their own reset, at all addresses that are known */
	char language[CONF_TEXT]; /* of the templates */
	bool admins;		  /* of a reset of one of them */
	struct conf_list admin_addresses;
};

struct policy {
	unsigned int enabled; /* enum policy_enabled */
	char group[CONF_TEXT];
	struct conf_list methods; /* by name, in the order in which they are asked */
	unsigned int required;
	struct conf_list admins; /* names of accounts, or principal names, that always need two */
	struct policy_notifications notifications;
	char helpdesk[CONF_TEXT], helpdesk_mail[CONF_TEXT], phone[CONF_TEXT];
	struct policy_limits limits;
	struct policy_password password;
	bool hide_account_state;
	struct conf_list services;
	bool self_service;
	struct policy_mail mail;
	struct policy_carrier sms, voice;
	struct policy_phone phone_rules;
	struct policy_local local;
	size_t directories_n; /* besides `local` */
	struct policy_directory directories[POLICY_DIRECTORIES];
};

/*
 * Fills *ret with the defaults and then with what the file and its drop-ins say. 0, or 1 when there were mistakes, all
 * told to the report (the values are then not to be used).
 */
int policy_read(const char *path, struct policy *ret, struct conf_report *report);

/* Frees what belongs to it; a program that reads one policy has no need to. */
void policy_done(struct policy *p);

/* For programs: tells mistakes on the log. */
int policy_load(const char *path, struct policy *ret);

/* A method that sends to a phone is among the methods. */
bool policy_has_phone(const struct policy *p);

/* How many gates its methods can open: of those that go to a phone one counts. */
size_t policy_gates(const struct policy *p);

bool policy_list_has(const struct conf_list *list, const char *word);

/* Is the account, as its directory spells it, one of [authentication-methods] admins? Principal names have no case. */
bool policy_is_admin(const struct policy *p, const char *name);

/* All ways to the helpdesk, as a mail has them; "" = there is none. */
#define POLICY_HELPDESK (3 * CONF_TEXT + 4)
void policy_helpdesk(const struct policy *p, char ret[static POLICY_HELPDESK]);

/* What a notice of a reset can speak of. */
#define POLICY_WORDS 3
void policy_words(const struct policy *p, const char *host, const char *when, char ret_helpdesk[static POLICY_HELPDESK],
		  struct template_word ret[static POLICY_WORDS]);

/*
 * The template of the notice to a user whose password was reset: of the administrator in /etc/sspr/templates, or as it came. 0, or 1 when
 * there were mistakes, which are told.
 */
int policy_reset_notice(const struct policy *p, struct conf_report *report, struct template *ret);

/* How many gates a reset takes. */
unsigned int policy_required(const struct policy *p, bool admin);

/* The directory of this name besides `local`, or NULL. */
const struct policy_directory *policy_directory(const struct policy *p, const char *name);
