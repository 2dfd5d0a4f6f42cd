// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * HTTPS against real servers on the loopback address, each a child of this program that plays its part request by request and
 * counts what it sees in memory that both share.
 */
#include "unit.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>

#include "base/boot.h"
#include "base/text.h"
#include "web/http.h"

/* A name that no resolver knows; only a proxy is told of it. */
#define ORIGIN "origin.invalid"
#define EMPTY "HTTP/1.1 204 No Content\r\n\r\n"
#define FINE "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 2\r\n\r\n{}"

enum identity {
	GOOD,
	SELF_SIGNED,
	EXPIRED,
	NOT_YET,
	ANOTHER_NAME,
	IDENTITIES,
};

/* What is done with a request that has come whole: `says`, `more` bytes, and then? */
struct act {
	const char *says;
	size_t more;
	enum {
		STAYS,
		CUTS, /* without a word, as if the network had failed */
		ENDS, /* as TLS ends */
		STALLS,
	} then;
};

struct play {
	enum identity identity;
	int newest;	   /* version of TLS; 0: any */
	const char *proxy; /* what is said to CONNECT; NULL: this is no proxy */
	enum {
		SPEAKS,
		CUTS_BEFORE_TLS,
		PLAIN,
		CUTS_UPLOADS, /* within their body */
	} manner;
	const struct act *acts; /* of one request after the other, whatever connection it comes by; the last is played again */
	size_t n;
};

#define SEEN 8
#define HEAD 2048

struct seen {
	unsigned int connections, requests;
	char head[SEEN][HEAD], connect[HEAD];
};

struct server {
	pid_t pid;
	struct seen *seen;
	char host[32];
};

static char folder[] = "/tmp/test-http-XXXXXX";
static SSL_CTX *contexts[IDENTITIES];
static struct trust *trust;

/* ---- certificates ---- */

static void extend(X509 *x, X509 *issuer, int nid, const char *value)
{
	X509_EXTENSION *e;
	X509V3_CTX ctx;

	X509V3_set_ctx(&ctx, issuer, x, NULL, NULL, 0);
	e = X509V3_EXT_conf_nid(NULL, &ctx, nid, value);
	assert_non_null(e);
	assert_int_equal(X509_add_ext(x, e, -1), 1);
	X509_EXTENSION_free(e);
}

/* Valid between these days from now. */
static X509 *certify(const char *name, EVP_PKEY *key, int from, int to)
{
	static long serial;
	X509 *x = X509_new();
	X509_NAME *subject;

	assert_non_null(x);
	assert_int_equal(X509_set_version(x, 2), 1);
	assert_int_equal(ASN1_INTEGER_set(X509_get_serialNumber(x), ++serial), 1);
	assert_non_null(X509_gmtime_adj(X509_getm_notBefore(x), from * 86400L));
	assert_non_null(X509_gmtime_adj(X509_getm_notAfter(x), to * 86400L));
	assert_int_equal(X509_set_pubkey(x, key), 1);
	subject = X509_get_subject_name(x);
	assert_int_equal(X509_NAME_add_entry_by_txt(subject, "CN", MBSTRING_ASC, (const unsigned char *)name, -1, -1, 0), 1);
	return x;
}

static void sign(X509 *x, X509 *issuer, EVP_PKEY *key)
{
	assert_int_equal(X509_set_issuer_name(x, X509_get_subject_name(issuer)), 1);
	assert_true(X509_sign(x, key, EVP_sha256()) > 0);
}

static SSL_CTX *context_of(X509 *x, EVP_PKEY *key)
{
	SSL_CTX *c = SSL_CTX_new(TLS_server_method());

	assert_non_null(c);
	assert_int_equal(SSL_CTX_use_certificate(c, x), 1);
	assert_int_equal(SSL_CTX_use_PrivateKey(c, key), 1);
	assert_int_equal(SSL_CTX_set_min_proto_version(c, TLS1_VERSION), 1);
	return c;
}

static void make_identity(enum identity identity, X509 *ca, EVP_PKEY *ca_key)
{
	static const int days[IDENTITIES][2] = { { -1, 1 }, { -1, 1 }, { -2, -1 }, { 1, 2 }, { -1, 1 } };
	EVP_PKEY *key = EVP_EC_gen("P-256");
	X509 *x = certify("server", key, days[identity][0], days[identity][1]);
	bool own = identity == SELF_SIGNED;

	extend(x, own ? x : ca, NID_subject_alt_name,
	       identity == ANOTHER_NAME ? "DNS:example.org,IP:127.0.0.2" : "IP:127.0.0.1,DNS:" ORIGIN);
	sign(x, own ? x : ca, own ? key : ca_key);
	contexts[identity] = context_of(x, key);
	X509_free(x);
	EVP_PKEY_free(key);
}

static void write_ca(X509 *ca)
{
	_cleanup_(fclosep) FILE *f = NULL;
	char path[64];

	snprintf(path, sizeof(path), "%s/ca.pem", folder);
	f = fopen(path, "we");
	assert_non_null(f);
	assert_int_equal(PEM_write_X509(f, ca), 1);
	assert_int_equal(fflush(f), 0);
	assert_int_equal(trust_open(path, &trust), 0);
	unlink(path);
}

static int make_identities(void **state _unused_)
{
	EVP_PKEY *key = EVP_EC_gen("P-256");
	X509 *ca = certify("CA of a test", key, -3, 3);

	extend(ca, ca, NID_basic_constraints, "critical,CA:TRUE");
	sign(ca, ca, key);
	write_ca(ca);
	for (enum identity i = 0; i < IDENTITIES; i++)
		make_identity(i, ca, key);
	X509_free(ca);
	EVP_PKEY_free(key);
	return 0;
}

static int free_identities(void **state _unused_)
{
	for (size_t i = 0; i < IDENTITIES; i++)
		SSL_CTX_free(contexts[i]);
	trust_close(trust);
	return 0;
}

/* ---- the server: from here on nothing is asserted, it is another process ---- */

static void put(SSL *ssl, const char *text, size_t len)
{
	if (len > 0)
		SSL_write(ssl, text, (int)len);
}

