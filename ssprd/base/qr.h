// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

/* A QR code as lines of text. The one home of libqrencode. */

#include <stddef.h>

/*
 * Two rows of the code are one line of half blocks (UTF-8), a newline behind each. The light squares are what is drawn: right on a
 * dark background. -EMSGSIZE when the code does not fit into `size` bytes, -ENOMEM.
 */
int qr_draw(const char *text, char *ret, size_t size);
