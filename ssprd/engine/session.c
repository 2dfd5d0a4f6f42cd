// SPDX-License-Identifier: LGPL-2.1-or-later
#include "engine/session.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "base/boot.h"
#include "base/cleanup.h"
#include "base/qr.h"
#include "base/text.h"
#include "engine/audit.h"
#include "engine/carry.h"
#include "engine/lookup.h"
#include "flow/texts.h"

/* A connection that says nothing is no dialogue. */
#define SESSION_BEGIN (10 * 1000)
#define SESSION_PER_USER 4
/* What the module takes. */
#define SESSION_FIGURE 2000

void session_free(struct session *x)
{
	struct server *s = x->server;

	if (x->jobs > 0)
		lookup_forget(s, x);
	if (x->beyond)
		explicit_bzero(x->beyond, sizeof(*x->beyond));
	free(x->beyond);
	*x->at = x->next;
	if (x->next)
		x->next->at = x->at;
	*(x->user_socket ? &s->user_dialogues : &s->dialogues) -= 1;
	sd_event_source_disable_unref(x->io);
	closep(&x->fd);
	explicit_bzero(x, sizeof(*x));
	free(x);
}

void session_hang_up(struct session *x)
{
	x->io = sd_event_source_disable_unref(x->io);
	closep(&x->fd);
	x->fd = -1;
}

/* Without it the address can still be typed. */
static void show_figure(const char *address, struct wire *out)
{
	char figure[SESSION_FIGURE];

	if (qr_draw(address, figure, sizeof(figure)) == 0)
		wire_text(out, WIRE_FIGURE, figure);
}

int session_show(struct session *x, const struct step *step)
{
	struct wire *out = &x->server->out;
	int r;

	if (step->kind == 0 || x->fd < 0)
		return 0;
	wire_start(out, WIRE_STEP);
	wire_u8(out, WIRE_KIND, step->kind);
	if (x->console && *step->address)
		show_figure(step->address, out);
	wire_text(out, WIRE_INFO, step->info);
	if (*step->prompt)
		wire_text(out, WIRE_PROMPT, step->prompt);
	if (step->kind == STEP_END)
		wire_u8(out, WIRE_RESULT, step->result);
	wire_text(out, WIRE_LOST, step->lost);
	r = wire_send(x->fd, out);
	wire_wipe(out);
	return r;
}

void session_show_unavailable(struct session *x)
{
	struct step step = { .kind = STEP_END, .result = RESULT_FAILED };

	text_stuck(&x->server->policy, STUCK_UNAVAILABLE, &step);
	session_show(x, &step);
}

/* ---- what comes from the peer ---- */

#define SESSION_WORD 48

/* What a login program of root says of its seat is true; what a peer of user.sock says is not, so its seat is its uid. */
static void take_seat(struct session *x, const struct wire_message *m, const char *service)
{
	char tty[SESSION_WORD] = "", clean[SESSION_WORD];

	if (x->user_socket) {
		snprintf(x->seat, sizeof(x->seat), "uid %u", (unsigned int)x->peer);
		return;
	}
	if (wire_get_text(m, WIRE_TTY, tty, sizeof(tty)) < 0 || !*tty)
		snprintf(tty, sizeof(tty), "%s", service);
	text_clean(tty, strlen(tty), clean, sizeof(clean));
	snprintf(x->seat, sizeof(x->seat), "%s", strncmp(clean, "/dev/", 5) == 0 ? clean + 5 : clean);
}

/* A virtual terminal of the kernel, and login(1) on it; a serial line or a greeter may show anything. */
static bool is_console(const struct session *x, const char *service)
{
	const char *number = x->seat + 3;

	return !x->user_socket && strcmp(service, "login") == 0 && strncmp(x->seat, "tty", 3) == 0 && *number &&
	       strspn(number, "0123456789") == strlen(number);
}

struct session_begin {
	char name[ACCOUNT_NAME], service[SESSION_WORD], locale[SESSION_WORD];
	enum wire_reason reason;
};

static bool printable_text(const struct wire_message *m, enum wire_tag tag, char *ret, size_t size)
{
	return wire_get_text(m, tag, ret, size) == 0 && *ret && text_printable(ret, strlen(ret));
}

