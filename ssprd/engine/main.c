// SPDX-License-Identifier: LGPL-2.1-or-later
#include <errno.h>
#include <string.h>
#include <sysexits.h>

#include "base/cleanup.h"
#include "base/log.h"
#include "base/options.h"
#include "engine/server.h"

int main(int argc, char **argv)
{
	static struct server server;
	const char *config;
	int r;

	log_init("ssprd");
	r = options_read(argc, argv, &config);
	if (r != 0)
		return r < 0 ? EX_USAGE : 0;
	r = process_harden();
	if (r == 0)
		r = server_init(&server, config);
	if (r == 0)
		r = server_run(&server);
	server_deinit(&server);
	if (r < 0)
		log_error("%s", strerror(-r));
	return r == -EBADMSG ? EX_CONFIG : r < 0 ? 1 : 0;
}
