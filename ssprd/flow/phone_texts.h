// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

/*
 * What a phone shows or speaks, in the user's language. No user name, and that nobody asks for the code (H1, M4). A text message
 * is one part of the network's: 160 characters of GSM 03.38, or 70 where the language's letters are not among them.
 */

#include "flow/flow.h"

/* Of a locale name as setlocale(3) has it, like de_DE.UTF-8; 0 (English) where there is no other. */
unsigned int phone_language(const char *locale);
/* As BCP 47 has it; NULL behind the last. */
const char *phone_language_tag(unsigned int language);

/* Fills channel, lang, code and body. */
void text_code_phone(const struct flow_rules *rules, enum job_channel channel, unsigned int language, const char *code,
		     struct job *ret);
