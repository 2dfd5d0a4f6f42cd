// SPDX-License-Identifier: LGPL-2.1-or-later
/* user enrol: what a user proves himself with later. What is shown here is made anew and never shown again. */

#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/secret.h"
#include "ctl/client.h"
#include "ctl/commands.h"
#include "ctl/ctl.h"
#include "ctl/output.h"
#include "ctl/qr.h"

#define ENROL_TRIES 3

struct enrolment {
	struct client_request request;
	bool qr; /* on whatever standard output is */
};

static void print_rows(const struct ctl *ctl, const struct output *rows)
{
	output_print(rows, ctl->json ? OUTPUT_JSON : OUTPUT_TABLE);
}

/* Just the codes, one on a line, fit to be printed on paper. */
static void print_codes(const struct ctl *ctl, const struct output *rows)
{
	if (ctl->json) {
		print_rows(ctl, rows);
		return;
	}
	for (size_t i = 0; i < rows->rows; i++)
		puts(output_value(rows, i, "code"));
	puts("Each of these recovery codes works once. They are not shown again.");
}

static int print_uri(const struct ctl *ctl, const struct enrolment *e, const struct output *rows)
{
	const char *uri = output_value(rows, 0, "uri");

	if (!uri)
		return -EBADMSG;
	if (ctl->json) {
		print_rows(ctl, rows);
		return 0;
	}
	puts(uri);
	if (e->qr || qr_fits()) {
		int r = qr_print(uri, stdout);

		if (r < 0)
			return r;
	}
	puts("Scan this with the authenticator app, then enter the code it shows.");
	fflush(stdout);
	return 0;
}

/* A line of standard input without its end. -ENODATA when there is none. */
static int read_line(struct secret *ret)
{
	char line[64];
	size_t len;
	int r;

	if (isatty(STDIN_FILENO)) {
		fputs("Code: ", stderr);
		fflush(stderr);
	}
	if (!fgets(line, sizeof(line), stdin))
		return -ENODATA;
	len = strcspn(line, "\r\n");
	r = secret_set(ret, line, len);
	explicit_bzero(line, sizeof(line));
	return r;
}

static void say_ask(const struct client_end *end)
{
	if (*end->text)
		fprintf(stderr, "%s\n", end->text);
}

static int confirm(struct client *c, struct output *rows, struct client_end *end)
{
	for (unsigned int tries = 0; end->status == STATUS_ASK && tries < ENROL_TRIES; tries++) {
		_cleanup_(secret_wipe) struct secret code = {};
		int r;

		say_ask(end);
		r = read_line(&code);
		if (r == 0)
			r = client_answer(c, &code, rows, end);
		if (r < 0)
			return r;
	}
	return 0;
}

static int enrol_authenticator(const struct ctl *ctl, const struct enrolment *e, struct client *c)
{
	_cleanup_(output_free) struct output rows = {}, more = {};
	struct client_end end = {};
	int r, status;

	r = client_request(c, &e->request, &rows, &end);
	if (r == 0 && end.status == STATUS_ASK)
		r = print_uri(ctl, e, &rows);
	if (r == 0)
		r = confirm(c, &more, &end);
	if (r == -ENODATA || (r == 0 && end.status == STATUS_ASK))
		return ctl_fail(ctl, CTL_FAILED, "not confirmed by a code, so nothing was registered");
	status = client_result(ctl, r, &end);
	if (status == CTL_OK && !ctl->json)
		puts(*end.text ? end.text : "The authenticator is registered.");
	return status;
}

static int enrol_address(const struct ctl *ctl, const struct enrolment *e, struct client *c)
{
	_cleanup_(output_free) struct output rows = {};
	struct client_end end = {};
	int r, status;

	r = client_request(c, &e->request, &rows, &end);
	status = client_result(ctl, r, &end);
	if (status != CTL_OK)
		return status;
	if (ctl->json)
		print_rows(ctl, &rows);
	else
		puts(*end.text ? end.text :
		     strcmp(e->request.name, "email") == 0 ? "The mail address is registered." : "The phone number is registered.");
	return CTL_OK;
}

static int enrol_recovery_codes(const struct ctl *ctl, const struct enrolment *e, struct client *c)
{
	_cleanup_(output_free) struct output rows = {};
	struct client_end end = {};
	int r, status;

	r = client_request(c, &e->request, &rows, &end);
	if (r == 0 && end.status == STATUS_OK && !output_value(&rows, 0, "code"))
		r = -EBADMSG;
	status = client_result(ctl, r, &end);
	if (status == CTL_OK)
		print_codes(ctl, &rows);
	return status;
}

static const struct method {
	int option;
	const char *name; /* as on the wire */
	int (*enrol)(const struct ctl *ctl, const struct enrolment *e, struct client *c);
} methods[] = {
	{ 'a', "authenticator", enrol_authenticator },
	{ 'e', "email", enrol_address },
	{ 'm', "mobile", enrol_address },
	{ 'o', "office", enrol_address },
	{ 'r', "recovery-code", enrol_recovery_codes },
};

static const struct method *find_method(int option)
{
	for (size_t i = 0; i < ARRAY_SIZE(methods); i++)
		if (methods[i].option == option)
			return &methods[i];
	return NULL;
}

static int enrol(const struct ctl *ctl, const struct enrolment *e, const struct method *m)
{
	_cleanup_(client_close) struct client c = { .fd = -1 };
	int r = client_open(ctl->socket, &c);

	return r < 0 ? client_result(ctl, r, NULL) : m->enrol(ctl, e, &c);
}

int ctl_user_enrol(const struct ctl *ctl, int argc, char **argv)
{
	static const struct option options[] = {
		{ "authenticator", no_argument, NULL, 'a' },
		{ "email", required_argument, NULL, 'e' },
		{ "mobile", required_argument, NULL, 'm' },
		{ "office", required_argument, NULL, 'o' },
		{ "recovery-codes", no_argument, NULL, 'r' },
		{ "qr", no_argument, NULL, 'q' },
		{},
	};
	struct enrolment e = { .request.verb = "user-enrol" };
	const struct method *m = NULL;
	int option;

	while ((option = getopt_long(argc, argv, "", options, NULL)) >= 0) {
		const struct method *one = find_method(option);

		if (option == '?' || (one && m))
			return ctl_usage(argv[0]);
		if (one)
			m = one;
		if (optarg)
			e.request.to = optarg;
		e.qr = e.qr || option == 'q';
	}
	if (!m || optind + 1 != argc || !*argv[optind])
		return ctl_usage(argv[0]);
	e.request.user = argv[optind];
	e.request.name = m->name;
	return enrol(ctl, &e, m);
}
