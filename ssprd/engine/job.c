// SPDX-License-Identifier: LGPL-2.1-or-later
#include "engine/job.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "base/boot.h"
#include "base/cleanup.h"
#include "base/log.h"

/*
 * A person waits for a look-up. A write must not happen any more after JOBS_WRITE, and is waited for beyond that, so that what is
 * then looked up is final.
 */
#define JOBS_LOOKUP 10000
#define JOBS_WRITE 30000
#define JOBS_PATIENCE 40000
/* How long a job may wait for a worker that is starting. */
#define JOBS_START 5000

struct jobs_request {
	struct jobs_request *next;
	jobs_done_fn *done;
	void *owner;
	enum job_kind kind;
	char directory[ACCOUNT_DIRECTORY];
	int64_t submitted, deadline; /* boot milliseconds */
	size_t len;
	uint8_t message[];
};

struct jobs_link {
	struct jobs_link *next;
	struct jobs *jobs;
	sd_event_source *io;
	int fd;
	jobs_done_fn *done; /* NULL: answered, or nobody waits */
	void *owner;
	enum job_kind kind;
	char directory[ACCOUNT_DIRECTORY]; /* that was asked */
	int64_t deadline;
};

static void request_free(struct jobs_request *r)
{
	explicit_bzero(r->message, r->len);
	free(r);
}

static void link_free(struct jobs_link *l)
{
	struct jobs_link **at = &l->jobs->links;

	while (*at && *at != l)
		at = &(*at)->next;
	if (*at)
		*at = l->next;
	l->jobs->links_n--;
	sd_event_source_disable_unref(l->io);
	close(l->fd);
	free(l);
}

static void jobs_wake(struct jobs *j)
{
	if (j->first)
		sd_event_source_set_enabled(j->pump, SD_EVENT_ONESHOT);
}

static void answer(jobs_done_fn *done, void *owner, enum job_kind kind, enum outcome outcome, enum why why)
{
	struct job_result result = { .outcome = outcome, .why = why };

	done(owner, kind, &result);
}

static void link_lost(struct jobs_link *l)
{
	struct jobs *j = l->jobs;
	jobs_done_fn *done = l->done;
	void *owner = l->owner;
	enum job_kind kind = l->kind;

	link_free(l);
	jobs_wake(j);
	if (done)
		answer(done, owner, kind, OUTCOME_UNKNOWN, WHY_BROKEN);
}

static int read_result(int fd, struct job_result *ret)
{
	static struct wire in;
	struct wire_message m;
	int r = wire_receive(fd, &in);

	if (r == 0)
		r = wire_parse(in.b, in.len, &m);
	if (r == 0)
		r = job_result_read(&m, ret);
	wire_wipe(&in);
	return r;
}

/* A worker speaks for the directory that was asked, and for no other. */
static bool is_of(const struct job_result *result, const struct jobs_link *l)
{
	return !*result->account.object || strcmp(result->account.directory, l->directory) == 0;
}

static int on_readable(sd_event_source *source _unused_, int fd, uint32_t events _unused_, void *user)
{
	struct jobs_link *l = user;
	struct jobs *j = l->jobs;
	jobs_done_fn *done = l->done;
	void *owner = l->owner;
	enum job_kind kind = l->kind;
	struct job_result result;
	int r = read_result(fd, &result);

	if (r == -EAGAIN)
		return 0;
	if (r < 0 || !is_of(&result, l)) {
		link_lost(l);
		return 0;
	}
	link_free(l);
	jobs_wake(j);
	if (done)
		done(owner, kind, &result);
	job_result_wipe(&result);
	return 0;
}

/* Only the supervisor makes the worker's socket. */
static bool peer_is_root(int fd)
{
	struct ucred peer;
	socklen_t len = sizeof(peer);

	return getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &len) == 0 && peer.uid == 0;
}

static int worker_connect(const char *path)
{
	_cleanup_(closep) int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	struct sockaddr_un a = { .sun_family = AF_UNIX };

	if (fd < 0)
		return -errno;
	if (strlen(path) >= sizeof(a.sun_path))
		return -ENAMETOOLONG;
	memcpy(a.sun_path, path, strlen(path) + 1);
	if (connect(fd, (const struct sockaddr *)&a, sizeof(a)) < 0)
		return -errno;
	if (!peer_is_root(fd))
		return -EPERM;
	return TAKE_FD(fd);
}