static void put_bytes(SSL *ssl, size_t n)
{
	char block[4096];

	memset(block, 'x', sizeof(block));
	for (; n > 0; n -= n < sizeof(block) ? n : sizeof(block))
		put(ssl, block, n < sizeof(block) ? n : sizeof(block));
}

/* Until the other side ends. */
static void stall(SSL *ssl)
{
	char byte;

	while (SSL_read(ssl, &byte, 1) > 0)
		;
}

/* Whether another request may come. */
static bool perform(SSL *ssl, const struct act *a)
{
	put(ssl, a->says, strlen(a->says));
	put_bytes(ssl, a->more);
	if (a->then == STALLS)
		stall(ssl);
	else if (a->then == ENDS)
		SSL_shutdown(ssl);
	return a->then == STAYS;
}

static bool hear_head(SSL *ssl, char *head)
{
	size_t n = 0;

	for (; n + 1 < HEAD; n++) {
		if (SSL_read(ssl, head + n, 1) != 1)
			return false;
		head[n + 1] = 0;
		if (n > 2 && memcmp(head + n - 3, "\r\n\r\n", 4) == 0)
			return true;
	}
	return false;
}

/* The body stands behind the head, as far as it has room. */
static bool hear(SSL *ssl, char *head)
{
	size_t n, left;
	const char *length;
	char byte;

	if (!hear_head(ssl, head))
		return false;
	n = strlen(head);
	length = strcasestr(head, "\r\nContent-Length:");
	for (left = length ? strtoul(length + 17, NULL, 10) : 0; left > 0; left--) {
		if (SSL_read(ssl, &byte, 1) != 1)
			return false;
		if (n + 1 < HEAD)
			head[n++] = byte;
	}
	head[n] = 0;
	return true;
}

static void converse(SSL *ssl, const struct play *p, struct seen *seen)
{
	char head[HEAD] = "";
	unsigned int i;

	do {
		if (p->manner == CUTS_UPLOADS ? !hear_head(ssl, head) : !hear(ssl, head))
			return;
		i = __atomic_fetch_add(&seen->requests, 1, __ATOMIC_SEQ_CST);
		if (i < SEEN)
			memcpy(seen->head[i], head, sizeof(head));
	} while (p->manner != CUTS_UPLOADS && perform(ssl, &p->acts[i < p->n ? i : p->n - 1]));
}

static bool hear_connect(int fd, char *head)
{
	for (size_t n = 0; n + 1 < HEAD && read(fd, head + n, 1) == 1; n++)
		if (n > 2 && memcmp(head + n - 3, "\r\n\r\n", 4) == 0)
			return true;
	return false;
}

static void receive(int fd, const struct play *p, struct seen *seen)
{
	SSL *ssl;

	__atomic_fetch_add(&seen->connections, 1, __ATOMIC_SEQ_CST);
	if (p->proxy && (!hear_connect(fd, seen->connect) || write(fd, p->proxy, strlen(p->proxy)) < 0))
		return;
	if (p->manner == PLAIN && write(fd, FINE, strlen(FINE)) < 0)
		return;
	if (p->manner == CUTS_BEFORE_TLS || p->manner == PLAIN)
		return;
	if (p->newest) {
		SSL_CTX_set_max_proto_version(contexts[p->identity], p->newest);
		SSL_CTX_set_security_level(contexts[p->identity], 0);
	}
	ssl = SSL_new(contexts[p->identity]);
	if (ssl && SSL_set_fd(ssl, fd) == 1 && SSL_accept(ssl) == 1)
		converse(ssl, p, seen);
}

static pid_t child(void)
{
	pid_t parent = getpid(), pid = fork();

	if (pid == 0 && (prctl(PR_SET_PDEATHSIG, SIGKILL) < 0 || getppid() != parent))
		_exit(1);
	return pid;
}

/* Each connection has a process of its own, since one may be kept while another comes. */
static void serve(int listener, const struct play *p, struct seen *seen)
{
	signal(SIGPIPE, SIG_IGN);
	signal(SIGCHLD, SIG_IGN);
	for (;;) {
		int fd = accept4(listener, NULL, NULL, SOCK_CLOEXEC);

		if (fd >= 0 && child() == 0) {
			receive(fd, p, seen);
			_exit(0);
		}
		close(fd);
	}
}

/* ---- its start and its end ---- */

static int listen_somewhere(char ret_host[static 32])
{
	struct sockaddr_in a = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	socklen_t len = sizeof(a);

	if (fd < 0 || bind(fd, (struct sockaddr *)&a, len) < 0 || getsockname(fd, (struct sockaddr *)&a, &len) < 0 ||
	    listen(fd, 8) < 0)
		return -1;
	snprintf(ret_host, 32, "127.0.0.1:%u", ntohs(a.sin_port));
	return fd;
}

static struct server server_start(const struct play *p)
{
	struct server s = {};
	_cleanup_(closep) int listener = listen_somewhere(s.host);

	assert_true(listener >= 0);
	s.seen = mmap(NULL, sizeof(*s.seen), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	assert_true(s.seen != MAP_FAILED);
	s.pid = child();
	assert_true(s.pid >= 0);
	setpgid(s.pid, 0);
	if (s.pid == 0)
		serve(listener, p, s.seen);
	return s;
}

/* With those of its connections, which are this program's since main() has adopted them. */
static void server_stop(struct server *s)
{
	kill(-s->pid, SIGKILL);
	while (waitpid(-s->pid, NULL, 0) > 0)
		;
	munmap(s->seen, sizeof(*s->seen));
}

/* ---- the client ---- */

static const struct http_request get = { .method = "GET", .path = "/v1.0/users" };
static const struct http_request patch = {
	.method = "PATCH", .path = "/v1.0/users/1", .type = "application/json", .body = "{\"a\":1}", .len = 7, .effect = true
};

static struct http *client_of(const char *host, const char *proxy, int peer)
{
	const struct http_place place = { .trust = trust, .host = host, .proxy = proxy, .peer = peer };
	struct http *h = NULL;

	assert_int_equal(http_open(&place, &h), 0);
	return h;
}

static struct http *client(const struct server *s)
{
	return client_of(s->host, "", -1);
}

/* By a connection of its own. */
static void ask(const struct server *s, const struct http_request *q, struct http_answer *ret)
{
	_cleanup_(http_closep) struct http *h = client(s);

	http_ask(h, q, ret);
}

static enum http_end end_of(struct http *h, const struct http_request *q)
{
	_cleanup_(http_answer_wipe) struct http_answer a = {};

