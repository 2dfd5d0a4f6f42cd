// SPDX-License-Identifier: LGPL-2.1-or-later
#include "deliver/message.h"

#include <errno.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/text.h"

#define LETTERS "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
#define DIGITS "0123456789"

#define ADDRESS_MAX 254
#define LOCAL_MAX 64
#define LINE_MAX_QP 76
/* RFC 2047: a word has at most 75 characters, of which `=?UTF-8?B??=` takes 12. */
#define WORD_BYTES 45

void message_wipe(struct message *m)
{
	explicit_bzero(m, sizeof(*m));
}

static bool domain_valid(const char *domain)
{
	size_t len = strlen(domain);

	if (len == 0 || strspn(domain, LETTERS DIGITS "-.") != len)
		return false;
	return domain[0] != '.' && domain[0] != '-' && domain[len - 1] != '.' && domain[len - 1] != '-' &&
	       !strstr(domain, "..");
}

bool message_address_valid(const char *address)
{
	static const char atoms[] = LETTERS DIGITS "!#$%&'*+-/=?^_`{|}~.";
	size_t local = strspn(address, atoms);

	if (local == 0 || local > LOCAL_MAX || address[local] != '@' || strlen(address) > ADDRESS_MAX)
		return false;
	if (address[0] == '.' || address[local - 1] == '.' || memmem(address, local, "..", 2))
		return false;
	return domain_valid(address + local + 1);
}

static bool id_valid(const char *id)
{
	return *id && strspn(id, LETTERS DIGITS "-_") == strlen(id);
}

/* What follows is refused rather than cut: room is for the longest of everything. */
static int add(struct message *m, const char *text, size_t len)
{
	if (len >= sizeof(m->b) - m->len)
		return -EMSGSIZE;
	memcpy(m->b + m->len, text, len);
	m->len += len;
	m->b[m->len] = 0;
	return 0;
}

static int add_format(struct message *m, const char *format, ...) _printf_(2, 3);

static int add_format(struct message *m, const char *format, ...)
{
	size_t room = sizeof(m->b) - m->len;
	va_list args;
	int n;

	va_start(args, format);
	n = vsnprintf(m->b + m->len, room, format, args);
	va_end(args);
	if (n < 0 || (size_t)n >= room)
		return -EMSGSIZE;
	m->len += (size_t)n;
	return 0;
}

static int add_date(struct message *m, time_t now)
{
	char text[64];
	struct tm tm;

	if (!gmtime_r(&now, &tm) || strftime(text, sizeof(text), "%a, %d %b %Y %H:%M:%S +0000", &tm) == 0)
		return -EINVAL;
	return add_format(m, "Date: %s\r\n", text);
}

static int add_base64(struct message *m, const char *text, size_t len)
{
	static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
	int r = 0;

	for (size_t i = 0; r == 0 && i < len; i += 3) {
		uint32_t u = 0;
		char out[4];

		for (size_t k = 0; k < 3; k++)
			u = u << 8 | (i + k < len ? (unsigned char)text[i + k] : 0);
		for (size_t k = 0; k < 4; k++)
			out[k] = i + k > len ? '=' : digits[u >> (18 - 6 * k) & 63];
		r = add(m, out, sizeof(out));
	}
	return r;
}

/* As many whole characters as one encoded word takes. */
static size_t word_length(const char *text)
{
	size_t len = strlen(text), at = 0;

	while (at < len) {
		uint32_t u;
		size_t n = text_utf8(text + at, len - at, &u);

		if (n == 0 || at + n > WORD_BYTES)
			break;
		at += n;
	}
	return at;
}

static bool ascii(const char *text)
{
	for (; *text; text++)
		if ((unsigned char)*text > 0x7e)
			return false;
	return true;
}

static int add_subject(struct message *m, const char *subject)
{
	int r = 0;

	if (!text_printable(subject, strlen(subject)))
		return -EINVAL;
	if (ascii(subject) && !strstr(subject, "=?"))
		return add_format(m, "Subject: %s\r\n", subject);
	r = add_format(m, "Subject:");
	while (r == 0 && *subject) {
		size_t n = word_length(subject);

		r = add_format(m, " =?UTF-8?B?");
		if (r == 0)
			r = add_base64(m, subject, n);
		subject += n;
		if (r == 0)
			r = add_format(m, "?=\r\n");
	}
	return r;
}

static bool qp_plain(unsigned char c, bool last)
{
	if (c == ' ' || c == '\t')
		return !last;
	return c > 0x20 && c < 0x7f && c != '=';
}

/* One line of the body, quoted-printable, RFC 2045. */
static int add_line(struct message *m, const char *line, size_t len)
{
	size_t column = 0;
	int r = 0;

	for (size_t i = 0; r == 0 && i < len; i++) {
		unsigned char c = (unsigned char)line[i];
		bool plain = qp_plain(c, i + 1 == len);
		size_t width = plain ? 1 : 3;

		if (column + width >= LINE_MAX_QP) {
			r = add(m, "=\r\n", 3);
			column = 0;
		}
		if (r == 0)
			r = plain ? add(m, line + i, 1) : add_format(m, "=%02X", c);
		column += width;
	}
	return r < 0 ? r : add(m, "\r\n", 2);
}

static int add_body(struct message *m, const char *body)
{
	int r = 0;

	while (r == 0 && *body) {
		size_t len = strcspn(body, "\n");

		if (!text_printable(body, len))
			return -EINVAL;
		r = add_line(m, body, len);
		body += len + (body[len] == '\n');
	}
	return r;
}

static int add_header(struct message *m, const struct job *job, const char *from, time_t now)
{
	int r = add_date(m, now);

	if (r == 0)
		r = add_format(m, "From: <%s>\r\nTo: <%s>\r\nMessage-ID: <%s%s>\r\n", from, job->to, job->id,
			       strchr(from, '@'));
	if (r == 0)
		r = add_subject(m, job->subject);
	if (r == 0)
		r = add_format(m, "Auto-Submitted: auto-generated\r\n"
				  "MIME-Version: 1.0\r\n"
				  "Content-Type: text/plain; charset=utf-8\r\n"
				  "Content-Transfer-Encoding: quoted-printable\r\n\r\n");
	return r;
}

int message_write(const struct job *job, const char *from, time_t now, struct message *ret)
{
	int r;

	ret->len = 0;
	if (!message_address_valid(job->to) || !message_address_valid(from) || !id_valid(job->id))
		return -EINVAL;
	r = add_header(ret, job, from, now);
	if (r == 0)
		r = add_body(ret, job->body);
	return r;
}
