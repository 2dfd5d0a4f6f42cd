// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

/*
 * The real libpam, the real module, and a scripted ssprd, in a private folder. MODULE and STAND_IN are the built shared
 * objects. Whatever a test does, lab_authenticate() also holds the module to what is true of every run: no descriptor,
 * no signal disposition, no environment variable is another afterwards (P9), and each text is fit for the poorest
 * program (P4).
 */

#include <security/pam_appl.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/wire.h"

#define LAB_ANSWERS 16
#define LAB_MESSAGES 64
#define LAB_RIGHT "right"

/* What the scripted ssprd saw; shared with its process. */
struct record {
	int connections;
	int answers;
	bool cancelled;
	struct wire begin;
	struct {
		size_t len;
		char b[SECRET_MAX];
	} answer[LAB_ANSWERS];
};

/* How the conversation answers one prompt that is not the password's. */
enum form {
	FORM_TEXT,
	FORM_NULL,     /* an answer that is NULL */
	FORM_NO_ARRAY, /* success, and no array of answers */
	FORM_ERROR,    /* PAM_CONV_ERR */
	FORM_LONG,     /* `text` bytes are not looked at: PAM_MAX_RESP_SIZE of them */
	FORM_LEAVE,    /* changes PAM_USER meanwhile */
	FORM_SLEEP,    /* takes 1.2 seconds */
};

struct reply {
	enum form form;
	const char *text;
};

struct lab {
	char dir[64];
	char socket[96];
	pid_t daemon;
	struct record *record;

	const char *service;  /* default login */
	const char *user;     /* default monica */
	const char *rhost;    /* default unset */
	const char *password; /* what is typed at the password prompt */
	int flags;
	const struct reply *reply;
	size_t n_replies;

	/* filled by lab_authenticate() */
	pam_handle_t *pamh;
	int calls;
	size_t n_replied;
	size_t n_messages;
	struct {
		int style;
		char text[PAM_MAX_MSG_SIZE];
	} message[LAB_MESSAGES];
	const char *unfit; /* why a message was not fit to be shown */
	int64_t took_ms;
};

int lab_setup(void **state);
int lab_teardown(void **state);

/* Forgets what was seen and set, and stops the daemon. */
void lab_reset(struct lab *l);

/* Starts the scripted ssprd: `serve` has each connection in turn; NULL never takes one. uid: that of the listener. */
void lab_serve(struct lab *l, uid_t uid, void (*serve)(int fd, struct record *r));
void lab_stop(struct lab *l);

void lab_write(const struct lab *l, const char *service, const char *text);

/*
 * The service's stack becomes: the stand-in asks and checks the password, pam_sspr.so with `args` follows, then a sentinel.
 * lab_authenticate() returns what pam_sspr.so returned; PAM_CRED_UNAVAIL, the sentinel, stands for PAM_IGNORE.
 */
#define LAB_IGNORED PAM_CRED_UNAVAIL
void lab_stack(struct lab *l, const char *args);

int lab_authenticate(struct lab *l);

bool lab_saw(const struct lab *l, int style, const char *text);

/* For `serve`: one step out; one answer in (false when the module cancelled or left). */
void serve_step(int fd, enum step_kind kind, const char *info, const char *prompt, const char *lost);
void serve_end(int fd, enum step_result result, const char *info);
bool serve_begin(int fd, struct record *r);
bool serve_answer(int fd, struct record *r);
