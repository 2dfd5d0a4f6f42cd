// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

/* The command line of a daemon: --config FILE, --version, --help. */

/*
 * 0: *ret_config names the configuration file. 1: what was asked for was printed, the program ends well. -EINVAL: told
 * on standard error.
 */
int options_read(int argc, char **argv, const char **ret_config);

/* What every daemon does first: nobody may read its memory, no core is written. */
int process_harden(void);
