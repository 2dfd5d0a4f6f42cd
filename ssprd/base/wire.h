// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

/*
 * The wire between pam_sspr.so, ssprctl, ssprd and its two workers.
 *
 * Every connection is an AF_UNIX socket of type SOCK_SEQPACKET. One message is one datagram of at most WIRE_MAX bytes:
 *
 *     u8 type
 *     then any number of fields:  u8 tag | u16 length, big endian | bytes
 *
 * A reader skips tags that it does not know, which is how the protocol grows. A tag that comes twice, or a length that
 * points past the end, spoils the message, and the reader closes the connection. A number is big endian, in as many
 * bytes as the tag says. A text is UTF-8 without a NUL at its end. No file descriptor is ever passed.
 *
 * THE DIALOGUE, on login.sock (root: any user) and user.sock (anybody: the peer's own account)
 *
 *     module                                              ssprd
 *     BEGIN  VERSION USER SERVICE [TTY] [LANG] REASON ->
 *                                                      <- STEP  KIND [FIGURE] [INFO] [PROMPT] [RESULT] [LOST]
 *     ANSWER TEXT                                     ->         (after ASK and ASK_HIDDEN, not after TELL)
 *                                                      <- STEP ...
 *     CANCEL                                          ->         (at any time; closing the socket says the same)
 *
 * BEGIN comes once and first; it fixes the user for the life of the connection. The dialogue is over with a STEP of
 * kind END, which carries a RESULT. An INFO is a line to show, a PROMPT the question; both come in one STEP and belong
 * on the screen together. A TELL without INFO shows nothing: ssprd is at work. LOST is what to tell the user if the connection dies before the next STEP. A BEGIN of
 * another VERSION is answered by END with RESULT_IGNORE and no text.
 *
 * JOBS, on net.sock and local.sock (ssprd only)
 *
 *     ssprd                                               worker
 *     JOB    JOB_KIND and what the kind needs         ->
 *                                                      <- DONE  OUTCOME [WHY] and what the kind returns
 *
 * One job at a time. A connection that closes without a DONE leaves the outcome unknown. flow/job.h says what each
 * kind needs and returns.
 *
 * ADMINISTRATION, on admin.sock (root only)
 *
 *     ssprctl                                             ssprd
 *     REQUEST VERSION VERB [arguments]                ->
 *                                                      <- HEAD  COLUMN+0 .. COLUMN+n: the names of the columns
 *                                                      <- ROW   COLUMN+0 .. COLUMN+n: their values (any number of rows)
 *                                                      <- END   STATUS [TEXT: what went wrong, for a person] [AFTER]
 *
 * HEAD and ROW may be missing. A page has at most WIRE_PAGE rows; where there are more, END carries AFTER, and the same
 * request with that AFTER brings the next page. After an END of STATUS_ASK the request goes on with ANSWER TEXT. Several
 * requests may follow each other on one connection. The verbs, and what each needs:
 *
 *     status                          user-add USER          user-enrol USER NAME=authenticator
 *     user-list                       user-show USER         user-enrol USER NAME=email TO
 *     audit [USER] [SINCE]            user-remove USER       user-enrol USER NAME=recovery-code
 *     audit-verify                    user-unlock USER       user-enrol USER NAME=mobile|office TO
 *     pending                         user-check USER        entra-check [USER] [DIRECTORY]
 *     limits                          limits-clear NAME=user USER | NAME=seat TO | NAME=all
 *     pass-issue USER DETAIL [LIFE]   pass-revoke USER       pass-list
 *     clock-accept
 *
 * user-enrol of an authenticator brings one row with the column `uri` (otpauth://), then STATUS_ASK for a first code; of
 * recovery codes one row with the column `code` for each. pass-issue needs in DETAIL how the caller was verified, and brings one row
 * with the columns `pass` and `valid-until`.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/secret.h"

#define WIRE_MAX 4096
#define WIRE_VERSION_NOW 1

enum wire_type {
	WIRE_BEGIN = 1,
	WIRE_STEP = 2,
	WIRE_ANSWER = 3,
	WIRE_CANCEL = 4,
	WIRE_JOB = 16,
	WIRE_DONE = 17,
	WIRE_REQUEST = 32,
	WIRE_HEAD = 33,
	WIRE_ROW = 34,
	WIRE_END = 35,
};

enum wire_tag {
	WIRE_VERSION = 1,    /* u16 */
	WIRE_USER = 2,	     /* text: the name as typed */
	WIRE_SERVICE = 3,    /* text: PAM_SERVICE */
	WIRE_TTY = 4,	     /* text: PAM_TTY, or the X display */
	WIRE_LANG = 5,	     /* text: a locale name; in a job the language of the message, like en-US */
	WIRE_REASON = 6,     /* u8: enum wire_reason */
	WIRE_KIND = 7,	     /* u8: enum step_kind */
	WIRE_INFO = 8,	     /* text */
	WIRE_PROMPT = 9,     /* text */
	WIRE_RESULT = 10,    /* u8: enum step_result */
	WIRE_LOST = 11,	     /* text */
	WIRE_TEXT = 12,	     /* bytes: what the user typed; or a message for a person */
	WIRE_JOB_KIND = 16,  /* u8: enum job_kind */
	WIRE_OUTCOME = 17,   /* u8: enum outcome */
	WIRE_WHY = 18,	     /* u8: enum why */
	WIRE_DIRECTORY = 19, /* text: the NAME of [directory NAME] */
	WIRE_OBJECT = 20,    /* text: the immutable id of the account in its directory */
	WIRE_NAME = 21,	     /* text: the account's name as its directory spells it */
	WIRE_MARK = 22,	     /* text: changes whenever the password changes; never the password or its hash */
	WIRE_SECRET = 23,    /* bytes: the new password */
	WIRE_TO = 24,	     /* text: a mail address, or a phone number */
	WIRE_SUBJECT = 25,   /* text */
	WIRE_BODY = 26,	     /* text */
	WIRE_ID = 27,	     /* text: stands in the Message-ID, so that a mail sent twice can be told */
	WIRE_LIFE = 28,	     /* u32: seconds from now for which trying again makes sense */
	WIRE_UNTIL = 30,     /* u64: milliseconds of CLOCK_BOOTTIME after which it must not happen any more */
	WIRE_GROUP = 29,     /* text: the group that a look-up must find the account in; empty for any */
	WIRE_DETAIL = 31,    /* text for an administrator: what the directory said */
	WIRE_VERB = 32,	     /* text */
	WIRE_STATUS = 33,    /* u8: enum wire_status */
	WIRE_SINCE = 34,     /* u64: seconds since the epoch */
	WIRE_AFTER = 35,     /* u64: where the next page of rows begins */
	WIRE_MOBILE = 36,    /* text: a phone number of the account, as its directory has it */
	WIRE_OFFICE = 37,    /* text: another one */
	WIRE_CODE = 38,	     /* text: what the user is to type on another device */
	WIRE_ADDRESS = 39,   /* text: where */
	WIRE_FIGURE = 40,    /* text: lines to show as they are, above INFO; only on a console that can */
	WIRE_NAMES = 41,     /* text: the words of the names of the person behind an account, with blanks between */
	WIRE_CHANNEL = 42,   /* u8: enum job_channel; missing: mail */
	WIRE_CONTACT = 44,   /* text: the first of four mail addresses */
	WIRE_TAGS = 48,	     /* tags from here on are skipped, but for columns */
	WIRE_COLUMN = 128,   /* the first of WIRE_COLUMNS columns */
};

