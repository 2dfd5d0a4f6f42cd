// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * net P SECONDS DIRECTORY GROUP <NAMES: P processes have names looked up by ssprd-net itself, as ssprd does: a connection for each.
 */

#include <pwd.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "flow/job.h"
#include "stats.h"

static const char *directory, *group;

static int connect_net(void)
{
	const struct sockaddr_un a = { .sun_family = AF_UNIX, .sun_path = "/run/sspr/net.sock" };
	int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);

	if (fd < 0 || connect(fd, (const struct sockaddr *)&a, sizeof(a)) < 0)
		err(1, "net.sock");
	return fd;
}

static void look_up(const char *name, size_t nth)
{
	static struct wire w;
	struct job job = { .kind = JOB_LOOKUP };
	struct job_result result;
	struct wire_message m;
	int fd = connect_net();

	(void)nth;
	snprintf(job.account.name, sizeof(job.account.name), "%s", name);
	snprintf(job.account.directory, sizeof(job.account.directory), "%s", directory);
	snprintf(job.group, sizeof(job.group), "%s", group);
	job_write(&job, &w);
	if (wire_send(fd, &w) < 0 || wire_receive(fd, &w) < 0 || wire_parse(w.b, w.len, &m) < 0 ||
	    job_result_read(&m, &result) < 0)
		errx(1, "no answer");
	if (result.outcome != OUTCOME_DONE)
		errx(1, "%s: %s %s", name, why_name(result.why), result.detail);
	close(fd);
}

int main(int argc, char **argv)
{
	static struct names names;
	const struct passwd *sspr = getpwnam("sspr");

	if (argc != 5)
		errx(2, "usage: net P SECONDS DIRECTORY GROUP");
	/* Nobody else may ask. */
	if (!sspr || setegid(sspr->pw_gid) < 0 || seteuid(sspr->pw_uid) < 0)
		err(1, "sspr");
	directory = argv[3];
	group = argv[4];
	names_read(&names);
	stats_spend("lookups", strtoul(argv[1], NULL, 10), strtod(argv[2], NULL), &names, look_up);
	return 0;
}
