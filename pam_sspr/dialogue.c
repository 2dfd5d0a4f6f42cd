// SPDX-License-Identifier: LGPL-2.1-or-later
#include "dialogue.h"

#include <errno.h>
#include <poll.h>
#include <security/pam_ext.h>
#include <stdint.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <syslog.h>
#include <time.h>

#include "base/boot.h"
#include "base/cleanup.h"
#include "base/secret.h"
#include "base/text.h"

#define FIRST_MS 2000
#define NEXT_MS 60000
#define WHOLE_MS (15 * 60 * 1000)

/* What the poorest login program still shows whole. In bytes a text may be longer, but never near PAM_MAX_MSG_SIZE. */
#define INFO_CHARACTERS 149
#define PROMPT_CHARACTERS 29
#define INFO_SIZE 400
#define PROMPT_SIZE 100
#define FIGURE_SIZE 2048
#define FIGURE_LINES 24

struct step {
	enum step_kind kind;
	enum step_result result;
	char info[INFO_SIZE];
	char prompt[PROMPT_SIZE];
	char lost[INFO_SIZE];
	size_t lines_n;
	const char *lines[FIGURE_LINES]; /* within figure */
	char figure[FIGURE_SIZE];
};

struct dialogue {
	pam_handle_t *pamh;
	const struct dialogue_start *start;
	int fd;
	int64_t end;
	char lost[INFO_SIZE];
};

static const struct {
	int code;
	int style;
} results[] = {
	[RESULT_IGNORE] = { .code = PAM_IGNORE, .style = PAM_TEXT_INFO },
	[RESULT_DONE] = { .code = PAM_AUTH_ERR, .style = PAM_TEXT_INFO },
	[RESULT_FAILED] = { .code = PAM_AUTH_ERR, .style = PAM_ERROR_MSG },
	[RESULT_MAXTRIES] = { .code = PAM_MAXTRIES, .style = PAM_ERROR_MSG },
	[RESULT_ABORT] = { .code = PAM_ABORT, .style = PAM_ERROR_MSG },
};

static int64_t earlier(int64_t a, int64_t b)
{
	return a < b ? a : b;
}

static void dialogue_note(const struct dialogue *d, const char *what, int r)
{
	if (d->start->debug)
		pam_syslog(d->pamh, LOG_DEBUG, "%s: %s", what, strerror(-r));
}

/* ---- the connection ---- */

/* Where others than root may write, anybody may have put the socket there. */
static int folder_check(const char *socket_path)
{
	char folder[sizeof(((struct sockaddr_un *)NULL)->sun_path)];
	size_t n = (size_t)(strrchr(socket_path, '/') - socket_path);
	struct stat st;

	memcpy(folder, socket_path, n);
	folder[n] = 0;
	if (lstat(n > 0 ? folder : "/", &st) < 0)
		return -errno;
	if (!S_ISDIR(st.st_mode) || st.st_uid != 0 || (st.st_mode & (S_IWGRP | S_IWOTH)))
		return -EPERM;
	return 0;
}

static int listener_check(int fd)
{
	struct ucred peer = { .uid = (uid_t)-1 };
	socklen_t len = sizeof(peer);

	if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &len) < 0)
		return -errno;
	return peer.uid == 0 ? 0 : -EPERM;
}

static int listener_connect(const char *path, int *ret_fd)
{
	struct sockaddr_un sa = { .sun_family = AF_UNIX };
	_cleanup_(closep) int fd = -1;
	int r;

	r = folder_check(path);
	if (r < 0)
		return r;
	fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		return -errno;
	memcpy(sa.sun_path, path, strlen(path) + 1);
	if (connect(fd, (const struct sockaddr *)&sa, sizeof(sa)) < 0)
		return -errno;
	r = listener_check(fd);
	if (r < 0)
		return r;
	*ret_fd = TAKE_FD(fd);
	return 0;
}

static int dialogue_connect(struct dialogue *d)
{
	int r = listener_connect(d->start->socket, &d->fd);

	if (r == -EPERM)
		pam_syslog(d->pamh, LOG_WARNING, "%s: its folder or its listener is not root's alone, not used",
			   d->start->socket);
	return r;
}

/* ---- messages ---- */

static void wire_clean_text(struct wire *w, enum wire_tag tag, const char *text)
{
	char clean[128];

	if (text && text_clean(text, strlen(text), clean, sizeof(clean)) > 0)
		wire_text(w, tag, clean);
}

static int dialogue_begin(const struct dialogue *d)
{
	struct wire w;

	wire_start(&w, WIRE_BEGIN);
	wire_u16(&w, WIRE_VERSION, WIRE_VERSION_NOW);
	wire_text(&w, WIRE_USER, d->start->user);
	wire_text(&w, WIRE_SERVICE, d->start->service);
	wire_clean_text(&w, WIRE_TTY, d->start->tty);
	wire_clean_text(&w, WIRE_LANG, d->start->lang);
	wire_u8(&w, WIRE_REASON, d->start->reason);
	return wire_send(d->fd, &w);
}

