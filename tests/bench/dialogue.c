// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * The dialogue on login.sock as the module leads it, many times over.
 *
 * dialogue echo N             round trips of a bare SEQPACKET connection, of a step's size
 * dialogue steps N USER       round trips of one step: Enter, and back from the menu
 * dialogue hold N STEPS       opens N dialogues up to their first question, says "open", makes STEPS steps on them, waits for a line
 * dialogue resets P <LIST     whole resets by P processes; a line is NAME CODE CODE PASSWORD
 * dialogue lookups P S <NAMES P processes begin dialogues for S seconds, each up to its first question
 */

#include <err.h>
#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "base/wire.h"
#include "stats.h"

#define LINES_MAX 4096
/* How many look-ups may be under way while dialogues are opened. */
#define OPENING 48

struct reset {
	char name[64], code[2][64], password[128];
};

static int connect_login(void)
{
	const struct sockaddr_un a = { .sun_family = AF_UNIX, .sun_path = "/run/sspr/login.sock" };
	int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);

	if (fd < 0 || connect(fd, (const struct sockaddr *)&a, sizeof(a)) < 0)
		err(1, "login.sock");
	return fd;
}

static void send_begin(int fd, const char *user, const char *tty)
{
	struct wire w;

	wire_start(&w, WIRE_BEGIN);
	wire_u16(&w, WIRE_VERSION, WIRE_VERSION_NOW);
	wire_text(&w, WIRE_USER, user);
	wire_text(&w, WIRE_SERVICE, "login");
	wire_text(&w, WIRE_TTY, tty);
	wire_text(&w, WIRE_LANG, "C.UTF-8");
	wire_u8(&w, WIRE_REASON, REASON_KEYWORD);
	if (wire_send(fd, &w) < 0)
		errx(1, "begin was not taken");
}

static void send_answer(int fd, const char *text)
{
	struct wire w;

	wire_start(&w, WIRE_ANSWER);
	wire_text(&w, WIRE_TEXT, text);
	if (wire_send(fd, &w) < 0)
		errx(1, "answer was not taken");
}

/* The next step that asks or ends; ret_text holds info and prompt. */
static unsigned int receive_step(int fd, char *ret_text, size_t size)
{
	static struct wire w;
	struct wire_message m;
	unsigned int kind;

	do {
		int r = wire_receive(fd, &w);

		if (r < 0)
			errx(1, "no step: %s", strerror(-r));
		if (wire_parse(w.b, w.len, &m) < 0 || wire_get_u8(&m, WIRE_KIND, &kind) < 0)
			errx(1, "no step but something else");
	} while (kind == STEP_TELL);
	if (ret_text) {
		char info[512] = "", prompt[64] = "";

		wire_get_text(&m, WIRE_INFO, info, sizeof(info));
		wire_get_text(&m, WIRE_PROMPT, prompt, sizeof(prompt));
		snprintf(ret_text, size, "%s / %s", info, prompt);
	}
	return kind;
}

static void expect_question(int fd, const char *after)
{
	char text[640];

	if (receive_step(fd, text, sizeof(text)) == STEP_END)
		errx(1, "ended after %s: %s", after, text);
}

static void echo(size_t n)
{
	struct stats *stats = stats_new(n);
	char message[300] = "";
	int pair[2];

	if (socketpair(AF_UNIX, SOCK_SEQPACKET, 0, pair) < 0)
		err(1, "socketpair");
	if (fork() == 0) {
		close(pair[0]);
		while (recv(pair[1], message, sizeof(message), 0) > 0)
			if (send(pair[1], message, 200, MSG_NOSIGNAL) < 0)
				break;
		_exit(0);
	}
	close(pair[1]);
	for (size_t i = 0; i < n; i++) {
		uint64_t start = stats_now();

		if (send(pair[0], message, 10, MSG_NOSIGNAL) < 0 || recv(pair[0], message, sizeof(message), 0) <= 0)
			err(1, "echo");
		stats->ns[i] = stats_now() - start;
	}
	stats_print("echo", stats);
}

static uint64_t step(int fd, const char *text)
{
	uint64_t start = stats_now();

	send_answer(fd, text);
	expect_question(fd, "a step");
	return stats_now() - start;
}

