// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

/* The functions of the command table, by the files they live in. */

struct ctl;

/* init.c */
int ctl_init(const struct ctl *ctl, int argc, char **argv);

/* check.c */
int ctl_check(const struct ctl *ctl, int argc, char **argv);

/* ask.c */
int ctl_status(const struct ctl *ctl, int argc, char **argv);
int ctl_pending(const struct ctl *ctl, int argc, char **argv);
int ctl_clock_accept(const struct ctl *ctl, int argc, char **argv);
int ctl_user_add(const struct ctl *ctl, int argc, char **argv);
int ctl_user_show(const struct ctl *ctl, int argc, char **argv);
int ctl_user_list(const struct ctl *ctl, int argc, char **argv);
int ctl_user_remove(const struct ctl *ctl, int argc, char **argv);
int ctl_user_unlock(const struct ctl *ctl, int argc, char **argv);
int ctl_limits(const struct ctl *ctl, int argc, char **argv);
int ctl_pass_list(const struct ctl *ctl, int argc, char **argv);
int ctl_pass_revoke(const struct ctl *ctl, int argc, char **argv);

/* limits.c */
int ctl_limits_clear(const struct ctl *ctl, int argc, char **argv);

/* pass.c */
int ctl_pass_issue(const struct ctl *ctl, int argc, char **argv);

/* enrol.c */
int ctl_user_enrol(const struct ctl *ctl, int argc, char **argv);

/* diagnose.c */
int ctl_user_check(const struct ctl *ctl, int argc, char **argv);
int ctl_entra_check(const struct ctl *ctl, int argc, char **argv);

/* entra.c */
int ctl_entra_setup(const struct ctl *ctl, int argc, char **argv);

/* audit.c */
int ctl_audit(const struct ctl *ctl, int argc, char **argv);
