// SPDX-License-Identifier: LGPL-2.1-or-later
#include "base/qr.h"

#include <errno.h>
#include <qrencode.h>
#include <stdbool.h>
#include <string.h>

#include "base/cleanup.h"

/* Phones do with less than the four squares of the standard, and so the code of a usual URI fits into 25 lines. */
#define QR_MARGIN 2

static void qrp(QRcode **q)
{
	if (*q)
		QRcode_free(*q);
}

static bool light(const QRcode *q, int x, int y)
{
	if (x < 0 || y < 0 || x >= q->width || y >= q->width)
		return true;
	return !(q->data[y * q->width + x] & 1);
}

static bool add(char *ret, size_t size, size_t *at, const char *text)
{
	size_t len = strlen(text);

	if (size - *at <= len)
		return false;
	memcpy(ret + *at, text, len + 1);
	*at += len;
	return true;
}

static bool draw_pair(const QRcode *q, int y, char *ret, size_t size, size_t *at)
{
	static const char *const block[2][2] = { { " ", "▄" }, { "▀", "█" } };

	for (int x = -QR_MARGIN; x < q->width + QR_MARGIN; x++)
		if (!add(ret, size, at, block[light(q, x, y)][light(q, x, y + 1)]))
			return false;
	return add(ret, size, at, "\n");
}

int qr_draw(const char *text, char *ret, size_t size)
{
	_cleanup_(qrp) QRcode *q = QRcode_encodeString8bit(text, 0, QR_ECLEVEL_L);
	size_t at = 0;

	if (!q)
		return errno == ERANGE ? -EMSGSIZE : -ENOMEM;
	for (int y = -QR_MARGIN; y < q->width + QR_MARGIN; y += 2)
		if (!draw_pair(q, y, ret, size, &at))
			return -EMSGSIZE;
	return 0;
}
