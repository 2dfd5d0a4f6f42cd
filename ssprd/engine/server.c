// SPDX-License-Identifier: LGPL-2.1-or-later
#include "engine/server.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/handover.h"
#include "base/log.h"
#include "engine/admin.h"
#include "engine/outbox.h"
#include "engine/session.h"
#include "method/methods.h"

#define SERVER_NET "/run/sspr/net.sock"
#define SERVER_LOCAL "/run/sspr/local.sock"
#define SERVER_LINKS 32
#define SERVER_LOOK_AGAIN (60 * 1000)
#define SERVER_TICK 1000000

static const char *const socket_names[SERVER_SOCKETS] = {
	[SERVER_LOGIN] = "login",
	[SERVER_USER] = "user",
	[SERVER_ADMIN] = "admin",
};

void server_now(struct server *s, struct moment *ret)
{
	clock_now(&s->clock, ret);
}

/* ---- the database ---- */

static void refuse(struct server *s, const char *why)
{
	struct moment now;

	if (s->why != why)
		log_error("every reset is refused: %s", why);
	s->why = why;
	handover_status("refusing every reset");
	server_now(s, &now);
	s->store_next = now.boot + SERVER_LOOK_AGAIN;
}

static void open_store(struct server *s)
{
	const char *why = "the state directory cannot be used";
	int r;

	if (!s->has_key) {
		refuse(s, "there is no database key: make one with ssprctl init and restart ssprd");
		return;
	}
	r = store_open(s->state_directory, &s->key, &s->store, &why);
	if (r == 0)
		r = clock_init(&s->clock, s->store);
	if (r != 0) {
		store_close(TAKE_PTR(s->store));
		refuse(s, why);
		return;
	}
	if (s->why)
		log_notice("the database can be used again");
	s->why = NULL;
	handover_status("ready");
}

void server_store_failed(struct server *s, int error)
{
	log_error("the database failed: %s", strerror(-error));
	if (error != -EUCLEAN || !s->store)
		return;
	store_close(TAKE_PTR(s->store));
	refuse(s, "the database is damaged: it is left as it is; restore ssprd.db from a backup");
}

static void load_key(struct server *s)
{
	size_t len = 0;
	int r = handover_credential("sspr-key", s->key.b, sizeof(s->key.b), &len);

	s->has_key = r == 0 && len == sizeof(s->key.b);
	if (r != 0 && r != -ENOENT)
		log_error("credential sspr-key: %s", strerror(-r));
	else if (r == 0 && !s->has_key)
		log_error("credential sspr-key: must be %zu bytes", sizeof(s->key.b));
}

/* ---- time ---- */

static bool busy(const struct server *s)
{
	return s->sessions || jobs_busy(&s->net) || jobs_busy(&s->local) || s->deaf;
}

static void arm(struct server *s)
{
	uint64_t now, pause = busy(s) ? SERVER_TICK : 60 * (uint64_t)SERVER_TICK;

	if (!busy(s) && s->store && !outbox_waiting(s)) {
		sd_event_source_set_enabled(s->timer, SD_EVENT_OFF);
		return;
	}
	sd_event_now(s->event, CLOCK_BOOTTIME, &now);
	sd_event_source_set_time(s->timer, now + pause);
	sd_event_source_set_enabled(s->timer, SD_EVENT_ONESHOT);
}

void server_wake(struct server *s)
{
	uint64_t now, next = 0;
	int enabled = SD_EVENT_OFF;

	sd_event_source_get_enabled(s->timer, &enabled);
	sd_event_source_get_time(s->timer, &next);
	sd_event_now(s->event, CLOCK_BOOTTIME, &now);
	if (enabled == SD_EVENT_OFF || next > now + SERVER_TICK)
		arm(s);
}

static void listen_again(struct server *s)
{
	s->deaf = false;
	for (size_t i = 0; i < SERVER_SOCKETS; i++)
		sd_event_source_set_enabled(s->listeners[i], SD_EVENT_ON);
}

static int on_timer(sd_event_source *source _unused_, uint64_t usec _unused_, void *user)
{
	struct server *s = user;
	struct moment now;

	server_now(s, &now);
	if (s->deaf)
		listen_again(s);
	if (!s->store && now.boot >= s->store_next)
		open_store(s);
	sessions_tick(s);
	jobs_tick(&s->net, now.boot);
	jobs_tick(&s->local, now.boot);
	if (s->store)
		outbox_tick(s, now.boot);
	arm(s);
	return 0;
}

/* ---- arrival ---- */

static enum server_socket which_socket(const struct server *s, const sd_event_source *source)
{
	enum server_socket which = SERVER_LOGIN;

	while (which < SERVER_ADMIN && s->listeners[which] != source)
		which++;
	return which;
}

/* Out of descriptors: the one that waits stays in line, and we do not spin on it. */
static void deafen(struct server *s)
{
	log_warning("no descriptor left for another connection");
	s->deaf = true;
	for (size_t i = 0; i < SERVER_SOCKETS; i++)
		sd_event_source_set_enabled(s->listeners[i], SD_EVENT_OFF);
	server_wake(s);
}

static int on_connection(sd_event_source *source, int listener, uint32_t events _unused_, void *user)
{
	struct server *s = user;
	enum server_socket which = which_socket(s, source);
	int fd = accept4(listener, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);

	if (fd < 0) {
		if (errno == EMFILE || errno == ENFILE || errno == ENOBUFS || errno == ENOMEM)
			deafen(s);
		return 0;
	}
	if (which == SERVER_ADMIN)
		admin_accept(s, fd);
	else
		session_accept(s, which, fd);
	return 0;
}

