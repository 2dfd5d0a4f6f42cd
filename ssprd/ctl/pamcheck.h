// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

/*
 * ssprctl pam check [SERVICE...]: judges the PAM stacks of this machine by running them. They run in a child with its
 * own mounts, against a copy of /etc in memory that holds one more user, with a random password; the real /etc is only
 * read. Each stack meets the right password, a wrong one, none, and the keyword, while ssprd is absent, hangs, and
 * answers.
 */

struct ctl;

/*
 * argv[0] is the command; without services those of pam_sspr's own list that the machine has. CTL_OK, or CTL_FAILED
 * when a stack lets a wrong password in, keeps the right one out, or could not be judged.
 */
int pamcheck(const struct ctl *ctl, int argc, char **argv);