static int link_new(struct jobs *j, const struct jobs_request *request, int fd)
{
	struct jobs_link *l = calloc(1, sizeof(*l));
	int r;

	if (!l) {
		close(fd);
		return -ENOMEM;
	}
	*l = (struct jobs_link){
		.next = j->links,
		.jobs = j,
		.fd = fd,
		.done = request->done,
		.owner = request->owner,
		.kind = request->kind,
		.deadline = request->deadline,
	};
	memcpy(l->directory, request->directory, sizeof(l->directory));
	j->links = l;
	j->links_n++;
	r = sd_event_add_io(j->event, &l->io, fd, EPOLLIN, on_readable, l);
	if (r == 0 && send(fd, request->message, request->len, MSG_NOSIGNAL) != (ssize_t)request->len)
		r = -errno;
	if (r < 0)
		link_free(l);
	return r;
}

/* 0: under way. 1: not now. Negative: never left. */
static int start(struct jobs *j, const struct jobs_request *request)
{
	int fd;

	if (boot_ms() >= (request->kind == JOB_RESET ? request->submitted + JOBS_WRITE : request->deadline))
		return -ETIMEDOUT;
	if (j->links_n >= j->links_max)
		return 1;
	fd = worker_connect(j->path);
	if (fd == -EAGAIN)
		return boot_ms() - request->submitted < JOBS_START ? 1 : -EAGAIN;
	if (fd < 0) {
		log_error("%s: %s", j->path, strerror(-fd));
		return fd;
	}
	return link_new(j, request, fd);
}

static void pump(struct jobs *j)
{
	while (j->first) {
		struct jobs_request *request = j->first;
		int r = start(j, request);

		if (r > 0)
			return;
		j->first = request->next;
		if (!j->first)
			j->last = NULL;
		if (r < 0 && request->done)
			answer(request->done, request->owner, request->kind, OUTCOME_REFUSED, WHY_UNREACHABLE);
		request_free(request);
	}
}

static int on_pump(sd_event_source *source _unused_, void *user)
{
	pump(user);
	return 0;
}

int jobs_init(struct jobs *j, sd_event *event, const char *path, unsigned int links_max)
{
	int r;

	*j = (struct jobs){ .event = event, .path = path, .links_max = links_max };
	r = sd_event_add_defer(event, &j->pump, on_pump, j);
	if (r == 0)
		r = sd_event_source_set_enabled(j->pump, SD_EVENT_OFF);
	return r;
}

void jobs_deinit(struct jobs *j)
{
	while (j->links)
		link_free(j->links);
	while (j->first) {
		struct jobs_request *request = j->first;

		j->first = request->next;
		request_free(request);
	}
	j->pump = sd_event_source_disable_unref(j->pump);
}

static int64_t patience(const struct job *job)
{
	return job->kind == JOB_LOOKUP || job->kind == JOB_BREACHED ? JOBS_LOOKUP : JOBS_PATIENCE + (int64_t)job->life * 1000;
}

int jobs_submit(struct jobs *j, struct job *job, jobs_done_fn *done, void *owner)
{
	static struct wire out;
	struct jobs_request *request;

	job->until = boot_ms() + JOBS_WRITE;
	job_write(job, &out);
	if (out.failed) {
		wire_wipe(&out);
		return -EMSGSIZE;
	}
	request = calloc(1, sizeof(*request) + out.len);
	if (request) {
		request->done = done;
		request->owner = owner;
		request->kind = job->kind;
		memcpy(request->directory, job->account.directory, sizeof(request->directory));
		request->submitted = boot_ms();
		request->deadline = request->submitted + patience(job);
		request->len = out.len;
		memcpy(request->message, out.b, out.len);
		*(j->last ? &j->last->next : &j->first) = request;
		j->last = request;
		jobs_wake(j);
	}
	wire_wipe(&out);
	return request ? 0 : -ENOMEM;
}

void jobs_forget(struct jobs *j, const void *owner)
{
	struct jobs_request **at = &j->first, *last = NULL;

	while (*at) {
		struct jobs_request *request = *at;

		if (request->owner == owner) {
			*at = request->next;
			request_free(request);
		} else {
			last = request;
			at = &request->next;
		}
	}
	j->last = last;
	for (struct jobs_link *l = j->links, *next; l; l = next) {
		next = l->next;
		if (l->owner == owner)
			link_free(l);
	}
	jobs_wake(j);
}

void jobs_release(struct jobs *j, const void *owner, enum job_kind kind)
{
	for (struct jobs_request *request = j->first; request; request = request->next)
		if (request->owner == owner && request->kind == kind) {
			request->owner = NULL;
			request->done = NULL;
		}
	for (struct jobs_link *l = j->links; l; l = l->next)
		if (l->owner == owner && l->kind == kind) {
			l->owner = NULL;
			l->done = NULL;
		}
}

void jobs_tick(struct jobs *j, int64_t now)
{
	for (struct jobs_link *l = j->links, *next; l; l = next) {
		next = l->next;
		if (now < l->deadline)
			continue;
		log_warning("%s: no answer to %s", j->path, job_kind_name(l->kind));
		link_lost(l);
		/* The call may have changed the list. */
		next = j->links;
	}
	jobs_wake(j);
}