static int listen_on(struct server *s, enum server_socket which, int fd)
{
	int r = sd_event_add_io(s->event, &s->listeners[which], fd, EPOLLIN, on_connection, s);

	if (r == 0)
		r = sd_event_source_set_priority(s->listeners[which],
						 which == SERVER_USER ? SD_EVENT_PRIORITY_IDLE : SD_EVENT_PRIORITY_NORMAL);
	return r;
}

static int take_sockets(struct server *s)
{
	struct handover_socket sockets[SERVER_SOCKETS];
	int r;

	for (size_t i = 0; i < SERVER_SOCKETS; i++)
		sockets[i].name = socket_names[i];
	r = handover_sockets(sockets, SERVER_SOCKETS);
	for (size_t i = 0; i < SERVER_SOCKETS && r == 0; i++)
		r = sockets[i].fd < 0 ? -ENOTCONN : listen_on(s, (enum server_socket)i, sockets[i].fd);
	if (r < 0)
		log_error("the sockets login, user and admin must be handed over (LISTEN_FDS, LISTEN_FDNAMES): %s",
			  strerror(-r));
	return r;
}

/* ---- beginning and end ---- */

static void say_on_log(void *to _unused_, const char *line)
{
	log_error("%s", line);
}

static int load_templates(struct server *s)
{
	struct conf_report report = { .say = say_on_log };

	return policy_reset_notice(&s->policy, &report, &s->reset_notice);
}

static int load_rules(struct server *s)
{
	s->rules.policy = &s->policy;
	if (gethostname(s->rules.host, sizeof(s->rules.host) - 1) < 0)
		return -errno;
	for (size_t i = 0; i < s->policy.methods.n && i < FLOW_METHODS; i++)
		s->rules.methods[s->rules.methods_n++] = method_find(s->policy.methods.item[i]);
	return crypto_random(s->rules.code_key.b, sizeof(s->rules.code_key.b));
}

/* Dialogues and their workers need descriptors; where the supervisor does not let us, the limit just comes earlier. */
static void raise_descriptors(void)
{
	struct rlimit l;

	if (getrlimit(RLIMIT_NOFILE, &l) < 0 || l.rlim_cur == l.rlim_max)
		return;
	l.rlim_cur = l.rlim_max;
	if (setrlimit(RLIMIT_NOFILE, &l) < 0)
		log_info("the limit of descriptors stays as it is");
}

static int on_stop(sd_event_source *source, const struct signalfd_siginfo *info _unused_, void *user _unused_)
{
	return sd_event_exit(sd_event_source_get_event(source), 0);
}

static int block_signals(void)
{
	sigset_t stop;

	sigemptyset(&stop);
	sigaddset(&stop, SIGTERM);
	sigaddset(&stop, SIGINT);
	return sigprocmask(SIG_BLOCK, &stop, NULL) < 0 ? -errno : 0;
}

static int make_loop(struct server *s)
{
	int r = sd_event_new(&s->event);

	if (r >= 0)
		r = block_signals();
	if (r >= 0)
		r = sd_event_add_signal(s->event, NULL, SIGTERM, on_stop, s);
	if (r >= 0)
		r = sd_event_add_signal(s->event, NULL, SIGINT, on_stop, s);
	if (r >= 0)
		r = sd_event_add_time(s->event, &s->timer, CLOCK_BOOTTIME, UINT64_MAX, 100000, on_timer, s);
	if (r >= 0)
		r = sd_event_set_watchdog(s->event, true);
	if (r >= 0)
		r = jobs_init(&s->net, s->event, SERVER_NET, SERVER_LINKS);
	if (r >= 0)
		r = jobs_init(&s->local, s->event, SERVER_LOCAL, SERVER_LINKS);
	return r < 0 ? r : outbox_init(s);
}

int server_init(struct server *s, const char *config)
{
	const char *state = getenv("STATE_DIRECTORY");
	int r;

	*s = (struct server){ .state_directory = state ? state : "/var/lib/sspr" };
	if (policy_load(config, &s->policy) != 0 || load_templates(s) != 0)
		return -EBADMSG;
	raise_descriptors();
	r = load_rules(s);
	if (r == 0)
		r = make_loop(s);
	if (r == 0)
		r = take_sockets(s);
	if (r < 0)
		return r;
	load_key(s);
	open_store(s);
	/* What an earlier ssprd left comes first. */
	if (s->store)
		outbox_tick(s, 0);
	server_wake(s);
	return 0;
}

int server_run(struct server *s)
{
	handover_ready();
	return sd_event_loop(s->event);
}

void server_deinit(struct server *s)
{
	sessions_close(s);
	admins_close(s);
	if (s->store)
		clock_save(&s->clock, s->store);
	store_close(s->store);
	jobs_deinit(&s->net);
	jobs_deinit(&s->local);
	outbox_deinit(s);
	for (size_t i = 0; i < SERVER_SOCKETS; i++)
		sd_event_source_disable_unref(s->listeners[i]);
	sd_event_source_disable_unref(s->timer);
	sd_event_unref(s->event);
	policy_done(&s->policy);
	explicit_bzero(s, sizeof(*s));
}
