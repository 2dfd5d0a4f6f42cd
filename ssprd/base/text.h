// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

/* Text from a person, a peer or a server, made fit for a terminal or a log; libc only, since the PAM module uses it. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * One code point of UTF-8 (RFC 3629: no overlong form, no surrogate, nothing above U+10FFFF). Returns its length in
 * bytes, or 0 when the bytes are not UTF-8.
 */
size_t text_utf8(const char *s, size_t len, uint32_t *ret);

/* Valid UTF-8 without control characters (C0, DEL, C1), bidirectional controls and zero-width characters. */
bool text_printable(const char *s, size_t len);

/* One bare mail address: something@something, nothing in it that could make it two, or a header of its own. */
bool text_mail_address(const char *s);

/*
 * Copies what is printable of `from` and leaves out the rest; cuts at a whole character so that the result, with its
 * NUL, fits into `size` bytes. Returns the number of bytes written without the NUL.
 */
size_t text_clean(const char *from, size_t len, char *to, size_t size);
