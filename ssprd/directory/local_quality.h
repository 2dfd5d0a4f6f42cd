// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

/* libpwquality's judgement by /etc/security/pwquality.conf. The one home of pwquality.h. */

#include "base/secret.h"
#include "flow/job.h"

enum why local_quality_check(const struct secret *password, const char *name);
