// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

/*
 * HTTPS requests to one host, one after another on a kept connection (RFC 9110, HTTP/1.1). No redirect is followed. A request
 * with an effect gets a connection of its own, since libcurl repeats what was lost on one that was kept. An answer has at most
 * HTTP_BODY_MAX bytes. Whatever was sent stays out of every report.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/secret.h"
#include "web/trust.h"

#define HTTP_BODY_MAX (1024 * 1024)
#define HTTP_ID 64
#define HTTP_SAID 200

struct http; /* one host */

struct http_place {
	const struct trust *trust;
	const char *host;  /* HOST[:PORT]; a request cannot name another one */
	const char *proxy; /* "" = none */
	int peer;	   /* -1, or a socket: transfers without effect are given up when its other end goes away */
};

enum http_end {
	HTTP_ANSWERED = 1, /* status says what */
	HTTP_NOT_SENT,	   /* no time, no name, no connection, no TLS: the server has not seen the request */
	HTTP_UNTRUSTED,	   /* not sent: the certificate is not to be trusted */
	HTTP_LOST,	   /* the request left, in part at least, and no whole answer came: it may have been done */
	HTTP_GIVEN_UP,	   /* the peer went away; as HTTP_LOST where `sent` is true */
	HTTP_IMPOSSIBLE,   /* this program is not able to */
};

struct http_request {
	const char *method; /* "GET", "POST", "PATCH" */
	const char *path;   /* from the slash on, with its query, escaped already */
	const char *token;  /* the bearer token; NULL: none */
	const char *authorization; /* in its place the whole of another kind, "Basic ..."; NULL: none */
	const char *type;   /* of the body; NULL: there is none */
	const char *body;
	size_t len;
	bool effect;		/* must not be sent twice */
	size_t most;		/* bytes of an answer; 0: HTTP_BODY_MAX */
	const char *headers[6]; /* further "Name: value", up to the first NULL */
	int64_t until;		/* boot milliseconds by which the answer must have come; 0: TRUST_TRANSFER_MS from now */
};

struct http_answer {
	enum http_end end;
	bool sent;
	bool slow; /* given up since it took too long: the server may still be at it */
	int status;
	int retry_after;	 /* seconds, of Retry-After (also as a date); -1: none, or nonsense */
	int64_t date;		 /* the server's clock, seconds since the epoch; 0: not told */
	char request_id[HTTP_ID]; /* request-id, or x-ms-request-id; printable */
	char location[256];	 /* as it came, for a report; "" = none */
	bool json;		 /* says that it is application/json */
	char *body;		 /* NUL behind it; owned */
	size_t len;
	char said[HTTP_SAID]; /* why it did not come: for a log */
};

/* -ENOMEM, -EINVAL when the host is no host. */
int http_open(const struct http_place *place, struct http **ret);
void http_close(struct http *h);
void http_closep(struct http **h);

/* From here on nothing is given up because the peer went away. */
void http_alone(struct http *h);

/* Always fills *ret. */
void http_ask(struct http *h, const struct http_request *request, struct http_answer *ret);
void http_answer_wipe(struct http_answer *a);

/* A path segment or a form value, percent-encoded (RFC 3986: all but unreserved). -EMSGSIZE, and an empty text. */
int http_escape(const char *text, char *ret, size_t size);

/* Appends a field of application/x-www-form-urlencoded to a body that ends with a NUL. False when it does not fit. */
bool http_form(char *body, size_t size, const char *name, const char *value);
