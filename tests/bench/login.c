// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * login try N SERVICE...: N transactions of each service, one after the other in turn, from pam_start() to pam_end(), with a
 * password that is not looked at. Prints SERVICE median p99.
 *
 * login change P SERVICE <LIST: pam_chauthtok() for each line "NAME PASSWORD", by P processes. Prints median and p99, and
 * the seconds all took.
 */

#include <err.h>
#include <security/pam_appl.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "stats.h"

#define LINES_MAX 4096

struct change {
	char name[64], password[128];
};

static int answer(int n, const struct pam_message **messages, struct pam_response **ret, void *password)
{
	struct pam_response *r = calloc((size_t)n, sizeof(*r));

	if (!r)
		return PAM_BUF_ERR;
	for (int i = 0; i < n; i++)
		if (messages[i]->msg_style == PAM_PROMPT_ECHO_OFF || messages[i]->msg_style == PAM_PROMPT_ECHO_ON)
			r[i].resp = strdup(password);
	*ret = r;
	return PAM_SUCCESS;
}

static uint64_t try_once(const char *service, const char *user)
{
	char password[] = "not-the-password";
	const struct pam_conv conv = { answer, password };
	uint64_t start = stats_now();
	pam_handle_t *pamh;
	int r;

	if (pam_start(service, user, &conv, &pamh) != PAM_SUCCESS)
		errx(1, "pam_start");
	pam_set_item(pamh, PAM_TTY, "/dev/tty1");
	r = pam_authenticate(pamh, 0);
	pam_end(pamh, r);
	return stats_now() - start;
}

/* Always another user: the first failure of each gets the hint, and no question. */
static void try_all(size_t n, char **services)
{
	struct stats *stats[16];
	size_t count = 0;

	for (; services[count] && count < 16; count++)
		stats[count] = stats_new(n);
	for (size_t i = 0; i < n; i++)
		for (size_t s = 0; s < count; s++) {
			char user[32];

			snprintf(user, sizeof(user), "u%zu-%d", i * count + s, getpid());
			stats[s]->ns[i] = try_once(services[s], user);
		}
	for (size_t s = 0; s < count; s++)
		stats_print(services[s], stats[s]);
}

static uint64_t change_once(const char *service, struct change *c)
{
	const struct pam_conv conv = { answer, c->password };
	uint64_t start = stats_now();
	pam_handle_t *pamh;
	int r;

	if (pam_start(service, c->name, &conv, &pamh) != PAM_SUCCESS)
		errx(1, "pam_start");
	r = pam_chauthtok(pamh, PAM_SILENT);
	if (r != PAM_SUCCESS)
		errx(1, "pam_chauthtok for %s: %s", c->name, pam_strerror(pamh, r));
	pam_end(pamh, r);
	return stats_now() - start;
}

static size_t read_changes(struct change *ret)
{
	size_t n = 0;

	while (n < LINES_MAX && scanf("%63s %127s", ret[n].name, ret[n].password) == 2)
		n++;
	return n;
}

static void change_all(size_t processes, const char *service)
{
	static struct change changes[LINES_MAX];
	size_t n = read_changes(changes);
	struct stats *stats = stats_new(n);
	uint64_t start = stats_now();
	int status;

	for (size_t p = 0; p < processes; p++)
		if (fork() == 0) {
			for (size_t i = p; i < n; i += processes)
				stats->ns[i] = change_once(service, &changes[i]);
			_exit(0);
		}
	for (size_t p = 0; p < processes; p++)
		if (wait(&status) < 0 || status != 0)
			errx(1, "a process failed");
	printf("seconds %.6f\n", (double)(stats_now() - start) / 1e9);
	stats_print("change", stats);
}

int main(int argc, char **argv)
{
	if (argc >= 4 && strcmp(argv[1], "try") == 0)
		try_all(strtoul(argv[2], NULL, 10), argv + 3);
	else if (argc == 4 && strcmp(argv[1], "change") == 0)
		change_all(strtoul(argv[2], NULL, 10), argv[3]);
	else
		errx(2, "usage: login try N SERVICE... | login change P SERVICE");
	return 0;
}
