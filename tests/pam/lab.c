// SPDX-License-Identifier: LGPL-2.1-or-later
#include "lab.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <syslog.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/cleanup.h"
#include "base/text.h"

extern char **environ;

static int64_t now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

/* ---- the scripted ssprd ---- */

void serve_step(int fd, enum step_kind kind, const char *info, const char *prompt, const char *lost)
{
	struct wire w;

	wire_start(&w, WIRE_STEP);
	wire_u8(&w, WIRE_KIND, kind);
	wire_text(&w, WIRE_INFO, info);
	wire_text(&w, WIRE_PROMPT, prompt);
	wire_text(&w, WIRE_LOST, lost);
	(void)wire_send(fd, &w);
}

void serve_end(int fd, enum step_result result, const char *info)
{
	struct wire w;

	wire_start(&w, WIRE_STEP);
	wire_u8(&w, WIRE_KIND, STEP_END);
	wire_u8(&w, WIRE_RESULT, result);
	wire_text(&w, WIRE_INFO, info);
	(void)wire_send(fd, &w);
}

bool serve_begin(int fd, struct record *r)
{
	return wire_receive(fd, &r->begin) == 0;
}

bool serve_answer(int fd, struct record *r)
{
	struct wire_message m;
	struct wire w;

	if (wire_receive(fd, &w) < 0 || wire_parse(w.b, w.len, &m) < 0)
		return false;
	if (m.type == WIRE_CANCEL)
		r->cancelled = true;
	if (m.type != WIRE_ANSWER || r->answers == LAB_ANSWERS)
		return false;
	r->answer[r->answers].len = m.tag[WIRE_TEXT].len;
	memcpy(r->answer[r->answers].b, m.tag[WIRE_TEXT].at, m.tag[WIRE_TEXT].len);
	r->answers++;
	return true;
}

static _Noreturn void daemon_main(int listener, struct record *r, void (*serve)(int fd, struct record *r))
{
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	while (serve) {
		int fd = accept4(listener, NULL, NULL, SOCK_CLOEXEC);

		if (fd < 0)
			_exit(1);
		r->connections++;
		if (serve_begin(fd, r))
			serve(fd, r);
		close(fd);
	}
	for (;;)
		pause();
}

static int listener_open(const struct lab *l)
{
	struct sockaddr_un sa = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);

	assert_true(fd >= 0);
	strcpy(sa.sun_path, l->socket);
	assert_int_equal(bind(fd, (const struct sockaddr *)&sa, sizeof(sa)), 0);
	return fd;
}

/* SO_PEERCRED tells who called listen(). */
static void listen_as(int fd, uid_t uid)
{
	assert_int_equal(seteuid(uid), 0);
	assert_int_equal(listen(fd, 16), 0);
	assert_int_equal(seteuid(0), 0);
}

void lab_serve(struct lab *l, uid_t uid, void (*serve)(int fd, struct record *r))
{
	_cleanup_(closep) int fd = listener_open(l);

	listen_as(fd, uid);
	l->daemon = fork();
	assert_true(l->daemon >= 0);
	if (l->daemon == 0)
		daemon_main(fd, l->record, serve);
}

void lab_stop(struct lab *l)
{
	if (l->daemon > 0) {
		kill(l->daemon, SIGKILL);
		waitpid(l->daemon, NULL, 0);
		unlink(l->socket);
	}
	l->daemon = 0;
}

/* ---- the stack ---- */

static void dir_empty(const char *path)
{
	DIR *d = opendir(path);
	struct dirent *e;

	while (d && (e = readdir(d)))
		if (e->d_name[0] != '.')
			unlinkat(dirfd(d), e->d_name, 0);
	if (d)
		closedir(d);
}

void lab_write(const struct lab *l, const char *service, const char *text)
{
	char path[128];
	FILE *f;

	snprintf(path, sizeof(path), "%s/%s", l->dir, service);
	f = fopen(path, "we");
	assert_non_null(f);
	assert_true(fputs(text, f) >= 0);
	assert_int_equal(fclose(f), 0);
}

