// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

/*
 * Microsoft Graph v1.0, as one application of one tenant: the token, the kept connection, and what its answers mean.
 *
 * 401 refreshes the token and asks once more. 429, and 503 with Retry-After, wait and ask once more where Retry-After ends before
 * `until`. Nothing else is asked twice: what a lost answer means only the caller knows. Each request carries a client-request-id
 * (a GUID) of ours, which stands in every detail beside the server's request-id.
 */

#include "base/crypto.h"
#include "base/json.h"
#include "web/token.h"

struct graph;

int graph_open(const struct token_source *source, struct graph **ret);
void graph_close(struct graph *g);
void graph_closep(struct graph **g);

/* From here on nothing is given up because the peer went away. */
void graph_alone(struct graph *g);

enum graph_end {
	GRAPH_OK = 1,	   /* 2xx; json may be NULL */
	GRAPH_BUSY,	   /* 429, or 503 that says when: later; nothing was done */
	GRAPH_UNREACHABLE, /* never sent */
	GRAPH_NO_TOKEN,	   /* nothing was sent; why says the rest */
	GRAPH_DENIED,	   /* 401, 403: nothing was done */
	GRAPH_NOT_FOUND,   /* 404 of Graph's own */
	GRAPH_BAD,	   /* any other 4xx: nothing was done */
	GRAPH_UNCERTAIN,   /* lost, 5xx, 3xx, no JSON where JSON belongs: may have been done */
};

struct graph_request {
	const char *method, *path; /* "/v1.0/..." */
	const char *body;	   /* JSON, or NULL */
	size_t len;
	bool effect;   /* must not be done twice */
	bool eventual; /* ConsistencyLevel: eventual, for $count and advanced filters of a GET */
	int64_t until; /* boot milliseconds; 0: TRUST_TRANSFER_MS from now */
};

struct graph_answer {
	enum graph_end end;
	enum why why; /* for all but GRAPH_OK: WHY_BUSY, WHY_UNREACHABLE, WHY_MISCONFIGURED, WHY_BROKEN */
	int status, retry_after;
	bool slow; /* of GRAPH_UNCERTAIN: the server may still be at it */
	char code[64];		 /* error.code, printable */
	char message[160];	 /* error.message, printable */
	char detail[JOB_DETAIL]; /* method, path, status, code, ids */
	char client_id[CRYPTO_GUID]; /* the client-request-id */
	struct json *json;	 /* owned; NULL: no body */
};

void graph_answer_wipe(struct graph_answer *a);

void graph_ask(struct graph *g, const struct graph_request *request, struct graph_answer *ret);

#define GRAPH_BATCH 20

/* What may be done twice, in one round trip; each has its own end. One that is missing in the answer ends as GRAPH_UNCERTAIN. */
void graph_batch(struct graph *g, const struct graph_request *requests, size_t n, struct graph_answer *ret);

/* The path of a page's nextLink, within the page, if it is of this very host and version; else NULL: a link elsewhere is not followed. */
const char *graph_next(const struct graph *g, const struct json *page);
