// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

/*
 * What goes over the network, always encrypted and always verified: certificate, host name, TLS 1.2 or newer. The one home
 * of curl's header and of openssl's ssl.h and x509.h.
 *
 * The certificates that are trusted are parsed once, in the parent: with libcurl alone every new connection would parse
 * a whole bundle, which costs more than all the rest.
 */

#include <stdbool.h>

#include "base/secret.h"

#define TRANSFER_CONNECT_MS 5000
#define TRANSFER_MS 15000
#define TRANSFER_SAID 200

struct transfer;

/* ca_file "": what the system trusts. -EINVAL when the file holds no certificates. Call it before any fork. */
int transfer_open(const char *ca_file, struct transfer **ret);
void transfer_close(struct transfer *t);

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

void transfer_mail(const struct transfer *t, const struct transfer_mail *mail, struct transfer_report *ret);
