// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

/* A QR code in a terminal. */

#include <stdbool.h>
#include <stdio.h>

/* Can standard output show one: a terminal whose locale is UTF-8. */
bool qr_fits(void);

/* White on black, whatever the terminal's own colours are. -ENOMEM, or -EMSGSIZE for a text that is too long. */
int qr_print(const char *text, FILE *to);
