// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

/*
 * Programs log, library code returns. Lines go to standard error: with the level in front when systemd reads them
 * (sd-daemon(3)), plain otherwise. A format must never be given a secret. Whatever text comes
 * from outside, nothing is left in a line that could forge another one or drive a terminal.
 */

#include <syslog.h>

#include "base/cleanup.h"
#include "base/text.h"

void log_init(const char *program);
void log_line(int priority, const char *format, ...) _printf_(2, 3);

#define log_error(...) log_line(LOG_ERR, __VA_ARGS__)
#define log_warning(...) log_line(LOG_WARNING, __VA_ARGS__)
#define log_notice(...) log_line(LOG_NOTICE, __VA_ARGS__)
#define log_info(...) log_line(LOG_INFO, __VA_ARGS__)