static bool read_begin(const struct wire_message *m, struct session_begin *ret)
{
	unsigned int reason;

	if (!printable_text(m, WIRE_USER, ret->name, sizeof(ret->name)) ||
	    !printable_text(m, WIRE_SERVICE, ret->service, sizeof(ret->service)) ||
	    wire_get_u8(m, WIRE_REASON, &reason) < 0)
		return false;
	if (wire_get_text(m, WIRE_LANG, ret->locale, sizeof(ret->locale)) < 0)
		*ret->locale = 0;
	ret->reason = (enum wire_reason)reason;
	return reason == REASON_KEYWORD || reason == REASON_FAILED;
}

static void refuse(struct session *x, enum step_result result, bool tell)
{
	struct step step = { .kind = STEP_END, .result = result };

	if (tell)
		text_stuck(&x->server->policy, STUCK_UNAVAILABLE, &step);
	session_show(x, &step);
	session_free(x);
}

static bool welcome(const struct session *x, const char *service)
{
	const struct policy *p = &x->server->policy;

	return x->user_socket ? p->self_service : policy_list_has(&p->services, service);
}

/* The first event of a dialogue, with what is remembered of this user at this seat. */
static void start(struct session *x, const struct session_begin *b)
{
	struct event ev = { .type = EVENT_START, .reason = b->reason, .name = b->name, .locale = b->locale };
	struct seats *seats = &x->server->seats;

	if (b->reason == REASON_FAILED)
		ev.failures = seats_failed(seats, b->name, x->seat, boot_ms());
	else
		seats_forget_failures(seats, b->name, x->seat);
	carry_event(x, &ev);
}

static void begin(struct session *x, const struct wire_message *m)
{
	struct session_begin b;
	unsigned int version;

	if (wire_get_u16(m, WIRE_VERSION, &version) < 0 || version != WIRE_VERSION_NOW) {
		refuse(x, RESULT_IGNORE, false);
	} else if (!read_begin(m, &b) || crypto_guid(x->correlation) < 0) {
		session_free(x);
	} else if (!welcome(x, b.service)) {
		refuse(x, RESULT_IGNORE, false);
	} else {
		take_seat(x, m, b.service);
		x->console = is_console(x, b.service);
		if (x->server->store)
			start(x, &b);
		else
			refuse(x, b.reason == REASON_KEYWORD ? RESULT_FAILED : RESULT_IGNORE, b.reason == REASON_KEYWORD);
	}
}

static void keep_code(struct session *x)
{
	struct moment now;
	char who[STORE_WHO];

	server_now(x->server, &now);
	if (x->server->store && flow_resumable(&x->flow, &now) && carry_who(x, who) == 0)
		seats_keep_code(&x->server->seats, who, x->seat, &x->flow.code, x->flow.code_method);
}

/*
 * The peer is gone or says so. A write that is under way is finished and written down all the same, and a code that is on
 * its way arrives: the next dialogue at this seat may ask for it.
 */
static void leave(struct session *x)
{
	struct event ev = { .type = EVENT_CANCEL };

	session_hang_up(x);
	if (x->flow.state == FLOW_IDLE) {
		session_free(x);
		return;
	}
	keep_code(x);
	carry_left(x);
	jobs_release(&x->server->net, x, JOB_DELIVER);
	carry_event(x, &ev);
}

static void answered(struct session *x, const struct wire_message *m)
{
	_cleanup_(secret_wipe) struct secret answer = {};
	struct event ev = { .type = EVENT_ANSWER, .answer = &answer };

	if (wire_get_secret(m, WIRE_TEXT, &answer) < 0) {
		/* Longer than any answer can be: as wrong as any. A spoilt message ends like a lost one. */
		if (!m->tag[WIRE_TEXT].at) {
			leave(x);
			return;
		}
		memset(answer.b, 'x', SECRET_MAX);
		answer.len = SECRET_MAX;
	}
	carry_event(x, &ev);
}

/* Something that is no message of this protocol, or not its turn. */
static void violate(struct session *x)
{
	struct event ev = { .type = EVENT_START };

	if (x->flow.state == FLOW_IDLE) {
		session_free(x);
		return;
	}
	/* START is permitted once; its second coming makes the flow end as it should. */
	carry_event(x, &ev);
}

static void heard(struct session *x, const struct wire_message *m)
{
	bool fresh = x->flow.state == FLOW_IDLE;

	if (m->type == WIRE_BEGIN && fresh)
		begin(x, m);
	else if (m->type == WIRE_ANSWER && !fresh)
		answered(x, m);
	else if (m->type == WIRE_CANCEL)
		leave(x);
	else
		violate(x);
}