void lab_stack(struct lab *l, const char *args)
{
	char text[2048];

	snprintf(text, sizeof(text),
		 "auth [default=ignore] %s check\n"
		 "auth [default=bad success=done ignore=ignore] %s socket=%s %s\n"
		 "auth required %s return=%d note=%s/note\n",
		 STAND_IN, MODULE, l->socket, args, STAND_IN, LAB_IGNORED, l->dir);
	lab_write(l, l->service, text);
}

void lab_reset(struct lab *l)
{
	struct record *record = l->record;
	char dir[sizeof(l->dir)];

	lab_stop(l);
	dir_empty(l->dir);
	memcpy(dir, l->dir, sizeof(dir));
	memset(record, 0, sizeof(*record));
	*l = (struct lab){ .record = record, .service = "login", .user = "monica", .password = "wrong" };
	memcpy(l->dir, dir, sizeof(l->dir));
	snprintf(l->socket, sizeof(l->socket), "%s/login.sock", dir);
}

int lab_setup(void **state)
{
	struct lab *l = calloc(1, sizeof(*l));

	assert_non_null(l);
	l->record = mmap(NULL, sizeof(*l->record), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	assert_ptr_not_equal(l->record, MAP_FAILED);
	strcpy(l->dir, "/tmp/sspr-XXXXXX");
	assert_non_null(mkdtemp(l->dir));
	openlog(NULL, LOG_NDELAY, LOG_AUTHPRIV);
	lab_reset(l);
	*state = l;
	return 0;
}

int lab_teardown(void **state)
{
	struct lab *l = *state;

	lab_stop(l);
	dir_empty(l->dir);
	rmdir(l->dir);
	munmap(l->record, sizeof(*l->record));
	free(l);
	return 0;
}

/* ---- the conversation ---- */

static size_t characters(const char *s)
{
	size_t n = 0;

	for (; *s; s++)
		n += ((unsigned char)*s & 0xc0) != 0x80;
	return n;
}

/* P4: printable, UTF-8, and short enough for every login program. */
static const char *unfit(const struct pam_message *m)
{
	bool prompt = m->msg_style == PAM_PROMPT_ECHO_ON || m->msg_style == PAM_PROMPT_ECHO_OFF;

	if (!text_printable(m->msg, strlen(m->msg)))
		return "not printable";
	if (strlen(m->msg) > 400)
		return "too many bytes";
	if (characters(m->msg) >= (prompt ? 30u : 150u))
		return "too many characters";
	return NULL;
}

/* P9: nothing of ours lives on in a program that is started meanwhile. */
static void sockets_check(struct lab *l)
{
	for (int fd = 3; fd < 64; fd++) {
		int flags = fcntl(fd, F_GETFD);
		struct stat st;

		if (flags >= 0 && !(flags & FD_CLOEXEC) && fstat(fd, &st) == 0 && S_ISSOCK(st.st_mode))
			l->unfit = "a socket without FD_CLOEXEC";
	}
}

static void message_keep(struct lab *l, const struct pam_message *m)
{
	const char *why = unfit(m);

	if (why)
		l->unfit = why;
	if (l->n_messages == LAB_MESSAGES)
		return;
	l->message[l->n_messages].style = m->msg_style;
	snprintf(l->message[l->n_messages].text, PAM_MAX_MSG_SIZE, "%s", m->msg);
	l->n_messages++;
}

static char *long_answer(void)
{
	char *s = malloc(PAM_MAX_RESP_SIZE + 1);

	memset(s, 'x', PAM_MAX_RESP_SIZE);
	s[PAM_MAX_RESP_SIZE] = 0;
	return s;
}

/* The answer to a prompt; NULL for none. */
static char *reply_make(struct lab *l, const struct reply *r)
{
	switch (r->form) {
	case FORM_NULL:
		return NULL;
	case FORM_LONG:
		return long_answer();
	case FORM_LEAVE:
		pam_set_item(l->pamh, PAM_USER, "pavel");
		break;
	case FORM_SLEEP:
		usleep(1200000);
		break;
	default:
		break;
	}
	return strdup(r->text);
}

static struct reply reply_next(struct lab *l, const char *prompt)
{
	if (strcmp(prompt, "Password: ") == 0)
		return (struct reply){ .text = l->password };
	if (l->n_replied == l->n_replies)
		return (struct reply){ .form = FORM_ERROR };
	return l->reply[l->n_replied++];
}

static int reply_give(struct lab *l, int n, const struct reply *r, struct pam_response **ret)
{
	*ret = NULL;
	if (r->form == FORM_ERROR)
		return PAM_CONV_ERR;
	if (r->form == FORM_NO_ARRAY)
		return PAM_SUCCESS;
	*ret = calloc((size_t)n, sizeof(**ret));
	(*ret)[n - 1].resp = reply_make(l, r);
	return PAM_SUCCESS;
}

static int talk(int n, const struct pam_message **m, struct pam_response **ret, void *data)
{
	const struct pam_message *last = m[n - 1];
	struct lab *l = data;
	struct reply r = {};
	size_t bytes = 0;

	l->calls++;
	sockets_check(l);
	for (int i = 0; i < n; i++) {
		message_keep(l, m[i]);
		bytes += strlen(m[i]->msg);
	}
	if (bytes >= 900)
		l->unfit = "too many bytes in one call";
	if (last->msg_style == PAM_PROMPT_ECHO_ON || last->msg_style == PAM_PROMPT_ECHO_OFF)
		r = reply_next(l, last->msg);
	else
		r.form = FORM_NULL;
	return reply_give(l, n, &r, ret);
}

bool lab_saw(const struct lab *l, int style, const char *text)
{
	for (size_t i = 0; i < l->n_messages; i++)
		if (l->message[i].style == style && strcmp(l->message[i].text, text) == 0)
			return true;
	return false;
}

/* ---- one authentication ---- */

/* What a module must leave in its process as it was (P9). */
struct process {
	int fds;
	void (*handler[NSIG])(int);
	int flags[NSIG];
	sigset_t mask;
	char **environ;
	char first[256];
};

static int fds_count(void)
{
	DIR *d = opendir("/proc/self/fd");
	int n = 0;

	while (readdir(d))
		n++;
	closedir(d);
	return n;
}

static void process_look(struct process *p)
{
	memset(p, 0, sizeof(*p));
	p->fds = fds_count();
	sigprocmask(SIG_BLOCK, NULL, &p->mask);
	for (int i = 1; i < NSIG; i++) {
		struct sigaction a;

		if (sigaction(i, NULL, &a) < 0)
			continue;
		p->handler[i] = a.sa_handler;
		p->flags[i] = a.sa_flags;
	}
	p->environ = environ;
	snprintf(p->first, sizeof(p->first), "%s", environ[0] ? environ[0] : "");
}

static void no_delay(int status _unused_, unsigned int us _unused_, void *data _unused_)
{
}

static void start(struct lab *l, const struct pam_conv *conv)
{
	void (*delay)(int status, unsigned int us, void *data) = no_delay;
	const void *item;

	memcpy(&item, &delay, sizeof(item));
	assert_int_equal(pam_start_confdir(l->service, l->user, conv, l->dir, &l->pamh), PAM_SUCCESS);
	assert_int_equal(pam_set_item(l->pamh, PAM_FAIL_DELAY, item), PAM_SUCCESS);
	assert_int_equal(pam_set_item(l->pamh, PAM_TTY, "/dev/tty7"), PAM_SUCCESS);
	if (l->rhost)
		assert_int_equal(pam_set_item(l->pamh, PAM_RHOST, l->rhost), PAM_SUCCESS);
}

int lab_authenticate(struct lab *l)
{
	const struct pam_conv conv = { .conv = talk, .appdata_ptr = l };
	struct process before, after;
	int64_t began;
	int r;

	l->calls = 0;
	l->n_messages = l->n_replied = 0;
	process_look(&before);
	start(l, &conv);
	began = now_ms();
	r = pam_authenticate(l->pamh, l->flags);
	l->took_ms = now_ms() - began;
	assert_int_not_equal(pam_setcred(l->pamh, PAM_ESTABLISH_CRED), PAM_MODULE_UNKNOWN);
	pam_end(l->pamh, r);
	process_look(&after);
	assert_memory_equal(&before, &after, sizeof(before));
	if (l->unfit)
		fail_msg("a text that is not fit to be shown: %s", l->unfit);
	return r;
}