/*
 * A failure is not reported: a daemon that is gone may have left its last word, and the next reading finds that or the
 * end.
 */
static void dialogue_answer(const struct dialogue *d, const struct secret *answer)
{
	_cleanup_(wire_wipe) struct wire w;

	if (boot_ms() >= d->end)
		return;
	wire_start(&w, WIRE_ANSWER);
	wire_secret(&w, WIRE_TEXT, answer);
	(void)wire_send(d->fd, &w);
}

static void dialogue_cancel(const struct dialogue *d)
{
	struct wire w;

	wire_start(&w, WIRE_CANCEL);
	(void)wire_send(d->fd, &w);
}

static void field_show(const struct wire_field *f, size_t characters, char *ret, size_t size)
{
	size_t at = 0, len = text_clean((const char *)f->at, f->len, ret, size);
	uint32_t u;

	for (size_t i = 0; i < characters && at < len; i++)
		at += text_utf8(ret + at, len - at, &u);
	ret[at] = 0;
}

/* Lines to be shown as they are; all of them, or none. */
static void figure_take(const struct wire_field *f, struct step *s)
{
	const char *at = (const char *)f->at, *end = at ? at + f->len : NULL;
	size_t used = 0;

	s->lines_n = 0;
	while (at < end) {
		const char *stop = memchr(at, '\n', (size_t)(end - at));
		size_t len = (size_t)((stop ? stop : end) - at);

		if (s->lines_n == FIGURE_LINES || sizeof(s->figure) - used <= len) {
			s->lines_n = 0;
			return;
		}
		s->lines[s->lines_n++] = s->figure + used;
		used += text_clean(at, len, s->figure + used, len + 1) + 1;
		at += len + 1;
	}
}

static int step_kind_get(const struct wire_message *m, struct step *s)
{
	unsigned int kind, result = 0;

	if (m->type != WIRE_STEP || wire_get_u8(m, WIRE_KIND, &kind) < 0)
		return -EBADMSG;
	if (kind < STEP_ASK || kind > STEP_END)
		return -EBADMSG;
	if (kind == STEP_END && wire_get_u8(m, WIRE_RESULT, &result) < 0)
		return -EBADMSG;
	if (kind == STEP_END && (result < RESULT_IGNORE || result > RESULT_ABORT))
		return -EBADMSG;
	s->kind = (enum step_kind)kind;
	s->result = (enum step_result)result;
	return 0;
}

static int step_parse(const struct wire *w, struct step *ret)
{
	struct wire_message m;
	int r = wire_parse(w->b, w->len, &m);

	if (r == 0)
		r = step_kind_get(&m, ret);
	if (r < 0)
		return r;
	figure_take(&m.tag[WIRE_FIGURE], ret);
	field_show(&m.tag[WIRE_INFO], INFO_CHARACTERS, ret->info, sizeof(ret->info));
	field_show(&m.tag[WIRE_PROMPT], PROMPT_CHARACTERS, ret->prompt, sizeof(ret->prompt));
	field_show(&m.tag[WIRE_LOST], INFO_CHARACTERS, ret->lost, sizeof(ret->lost));
	return 0;
}

/* Waits for a datagram. After the time a datagram that is there already is still taken. */
static int fd_wait(int fd, int64_t until)
{
	struct pollfd p = { .fd = fd, .events = POLLIN };

	for (;;) {
		int64_t left = until - boot_ms();
		int n = poll(&p, 1, left > 0 ? (int)left : 0);

		if (n > 0)
			return 0;
		if (n == 0 && left <= 0)
			return -ETIMEDOUT;
		if (n < 0 && errno != EINTR)
			return -errno;
	}
}

static int dialogue_next(struct dialogue *d, int64_t until, struct step *ret)
{
	_cleanup_(wire_wipe) struct wire w;
	int r;

	r = fd_wait(d->fd, earlier(until, d->end));
	if (r == 0)
		r = wire_receive(d->fd, &w);
	if (r == 0)
		r = step_parse(&w, ret);
	if (r == 0 && ret->kind != STEP_END && boot_ms() >= d->end)
		r = -ETIMEDOUT;
	return r;
}

/* ---- the screen ---- */

static void response_free(struct pam_response *response, size_t n)
{
	for (size_t i = 0; response && i < n; i++) {
		if (response[i].resp)
			explicit_bzero(response[i].resp, strlen(response[i].resp));
		free(response[i].resp);
	}
	free(response);
}

