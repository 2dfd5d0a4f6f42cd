// SPDX-License-Identifier: LGPL-2.1-or-later
#include "ctl/pamcheck.h"

#include <errno.h>
#include <security/pam_appl.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/wire.h"
#include "ctl/ctl.h"
#include "ctl/output.h"
#include "ctl/pamstack.h"
#include "ctl/scratch.h"

#define SERVICES_MAX 32
#define PROMPTS_MAX 8
#define SLOW_MS 2500
#define SERVICE_SECONDS 120

enum ssprd_state {
	STATE_ABSENT,
	STATE_HUNG,
	STATE_ANSWERS,
	STATES,
};

enum typed {
	TYPED_RIGHT,
	TYPED_WRONG,
	TYPED_EMPTY,
	TYPED_KEYWORD,
	TYPEDS,
};

struct trial {
	bool in;
	bool reached; /* pam_sspr asked the ssprd that answers */
	int64_t ms;
};

/* Of one service; in memory that the processes share. */
struct report {
	const char *service;
	struct pamstack stack;
	bool unknown;  /* no such service */
	bool finished; /* all trials were made */
	volatile int begins;
	struct trial trial[STATES][TYPEDS];
};

/* ---- one authentication ---- */

struct talk {
	const char *typed;
	int prompts;
};

static int64_t now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

/* Answers what is asked without an echo, and nothing else. */
static int talk_answer(int n, const struct pam_message **m, struct pam_response **ret, void *data)
{
	struct talk *t = data;
	struct pam_response *response = calloc((size_t)n, sizeof(*response));

	for (int i = 0; response && i < n; i++) {
		if (m[i]->msg_style == PAM_TEXT_INFO || m[i]->msg_style == PAM_ERROR_MSG)
			continue;
		if (m[i]->msg_style != PAM_PROMPT_ECHO_OFF || ++t->prompts > PROMPTS_MAX) {
			free(response);
			return PAM_CONV_ERR;
		}
		response[i].resp = strdup(t->typed);
	}
	*ret = response;
	return response ? PAM_SUCCESS : PAM_BUF_ERR;
}

/* A wrong password costs seconds at the prompt; here that would only cost time. */
static void no_delay(int status _unused_, unsigned int us _unused_, void *data _unused_)
{
}

static bool authenticate(const char *service, const char *user, const char *typed)
{
	struct talk t = { .typed = typed };
	const struct pam_conv conv = { .conv = talk_answer, .appdata_ptr = &t };
	void (*delay)(int status, unsigned int us, void *data) = no_delay;
	pam_handle_t *pamh = NULL;
	const void *item;
	int r;

	memcpy(&item, &delay, sizeof(item));
	r = pam_start(service, user, &conv, &pamh);
	if (r == PAM_SUCCESS)
		r = pam_set_item(pamh, PAM_FAIL_DELAY, item);
	if (r == PAM_SUCCESS)
		r = pam_set_item(pamh, PAM_TTY, "/dev/tty1");
	if (r == PAM_SUCCESS)
		r = pam_authenticate(pamh, 0);
	if (pamh)
		pam_end(pamh, r);
	return r == PAM_SUCCESS;
}

/* ---- the ssprd of the trials ---- */

/* It ends each dialogue as if a password had been reset, after which a stack must still refuse. */
static _Noreturn void ssprd_answer(int listener, struct report *report)
{
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	for (;;) {
		_cleanup_(closep) int fd = accept4(listener, NULL, NULL, SOCK_CLOEXEC);
		struct wire w;

		if (fd < 0)
			_exit(1);
		if (wire_receive(fd, &w) < 0)
			continue;
		report->begins++;
		wire_start(&w, WIRE_STEP);
		wire_u8(&w, WIRE_KIND, STEP_END);
		wire_u8(&w, WIRE_RESULT, RESULT_DONE);
		(void)wire_send(fd, &w);
	}
}

static int listener_open(const char *path)
{
	struct sockaddr_un sa = { .sun_family = AF_UNIX };
	_cleanup_(closep) int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);

	if (fd < 0)
		return -errno;
	if (strlen(path) >= sizeof(sa.sun_path))
		return -ENAMETOOLONG;
	memcpy(sa.sun_path, path, strlen(path) + 1);
	if (bind(fd, (const struct sockaddr *)&sa, sizeof(sa)) < 0 || listen(fd, 64) < 0)
		return -errno;
	return TAKE_FD(fd);
}

static void folder_of(const char *socket_path, char *ret, size_t size)
{
	const char *slash = strrchr(socket_path, '/');

	snprintf(ret, size, "%.*s", slash ? (int)(slash - socket_path) : 0, socket_path);
}

/* ---- the trials of one service ---- */

static void trials_run(struct report *r, enum ssprd_state state, const struct scratch *s)
{
	const char *const typed[] = {
		[TYPED_RIGHT] = s->password.b,
		[TYPED_WRONG] = "not the password",
		[TYPED_EMPTY] = "",
		[TYPED_KEYWORD] = r->stack.keyword,
	};

	for (enum typed i = 0; i < TYPEDS; i++) {
		struct trial *t = &r->trial[state][i];
		int before = r->begins;
		int64_t began = now_ms();

		scratch_forget(s);
		t->in = authenticate(r->service, s->user, typed[i]);
		t->ms = now_ms() - began;
		t->reached = r->begins > before;
	}
}

