// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

/* /etc/sspr/ssprd.conf: what Entra's page "Password reset" lets an administrator choose, and our own limits. */

#include <stdbool.h>

#include "base/conf.h"

enum policy_enabled {
	ENABLED_NONE = 0,
	ENABLED_SELECTED = 1,
	ENABLED_ALL = 2,
};

struct policy_limits {
	unsigned int account_failures, gate_failures, seat_failures, seat_users, global_failures;
	int64_t account_window, gate_window, seat_window, global_window, block;
	int64_t code_lifetime, dialogue, verified;
	unsigned int code_tries, code_sends, sends_per_day, new_password_tries;
	unsigned int dialogues, user_dialogues, audit_rows;
};

struct policy_password {
	unsigned int min_length, max_length, min_classes;
	struct conf_list deny_words;
	bool check_quality;
};

struct policy_mail {
	char server[CONF_TEXT], from[CONF_TEXT], user[CONF_TEXT], ca_file[CONF_TEXT];
};

struct policy_local {
	unsigned int type;
	struct conf_list allow_privileged, privileged_groups;
};

struct policy {
	unsigned int enabled; /* enum policy_enabled */
	char group[CONF_TEXT];
	struct conf_list methods; /* by name, in the order in which they are asked */
	unsigned int required;
	char helpdesk[CONF_TEXT], phone[CONF_TEXT];
	struct policy_limits limits;
	struct policy_password password;
	bool hide_account_state;
	struct conf_list services;
	bool self_service;
	struct policy_mail mail;
	struct policy_local local;
};

/*
 * Fills *ret with the defaults and then with what the file and its drop-ins say. 0, or 1 when there were mistakes, all
 * told to the report (the values are then not to be used).
 */
int policy_read(const char *path, struct policy *ret, struct conf_report *report);

/* For programs: tells mistakes on the log. */
int policy_load(const char *path, struct policy *ret);

bool policy_list_has(const struct conf_list *list, const char *word);
