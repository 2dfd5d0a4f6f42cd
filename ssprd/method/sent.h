// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

/* Codes that are sent, whichever way: how an answer is compared, and the mobile that two of the methods share. */

#include "flow/method.h"

/* A method's `verify`. */
bool sent_verify(const struct proof_question *q, struct proof *ret);

/* A method's `registered` and `number`. */
bool sent_has_mobile(const struct registration *r);
const char *sent_mobile(const struct registration *r);
