// SPDX-License-Identifier: LGPL-2.1-or-later
#include "ctl/qr.h"

#include <errno.h>
#include <langinfo.h>
#include <qrencode.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"

/* Phones do with less than the four squares of the standard, and so the code of a usual URI fits into 25 lines. */
#define QR_MARGIN 2

static void qrp(QRcode **q)
{
	if (*q)
		QRcode_free(*q);
}

bool qr_fits(void)
{
	return isatty(STDOUT_FILENO) && strcmp(nl_langinfo(CODESET), "UTF-8") == 0;
}

static bool light(const QRcode *q, int x, int y)
{
	if (x < 0 || y < 0 || x >= q->width || y >= q->width)
		return true;
	return !(q->data[y * q->width + x] & 1);
}

static void print_pair(const QRcode *q, int y, FILE *to)
{
	static const char *const block[2][2] = { { " ", "▄" }, { "▀", "█" } };

	fputs("\033[40;97m", to);
	for (int x = -QR_MARGIN; x < q->width + QR_MARGIN; x++)
		fputs(block[light(q, x, y)][light(q, x, y + 1)], to);
	fputs("\033[0m\n", to);
}

int qr_print(const char *text, FILE *to)
{
	_cleanup_(qrp) QRcode *q = QRcode_encodeString8bit(text, 0, QR_ECLEVEL_L);

	if (!q)
		return errno == ERANGE ? -EMSGSIZE : -ENOMEM;
	for (int y = -QR_MARGIN; y < q->width + QR_MARGIN; y += 2)
		print_pair(q, y, to);
	return 0;
}
