// SPDX-License-Identifier: LGPL-2.1-or-later
#include "deliver/transfer.h"

#include <curl/curl.h>
#include <errno.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509_vfy.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/text.h"

struct transfer {
	X509_STORE *trusted;
};

/* One mail on its way. */
struct sending {
	const struct transfer *transfer;
	const struct transfer_mail *mail;
	size_t sent;
	bool read_to_end;
	char line[TRANSFER_SAID]; /* the server's last */
	char error[CURL_ERROR_SIZE];
};

static void curlp(CURL **c)
{
	curl_easy_cleanup(*c);
}

static void slistp(struct curl_slist **l)
{
	curl_slist_free_all(*l);
}

void transfer_close(struct transfer *t)
{
	if (t)
		X509_STORE_free(t->trusted);
	free(t);
}

static void transferp(struct transfer **t)
{
	transfer_close(*t);
}

int transfer_open(const char *ca_file, struct transfer **ret)
{
	_cleanup_(transferp) struct transfer *t = calloc(1, sizeof(*t));
	int ok;

	if (!t || curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK)
		return -ENOMEM;
	t->trusted = X509_STORE_new();
	if (!t->trusted)
		return -ENOMEM;
	ok = *ca_file ? X509_STORE_load_file(t->trusted, ca_file) : X509_STORE_set_default_paths(t->trusted);
	ERR_clear_error();
	if (ok != 1)
		return -EINVAL;
	*ret = TAKE_PTR(t);
	return 0;
}

static CURLcode on_tls(CURL *curl _unused_, void *context, void *user)
{
	const struct sending *s = user;

	SSL_CTX_set1_cert_store(context, s->transfer->trusted);
	return CURLE_OK;
}

static size_t on_read(char *to, size_t size, size_t n, void *user)
{
	struct sending *s = user;
	size_t left = s->mail->len - s->sent, room = size * n, take = left < room ? left : room;

	memcpy(to, s->mail->text + s->sent, take);
	s->sent += take;
	if (take == 0)
		s->read_to_end = true;
	return take;
}

static size_t on_line(char *line, size_t size, size_t n, void *user)
{
	struct sending *s = user;

	/* libcurl says QUIT after a refusal; the answer to that tells nothing. */
	if (size * n < 3 || memcmp(line, "221", 3) != 0)
		text_clean(line, size * n, s->line, sizeof(s->line));
	return size * n;
}

static size_t on_data(char *data _unused_, size_t size, size_t n, void *user _unused_)
{
	return size * n;
}

static int on_progress(void *user, curl_off_t dltotal _unused_, curl_off_t dlnow _unused_, curl_off_t ultotal _unused_,
		       curl_off_t ulnow _unused_)
{
	const struct sending *s = user;
	struct pollfd peer = { .fd = s->mail->peer };

	return poll(&peer, 1, 0) > 0 && (peer.revents & POLLHUP);
}

/* A handle that trusts nothing but what it was given, whatever the environment says. */
static bool harden(CURL *c, struct sending *s)
{
	return curl_easy_setopt(c, CURLOPT_PROTOCOLS_STR, "smtp,smtps") == CURLE_OK &&
	       curl_easy_setopt(c, CURLOPT_USE_SSL, (long)CURLUSESSL_ALL) == CURLE_OK &&
	       curl_easy_setopt(c, CURLOPT_SSL_VERIFYPEER, 1L) == CURLE_OK &&
	       curl_easy_setopt(c, CURLOPT_SSL_VERIFYHOST, 2L) == CURLE_OK &&
	       curl_easy_setopt(c, CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2) == CURLE_OK &&
	       curl_easy_setopt(c, CURLOPT_CAINFO, NULL) == CURLE_OK &&
	       curl_easy_setopt(c, CURLOPT_CAPATH, NULL) == CURLE_OK &&
	       curl_easy_setopt(c, CURLOPT_SSL_CTX_FUNCTION, on_tls) == CURLE_OK &&
	       curl_easy_setopt(c, CURLOPT_SSL_CTX_DATA, s) == CURLE_OK &&
	       curl_easy_setopt(c, CURLOPT_PROXY, "") == CURLE_OK &&
	       curl_easy_setopt(c, CURLOPT_NETRC, (long)CURL_NETRC_IGNORED) == CURLE_OK &&
	       curl_easy_setopt(c, CURLOPT_DISALLOW_USERNAME_IN_URL, 1L) == CURLE_OK &&
	       curl_easy_setopt(c, CURLOPT_NOSIGNAL, 1L) == CURLE_OK &&
	       curl_easy_setopt(c, CURLOPT_CONNECTTIMEOUT_MS, (long)TRANSFER_CONNECT_MS) == CURLE_OK &&
	       curl_easy_setopt(c, CURLOPT_TIMEOUT_MS, (long)TRANSFER_MS) == CURLE_OK &&
	       curl_easy_setopt(c, CURLOPT_VERBOSE, 0L) == CURLE_OK;
}