	http_ask(h, q, &a);
	return a.end;
}

/* One request to a server of one act. */
static void ask_once(struct act act, const struct http_request *q, struct http_answer *ret)
{
	const struct play p = { .acts = &act, .n = 1 };
	_cleanup_(server_stop) struct server s = server_start(&p);

	ask(&s, q, ret);
	assert_int_equal(s.seen->requests, 1);
	assert_true(text_printable(ret->said, strlen(ret->said)));
}

static void answers(struct act act, const struct http_request *q, int status, const char *body)
{
	_cleanup_(http_answer_wipe) struct http_answer a = {};

	ask_once(act, q, &a);
	if (a.end != HTTP_ANSWERED)
		fail_msg("no answer (%d): %s", a.end, a.said);
	assert_true(a.sent);
	assert_int_equal(a.status, status);
	assert_string_equal(a.body ? a.body : "", body);
	assert_int_equal(a.len, strlen(body));
	assert_string_equal(a.said, "");
}

static void is_lost(struct act act, const struct http_request *q)
{
	_cleanup_(http_answer_wipe) struct http_answer a = {};

	ask_once(act, q, &a);
	if (a.end != HTTP_LOST || !a.sent)
		fail_msg("%s: %d, sent %d: %s", act.says, a.end, a.sent, a.said);
	assert_string_not_equal(a.said, "");
}

static bool begins(const char *head, const char *line)
{
	return strncmp(head, line, strlen(line)) == 0;
}

static bool saw(const char *head, const char *line)
{
	return strcasestr(head, line);
}

/* ---- answers ---- */

static void an_answer_comes_whole(void **state _unused_)
{
	answers((struct act){ .says = FINE }, &get, 200, "{}");
	answers((struct act){ .says = EMPTY }, &patch, 204, "");
	answers((struct act){ .says = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n{\"\r\n3\r\na\":\r\n2\r\n1}\r\n0\r\n\r\n" },
		&get, 200, "{\"a\":1}");
	answers((struct act){ .says = "HTTP/1.0 200 OK\r\n\r\n{}", .then = ENDS }, &get, 200, "{}");
	answers((struct act){ .says = "HTTP/1.1 500 Internal Server Error\r\nContent-Length: 1\r\n\r\nx" }, &patch, 500, "x");
}

static void a_request_goes_as_it_was_asked_for(void **state _unused_)
{
	const struct act act = { .says = EMPTY };
	const struct play p = { .acts = &act, .n = 1 };
	_cleanup_(server_stop) struct server s = server_start(&p);
	_cleanup_(http_answer_wipe) struct http_answer a = {};
	struct http_request q = patch;

	q.token = "abc.def";
	q.headers[0] = "ConsistencyLevel: eventual";
	ask(&s, &q, &a);
	assert_int_equal(a.end, HTTP_ANSWERED);
	assert_true(begins(s.seen->head[0], "PATCH /v1.0/users/1 HTTP/1.1\r\n"));
	assert_true(saw(s.seen->head[0], "\r\nHost: 127.0.0.1:"));
	assert_true(saw(s.seen->head[0], "\r\nAuthorization: Bearer abc.def\r\n"));
	assert_true(saw(s.seen->head[0], "\r\nContent-Type: application/json\r\n"));
	assert_true(saw(s.seen->head[0], "\r\nConsistencyLevel: eventual\r\n"));
	assert_true(saw(s.seen->head[0], "\r\n\r\n{\"a\":1}"));
	assert_false(saw(s.seen->head[0], "\r\nExpect:"));
}

static void a_post_without_a_body_has_no_type(void **state _unused_)
{
	const struct http_request q = { .method = "POST", .path = "/x", .effect = true };
	const struct act act = { .says = EMPTY };
	const struct play p = { .acts = &act, .n = 1 };
	_cleanup_(server_stop) struct server s = server_start(&p);
	_cleanup_(http_answer_wipe) struct http_answer a = {};

	ask(&s, &q, &a);
	assert_int_equal(a.end, HTTP_ANSWERED);
	assert_true(saw(s.seen->head[0], "\r\nContent-Length: 0\r\n"));
	assert_false(saw(s.seen->head[0], "\r\nContent-Type:"));
}

static bool is_json(const char *type)
{
	_cleanup_(http_answer_wipe) struct http_answer a = {};
	char says[256];

	snprintf(says, sizeof(says), "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n%s\r\n\r\n", type);
	ask_once((struct act){ .says = says }, &get, &a);
	assert_int_equal(a.end, HTTP_ANSWERED);
	return a.json;
}

/* F28: what a captive portal says. */
static void F28_an_answer_tells_whether_it_is_JSON(void **state _unused_)
{
	assert_true(is_json("Content-Type: application/json"));
	assert_true(is_json("content-type:APPLICATION/JSON;odata.metadata=minimal;charset=utf-8"));
	assert_false(is_json("Content-Type: text/html"));
	assert_false(is_json("Content-Type: application/jsonx"));
	assert_false(is_json("Content-Type: application/json+x"));
	assert_false(is_json("X-Content-Type: application/json"));
	assert_false(is_json("X: y"));
}

static void request_id(const char *header, const char *id)
{
	_cleanup_(http_answer_wipe) struct http_answer a = {};
	char says[512];

	snprintf(says, sizeof(says), "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n%s\r\n\r\n", header);
	ask_once((struct act){ .says = says }, &get, &a);
	assert_string_equal(a.request_id, id);
	assert_true(text_printable(a.request_id, strlen(a.request_id)));
}

#define X10 "xxxxxxxxxx"

static void a_request_id_is_kept_and_printable(void **state _unused_)
{
	request_id("request-id: 5d2e-17", "5d2e-17");
	request_id("x-ms-request-id: 5d2e-18", "5d2e-18");
	request_id("Request-Id:5d2e\033[2J\xff", "5d2e[2J");
	request_id("x-request-id: no", "");
	request_id("request-id: " X10 X10 X10 X10 X10 X10 "xx\xc5\xbe", X10 X10 X10 X10 X10 X10 "xx");
}

static int retry_after(const char *value)
{
	_cleanup_(http_answer_wipe) struct http_answer a = {};
	char says[256];

	snprintf(says, sizeof(says), "HTTP/1.1 429 Too Many\r\nContent-Length: 0\r\n%s\r\n\r\n", value);
	ask_once((struct act){ .says = says }, &patch, &a);
	assert_int_equal(a.end, HTTP_ANSWERED);
	assert_int_equal(a.status, 429);
	return a.retry_after;
}

static int retry_at(int seconds)
{
	time_t at = time(NULL) + seconds;
	char header[64];
	struct tm tm;

	strftime(header, sizeof(header), "Retry-After: %a, %d %b %Y %H:%M:%S GMT", gmtime_r(&at, &tm));
	return retry_after(header);
}

static void F23_retry_after_is_a_sane_number_or_none(void **state _unused_)
{
	static const char *const wrong[] = { "-5", "99999999", "99999999999999999999", "", "5 6", "5x", "0x5", "1.5", "+5", "soon", "2026-11-20" };
	char header[64];

	assert_int_equal(retry_after("Retry-After: 5"), 5);
	assert_int_equal(retry_after("retry-after:\t0"), 0);
	assert_int_equal(retry_after("Retry-After: 5 \t"), 5);
	assert_int_equal(retry_after("X: y"), -1);
	for (size_t i = 0; i < ARRAY_SIZE(wrong); i++) {
		snprintf(header, sizeof(header), "Retry-After: %s", wrong[i]);
		if (retry_after(header) != -1)
			fail_msg("%s was taken", wrong[i]);
	}
	assert_in_range(retry_at(120), 115, 120);
	assert_int_equal(retry_at(-120), 0);
	assert_int_equal(retry_at(30 * 86400), 86400);
}

static int64_t date(const char *value)
{
	_cleanup_(http_answer_wipe) struct http_answer a = {};
	char says[256];

	snprintf(says, sizeof(says), "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n%s\r\n\r\n", value);
	ask_once((struct act){ .says = says }, &get, &a);
	return a.date;
}

static void the_clock_of_the_server_is_told(void **state _unused_)
{
	assert_int_equal(date("Date: Fri, 20 Nov 2026 08:00:00 GMT"), 1795161600);
	assert_int_equal(date("Date: yesterday"), 0);
	assert_int_equal(date("Date:"), 0);
	assert_int_equal(date("Date: Thu, 01 Jan 1960 00:00:00 GMT"), 0);
	assert_int_equal(date("X: y"), 0);
}

static void of_an_answer_in_front_nothing_is_kept(void **state _unused_)
{
	_cleanup_(http_answer_wipe) struct http_answer a = {};

	ask_once((struct act){ .says = "HTTP/1.1 100 Continue\r\nRetry-After: 9\r\nrequest-id: one\r\nLocation: /x\r\n"
				       "Date: Fri, 20 Nov 2026 08:00:00 GMT\r\n"
				       "Content-Type: application/json\r\n\r\n" EMPTY },
		 &patch, &a);
	assert_int_equal(a.end, HTTP_ANSWERED);
	assert_int_equal(a.status, 204);
	assert_int_equal(a.retry_after, -1);
	assert_string_equal(a.request_id, "");
	assert_string_equal(a.location, "");
	assert_int_equal(a.date, 0);
	assert_false(a.json);
}

static void M5_an_answer_has_a_largest_size(void **state _unused_)
{
	_cleanup_(http_answer_wipe) struct http_answer a = {}, b = {}, c = {};
	char says[96];

	snprintf(says, sizeof(says), "HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n", HTTP_BODY_MAX);
	ask_once((struct act){ .says = says, .more = HTTP_BODY_MAX }, &get, &a);
	assert_int_equal(a.end, HTTP_ANSWERED);
	assert_int_equal(a.len, HTTP_BODY_MAX);
	assert_int_equal(a.body[HTTP_BODY_MAX], 0);
	snprintf(says, sizeof(says), "HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n", HTTP_BODY_MAX + 1);
	ask_once((struct act){ .says = says, .more = HTTP_BODY_MAX + 1 }, &get, &b);
	assert_int_equal(b.end, HTTP_LOST);
	assert_true(b.sent);
	assert_non_null(strstr(b.said, "1048576 bytes"));
	/* One that does not say how long it is. */
	ask_once((struct act){ .says = "HTTP/1.1 200 OK\r\n\r\n", .more = 4 * HTTP_BODY_MAX, .then = ENDS }, &get, &c);
	assert_int_equal(c.end, HTTP_LOST);
	assert_true(c.len <= HTTP_BODY_MAX);
}

static void M5_and_F28_no_redirect_is_followed(void **state _unused_)
{
	static const int codes[] = { 301, 302, 303, 307, 308 };

	for (size_t i = 0; i < ARRAY_SIZE(codes); i++) {
		_cleanup_(http_answer_wipe) struct http_answer a = {};
		char says[128];

		snprintf(says, sizeof(says), "HTTP/1.1 %d Moved\r\nLocation: /elsewhere\r\nContent-Length: 0\r\n\r\n", codes[i]);
		/* That there is one request only is found there. */
		ask_once((struct act){ .says = says }, i % 2 ? &patch : &get, &a);
		assert_int_equal(a.end, HTTP_ANSWERED);
		assert_int_equal(a.status, codes[i]);
		assert_string_equal(a.location, "/elsewhere");
	}
}

/* ---- who is to be trusted ---- */

static void refuses(struct play p, enum http_end end)
{
	const struct act act = { .says = EMPTY };
	_cleanup_(http_answer_wipe) struct http_answer a = {};
	struct http_request q = patch;

	p.acts = &act;
	p.n = 1;
	q.token = "token";
	{
		_cleanup_(server_stop) struct server s = server_start(&p);

		ask(&s, &q, &a);
		assert_int_equal(a.end, end);
		assert_false(a.sent);
		assert_int_equal(a.status, 0);
		assert_string_not_equal(a.said, "");
		assert_int_equal(s.seen->requests, 0);
	}
}

static void W12_and_F38_no_wrong_certificate_is_trusted(void **state _unused_)
{
	refuses((struct play){ .identity = SELF_SIGNED }, HTTP_UNTRUSTED);
	refuses((struct play){ .identity = EXPIRED }, HTTP_UNTRUSTED);
	refuses((struct play){ .identity = NOT_YET }, HTTP_UNTRUSTED);
	refuses((struct play){ .identity = ANOTHER_NAME }, HTTP_UNTRUSTED);
}

static void W12_an_old_TLS_is_not_spoken(void **state _unused_)
{
	const struct act act = { .says = EMPTY };
	const struct play p = { .newest = TLS1_2_VERSION, .acts = &act, .n = 1 };
	_cleanup_(server_stop) struct server s = server_start(&p);
	_cleanup_(http_answer_wipe) struct http_answer a = {};

	ask(&s, &patch, &a);
	assert_int_equal(a.end, HTTP_ANSWERED);
	refuses((struct play){ .newest = TLS1_1_VERSION }, HTTP_NOT_SENT);
	refuses((struct play){ .newest = TLS1_VERSION }, HTTP_NOT_SENT);
}

static void W12_nothing_is_said_without_TLS(void **state _unused_)
{
	refuses((struct play){ .manner = PLAIN }, HTTP_NOT_SENT);
}

/* ---- F25 and F26: was it sent? ---- */

static void F25_what_has_not_left_was_not_sent(void **state _unused_)
{
	_cleanup_(http_answer_wipe) struct http_answer a = {};
	char host[32];
	int listener = listen_somewhere(host);
	_cleanup_(http_closep) struct http *h = client_of(host, "", -1);

	close(listener);
	http_ask(h, &patch, &a);
	assert_int_equal(a.end, HTTP_NOT_SENT);
	assert_false(a.sent);
	refuses((struct play){ .manner = CUTS_BEFORE_TLS }, HTTP_NOT_SENT);
}

static void F26_and_W9_what_was_lost_may_have_been_done(void **state _unused_)
{
	is_lost((struct act){ .says = "", .then = CUTS }, &patch);
	is_lost((struct act){ .says = "", .then = ENDS }, &patch);
	is_lost((struct act){ .says = "HTTP/1.1 20", .then = CUTS }, &patch);
	is_lost((struct act){ .says = "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{\"a\":", .then = CUTS }, &patch);
	is_lost((struct act){ .says = "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{\"a\":", .then = ENDS }, &patch);
	is_lost((struct act){ .says = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\n{\"a", .then = CUTS }, &patch);
	is_lost((struct act){ .says = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n", .then = ENDS }, &patch);
	is_lost((struct act){ .says = "HTTP/1.1 200 OK\r\nContent-Type: te", .then = CUTS }, &patch);
	is_lost((struct act){ .says = "HTTP/1.1 204 No Content\r\n", .then = ENDS }, &patch);
	is_lost((struct act){ .says = "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 204 No Content\r\n", .then = CUTS }, &patch);
	is_lost((struct act){ .says = "HTTP/1.1 100 Continue\r\n\r\n", .then = CUTS }, &patch);
	is_lost((struct act){ .says = "hello\r\n", .then = ENDS }, &patch);
}

/* Only that it is whole JSON can tell: libcurl takes any end of the connection for the end of what says no length. */
static void an_answer_without_a_length_seems_whole(void **state _unused_)
{
	answers((struct act){ .says = "HTTP/1.1 200 OK\r\n\r\n{\"a\":", .then = CUTS }, &get, 200, "{\"a\":");
}

static void F26_an_upload_that_is_cut_was_sent_in_part(void **state _unused_)
{
	const size_t len = 8 * 1024 * 1024;
	const struct play p = { .manner = CUTS_UPLOADS };
	_cleanup_(server_stop) struct server s = server_start(&p);
	_cleanup_(http_answer_wipe) struct http_answer a = {};
	_cleanup_(freep) char *large = malloc(len);
	struct http_request q = patch;

	assert_non_null(large);
	memset(large, ' ', len);
	q.body = large;
	q.len = len;
	ask(&s, &q, &a);
	assert_int_equal(a.end, HTTP_LOST);
	assert_true(a.sent);
	assert_int_equal(s.seen->requests, 1);
	assert_false(saw(s.seen->head[0], "\r\nExpect:"));
}

/* Milliseconds that it took. */
static int64_t timed(const struct play *p, const struct http_request *q, int peer, struct http_answer *ret, unsigned int requests)
{
	_cleanup_(server_stop) struct server s = server_start(p);
	_cleanup_(http_closep) struct http *h = client_of(s.host, "", peer);
	struct http_request timely = *q;
	int64_t start = boot_ms();

	if (timely.until)
		timely.until += start;
	http_ask(h, &timely, ret);
	assert_int_equal(s.seen->requests, requests);
	return boot_ms() - start;
}

static void F26_a_slow_answer_ends_in_time(void **state _unused_)
{
	const struct act acts[] = { { .says = "", .then = STALLS }, { .says = "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n{", .then = STALLS } };
	struct http_request q = patch;

	q.until = 400;
	for (size_t i = 0; i < ARRAY_SIZE(acts); i++) {
		const struct play p = { .acts = &acts[i], .n = 1 };
		_cleanup_(http_answer_wipe) struct http_answer a = {};

		assert_in_range(timed(&p, &q, -1, &a, 1), 300, 1500);
		assert_int_equal(a.end, HTTP_LOST);
		assert_true(a.sent);
	}
}

/* In place of libc's: a name server that says nothing for some time. An address is not looked for here. */
__attribute__((visibility("default"))) int getaddrinfo(const char *name _unused_, const char *service _unused_,
						       const struct addrinfo *hints _unused_, struct addrinfo **ret _unused_)
{
	sleep(3);
	return EAI_AGAIN;
}

static void F25_a_slow_name_server_ends_in_time(void **state _unused_)
{
	_cleanup_(http_answer_wipe) struct http_answer a = {};
	struct http *h = client_of(ORIGIN, "", -1);
	struct http_request q = patch;
	int64_t start = boot_ms();

	q.until = start + 400;
	http_ask(h, &q, &a);
	http_close(h);
	assert_in_range(boot_ms() - start, 300, 1500);
	assert_int_equal(a.end, HTTP_NOT_SENT);
	assert_false(a.sent);
}

/* Who asked has stopped waiting: what is written now would be told to nobody. */
static void what_is_too_late_is_not_sent(void **state _unused_)
{
	const struct act act = { .says = EMPTY };
	const struct play p = { .acts = &act, .n = 1 };
	_cleanup_(server_stop) struct server s = server_start(&p);
	_cleanup_(http_closep) struct http *h = client(&s);

	assert_int_equal(end_of(h, &get), HTTP_ANSWERED);
	for (int64_t late = 0; late < 3; late++) {
		struct http_request q = { .method = "GET", .path = "/late", .until = boot_ms() - late };

		assert_int_equal(end_of(h, &q), HTTP_NOT_SENT);
	}
	assert_int_equal(s.seen->requests, 1);
}

static void a_transfer_is_given_up_when_its_peer_goes(void **state _unused_)
{
	const struct act act = { .says = "", .then = STALLS };
	const struct play p = { .acts = &act, .n = 1 };
	_cleanup_(http_answer_wipe) struct http_answer a = {};
	int peer[2];
	pid_t other;

	assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, peer), 0);
	other = child();
	if (other == 0) {
		usleep(300000);
		_exit(0);
	}
	close(peer[1]);
	assert_in_range(timed(&p, &get, peer[0], &a, 1), 200, 4000);
	assert_int_equal(a.end, HTTP_GIVEN_UP);
	assert_true(a.sent);
	waitpid(other, NULL, 0);
	close(peer[0]);
}

static void for_a_peer_that_is_gone_only_an_effect_is_sent(void **state _unused_)
{
	const struct act act = { .says = EMPTY };
	const struct play p = { .acts = &act, .n = 1 };
	_cleanup_(http_answer_wipe) struct http_answer a = {}, b = {};
	int peer[2];

	assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, peer), 0);
	close(peer[1]);
	timed(&p, &get, peer[0], &a, 0);
	assert_int_equal(a.end, HTTP_GIVEN_UP);
	assert_false(a.sent);
	timed(&p, &patch, peer[0], &b, 1);
	assert_int_equal(b.end, HTTP_ANSWERED);
	close(peer[0]);
}

/* ---- kept connections ---- */

static void a_connection_is_kept(void **state _unused_)
{
	const struct act act = { .says = FINE };
	const struct play p = { .acts = &act, .n = 1 };
	_cleanup_(server_stop) struct server s = server_start(&p);
	_cleanup_(http_closep) struct http *h = client(&s);

	for (unsigned int i = 0; i < 4; i++)
		assert_int_equal(end_of(h, &get), HTTP_ANSWERED);
	assert_int_equal(s.seen->connections, 1);
	assert_int_equal(s.seen->requests, 4);
}

/* The second request is read and answered by an end, as by a server that gives an idle connection up. */
static const struct act gives_up[] = { { .says = FINE }, { .says = "", .then = CUTS }, { .says = FINE } };
static const struct play impatient = { .acts = gives_up, .n = ARRAY_SIZE(gives_up) };

static void F26_an_effect_is_never_sent_twice(void **state _unused_)
{
	static const char *const methods[] = { "PATCH", "POST", "GET" };

	for (size_t i = 0; i < ARRAY_SIZE(methods); i++) {
		_cleanup_(server_stop) struct server s = server_start(&impatient);
		_cleanup_(http_closep) struct http *h = client(&s);
		_cleanup_(http_answer_wipe) struct http_answer a = {};
		struct http_request q = patch;

		q.method = methods[i];
		assert_int_equal(end_of(h, &get), HTTP_ANSWERED);
		http_ask(h, &q, &a);
		assert_int_equal(a.end, HTTP_LOST);
		assert_true(a.sent);
		assert_int_equal(s.seen->requests, 2);
		assert_int_equal(s.seen->connections, 2);
	}
}

/* A connection that an effect was sent by is kept as well, and is no way for the next one. */
static void F26_nor_is_the_second_effect(void **state _unused_)
{
	_cleanup_(server_stop) struct server s = server_start(&impatient);
	_cleanup_(http_closep) struct http *h = client(&s);

	assert_int_equal(end_of(h, &patch), HTTP_ANSWERED);
	assert_int_equal(end_of(h, &patch), HTTP_LOST);
	assert_int_equal(s.seen->requests, 2);
}

static void what_has_no_effect_is_asked_again(void **state _unused_)
{
	_cleanup_(server_stop) struct server s = server_start(&impatient);
	_cleanup_(http_closep) struct http *h = client(&s);

	assert_int_equal(end_of(h, &get), HTTP_ANSWERED);
	assert_int_equal(end_of(h, &get), HTTP_ANSWERED);
	assert_int_equal(s.seen->requests, 3);
	assert_int_equal(s.seen->connections, 2);
}

static void a_connection_that_ended_meanwhile_is_no_matter(void **state _unused_)
{
	static const struct act act = { .says = FINE, .then = ENDS };
	const struct play p = { .acts = &act, .n = 1 };
	_cleanup_(server_stop) struct server s = server_start(&p);
	_cleanup_(http_closep) struct http *h = client(&s);

	for (unsigned int i = 0; i < 4; i++) {
		assert_int_equal(end_of(h, i % 2 ? &patch : &get), HTTP_ANSWERED);
		usleep(50000);
	}
	assert_int_equal(s.seen->requests, 4);
}

/* On a kept connection there is no TLS handshake to tell by that something has left. */
static void what_is_lost_on_a_kept_connection_was_sent(void **state _unused_)
{
	static const struct act acts[] = { { .says = FINE }, { .says = "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n{", .then = CUTS } };
	const struct play p = { .acts = acts, .n = ARRAY_SIZE(acts) };
	_cleanup_(server_stop) struct server s = server_start(&p);
	_cleanup_(http_closep) struct http *h = client(&s);
	_cleanup_(http_answer_wipe) struct http_answer a = {};

	assert_int_equal(end_of(h, &get), HTTP_ANSWERED);
	http_ask(h, &get, &a);
	assert_int_equal(s.seen->connections, 1);
	assert_int_equal(a.end, HTTP_LOST);
	assert_true(a.sent);
}

static void what_nobody_asked_for_is_no_answer(void **state _unused_)
{
	static const struct act acts[] = { { .says = FINE "HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nevil" }, { .says = FINE } };
	const struct play p = { .acts = acts, .n = ARRAY_SIZE(acts) };
	_cleanup_(server_stop) struct server s = server_start(&p);
	_cleanup_(http_closep) struct http *h = client(&s);
	_cleanup_(http_answer_wipe) struct http_answer a = {};

	assert_int_equal(end_of(h, &get), HTTP_ANSWERED);
	http_ask(h, &get, &a);
	assert_int_equal(a.end, HTTP_ANSWERED);
	assert_string_equal(a.body, "{}");
}

/* ---- what the environment says ---- */

static void a_proxy_of_the_environment_is_ignored(void **state _unused_)
{
	static const char *const names[] = { "https_proxy", "HTTPS_PROXY", "http_proxy", "all_proxy", "ALL_PROXY" };
	char host[32], proxy[64];
	int listener = listen_somewhere(host);

	close(listener);
	snprintf(proxy, sizeof(proxy), "http://%s", host);
	for (size_t i = 0; i < ARRAY_SIZE(names); i++)
		setenv(names[i], proxy, 1);
	answers((struct act){ .says = FINE }, &get, 200, "{}");
	for (size_t i = 0; i < ARRAY_SIZE(names); i++)
		unsetenv(names[i]);
}

static void no_netrc_and_no_cookie(void **state _unused_)
{
	static const struct act act = { .says = "HTTP/1.1 401 No\r\nWWW-Authenticate: Basic realm=\"x\"\r\nSet-Cookie: a=b; Path=/\r\n"
						"Content-Length: 0\r\n\r\n" };
	const struct play p = { .acts = &act, .n = 1 };
	_cleanup_(server_stop) struct server s = server_start(&p);
	_cleanup_(http_closep) struct http *h = client(&s);
	char path[64];
	FILE *f;

	snprintf(path, sizeof(path), "%s/.netrc", folder);
	f = fopen(path, "we");
	assert_non_null(f);
	fputs("machine 127.0.0.1 login monica password secret\ndefault login monica password secret\n", f);
	fclose(f);
	setenv("HOME", folder, 1);
	assert_int_equal(end_of(h, &get), HTTP_ANSWERED);
	assert_int_equal(end_of(h, &get), HTTP_ANSWERED);
	unlink(path);
	assert_int_equal(s.seen->requests, 2);
	assert_false(saw(s.seen->head[0], "Authorization:"));
	assert_false(saw(s.seen->head[1], "Authorization:"));
	assert_false(saw(s.seen->head[1], "Cookie:"));
}

/* ---- a proxy of the configuration ---- */

static void ask_by_proxy(const struct play *p, struct seen *ret_seen, struct http_answer *ret)
{
	_cleanup_(server_stop) struct server s = server_start(p);
	_cleanup_(http_closep) struct http *h = NULL;
	struct http_request q = patch;
	char proxy[64];

	snprintf(proxy, sizeof(proxy), "http://%s", s.host);
	setenv("no_proxy", "*", 1);
	h = client_of(ORIGIN, proxy, -1);
	q.token = "token";
	http_ask(h, &q, ret);
	unsetenv("no_proxy");
	*ret_seen = *s.seen;
}

#define TUNNEL "HTTP/1.1 200 Connection established\r\nRetry-After: 9\r\nrequest-id: proxy\r\nDate: Fri, 20 Nov 2026 08:00:00 GMT\r\n\r\n"

static void a_configured_proxy_is_used(void **state _unused_)
{
	static const struct act act = { .says = EMPTY };
	const struct play p = { .proxy = TUNNEL, .acts = &act, .n = 1 };
	_cleanup_(http_answer_wipe) struct http_answer a = {};
	struct seen seen;

	ask_by_proxy(&p, &seen, &a);
	assert_int_equal(a.end, HTTP_ANSWERED);
	assert_int_equal(a.status, 204);
	assert_int_equal(a.retry_after, -1);
	assert_string_equal(a.request_id, "");
	assert_int_equal(a.date, 0);
	assert_true(begins(seen.connect, "CONNECT " ORIGIN ":443 HTTP/1.1\r\n"));
	assert_false(saw(seen.connect, "Bearer"));
	assert_true(saw(seen.head[0], "Bearer token"));
}

/* What the proxy has heard is not what the server has heard. */
static void F25_what_ends_at_the_proxy_was_not_sent(void **state _unused_)
{
	static const struct {
		struct play p;
		enum http_end end;
	} rows[] = {
		{ { .proxy = "HTTP/1.1 403 Forbidden\r\nRetry-After: 9\r\nContent-Length: 0\r\n\r\n" }, HTTP_NOT_SENT },
		{ { .proxy = "HTTP/1.1 407 Proxy Authentication Required\r\nContent-Length: 0\r\n\r\n" }, HTTP_NOT_SENT },
		{ { .proxy = "", .manner = CUTS_BEFORE_TLS }, HTTP_NOT_SENT },
		{ { .proxy = TUNNEL, .manner = CUTS_BEFORE_TLS }, HTTP_NOT_SENT },
		{ { .proxy = TUNNEL, .identity = SELF_SIGNED }, HTTP_UNTRUSTED },
		{ { .proxy = TUNNEL, .identity = ANOTHER_NAME }, HTTP_UNTRUSTED },
		{ { .proxy = TUNNEL, .newest = TLS1_1_VERSION }, HTTP_NOT_SENT },
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		_cleanup_(http_answer_wipe) struct http_answer a = {};
		struct seen seen;

		ask_by_proxy(&rows[i].p, &seen, &a);
		if (a.end != rows[i].end || a.sent)
			fail_msg("%zu: %d, sent %d: %s", i, a.end, a.sent, a.said);
		assert_int_equal(seen.requests, 0);
		assert_int_equal(a.status, 0);
		assert_int_equal(a.retry_after, -1);
	}
}

static void F26_what_is_lost_behind_the_proxy_was_sent(void **state _unused_)
{
	static const struct act act = { .says = "", .then = CUTS };
	const struct play p = { .proxy = TUNNEL, .acts = &act, .n = 1 };
	_cleanup_(http_answer_wipe) struct http_answer a = {};
	struct seen seen;

	ask_by_proxy(&p, &seen, &a);
	assert_int_equal(a.end, HTTP_LOST);
	assert_true(a.sent);
	assert_int_equal(seen.requests, 1);
}

/* ---- without a server ---- */

static void what_cannot_be_asked_is_impossible(void **state _unused_)
{
	static const char *const hosts[] = { "", "a/b", "monica@a", "a?b", "a#b", "a\\b", "a b" };
	_cleanup_(freep) char *longest = malloc(16384);
	_cleanup_(http_closep) struct http *h = client_of("127.0.0.1:1", "", -1), *none = NULL;
	struct http_request q = get;

	for (size_t i = 0; i < ARRAY_SIZE(hosts); i++) {
		const struct http_place place = { .trust = trust, .host = hosts[i], .proxy = "", .peer = -1 };

		assert_int_equal(http_open(&place, &none), -EINVAL);
	}
	memset(longest, 'x', 16383);
	longest[16383] = 0;
	q.path = "v1.0";
	assert_int_equal(end_of(h, &q), HTTP_IMPOSSIBLE);
	longest[0] = '/';
	q.path = longest;
	assert_int_equal(end_of(h, &q), HTTP_IMPOSSIBLE);
	q.path = "/";
	q.token = longest;
	assert_int_equal(end_of(h, &q), HTTP_IMPOSSIBLE);
}

static void an_escaped_text_is_one_segment(void **state _unused_)
{
	static const char text[] = "aZ09-._~ /?&=%+'@\xc3\xb6\x01";
	static const char escaped[] = "aZ09-._~%20%2F%3F%26%3D%25%2B%27%40%C3%B6%01";
	char b[64];

	assert_int_equal(http_escape(text, b, sizeof(b)), 0);
	assert_string_equal(b, escaped);
	assert_int_equal(http_escape("", b, sizeof(b)), 0);
	assert_string_equal(b, "");
	for (size_t size = 0; size < sizeof(escaped) + 1; size++) {
		_cleanup_(freep) char *exact = malloc(size ? size : 1);

		assert_int_equal(http_escape(text, exact, size), size < sizeof(escaped) ? -EMSGSIZE : 0);
	}
}

/* Of the machine: what it forbids would hide whether we do. */
static bool allow_old_TLS(void)
{
	static const char conf[] = "openssl_conf = a\n[a]\nssl_conf = b\n[b]\nsystem_default = c\n[c]\nMinProtocol = TLSv1\n"
				   "CipherString = DEFAULT@SECLEVEL=0\n";
	char path[64];
	FILE *f;

	snprintf(path, sizeof(path), "%s/openssl.cnf", folder);
	f = fopen(path, "we");
	if (!f)
		return false;
	fputs(conf, f);
	return fclose(f) == 0 && setenv("OPENSSL_CONF", path, 1) == 0;
}

static void clean(void)
{
	char path[64];

	snprintf(path, sizeof(path), "%s/openssl.cnf", folder);
	unlink(path);
	rmdir(folder);
}

static bool loopback_is_there(void)
{
	char host[32];
	_cleanup_(closep) int fd = listen_somewhere(host);

	return fd >= 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_answer_comes_whole),
		cmocka_unit_test(a_request_goes_as_it_was_asked_for),
		cmocka_unit_test(a_post_without_a_body_has_no_type),
		cmocka_unit_test(F28_an_answer_tells_whether_it_is_JSON),
		cmocka_unit_test(a_request_id_is_kept_and_printable),
		cmocka_unit_test(F23_retry_after_is_a_sane_number_or_none),
		cmocka_unit_test(the_clock_of_the_server_is_told),
		cmocka_unit_test(of_an_answer_in_front_nothing_is_kept),
		cmocka_unit_test(M5_an_answer_has_a_largest_size),
		cmocka_unit_test(M5_and_F28_no_redirect_is_followed),
		cmocka_unit_test(W12_and_F38_no_wrong_certificate_is_trusted),
		cmocka_unit_test(W12_an_old_TLS_is_not_spoken),
		cmocka_unit_test(W12_nothing_is_said_without_TLS),
		cmocka_unit_test(F25_what_has_not_left_was_not_sent),
		cmocka_unit_test(F26_and_W9_what_was_lost_may_have_been_done),
		cmocka_unit_test(an_answer_without_a_length_seems_whole),
		cmocka_unit_test(F26_an_upload_that_is_cut_was_sent_in_part),
		cmocka_unit_test(F26_a_slow_answer_ends_in_time),
		cmocka_unit_test(F25_a_slow_name_server_ends_in_time),
		cmocka_unit_test(what_is_too_late_is_not_sent),
		cmocka_unit_test(a_transfer_is_given_up_when_its_peer_goes),
		cmocka_unit_test(for_a_peer_that_is_gone_only_an_effect_is_sent),
		cmocka_unit_test(a_connection_is_kept),
		cmocka_unit_test(F26_an_effect_is_never_sent_twice),
		cmocka_unit_test(F26_nor_is_the_second_effect),
		cmocka_unit_test(what_has_no_effect_is_asked_again),
		cmocka_unit_test(a_connection_that_ended_meanwhile_is_no_matter),
		cmocka_unit_test(what_is_lost_on_a_kept_connection_was_sent),
		cmocka_unit_test(what_nobody_asked_for_is_no_answer),
		cmocka_unit_test(a_proxy_of_the_environment_is_ignored),
		cmocka_unit_test(no_netrc_and_no_cookie),
		cmocka_unit_test(a_configured_proxy_is_used),
		cmocka_unit_test(F25_what_ends_at_the_proxy_was_not_sent),
		cmocka_unit_test(F26_what_is_lost_behind_the_proxy_was_sent),
		cmocka_unit_test(what_cannot_be_asked_is_impossible),
		cmocka_unit_test(an_escaped_text_is_one_segment),
	};
	int failed;

	/* The word of automake for what is skipped. */
	if (!loopback_is_there())
		return 77;
	if (!mkdtemp(folder) || !allow_old_TLS() || prctl(PR_SET_CHILD_SUBREAPER, 1) < 0)
		return 1;
	failed = cmocka_run_group_tests(tests, make_identities, free_identities);
	clean();
	return failed;
}
