// SPDX-License-Identifier: LGPL-2.1-or-later
#include "worker/serve.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pwd.h>
#include <signal.h>
#include <stdint.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/boot.h"
#include "base/cleanup.h"
#include "base/handover.h"
#include "base/log.h"

#define SERVE_USER "sspr"
#define SERVE_PAUSE_MS 200

struct server {
	const struct serve *serve;
	uid_t peer;
	int listener;
	int signals;
	int leave; /* an eventfd: readable while children that only wait are to go */
	unsigned int children;
	bool stopping;
	bool paused; /* the system had no room for one more */
};

/* What a child holds while it lives; wiped as a whole. */
struct served {
	struct wire wire;
	struct job job;
	struct job_result result;
};

static void served_wipe(struct served *s)
{
	explicit_bzero(s, sizeof(*s));
}

/* SIGKILL, since lckpwdf(3) takes SIGALRM for itself and a hung module may block anything else. */
static int deadline_arm(timer_t *ret)
{
	struct sigevent end = { .sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGKILL };

	return timer_create(CLOCK_BOOTTIME, &end, ret) < 0 ? -errno : 0;
}

/* Boot milliseconds; 0 disarms. */
static int deadline_set(timer_t timer, int64_t at)
{
	struct itimerspec when = {
		.it_value = { .tv_sec = (time_t)(at / 1000), .tv_nsec = (long)(at % 1000) * 1000000 },
	};

	return timer_settime(timer, TIMER_ABSTIME, &when, NULL) < 0 ? -errno : 0;
}

/* A job that nobody waits for any more, or whose time is over, must not happen: its outcome has been told already. */
static bool job_wanted(int peer, const struct job *job)
{
	return !wire_peer_gone(peer) && (job->until == 0 || boot_ms() < job->until);
}

static int64_t job_end(const struct serve *s, const struct job *job)
{
	int64_t end = boot_ms() + (int64_t)s->deadline(job) * 1000;

	return job->until != 0 && job->until < end ? job->until : end;
}

/* 1: there is something to read. 0: time to go. */
static int child_wait(int peer, int leave, bool worked)
{
	struct pollfd fds[] = {
		{ .fd = peer, .events = POLLIN },
		{ .fd = worked ? leave : -1, .events = POLLIN },
	};
	int r;

	do
		r = poll(fds, ARRAY_SIZE(fds), SERVE_IDLE * 1000);
	while (r < 0 && errno == EINTR);
	return r > 0 && fds[0].revents ? 1 : 0;
}

static int child_job(const struct serve *s, int peer, int leave, timer_t timer)
{
	_cleanup_(served_wipe) struct served served = {};
	struct wire_message message;
	int r;

	r = wire_receive(peer, &served.wire);
	if (r < 0)
		return r;
	r = wire_parse(served.wire.b, served.wire.len, &message);
	if (r == 0)
		r = job_read(&message, &served.job);
	if (r < 0)
		return r;
	wire_wipe(&served.wire);
	if (!job_wanted(peer, &served.job))
		return -EPIPE;
	r = deadline_set(timer, job_end(s, &served.job));
	if (r < 0)
		return r;
	s->work(s->context, peer, leave, &served.job, &served.result);
	r = deadline_set(timer, 0);
	if (r < 0)
		return r;
	job_result_write(&served.result, &served.wire);
	return wire_send(peer, &served.wire);
}

static int child_prepare(pid_t parent, timer_t *ret)
{
	sigset_t kept;

	if (prctl(PR_SET_PDEATHSIG, SIGKILL) < 0)
		return -errno;
	if (getppid() != parent)
		return -ESRCH;
	/* A service manager stops a whole group at once; a write that has begun is to end by itself. */
	sigemptyset(&kept);
	sigaddset(&kept, SIGTERM);
	sigaddset(&kept, SIGINT);
	sigprocmask(SIG_SETMASK, &kept, NULL);
	return deadline_arm(ret);
}

__attribute__((noreturn)) static void child_run(const struct server *server, int peer, pid_t parent)
{
	timer_t timer;
	int r;

	close(server->listener);
	close(server->signals);
	r = child_prepare(parent, &timer);
	for (bool worked = false; r == 0 && child_wait(peer, server->leave, worked); worked = true)
		r = child_job(server->serve, peer, server->leave, timer);
	if (r < 0 && r != -EPIPE)
		log_warning("connection ended: %s", strerror(-r));
	_exit(r < 0 && r != -EPIPE ? 1 : 0);
}

static bool peer_permitted(const struct server *server, int fd)
{
	struct ucred who = { .uid = (uid_t)-1 };
	socklen_t len = sizeof(who);

	if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &who, &len) < 0 || len != sizeof(who))
		return false;
	if (who.uid == server->peer)
		return true;
	log_warning("connection of uid %u refused", who.uid);
	return false;
}

