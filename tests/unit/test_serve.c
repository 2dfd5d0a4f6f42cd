// SPDX-License-Identifier: LGPL-2.1-or-later

/* The listening half of a worker, served for real to this test's own uid: W1, S10, F49, and how it ends. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "worker/serve.h"

#define PLACES 3

static char folder[32];
static struct sockaddr_un address;
static pid_t server;

/* The job's name says what it is to do; the answer's object names the child that did it. */
static void work(const void *context _unused_, int peer, int leave, const struct job *job, struct job_result *ret)
{
	struct pollfd fds[] = { { .fd = peer, .events = POLLIN }, { .fd = leave, .events = POLLIN } };

	if (strcmp(job->account.name, "hang") == 0)
		for (;;)
			pause();
	if (strcmp(job->account.name, "sleep") == 0)
		nanosleep(&(struct timespec){ .tv_nsec = 700000000 }, NULL);
	if (strcmp(job->account.name, "wait") == 0)
		poll(fds, ARRAY_SIZE(fds), 20000);
	if (strcmp(job->account.name, "crash") == 0)
		raise(SIGKILL);
	ret->outcome = OUTCOME_DONE;
	snprintf(ret->account.object, sizeof(ret->account.object), "%d", getpid());
}

static unsigned int deadline(const struct job *job)
{
	return strcmp(job->account.name, "hang") == 0 ? 1 : 30;
}

static void serve_until_told(int listener, uid_t peer)
{
	const struct serve s = { .children = PLACES, .deadline = deadline, .work = work };

	_exit(serve_run(listener, peer, &s) == 0 ? 0 : 1);
}

static void start(uid_t peer)
{
	int listener = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);

	snprintf(folder, sizeof(folder), "/tmp/test-serve-XXXXXX");
	assert_non_null(mkdtemp(folder));
	address.sun_family = AF_UNIX;
	snprintf(address.sun_path, sizeof(address.sun_path), "%s/s", folder);
	assert_int_equal(bind(listener, (struct sockaddr *)&address, sizeof(address)), 0);
	assert_int_equal(listen(listener, 64), 0);
	server = fork();
	if (server == 0)
		serve_until_told(listener, peer);
	close(listener);
}

static int end(void)
{
	int status = -1;

	kill(server, SIGTERM);
	waitpid(server, &status, 0);
	unlink(address.sun_path);
	rmdir(folder);
	return status;
}

static int setup(void **state _unused_)
{
	start(getuid());
	return 0;
}

static int teardown(void **state _unused_)
{
	return end() == 0 ? 0 : -1;
}

static int ask(void)
{
	struct timeval patience = { .tv_sec = 20 };
	int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);

	assert_int_equal(connect(fd, (struct sockaddr *)&address, sizeof(address)), 0);
	assert_int_equal(setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience)), 0);
	return fd;
}

static int tell(int fd, const char *what)
{
	struct job job = { .kind = JOB_LOOKUP };
	struct wire w;

	snprintf(job.account.name, sizeof(job.account.name), "%s", what);
	job_write(&job, &w);
	return wire_send(fd, &w);
}

/* The child's pid, or -errno; -EPIPE when it closed without an answer. */
static int hear(int fd)
{
	struct job_result result = {};
	struct wire_message m;
	struct wire w;
	int r = wire_receive(fd, &w);

	if (r == 0)
		r = wire_parse(w.b, w.len, &m);
	if (r == 0)
		r = job_result_read(&m, &result);
	return r < 0 ? r : atoi(result.account.object);
}

