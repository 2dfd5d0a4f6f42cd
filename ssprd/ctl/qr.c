// SPDX-License-Identifier: LGPL-2.1-or-later
#include "ctl/qr.h"

#include <langinfo.h>
#include <string.h>
#include <unistd.h>

#include "base/qr.h"

#define QR_SIZE 16384

bool qr_fits(void)
{
	return isatty(STDOUT_FILENO) && strcmp(nl_langinfo(CODESET), "UTF-8") == 0;
}

int qr_print(const char *text, FILE *to)
{
	char lines[QR_SIZE], *save = NULL;
	int r = qr_draw(text, lines, sizeof(lines));

	/* Colours of its own, so that it can be scanned on a dark and on a light terminal. */
	if (r == 0)
		for (char *line = strtok_r(lines, "\n", &save); line; line = strtok_r(NULL, "\n", &save))
			fprintf(to, "\033[40;97m%s\033[0m\n", line);
	explicit_bzero(lines, sizeof(lines));
	return r;
}