static int state_run(struct report *r, enum ssprd_state state, const struct scratch *s)
{
	_cleanup_(closep) int listener = -1;
	char folder[sizeof(r->stack.socket)];
	pid_t pid = 0;
	int e;

	folder_of(r->stack.socket, folder, sizeof(folder));
	e = scratch_cover(folder);
	if (e < 0)
		return e;
	if (state != STATE_ABSENT) {
		listener = listener_open(r->stack.socket);
		if (listener < 0)
			return listener;
	}
	if (state == STATE_ANSWERS) {
		pid = fork();
		if (pid < 0)
			return -errno;
		if (pid == 0)
			ssprd_answer(listener, r);
	}
	trials_run(r, state, s);
	if (pid > 0) {
		kill(pid, SIGKILL);
		waitpid(pid, NULL, 0);
	}
	return 0;
}

/* A stack that never returns is ended by the alarm, and found unfinished. */
static _Noreturn void service_run(struct report *r, struct scratch *s)
{
	int e = scratch_service();

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	alarm(SERVICE_SECONDS);
	for (enum ssprd_state state = 0; e == 0 && state < STATES; state++)
		e = state_run(r, state, s);
	secret_wipe(&s->password);
	r->finished = e == 0;
	_exit(0);
}

static _Noreturn void services_run(struct report *r, size_t n)
{
	struct scratch s = {};
	int e;

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	e = scratch_enter(&s);
	for (size_t i = 0; e == 0 && i < n; i++)
		if (!r[i].unknown && fork() == 0)
			service_run(&r[i], &s);
	secret_wipe(&s.password);
	while (wait(NULL) > 0)
		;
	_exit(e == 0 ? 0 : -e);
}

/* ---- the verdict ---- */

enum outcome_of_all {
	ALL_OUT,
	SOME_IN,
	ALL_IN,
};

static enum outcome_of_all outcome(const struct report *r, enum typed typed)
{
	unsigned int in = 0;

	for (enum ssprd_state i = 0; i < STATES; i++)
		in += r->trial[i][typed].in;
	return in == 0 ? ALL_OUT : in == STATES ? ALL_IN : SOME_IN;
}

static bool lets_in(const struct report *r, enum typed typed)
{
	return outcome(r, typed) != ALL_OUT;
}

static bool reached(const struct report *r, enum typed typed)
{
	return r->trial[STATE_ANSWERS][typed].reached;
}

static int64_t slowest(const struct report *r)
{
	int64_t ms = 0;

	for (enum ssprd_state i = 0; i < STATES; i++)
		for (enum typed j = 0; j < TYPEDS; j++)
			ms = r->trial[i][j].ms > ms ? r->trial[i][j].ms : ms;
	return ms;
}

static bool is_unknown(const struct report *r)
{
	return r->unknown;
}

static bool is_unfinished(const struct report *r)
{
	return !r->finished;
}

static bool lets_wrong_in(const struct report *r)
{
	return lets_in(r, TYPED_WRONG);
}

static bool lets_empty_in(const struct report *r)
{
	return lets_in(r, TYPED_EMPTY);
}

static bool lets_keyword_in(const struct report *r)
{
	return lets_in(r, TYPED_KEYWORD);
}

static bool keeps_right_out(const struct report *r)
{
	return outcome(r, TYPED_RIGHT) != ALL_IN;
}

static bool is_not_named(const struct report *r)
{
	return !r->stack.named && !reached(r, TYPED_KEYWORD);
}

static bool is_missing(const struct report *r)
{
	return !reached(r, TYPED_KEYWORD) && !pamstack_module_exists(r->stack.module);
}

static bool is_not_listed(const struct report *r)
{
	return !reached(r, TYPED_KEYWORD) && !r->stack.listed;
}

static bool is_not_reached(const struct report *r)
{
	return !reached(r, TYPED_KEYWORD);
}

static bool is_in_the_way(const struct report *r)
{
	return reached(r, TYPED_RIGHT);
}

static bool is_slow(const struct report *r)
{
	return slowest(r) > SLOW_MS;
}

/* In the order in which they matter: the first that holds is told. */
static const struct verdict {
	bool (*holds)(const struct report *r);
	bool bad;
	const char *text;
} verdicts[] = {
	{ is_unknown, true, "there is no such service" },
	{ is_unfinished, true, "could not be judged" },
	{ lets_wrong_in, true, "WRONG PASSWORD ACCEPTED" },
	{ lets_empty_in, true, "EMPTY PASSWORD ACCEPTED" },
	{ lets_keyword_in, true, "THE KEYWORD SIGNS IN" },
	{ keeps_right_out, true, "RIGHT PASSWORD REFUSED" },
	{ is_not_named, false, "pam_sspr is not in this stack" },
	{ is_missing, false, "the module file is missing" },
	{ is_not_listed, false, "pam_sspr leaves this service alone" },
	{ is_not_reached, false, "pam_sspr is in this stack and never reached" },
	{ is_in_the_way, false, "pam_sspr is called after a right password too" },
	{ is_slow, false, "too slow" },
};

