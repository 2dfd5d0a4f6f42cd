// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

/*
 * The password change by PAM's service `ssprd-local`. The one home of security/pam_appl.h.
 *
 * PAM asks root for nothing: a one-letter password, a locked account, root's own, all would be taken. Whoever calls
 * this has judged account and password.
 */

#include "base/secret.h"
#include "flow/job.h"

/* Takes the service's modules into memory, so that a child does not load them for every job. */
void local_pam_load(void);

/*
 * WHY_NONE when PAM says that the password was changed. Otherwise why not; but only shadow(5) tells what really
 * happened.
 */
enum why local_pam_change(const char *name, const struct secret *password);