static void steps(size_t n, const char *user)
{
	struct stats *stats = stats_new(n);
	int fd = connect_login();

	send_begin(fd, user, "/dev/tty1");
	expect_question(fd, "begin");
	for (size_t i = 0; i < n; i++)
		stats->ns[i] = step(fd, i % 2 == 0 ? "" : "1");
	stats_print("steps", stats);
}

static void open_all(int *fds, size_t n)
{
	for (size_t opened = 0, answered = 0; answered < n;) {
		while (opened < n && opened - answered < OPENING) {
			char user[32], tty[32];

			snprintf(user, sizeof(user), "nobody%zu", opened);
			snprintf(tty, sizeof(tty), "/dev/pts/%zu", opened);
			fds[opened] = connect_login();
			send_begin(fds[opened++], user, tty);
		}
		expect_question(fds[answered++], "begin");
	}
}

static void hold(size_t n, size_t count)
{
	int *fds = calloc(n, sizeof(*fds));
	struct rlimit files;
	struct stats *stats = stats_new(count);
	uint64_t start = stats_now();

	if (!fds || getrlimit(RLIMIT_NOFILE, &files) < 0)
		err(1, "files");
	files.rlim_cur = files.rlim_max;
	setrlimit(RLIMIT_NOFILE, &files);
	open_all(fds, n);
	printf("open %.3f\n", (double)(stats_now() - start) / 1e9);
	fflush(stdout);
	/* An even number of steps on each: its next answer is Enter again. */
	for (size_t i = 0; i < count; i++)
		stats->ns[i] = step(fds[i / 2 * 7919 % n], i % 2 == 0 ? "" : "1");
	stats_print("steps", stats);
	getchar();
}

static uint64_t reset_once(struct reset *r, size_t nth)
{
	uint64_t start = stats_now();
	char tty[32], text[640];
	int fd = connect_login();

	snprintf(tty, sizeof(tty), "/dev/pts/%zu", nth);
	send_begin(fd, r->name, tty);
	expect_question(fd, "begin");
	send_answer(fd, r->code[0]);
	expect_question(fd, "the first code");
	send_answer(fd, r->code[1]);
	expect_question(fd, "the second code");
	send_answer(fd, r->password);
	expect_question(fd, "the password");
	send_answer(fd, r->password);
	if (receive_step(fd, text, sizeof(text)) != STEP_END || !strstr(text, "Password changed"))
		errx(1, "%s was not reset: %s", r->name, text);
	close(fd);
	return stats_now() - start;
}

static size_t read_resets(struct reset *ret)
{
	size_t n = 0;

	while (n < LINES_MAX &&
	       scanf("%63s %63s %63s %127s", ret[n].name, ret[n].code[0], ret[n].code[1], ret[n].password) == 4)
		n++;
	return n;
}

static void resets(size_t processes)
{
	static struct reset list[LINES_MAX];
	size_t n = read_resets(list);
	struct stats *stats = stats_new(n);
	uint64_t start = stats_now();

	for (size_t p = 0; p < processes; p++)
		if (fork() == 0) {
			for (size_t i = p; i < n; i += processes)
				stats->ns[i] = reset_once(&list[i], i);
			_exit(0);
		}
	stats_wait(processes);
	printf("seconds %.6f\n", (double)(stats_now() - start) / 1e9);
	stats_print("resets", stats);
}

static void look_up(const char *name, size_t nth)
{
	int fd = connect_login();
	char tty[32];

	snprintf(tty, sizeof(tty), "/dev/pts/%zu", nth % 1000);
	send_begin(fd, name, tty);
	expect_question(fd, "begin");
	close(fd);
}

int main(int argc, char **argv)
{
	static struct names names;
	const char *what = argc >= 3 ? argv[1] : "";
	size_t n = argc >= 3 ? strtoul(argv[2], NULL, 10) : 0;

	if (strcmp(what, "echo") == 0)
		echo(n);
	else if (strcmp(what, "steps") == 0 && argc == 4)
		steps(n, argv[3]);
	else if (strcmp(what, "hold") == 0 && argc == 4)
		hold(n, strtoul(argv[3], NULL, 10));
	else if (strcmp(what, "resets") == 0)
		resets(n);
	else if (strcmp(what, "lookups") == 0 && argc == 4) {
		names_read(&names);
		stats_spend("lookups", n, strtod(argv[3], NULL), &names, look_up);
	} else
		errx(2, "usage: dialogue echo N | steps N USER | hold N STEPS | resets P | lookups P SECONDS");
	return 0;
}