static const struct verdict *verdict_find(const struct report *r)
{
	for (size_t i = 0; i < ARRAY_SIZE(verdicts); i++)
		if (verdicts[i].holds(r))
			return &verdicts[i];
	return NULL;
}

static const char *outcome_text(const struct report *r, enum typed typed)
{
	static const char *const text[] = { [ALL_OUT] = "refused", [SOME_IN] = "sometimes", [ALL_IN] = "accepted" };

	return r->finished ? text[outcome(r, typed)] : "";
}

static int report_add(struct output *o, const struct report *r)
{
	static const char *const head[] = { "service", "right", "wrong", "empty", "keyword", "slowest-ms", "verdict" };
	const struct verdict *v = verdict_find(r);
	char ms[24] = "";
	const char *const row[] = {
		r->service,
		outcome_text(r, TYPED_RIGHT),
		outcome_text(r, TYPED_WRONG),
		outcome_text(r, TYPED_EMPTY),
		outcome_text(r, TYPED_KEYWORD),
		ms,
		v ? v->text : "good",
	};
	int e = output_head(o, head, ARRAY_SIZE(head));

	if (r->finished)
		snprintf(ms, sizeof(ms), "%lld", (long long)slowest(r));
	return e < 0 ? e : output_row(o, row, ARRAY_SIZE(row));
}

static int reports_print(const struct ctl *ctl, const struct report *r, size_t n)
{
	_cleanup_(output_free) struct output o = {};
	enum ctl_exit status = CTL_OK;

	for (size_t i = 0; i < n; i++) {
		const struct verdict *v = verdict_find(&r[i]);
		int e = report_add(&o, &r[i]);

		if (e < 0)
			return ctl_fail(ctl, CTL_FAILED, "%s", strerror(-e));
		if (v && v->bad)
			status = CTL_FAILED;
	}
	output_print(&o, ctl->json ? OUTPUT_JSON : OUTPUT_TABLE);
	return (int)status;
}

/* ---- the command ---- */

static size_t services_choose(int argc, char **argv, struct report *ret)
{
	size_t n = 0;

	for (int i = 1; i < argc && n < SERVICES_MAX; i++) {
		ret[n].service = argv[i];
		ret[n].unknown = pamstack_read(argv[i], &ret[n].stack) < 0;
		n++;
	}
	for (size_t i = 0; argc <= 1 && i < PAMSTACK_DEFAULTS; i++)
		if (pamstack_read(pamstack_defaults[i], &ret[n].stack) == 0)
			ret[n++].service = pamstack_defaults[i];
	return n;
}

/* A folder to mount over is needed, even if ssprd never ran here. Those that were made are told by `ret`. */
static void folders_make(const struct report *r, size_t n, bool *ret)
{
	char folder[sizeof(r->stack.socket)];

	for (size_t i = 0; i < n; i++) {
		folder_of(r[i].stack.socket, folder, sizeof(folder));
		ret[i] = !r[i].unknown && mkdir(folder, 0755) == 0;
	}
}

static void folders_remove(const struct report *r, size_t n, const bool *made)
{
	char folder[sizeof(r->stack.socket)];

	for (size_t i = 0; i < n; i++) {
		folder_of(r[i].stack.socket, folder, sizeof(folder));
		if (made[i])
			rmdir(folder);
	}
}

static int services_judge(struct report *r, size_t n)
{
	bool made[SERVICES_MAX];
	int status = 0;
	pid_t pid;

	folders_make(r, n, made);
	pid = fork();
	if (pid == 0)
		services_run(r, n);
	if (pid > 0)
		waitpid(pid, &status, 0);
	folders_remove(r, n, made);
	if (pid < 0)
		return -errno;
	return WIFEXITED(status) ? -WEXITSTATUS(status) : -EIO;
}

static int services_check(const struct ctl *ctl, struct report *r, size_t n)
{
	int e;

	if (n == 0)
		return ctl_fail(ctl, CTL_FAILED, "this machine has none of the services; name one");
	e = services_judge(r, n);
	if (e < 0)
		return ctl_fail(ctl, CTL_FAILED, "no copy of /etc could be made: %s", strerror(-e));
	return reports_print(ctl, r, n);
}

int pamcheck(const struct ctl *ctl, int argc, char **argv)
{
	struct report *r;
	size_t size = SERVICES_MAX * sizeof(*r);
	int status;

	if (geteuid() != 0)
		return ctl_fail(ctl, CTL_FAILED, "pam check needs root");
	r = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (r == MAP_FAILED)
		return ctl_fail(ctl, CTL_FAILED, "%s", strerror(errno));
	status = services_check(ctl, r, services_choose(argc, argv, r));
	munmap(r, size);
	return status;
}