static double seconds(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static void test_many_jobs_one_child(void **state _unused_)
{
	_cleanup_(closep) int a = ask(), b = ask();
	int first, other;

	assert_int_equal(tell(a, ""), 0);
	first = hear(a);
	assert_true(first > 0 && first != server);
	for (int i = 0; i < 20; i++) {
		assert_int_equal(tell(a, ""), 0);
		assert_int_equal(hear(a), first);
	}
	assert_int_equal(tell(b, ""), 0);
	other = hear(b);
	assert_true(other > 0 && other != first);
}

static void test_w1_another_uid(void **state _unused_)
{
	start(getuid() + 1);
	{
		_cleanup_(closep) int fd = ask();

		tell(fd, "");
		assert_int_equal(hear(fd), -EPIPE);
	}
	assert_int_equal(end(), 0);
}

static void test_s10_spoilt_messages(void **state _unused_)
{
	static const char *const bytes[] = { "\x10", "\x10\x10\x00\x05\x01", "\x02\x10\x00\x01\x01", "\xff\xff\xff\xff" };
	static const size_t lengths[] = { 1, 5, 5, 4 };
	static const char large[WIRE_MAX + 1] = { WIRE_JOB };

	for (size_t i = 0; i < ARRAY_SIZE(bytes); i++) {
		_cleanup_(closep) int fd = ask();

		assert_true(send(fd, bytes[i], lengths[i], MSG_NOSIGNAL) > 0);
		assert_int_equal(hear(fd), -EPIPE);
	}
	{
		_cleanup_(closep) int fd = ask();

		assert_true(send(fd, large, sizeof(large), MSG_NOSIGNAL) > 0);
		assert_int_equal(hear(fd), -EPIPE);
	}
}

static void test_f49_deadline(void **state _unused_)
{
	_cleanup_(closep) int fd = ask();
	double begin = seconds();

	assert_int_equal(tell(fd, "hang"), 0);
	assert_int_equal(hear(fd), -EPIPE);
	assert_true(seconds() - begin > 0.9 && seconds() - begin < 3);
}

static void test_deadline_ends_with_its_job(void **state _unused_)
{
	_cleanup_(closep) int fd = ask();

	assert_int_equal(tell(fd, ""), 0);
	assert_true(hear(fd) > 0);
	nanosleep(&(struct timespec){ .tv_sec = 1, .tv_nsec = 500000000 }, NULL);
	assert_int_equal(tell(fd, ""), 0);
	assert_true(hear(fd) > 0);
}

static void test_a_child_that_dies_is_no_answer(void **state _unused_)
{
	_cleanup_(closep) int fd = ask(), next = ask();

	assert_int_equal(tell(fd, "crash"), 0);
	assert_int_equal(hear(fd), -EPIPE);
	assert_int_equal(tell(next, ""), 0);
	assert_true(hear(next) > 0);
}

static void test_bounded_and_idle_ones_make_room(void **state _unused_)
{
	int fd[4 * PLACES];
	double begin = seconds();

	for (size_t i = 0; i < ARRAY_SIZE(fd); i++) {
		fd[i] = ask();
		assert_int_equal(tell(fd[i], i < PLACES ? "sleep" : ""), 0);
	}
	for (size_t i = 0; i < ARRAY_SIZE(fd); i++)
		assert_true(hear(fd[i]) > 0);
	assert_true(seconds() - begin < 5);
	/* The first ones were asked to leave after their jobs. */
	assert_int_equal(hear(fd[0]), -EPIPE);
	for (size_t i = 0; i < ARRAY_SIZE(fd); i++)
		close(fd[i]);
}

static void test_a_job_that_waits_makes_room(void **state _unused_)
{
	int fd[PLACES + 1];
	double begin = seconds();

	for (size_t i = 0; i < ARRAY_SIZE(fd); i++) {
		fd[i] = ask();
		assert_int_equal(tell(fd[i], i < PLACES ? "wait" : ""), 0);
	}
	assert_true(hear(fd[PLACES]) > 0);
	assert_true(seconds() - begin < 5);
	for (size_t i = 0; i < ARRAY_SIZE(fd); i++)
		close(fd[i]);
}

static void test_sigterm_lets_the_job_end(void **state _unused_)
{
	int fd, status = -1;

	start(getuid());
	fd = ask();
	assert_int_equal(tell(fd, "sleep"), 0);
	nanosleep(&(struct timespec){ .tv_nsec = 200000000 }, NULL);
	kill(server, SIGTERM);
	assert_true(hear(fd) > 0);
	assert_int_equal(hear(fd), -EPIPE);
	assert_int_equal(waitpid(server, &status, 0), server);
	assert_int_equal(status, 0);
	close(fd);
	unlink(address.sun_path);
	rmdir(folder);
}

static void test_children_die_with_the_parent(void **state _unused_)
{
	_cleanup_(closep) int fd = -1;
	double begin = seconds();

	start(getuid());
	fd = ask();
	assert_int_equal(tell(fd, "wait"), 0);
	nanosleep(&(struct timespec){ .tv_nsec = 200000000 }, NULL);
	kill(server, SIGKILL);
	assert_int_equal(hear(fd), -EPIPE);
	assert_true(seconds() - begin < 5);
	end();
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_many_jobs_one_child, setup, teardown),
		cmocka_unit_test(test_w1_another_uid),
		cmocka_unit_test_setup_teardown(test_s10_spoilt_messages, setup, teardown),
		cmocka_unit_test_setup_teardown(test_f49_deadline, setup, teardown),
		cmocka_unit_test_setup_teardown(test_deadline_ends_with_its_job, setup, teardown),
		cmocka_unit_test_setup_teardown(test_a_child_that_dies_is_no_answer, setup, teardown),
		cmocka_unit_test_setup_teardown(test_bounded_and_idle_ones_make_room, setup, teardown),
		cmocka_unit_test_setup_teardown(test_a_job_that_waits_makes_room, setup, teardown),
		cmocka_unit_test(test_sigterm_lets_the_job_end),
		cmocka_unit_test(test_children_die_with_the_parent),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