/* The answer to the last message. NULL, empty and too long are three things: two of them end the dialogue. */
static int response_take(const struct pam_response *response, size_t n, struct secret *ret)
{
	const char *answer = response ? response[n - 1].resp : NULL;
	size_t len = answer ? strlen(answer) : 0;

	if (!answer || len >= PAM_MAX_RESP_SIZE)
		return -ECANCELED;
	return secret_set(ret, answer, len);
}

/* One call of the conversation. ret_answer is NULL where nothing is asked. */
static int converse(pam_handle_t *pamh, const struct pam_message *message, size_t n, struct secret *ret_answer)
{
	const struct pam_message *list[FIGURE_LINES + 2];
	struct pam_response *response = NULL;
	const void *item = NULL;
	const struct pam_conv *conv;
	int r = 0;

	if (pam_get_item(pamh, PAM_CONV, &item) != PAM_SUCCESS || !item)
		return -ECANCELED;
	conv = item;
	for (size_t i = 0; i < n; i++)
		list[i] = &message[i];
	if (!conv->conv || conv->conv((int)n, list, &response, conv->appdata_ptr) != PAM_SUCCESS)
		r = -ECANCELED;
	else if (ret_answer)
		r = response_take(response, n, ret_answer);
	response_free(response, n);
	return r;
}

static int tell(const struct dialogue *d, int style, const char *text)
{
	struct pam_message message = { .msg_style = style, .msg = text };

	return text[0] ? converse(d->pamh, &message, 1, NULL) : 0;
}

/* The last words, below their figure. */
static int tell_end(const struct dialogue *d, int style, const struct step *s)
{
	struct pam_message message[FIGURE_LINES + 1];
	size_t n = 0;

	for (size_t i = 0; i < s->lines_n; i++)
		message[n++] = (struct pam_message){ .msg_style = PAM_TEXT_INFO, .msg = s->lines[i] };
	message[n++] = (struct pam_message){ .msg_style = style, .msg = s->info };
	return s->info[0] ? converse(d->pamh, message, n, NULL) : 0;
}

static int ask(const struct dialogue *d, const struct step *s)
{
	_cleanup_(secret_wipe) struct secret answer = {};
	struct pam_message message[FIGURE_LINES + 2];
	size_t n = 0;
	int r;

	for (size_t i = 0; i < s->lines_n; i++)
		message[n++] = (struct pam_message){ .msg_style = PAM_TEXT_INFO, .msg = s->lines[i] };
	if (s->info[0])
		message[n++] = (struct pam_message){ .msg_style = PAM_TEXT_INFO, .msg = s->info };
	message[n++] = (struct pam_message){
		.msg_style = s->kind == STEP_ASK ? PAM_PROMPT_ECHO_ON : PAM_PROMPT_ECHO_OFF, .msg = s->prompt
	};
	r = converse(d->pamh, message, n, &answer);
	if (r == 0)
		dialogue_answer(d, &answer);
	return r;
}

static int show(const struct dialogue *d, const struct step *s)
{
	return s->kind == STEP_TELL ? tell(d, PAM_TEXT_INFO, s->info) : ask(d, s);
}

/* ---- the whole ---- */

static int dialogue_end(const struct dialogue *d, const struct step *s)
{
	if (s->result != RESULT_IGNORE || !d->start->quiet)
		(void)tell_end(d, results[s->result].style, s);
	return results[s->result].code;
}

static int dialogue_lost(const struct dialogue *d, int r)
{
	dialogue_note(d, "connection lost", r);
	(void)tell(d, PAM_ERROR_MSG, d->lost);
	return PAM_AUTH_ERR;
}

static int dialogue_steps(struct dialogue *d, struct step *s)
{
	int r;

	while (s->kind != STEP_END) {
		memcpy(d->lost, s->lost, sizeof(d->lost));
		r = show(d, s);
		if (r < 0) {
			dialogue_cancel(d);
			return PAM_CONV_ERR;
		}
		r = dialogue_next(d, boot_ms() + NEXT_MS, s);
		if (r < 0)
			return dialogue_lost(d, r);
	}
	return dialogue_end(d, s);
}

static void dialogue_close(struct dialogue *d)
{
	closep(&d->fd);
}

int dialogue_run(pam_handle_t *pamh, const struct dialogue_start *start)
{
	int64_t now = boot_ms();
	_cleanup_(dialogue_close) struct dialogue d = {
		.pamh = pamh,
		.start = start,
		.fd = -1,
		.end = now + WHOLE_MS,
	};
	struct step s = {};
	int r;

	r = dialogue_connect(&d);
	if (r == 0)
		r = dialogue_begin(&d);
	if (r == 0)
		r = dialogue_next(&d, now + FIRST_MS, &s);
	if (r < 0) {
		dialogue_note(&d, "no dialogue with ssprd", r);
		return PAM_IGNORE;
	}
	return dialogue_steps(&d, &s);
}
