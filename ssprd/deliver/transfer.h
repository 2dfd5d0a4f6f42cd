// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

/* One mail by SMTP, always encrypted and always verified (web/trust.h). */

#include <stdbool.h>

#include "base/secret.h"
#include "web/trust.h"

#define TRANSFER_SAID 200

struct transfer_mail {
	const char *server; /* smtp:// (STARTTLS is required) or smtps:// */
	const char *from, *to;
	const char *user; /* NULL: no authentication */
	const struct secret *password;
	const char *text;
	size_t len;
	int peer; /* -1, or a socket: the transfer is given up when its other end goes away */
};

enum transfer_end {
	TRANSFER_DONE = 1,
	TRANSFER_FAILED,    /* no connection, no name, the connection broke, too slow, or the server's reply says why */
	TRANSFER_UNTRUSTED, /* no TLS, or a certificate that is not to be trusted */
	TRANSFER_LOGIN,	    /* authentication refused */
	TRANSFER_IMPOSSIBLE, /* this program is not able to */
	TRANSFER_GIVEN_UP,
};

struct transfer_report {
	enum transfer_end end;
	int reply;	  /* the server's last reply, or 0 */
	bool handed_over; /* the whole text was sent and the server has not answered: it may have been taken */
	char said[TRANSFER_SAID]; /* for a log: never what was sent */
};

void transfer_mail(const struct trust *t, const struct transfer_mail *mail, struct transfer_report *ret);