static int on_readable(sd_event_source *source _unused_, int fd, uint32_t events _unused_, void *user)
{
	struct session *x = user;
	struct wire *in = &x->server->in;
	struct wire_message m;
	int r = wire_receive(fd, in);

	if (r == -EAGAIN)
		return 0;
	if (r == 0 && wire_parse(in->b, in->len, &m) == 0)
		heard(x, &m);
	else if (r == -EBADMSG || r == 0)
		violate(x);
	else
		leave(x);
	wire_wipe(in);
	return 0;
}

/* ---- arrival ---- */

static unsigned int of_user(const struct server *s, uid_t uid)
{
	unsigned int n = 0;

	for (const struct session *x = s->sessions; x; x = x->next)
		n += x->user_socket && x->peer == uid;
	return n;
}

static void deny(struct server *s, enum server_socket which, uid_t uid)
{
	struct account nobody = {};
	struct audit_context audit = { .store = s->store, .policy = &s->policy, .correlation = "", .target = &nobody };
	struct moment now;
	char actor[32];

	if (!s->store)
		return;
	server_now(s, &now);
	snprintf(actor, sizeof(actor), "uid %u", (unsigned int)uid);
	audit.actor = actor;
	audit.at = now.wall;
	audit.seat = which == SERVER_LOGIN ? "login.sock" : "user.sock";
	audit_deed(&audit, AUDIT_PEER_DENIED, "", "");
}

static bool admitted(struct server *s, enum server_socket which, uid_t uid)
{
	const struct policy_limits *limits = &s->policy.limits;

	if (which == SERVER_LOGIN && uid != 0) {
		deny(s, which, uid);
		return false;
	}
	/* A peer of another user namespace shows as this one: whoever it is, it is not known. */
	if (which == SERVER_USER && uid == 65534) {
		deny(s, which, uid);
		return false;
	}
	if (which == SERVER_LOGIN)
		return s->dialogues < limits->dialogues;
	return s->user_dialogues < limits->user_dialogues && of_user(s, uid) < SESSION_PER_USER;
}

static int session_new(struct server *s, enum server_socket which, int fd, uid_t uid, struct session **ret)
{
	struct session *x = calloc(1, sizeof(*x));
	struct moment now;

	if (!x)
		return -ENOMEM;
	server_now(s, &now);
	*x = (struct session){
		.next = s->sessions,
		.at = &s->sessions,
		.server = s,
		.fd = fd,
		.peer = uid,
		.user_socket = which == SERVER_USER,
		.accepted = now.boot,
	};
	flow_init(&x->flow, &s->rules);
	if (s->sessions)
		s->sessions->at = &x->next;
	s->sessions = x;
	*(x->user_socket ? &s->user_dialogues : &s->dialogues) += 1;
	*ret = x;
	return 0;
}

void session_accept(struct server *s, enum server_socket which, int fd)
{
	_cleanup_(closep) int mine = fd;
	struct session *x;
	struct ucred peer;
	socklen_t len = sizeof(peer);

	if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &len) < 0 || !admitted(s, which, peer.uid))
		return;
	if (session_new(s, which, fd, peer.uid, &x) < 0)
		return;
	TAKE_FD(mine);
	if (sd_event_add_io(s->event, &x->io, fd, EPOLLIN, on_readable, x) < 0) {
		session_free(x);
		return;
	}
	server_wake(s);
}

void sessions_tick(struct server *s)
{
	struct moment now;

	server_now(s, &now);
	for (struct session *x = s->sessions, *next; x; x = next) {
		struct event ev = { .type = EVENT_TICK };

		next = x->next;
		if (x->flow.state == FLOW_IDLE && now.boot - x->accepted >= SESSION_BEGIN)
			session_free(x);
		else if (x->flow.state != FLOW_IDLE && now.boot >= flow_deadline(&x->flow))
			carry_event(x, &ev);
	}
}

bool sessions_write(const struct server *s, int64_t intent)
{
	for (const struct session *x = s->sessions; x; x = x->next)
		if (x->intent == intent)
			return true;
	return false;
}

void sessions_close(struct server *s)
{
	while (s->sessions)
		session_free(s->sessions);
}
