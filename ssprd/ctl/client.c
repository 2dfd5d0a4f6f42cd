// SPDX-License-Identifier: LGPL-2.1-or-later
#include "ctl/client.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/text.h"
#include "ctl/ctl.h"
#include "ctl/output.h"

/* A look-up may wait for a directory, the audit's check reads all of it. */
#define CLIENT_PATIENCE 60

_Static_assert((int)OUTPUT_COLUMNS == (int)WIRE_COLUMNS, "a row of the wire is a row of the output");

static int set_patience(int fd)
{
	const struct timeval t = { .tv_sec = CLIENT_PATIENCE };

	if (setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &t, sizeof(t)) < 0 ||
	    setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &t, sizeof(t)) < 0)
		return -errno;
	return 0;
}

static int check_peer(int fd)
{
	struct ucred peer = { .uid = (uid_t)-1 };
	socklen_t size = sizeof(peer);

	if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &size) < 0)
		return -errno;
	return peer.uid == 0 || peer.uid == geteuid() ? 0 : -EPERM;
}

int client_open(const char *path, struct client *ret)
{
	struct sockaddr_un a = { .sun_family = AF_UNIX };
	_cleanup_(closep) int fd = -1;
	int r;

	if (strlen(path) >= sizeof(a.sun_path))
		return -ENAMETOOLONG;
	memcpy(a.sun_path, path, strlen(path));
	fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return -errno;
	r = set_patience(fd);
	if (r < 0)
		return r;
	if (connect(fd, (const struct sockaddr *)&a, sizeof(a)) < 0)
		return -errno;
	r = check_peer(fd);
	if (r < 0)
		return r;
	ret->fd = TAKE_FD(fd);
	return 0;
}

void client_close(struct client *c)
{
	closep(&c->fd);
	c->fd = -1;
}

/* The columns of a message as texts in `buffer`, each with its NUL; returns how many. */
static size_t read_columns(const struct wire_message *m, char *buffer, const char **ret)
{
	size_t n = 0;

	for (; n < WIRE_COLUMNS && m->column[n].at; n++) {
		ret[n] = buffer;
		buffer += text_clean((const char *)m->column[n].at, m->column[n].len, buffer, m->column[n].len + 1) + 1;
	}
	return n;
}

static int add_columns(const struct wire_message *m, struct output *rows)
{
	const char *texts[WIRE_COLUMNS];
	/* A field has a head of three bytes on the wire, a text one NUL here. */
	char buffer[WIRE_MAX];
	size_t n = read_columns(m, buffer, texts);
	int r;

	r = m->type == WIRE_HEAD ? output_head(rows, texts, n) : output_row(rows, texts, n);
	explicit_bzero(buffer, sizeof(buffer));
	return r;
}

/* 0 at the last page, 1 when there is another one, which begins at *ret_after. */
static int read_end(const struct wire_message *m, struct client_end *ret, uint64_t *ret_after)
{
	const struct wire_field *text = &m->tag[WIRE_TEXT];
	unsigned int status;
	int r;

	r = wire_get_u8(m, WIRE_STATUS, &status);
	if (r < 0 || status > STATUS_ASK)
		return -EBADMSG;
	ret->status = (enum wire_status)status;
	text_clean((const char *)text->at, text->len, ret->text, sizeof(ret->text));
	r = wire_get_u64(m, WIRE_AFTER, ret_after);
	if (r == -ENOENT)
		return 0;
	return r < 0 ? r : 1;
}

static int read_page(struct client *c, struct output *rows, struct client_end *ret, uint64_t *ret_after)
{
	_cleanup_(wire_wipe) struct wire w = {};
	struct wire_message m;
	int r;

	for (;;) {
		r = wire_receive(c->fd, &w);
		if (r == 0)
			r = wire_parse(w.b, w.len, &m);
		if (r < 0)
			return r;
		if (m.type == WIRE_END)
			return read_end(&m, ret, ret_after);
		if (m.type != WIRE_HEAD && m.type != WIRE_ROW)
			return -EBADMSG;
		r = add_columns(&m, rows);
		if (r < 0)
			return r;
	}
}

