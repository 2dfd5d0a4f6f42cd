// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

/* The file of [password] banned-words: one term a line. */

#include "base/conf.h"
#include "flow/protection.h"

/* 0 and a list to free(3); 1 when there were mistakes, all told with file and line; -ENOMEM. */
int banned_read(const char *path, struct conf_report *report, struct protection_list **ret);