static void server_fork(struct server *server, int fd)
{
	pid_t parent = getpid(), child = fork();

	if (child == 0)
		child_run(server, fd, parent);
	if (child > 0) {
		server->children++;
		return;
	}
	log_error("cannot fork: %s", strerror(errno));
	server->paused = true;
}

static void server_accept(struct server *server)
{
	_cleanup_(closep) int fd = accept4(server->listener, NULL, NULL, SOCK_CLOEXEC);

	if (fd >= 0) {
		if (peer_permitted(server, fd))
			server_fork(server, fd);
		return;
	}
	if (errno == EAGAIN || errno == EINTR || errno == ECONNABORTED)
		return;
	log_error("cannot accept: %s", strerror(errno));
	server->paused = true;
}

static void server_reap(struct server *server)
{
	int status;

	while (waitpid(-1, &status, WNOHANG) > 0) {
		server->children--;
		if (WIFSIGNALED(status))
			log_error("a job was ended by signal %d%s", WTERMSIG(status),
				  WTERMSIG(status) == SIGKILL ? ", as at its deadline" : "");
	}
}

static void server_signal(struct server *server)
{
	struct signalfd_siginfo si;

	while (read(server->signals, &si, sizeof(si)) == (ssize_t)sizeof(si))
		if (si.ssi_signo != SIGCHLD)
			server->stopping = true;
	server_reap(server);
}

static bool server_full(const struct server *server)
{
	return server->children >= server->serve->children;
}

static void server_tell_children(const struct server *server)
{
	uint64_t n = 1;
	ssize_t r;

	if (server->stopping || server_full(server))
		r = write(server->leave, &n, sizeof(n));
	else
		r = read(server->leave, &n, sizeof(n));
	/* Full or empty already: as it should be. */
	(void)r;
}

static int server_step(struct server *server)
{
	bool taking = !server->stopping && !server->paused && !server_full(server);
	struct pollfd fds[] = {
		{ .fd = server->signals, .events = POLLIN },
		{ .fd = taking ? server->listener : -1, .events = POLLIN },
	};
	int r = poll(fds, ARRAY_SIZE(fds), server->paused ? SERVE_PAUSE_MS : -1);

	if (r < 0)
		return errno == EINTR ? 0 : -errno;
	server->paused = false;
	if (fds[0].revents)
		server_signal(server);
	if (fds[1].revents & (POLLERR | POLLHUP | POLLNVAL))
		return -EBADF;
	if (fds[1].revents && !server->stopping)
		server_accept(server);
	server_tell_children(server);
	return 0;
}

static int server_prepare(struct server *server)
{
	sigset_t taken;
	int flags = fcntl(server->listener, F_GETFL);

	if (flags < 0 || fcntl(server->listener, F_SETFL, flags | O_NONBLOCK) < 0 ||
	    fcntl(server->listener, F_SETFD, FD_CLOEXEC) < 0)
		return -errno;
	sigemptyset(&taken);
	sigaddset(&taken, SIGCHLD);
	sigaddset(&taken, SIGTERM);
	sigaddset(&taken, SIGINT);
	if (sigprocmask(SIG_BLOCK, &taken, NULL) < 0)
		return -errno;
	server->signals = signalfd(-1, &taken, SFD_CLOEXEC | SFD_NONBLOCK);
	if (server->signals < 0)
		return -errno;
	server->leave = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	return server->leave < 0 ? -errno : 0;
}

static void server_close(struct server *server)
{
	closep(&server->signals);
	closep(&server->leave);
}

int serve_run(int listener, uid_t peer, const struct serve *s)
{
	_cleanup_(server_close) struct server server = {
		.serve = s, .peer = peer, .listener = listener, .signals = -1, .leave = -1
	};
	int r = server_prepare(&server);

	if (r < 0)
		return r;
	handover_ready();
	while (r == 0 && !(server.stopping && server.children == 0))
		r = server_step(&server);
	return r;
}

int serve_handed_over(const char *name, const struct serve *s)
{
	struct handover_socket socket = { .name = name };
	const struct passwd *user;
	uid_t peer;
	int r;

	r = handover_sockets(&socket, 1);
	if (r < 0 || socket.fd < 0) {
		log_error("the listening socket '%s' was not handed over", name);
		return r < 0 ? r : -ENOTCONN;
	}
	user = getpwnam(SERVE_USER);
	if (!user) {
		log_error("there is no user %s, so nobody could be served", SERVE_USER);
		return -ESRCH;
	}
	peer = user->pw_uid;
	r = serve_run(socket.fd, peer, s);
	if (r < 0)
		log_error("cannot serve: %s", strerror(-r));
	return r;
}
