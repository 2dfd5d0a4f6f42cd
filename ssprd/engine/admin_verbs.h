// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

/* Between the files of ssprctl's requests: what a request brought, and how it is answered. */

#include "engine/audit.h"
#include "engine/server.h"

struct admin;

struct admin_request {
	char user[ACCOUNT_NAME], directory[ACCOUNT_DIRECTORY], method[24], to[JOB_TO], detail[JOB_DETAIL];
	uint64_t since, after;
	uint32_t life;
};

struct admin_page {
	struct admin *admin;
	uint64_t last;
	unsigned int rows;
};

struct server *admin_server(struct admin *a);
/* Who asks, as in the audit: "root", or "root by uid 1000" where the kernel knows who signed in. */
const char *admin_actor(const struct admin *a);
const char *admin_correlation(const struct admin *a);

void admin_row(struct admin *a, enum wire_type type, const char *const *columns, size_t n);
void admin_end(struct admin *a, enum wire_status status, const char *text);
/* After the rows of a page: more of them, or the end; r: what the store said. */
void admin_end_page(const struct admin_page *p, int r);
void admin_failed(struct admin *a, int error);
void admin_time(int64_t at, char *ret, size_t size);
int admin_audit(struct admin *a, const struct account *target, enum audit_deed deed, const char *method, const char *reason);
/* A change, `r` so far, and its audit row, or neither; told when it is neither. */
bool admin_finished(struct admin *a, int r, const struct account *target, enum audit_deed deed, const char *method, const char *reason);
/* The registered account of this name; told when there is none. */
bool admin_registered(struct admin *a, const char *name, struct account *ret, int64_t *ret_row);

/* admin_limits.c */
void admin_limits(struct admin *a, const struct admin_request *q);
void admin_limits_clear(struct admin *a, const struct admin_request *q);

/* admin_pass.c */
void admin_pass_issue(struct admin *a, const struct admin_request *q);
void admin_pass_list(struct admin *a, const struct admin_request *q);
void admin_pass_revoke(struct admin *a, const struct admin_request *q);