#define WIRE_COLUMNS 16
#define WIRE_PAGE 64

enum wire_reason {
	REASON_KEYWORD = 1, /* the user typed the keyword */
	REASON_FAILED = 2,  /* the password was wrong */
};

enum step_kind {
	STEP_ASK = 1,
	STEP_ASK_HIDDEN = 2,
	STEP_TELL = 3,
	STEP_END = 4,
};

enum step_result {
	RESULT_IGNORE = 1,   /* the branch was not taken */
	RESULT_DONE = 2,     /* the password was changed; the user signs in anew */
	RESULT_FAILED = 3,   /* not proven, refused, cancelled */
	RESULT_MAXTRIES = 4, /* limits */
	RESULT_ABORT = 5,    /* something broke */
};

enum wire_status {
	STATUS_OK = 0,
	STATUS_FAILED = 1,  /* TEXT says why */
	STATUS_REFUSED = 2, /* limits or rules */
	STATUS_ASK = 3,	    /* the request goes on: TEXT asks for one more message of type ANSWER */
};

/* A message being written. After a field did not fit, wire_failed() stays true and nothing more is added. */
struct wire {
	size_t len;
	bool failed;
	uint8_t b[WIRE_MAX];
};

void wire_start(struct wire *w, enum wire_type type);
void wire_bytes(struct wire *w, unsigned int tag, const void *bytes, size_t len);
void wire_text(struct wire *w, unsigned int tag, const char *text); /* NULL adds nothing */
void wire_u8(struct wire *w, unsigned int tag, unsigned int n);
void wire_u16(struct wire *w, unsigned int tag, unsigned int n);
void wire_u32(struct wire *w, unsigned int tag, uint32_t n);
void wire_u64(struct wire *w, unsigned int tag, uint64_t n);
void wire_secret(struct wire *w, unsigned int tag, const struct secret *s);
void wire_wipe(struct wire *w);

/* A message being read: points into the bytes it was parsed from. */
struct wire_field {
	const uint8_t *at; /* NULL: not there */
	size_t len;
};

struct wire_message {
	enum wire_type type;
	struct wire_field tag[WIRE_TAGS];
	struct wire_field column[WIRE_COLUMNS];
};

/* -EBADMSG when the bytes are no message. */
int wire_parse(const void *bytes, size_t len, struct wire_message *ret);

/*
 * Each reads one field: 0 and *ret written; -ENOENT when the field is missing; -EBADMSG when it has another size; for a
 * text also when it holds a NUL or is longer than size - 1.
 */
int wire_get_u8(const struct wire_message *m, enum wire_tag tag, unsigned int *ret);
int wire_get_u16(const struct wire_message *m, enum wire_tag tag, unsigned int *ret);
int wire_get_u32(const struct wire_message *m, enum wire_tag tag, uint32_t *ret);
int wire_get_u64(const struct wire_message *m, enum wire_tag tag, uint64_t *ret);
int wire_get_text(const struct wire_message *m, enum wire_tag tag, char *ret, size_t size);
int wire_get_secret(const struct wire_message *m, enum wire_tag tag, struct secret *ret);
int wire_field_text(const struct wire_field *f, char *ret, size_t size);

/*
 * One datagram out or in, on a blocking or a non-blocking socket. 0 when done; -EPIPE when the peer is gone; -EAGAIN; any other
 * -errno. Descriptors that a peer attaches are never accepted. The receive buffer is *ret itself.
 */
int wire_send(int fd, const struct wire *w);
int wire_receive(int fd, struct wire *ret);

/* The other side has closed. A descriptor of -1 has nobody who could. */
bool wire_peer_gone(int fd);
