// SPDX-License-Identifier: LGPL-2.1-or-later
#include "deliver/transfer.h"

#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/text.h"

/* One mail on its way. */
struct sending {
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

static bool listen_to(CURL *c, struct sending *s)
{
	return curl_easy_setopt(c, CURLOPT_ERRORBUFFER, s->error) == CURLE_OK &&
	       curl_easy_setopt(c, CURLOPT_HEADERFUNCTION, on_line) == CURLE_OK &&
	       curl_easy_setopt(c, CURLOPT_HEADERDATA, s) == CURLE_OK &&
	       curl_easy_setopt(c, CURLOPT_WRITEFUNCTION, on_data) == CURLE_OK && trust_watch(c, &s->mail->peer);
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
	if (code == CURLE_OK)
		return TRANSFER_DONE;
	if (code == CURLE_LOGIN_DENIED)
		return TRANSFER_LOGIN;
	if (code == CURLE_ABORTED_BY_CALLBACK)
		return TRANSFER_GIVEN_UP;
	if (trust_is_untrusted(code))
		return TRANSFER_UNTRUSTED;
	return trust_is_impossible(code) ? TRANSFER_IMPOSSIBLE : TRANSFER_FAILED;
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

void transfer_mail(const struct trust *t, const struct transfer_mail *mail, struct transfer_report *ret)
{
	_cleanup_(curlp) CURL *c = curl_easy_init();
	_cleanup_(slistp) struct curl_slist *to = curl_slist_append(NULL, mail->to);
	struct sending s = { .mail = mail };

	if (c && to && trust_harden(t, c, "smtp,smtps", "") && listen_to(c, &s) && address(c, mail, to) && upload(c, &s) &&
	    authenticate(c, mail))
		report(c, curl_easy_perform(c), &s, ret);
	else
		*ret = (struct transfer_report){ .end = TRANSFER_IMPOSSIBLE, .said = "libcurl lacks what is needed" };
}