static bool listen_to(CURL *c, struct sending *s)
{
	return curl_easy_setopt(c, CURLOPT_ERRORBUFFER, s->error) == CURLE_OK &&
	       curl_easy_setopt(c, CURLOPT_HEADERFUNCTION, on_line) == CURLE_OK &&
	       curl_easy_setopt(c, CURLOPT_HEADERDATA, s) == CURLE_OK &&
	       curl_easy_setopt(c, CURLOPT_WRITEFUNCTION, on_data) == CURLE_OK &&
	       curl_easy_setopt(c, CURLOPT_XFERINFOFUNCTION, on_progress) == CURLE_OK &&
	       curl_easy_setopt(c, CURLOPT_XFERINFODATA, s) == CURLE_OK &&
	       curl_easy_setopt(c, CURLOPT_NOPROGRESS, s->mail->peer < 0 ? 1L : 0L) == CURLE_OK;
}

static bool address(CURL *c, const struct transfer_mail *mail, struct curl_slist *to)
{
	return curl_easy_setopt(c, CURLOPT_URL, mail->server) == CURLE_OK &&
	       curl_easy_setopt(c, CURLOPT_MAIL_FROM, mail->from) == CURLE_OK &&
	       curl_easy_setopt(c, CURLOPT_MAIL_RCPT, to) == CURLE_OK;
}

static bool upload(CURL *c, struct sending *s)
{
	return curl_easy_setopt(c, CURLOPT_UPLOAD, 1L) == CURLE_OK &&
	       curl_easy_setopt(c, CURLOPT_READFUNCTION, on_read) == CURLE_OK &&
	       curl_easy_setopt(c, CURLOPT_READDATA, s) == CURLE_OK;
}

static bool authenticate(CURL *c, const struct transfer_mail *mail)
{
	return !mail->user || (curl_easy_setopt(c, CURLOPT_USERNAME, mail->user) == CURLE_OK &&
			       curl_easy_setopt(c, CURLOPT_PASSWORD, mail->password->b) == CURLE_OK);
}

static enum transfer_end end_of(CURLcode code)
{
	switch (code) {
	case CURLE_OK:
		return TRANSFER_DONE;
	case CURLE_USE_SSL_FAILED:
	case CURLE_PEER_FAILED_VERIFICATION:
	case CURLE_SSL_ISSUER_ERROR:
	case CURLE_SSL_INVALIDCERTSTATUS:
		return TRANSFER_UNTRUSTED;
	case CURLE_LOGIN_DENIED:
		return TRANSFER_LOGIN;
	case CURLE_ABORTED_BY_CALLBACK:
		return TRANSFER_GIVEN_UP;
	case CURLE_UNSUPPORTED_PROTOCOL:
	case CURLE_URL_MALFORMAT:
	case CURLE_FAILED_INIT:
	case CURLE_NOT_BUILT_IN:
	case CURLE_OUT_OF_MEMORY:
		return TRANSFER_IMPOSSIBLE;
	default:
		return TRANSFER_FAILED;
	}
}

/* A reply may quote what was sent: once that was the password or the text, only its numbers are told. */
static void report_said(const struct sending *s, struct transfer_report *ret)
{
	if (ret->reply < 400)
		text_clean(s->error, strlen(s->error), ret->said, sizeof(ret->said));
	else if (s->sent > 0 || s->mail->user)
		snprintf(ret->said, sizeof(ret->said), "%.*s", (int)strspn(s->line, "0123456789. -"), s->line);
	else
		snprintf(ret->said, sizeof(ret->said), "%s", s->line);
}

static void report(CURL *c, CURLcode code, const struct sending *s, struct transfer_report *ret)
{
	long reply = 0;

	*ret = (struct transfer_report){ .end = end_of(code) };
	curl_easy_getinfo(c, CURLINFO_RESPONSE_CODE, &reply);
	ret->reply = (int)reply;
	/* 354 has asked for the text, so the answer to the text is missing. */
	ret->handed_over = code != CURLE_OK && s->read_to_end && reply < 400;
	report_said(s, ret);
}

void transfer_mail(const struct transfer *t, const struct transfer_mail *mail, struct transfer_report *ret)
{
	_cleanup_(curlp) CURL *c = curl_easy_init();
	_cleanup_(slistp) struct curl_slist *to = curl_slist_append(NULL, mail->to);
	struct sending s = { .transfer = t, .mail = mail };

	if (c && to && harden(c, &s) && listen_to(c, &s) && address(c, mail, to) && upload(c, &s) &&
	    authenticate(c, mail))
		report(c, curl_easy_perform(c), &s, ret);
	else
		*ret = (struct transfer_report){ .end = TRANSFER_IMPOSSIBLE, .said = "libcurl lacks what is needed" };
}
