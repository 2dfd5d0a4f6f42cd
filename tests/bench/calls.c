// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * calls P CA-FILE kept|anew <LIST: bare libcurl makes given HTTP calls by P processes. kept: each keeps its connection for
 * all of them; anew: one for each "connect". Prints the whole time, the CPU's milliseconds per task, and what a task takes.
 *
 * The first line of the list is a bearer token. Then tasks: lines "METHOD URL [BODY]", between them "connect", behind each "end".
 */

#include <curl/curl.h>
#include <stdbool.h>
#include <string.h>
#include <sys/resource.h>

#include "stats.h"

#define LINES_MAX 65536

struct list {
	char *line[LINES_MAX];
	size_t task[LINES_MAX]; /* where each begins */
	size_t n, tasks;
};

static const char *ca_file;
static struct curl_slist *headers;
static bool anew;

static void read_token(void)
{
	char *line = NULL, header[8192];
	size_t size = 0;

	if (getline(&line, &size, stdin) <= 0)
		errx(1, "no token");
	line[strcspn(line, "\n")] = 0;
	snprintf(header, sizeof(header), "Authorization: Bearer %.8000s", line);
	headers = curl_slist_append(curl_slist_append(NULL, header), "Content-Type: application/json");
	free(line);
}

static void read_list(struct list *ret)
{
	char *line = NULL;
	size_t size = 0;

	ret->task[ret->tasks++] = 0;
	while (ret->n < LINES_MAX && getline(&line, &size, stdin) > 0) {
		line[strcspn(line, "\n")] = 0;
		if (strcmp(line, "end") == 0)
			ret->task[ret->tasks++] = ret->n;
		else
			ret->line[ret->n++] = strdup(line);
	}
	ret->tasks--;
	free(line);
}

static size_t ignore(char *data, size_t size, size_t n, void *user)
{
	(void)data;
	(void)user;
	return size * n;
}

static void open_curl(CURL **c)
{
	if (*c && !anew)
		return;
	curl_easy_cleanup(*c);
	*c = curl_easy_init();
	curl_easy_setopt(*c, CURLOPT_CAINFO, ca_file);
	curl_easy_setopt(*c, CURLOPT_CAPATH, NULL);
	curl_easy_setopt(*c, CURLOPT_PROXY, "");
	curl_easy_setopt(*c, CURLOPT_HTTPHEADER, headers);
	curl_easy_setopt(*c, CURLOPT_WRITEFUNCTION, ignore);
}

static void call(CURL *c, const char *line)
{
	char method[16], url[2048];
	int at = 0;
	long status = 0;
	CURLcode r;

	if (sscanf(line, "%15s %2047s %n", method, url, &at) != 2)
		errx(1, "not a call: %s", line);
	curl_easy_setopt(c, CURLOPT_URL, url);
	curl_easy_setopt(c, CURLOPT_HTTPGET, 1L);
	if (line[at])
		curl_easy_setopt(c, CURLOPT_POSTFIELDS, line + at);
	curl_easy_setopt(c, CURLOPT_CUSTOMREQUEST, method);
	r = curl_easy_perform(c);
	curl_easy_getinfo(c, CURLINFO_RESPONSE_CODE, &status);
	if (r != CURLE_OK || status < 200 || status > 299)
		errx(1, "%s %s: %s, status %ld", method, url, curl_easy_strerror(r), status);
}

static void work(const struct list *list, size_t first, size_t step, struct stats *stats)
{
	CURL *c = NULL;

	for (size_t t = first; t < list->tasks; t += step) {
		uint64_t start = stats_now();

		for (size_t i = list->task[t]; i < list->task[t + 1]; i++)
			if (strcmp(list->line[i], "connect") == 0)
				open_curl(&c);
			else
				call(c, list->line[i]);
		stats->ns[t] = stats_now() - start;
	}
	curl_easy_cleanup(c);
}

static void print_cpu(size_t tasks)
{
	struct rusage u;

	getrusage(RUSAGE_CHILDREN, &u);
	printf("cpu %.3f\n", ((double)(u.ru_utime.tv_sec + u.ru_stime.tv_sec) * 1000 +
			      (double)(u.ru_utime.tv_usec + u.ru_stime.tv_usec) / 1000) /
				     (double)tasks);
}

int main(int argc, char **argv)
{
	static struct list list;
	size_t processes = argc == 4 ? strtoul(argv[1], NULL, 10) : 0;
	struct stats *stats;
	uint64_t start;

	if (processes == 0)
		errx(2, "usage: calls P CA-FILE kept|anew");
	ca_file = argv[2];
	anew = strcmp(argv[3], "anew") == 0;
	read_token();
	read_list(&list);
	curl_global_init(CURL_GLOBAL_DEFAULT);
	stats = stats_new(list.tasks);
	start = stats_now();
	for (size_t p = 0; p < processes; p++)
		if (fork() == 0) {
			work(&list, p, processes, stats);
			_exit(0);
		}
	stats_wait(processes);
	printf("seconds %.6f\n", (double)(stats_now() - start) / 1e9);
	print_cpu(list.tasks);
	stats_print("calls", stats);
	return 0;
}
