// SPDX-License-Identifier: LGPL-2.1-or-later
#include "base/options.h"

#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <sys/prctl.h>

int options_read(int argc, char **argv, const char **ret_config)
{
	static const struct option options[] = {
		{ .name = "config", .has_arg = required_argument, .val = 'c' },
		{ .name = "help", .val = 'h' },
		{ .name = "version", .val = 'v' },
		{},
	};
	const char *config = "/etc/sspr/ssprd.conf";
	int c;

	while ((c = getopt_long(argc, argv, "", options, NULL)) != -1)
		switch (c) {
		case 'c':
			config = optarg;
			break;
		case 'h':
			printf("%s [--config FILE] [--version]\n", argv[0]);
			return 1;
		case 'v':
			printf("%s\n", PACKAGE_VERSION);
			return 1;
		default:
			return -EINVAL;
		}
	if (optind < argc) {
		fprintf(stderr, "%s takes no arguments, only options\n", argv[0]);
		return -EINVAL;
	}
	*ret_config = config;
	return 0;
}

int process_harden(void)
{
	return prctl(PR_SET_DUMPABLE, 0) < 0 ? -errno : 0;
}
