// SPDX-License-Identifier: LGPL-2.1-or-later
#include "base/wire.h"

#include <errno.h>
#include <poll.h>
#include <sys/socket.h>

void wire_start(struct wire *w, enum wire_type type)
{
	w->b[0] = (uint8_t)type;
	w->len = 1;
	w->failed = false;
}

void wire_bytes(struct wire *w, unsigned int tag, const void *bytes, size_t len)
{
	if (w->failed || len > UINT16_MAX || len + 3 > sizeof(w->b) - w->len) {
		w->failed = true;
		return;
	}
	w->b[w->len++] = (uint8_t)tag;
	w->b[w->len++] = (uint8_t)(len >> 8);
	w->b[w->len++] = (uint8_t)len;
	if (len > 0)
		memcpy(w->b + w->len, bytes, len);
	w->len += len;
}

void wire_text(struct wire *w, unsigned int tag, const char *text)
{
	if (text)
		wire_bytes(w, tag, text, strlen(text));
}

static void wire_number(struct wire *w, unsigned int tag, uint64_t n, size_t size)
{
	uint8_t b[8];

	for (size_t i = 0; i < size; i++)
		b[i] = (uint8_t)(n >> (8 * (size - 1 - i)));
	wire_bytes(w, tag, b, size);
}

void wire_u8(struct wire *w, unsigned int tag, unsigned int n)
{
	wire_number(w, tag, n, 1);
}

void wire_u16(struct wire *w, unsigned int tag, unsigned int n)
{
	wire_number(w, tag, n, 2);
}

void wire_u32(struct wire *w, unsigned int tag, uint32_t n)
{
	wire_number(w, tag, n, 4);
}

void wire_u64(struct wire *w, unsigned int tag, uint64_t n)
{
	wire_number(w, tag, n, 8);
}

void wire_secret(struct wire *w, unsigned int tag, const struct secret *s)
{
	wire_bytes(w, tag, s->b, s->len);
}

void wire_wipe(struct wire *w)
{
	explicit_bzero(w, sizeof(*w));
}

/* Where a tag's field is kept, or NULL for a tag to skip. */
static struct wire_field *wire_slot(struct wire_message *m, unsigned int tag)
{
	if (tag < WIRE_TAGS)
		return &m->tag[tag];
	if (tag >= WIRE_COLUMN && tag < WIRE_COLUMN + WIRE_COLUMNS)
		return &m->column[tag - WIRE_COLUMN];
	return NULL;
}

int wire_parse(const void *bytes, size_t len, struct wire_message *ret)
{
	const uint8_t *b = bytes;
	struct wire_message m = {};
	size_t at = 1;

	if (len < 1 || len > WIRE_MAX)
		return -EBADMSG;
	m.type = (enum wire_type)b[0];
	while (at < len) {
		struct wire_field *slot;
		size_t size;

		if (len - at < 3)
			return -EBADMSG;
		size = (size_t)b[at + 1] << 8 | b[at + 2];
		if (size > len - at - 3)
			return -EBADMSG;
		slot = wire_slot(&m, b[at]);
		if (slot && slot->at)
			return -EBADMSG;
		if (slot)
			*slot = (struct wire_field){ .at = b + at + 3, .len = size };
		at += 3 + size;
	}
	*ret = m;
	return 0;
}

static int wire_get_number(const struct wire_message *m, enum wire_tag tag, size_t size, uint64_t *ret)
{
	const struct wire_field *f = &m->tag[tag];
	uint64_t n = 0;

	if (!f->at)
		return -ENOENT;
	if (f->len != size)
		return -EBADMSG;
	for (size_t i = 0; i < size; i++)
		n = n << 8 | f->at[i];
	*ret = n;
	return 0;
}

int wire_get_u8(const struct wire_message *m, enum wire_tag tag, unsigned int *ret)
{
	uint64_t n;
	int r = wire_get_number(m, tag, 1, &n);

	if (r == 0)
		*ret = (unsigned int)n;
	return r;
}

int wire_get_u16(const struct wire_message *m, enum wire_tag tag, unsigned int *ret)
{
	uint64_t n;
	int r = wire_get_number(m, tag, 2, &n);

	if (r == 0)
		*ret = (unsigned int)n;
	return r;
}

int wire_get_u32(const struct wire_message *m, enum wire_tag tag, uint32_t *ret)
{
	uint64_t n;
	int r = wire_get_number(m, tag, 4, &n);

	if (r == 0)
		*ret = (uint32_t)n;
	return r;
}

int wire_get_u64(const struct wire_message *m, enum wire_tag tag, uint64_t *ret)
{
	return wire_get_number(m, tag, 8, ret);
}

int wire_field_text(const struct wire_field *f, char *ret, size_t size)
{
	if (!f->at)
		return -ENOENT;
	if (f->len >= size || memchr(f->at, 0, f->len))
		return -EBADMSG;
	memcpy(ret, f->at, f->len);
	ret[f->len] = 0;
	return 0;
}

int wire_get_text(const struct wire_message *m, enum wire_tag tag, char *ret, size_t size)
{
	return wire_field_text(&m->tag[tag], ret, size);
}

int wire_get_secret(const struct wire_message *m, enum wire_tag tag, struct secret *ret)
{
	const struct wire_field *f = &m->tag[tag];

	if (!f->at)
		return -ENOENT;
	return secret_set(ret, f->at, f->len) < 0 ? -EBADMSG : 0;
}

int wire_send(int fd, const struct wire *w)
{
	ssize_t n;

	if (w->failed)
		return -EMSGSIZE;
	do
		n = send(fd, w->b, w->len, MSG_NOSIGNAL);
	while (n < 0 && errno == EINTR);
	return n < 0 ? -errno : 0;
}

int wire_receive(int fd, struct wire *ret)
{
	struct iovec iov = { .iov_base = ret->b, .iov_len = sizeof(ret->b) };
	struct msghdr h = { .msg_iov = &iov, .msg_iovlen = 1 };
	ssize_t n;

	do
		n = recvmsg(fd, &h, MSG_CMSG_CLOEXEC);
	while (n < 0 && errno == EINTR);
	if (n < 0)
		return errno == ECONNRESET ? -EPIPE : -errno;
	/* An empty datagram is no message either, so it may be taken for the end. */
	if (n == 0)
		return -EPIPE;
	if (h.msg_flags & MSG_TRUNC)
		return -EBADMSG;
	ret->len = (size_t)n;
	ret->failed = false;
	return 0;
}

bool wire_peer_gone(int fd)
{
	struct pollfd p = { .fd = fd, .events = POLLRDHUP };

	return poll(&p, 1, 0) > 0 && (p.revents & (POLLHUP | POLLRDHUP | POLLERR));
}
