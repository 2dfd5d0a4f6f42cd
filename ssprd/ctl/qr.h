// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

/* A QR code in a terminal. The one home of libqrencode. */

#include <stdbool.h>
#include <stdio.h>

/* Can standard output show one: a terminal whose locale is UTF-8. */
bool qr_fits(void);

/*
 * Two rows of the code are one line of half blocks. The light squares are what is drawn, in white on black by colours of its
 * own, so that it can be scanned on a dark and on a light terminal. -ENOMEM, or -EMSGSIZE for a text that is too long.
 */
int qr_print(const char *text, FILE *to);
