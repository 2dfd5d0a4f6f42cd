// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

/* A mail as RFC 5322 has it, one recipient, plain text in UTF-8. It holds a code, so it is wiped like one. */

#include <stdbool.h>
#include <stddef.h>
#include <time.h>

#include "flow/job.h"

/* A body of which every byte is encoded in three, soft line breaks, and the header. */
#define MESSAGE_MAX (4 * JOB_BODY + 2048)

struct message {
	size_t len;
	char b[MESSAGE_MAX];
};

void message_wipe(struct message *m);

/*
 * One address as RFC 5321 has it without quoting: LOCAL@DOMAIN in ASCII, and nothing that could end a header or a
 * command or begin a second address.
 */
bool message_address_valid(const char *address);

/* Of job->to, subject, body, id. -EINVAL when one of them or `from` may not stand in a mail; -EMSGSIZE. */
int message_write(const struct job *job, const char *from, time_t now, struct message *ret);