static int send_request(struct client *c, const struct client_request *q, const uint64_t *after)
{
	struct wire w;

	wire_start(&w, WIRE_REQUEST);
	wire_u16(&w, WIRE_VERSION, WIRE_VERSION_NOW);
	wire_text(&w, WIRE_VERB, q->verb);
	wire_text(&w, WIRE_USER, q->user);
	wire_text(&w, WIRE_DIRECTORY, q->directory);
	wire_text(&w, WIRE_NAME, q->name);
	wire_text(&w, WIRE_TO, q->to);
	wire_text(&w, WIRE_DETAIL, q->detail);
	if (q->life > 0)
		wire_u32(&w, WIRE_LIFE, q->life);
	if (q->since > 0)
		wire_u64(&w, WIRE_SINCE, q->since);
	if (after)
		wire_u64(&w, WIRE_AFTER, *after);
	return wire_send(c->fd, &w);
}

int client_request(struct client *c, const struct client_request *q, struct output *rows, struct client_end *ret)
{
	uint64_t after = 0, asked = 0;
	int r;

	r = send_request(c, q, NULL);
	if (r < 0)
		return r;
	while ((r = read_page(c, rows, ret, &after)) > 0) {
		/* A page that begins where the one before began would never end. */
		if (after == asked)
			return -EBADMSG;
		asked = after;
		r = send_request(c, q, &after);
		if (r < 0)
			return r;
	}
	return r;
}

int client_answer(struct client *c, const struct secret *answer, struct output *rows, struct client_end *ret)
{
	_cleanup_(wire_wipe) struct wire w = {};
	uint64_t after;
	int r;

	wire_start(&w, WIRE_ANSWER);
	wire_secret(&w, WIRE_TEXT, answer);
	r = wire_send(c->fd, &w);
	return r < 0 ? r : read_page(c, rows, ret, &after);
}

static int unreachable(const struct ctl *ctl, int r)
{
	static const struct {
		int error;
		const char *advice;
	} advices[] = {
		{ -ENOENT, "the socket is missing. Start it: systemctl enable --now ssprd-admin.socket" },
		{ -ECONNREFUSED, "nobody listens. Start it: systemctl restart ssprd-admin.socket" },
		{ -EACCES, "only root may ask. Try sudo" },
		{ -EPERM, "the socket belongs to somebody else. Nothing was sent" },
		{ -EAGAIN, "no answer within a minute. See: systemctl status ssprd.service" },
		{ -EPIPE, "it hung up. See: systemctl status ssprd.service, journalctl -u ssprd.service" },
		{ -EBADMSG, "its answer is not understood. Do ssprd and ssprctl have the same version?" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(advices); i++)
		if (advices[i].error == r)
			return ctl_fail(ctl, CTL_UNREACHABLE, "ssprd cannot be reached at %s: %s", ctl->socket,
					advices[i].advice);
	return ctl_fail(ctl, CTL_UNREACHABLE, "ssprd cannot be reached at %s: %s", ctl->socket, strerror(-r));
}

int client_result(const struct ctl *ctl, int r, const struct client_end *end)
{
	static const char *const unsaid[] = {
		[STATUS_FAILED] = "failed",
		[STATUS_REFUSED] = "refused",
		[STATUS_ASK] = "ssprd asks for more than this command can answer",
	};

	if (r == -ENOMEM)
		return ctl_fail(ctl, CTL_FAILED, "out of memory");
	if (r == -EMSGSIZE)
		return ctl_fail(ctl, CTL_FAILED, "what you gave is too long");
	if (r < 0)
		return unreachable(ctl, r);
	if (end->status == STATUS_OK)
		return CTL_OK;
	return ctl_fail(ctl, CTL_FAILED, "%s", *end->text ? end->text : unsaid[end->status]);
}

int client_ask(const struct ctl *ctl, const struct client_request *q, struct output *rows, struct client_end *ret)
{
	_cleanup_(client_close) struct client c = { .fd = -1 };
	int r = client_open(ctl->socket, &c);

	if (r == 0)
		r = client_request(&c, q, rows, ret);
	return client_result(ctl, r, ret);
}
