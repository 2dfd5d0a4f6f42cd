// SPDX-License-Identifier: LGPL-2.1-or-later
#include "web/trust.h"

#include <errno.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509_vfy.h>
#include <poll.h>
#include <stdlib.h>

#include "base/cleanup.h"

struct trust {
	X509_STORE *trusted;
};

void trust_close(struct trust *t)
{
	if (t)
		X509_STORE_free(t->trusted);
	free(t);
}

static void trustp(struct trust **t)
{
	trust_close(*t);
}

int trust_open(const char *ca_file, struct trust **ret)
{
	_cleanup_(trustp) struct trust *t = calloc(1, sizeof(*t));
	int ok;

	/* libcurl would write the keys of every connection to that file. */
	unsetenv("SSLKEYLOGFILE");
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

static CURLcode on_tls(CURL *curl _unused_, void *context, void *store)
{
	SSL_CTX_set1_cert_store(context, store);
	return CURLE_OK;
}

bool trust_harden(const struct trust *t, CURL *c, const char *protocols, const char *proxy)
{
	/* QUICK_EXIT: else the end of a transfer would wait for the thread that resolves a name, past every limit of time. */
	return curl_easy_setopt(c, CURLOPT_PROTOCOLS_STR, protocols) == CURLE_OK &&
	       curl_easy_setopt(c, CURLOPT_USE_SSL, (long)CURLUSESSL_ALL) == CURLE_OK &&
	       curl_easy_setopt(c, CURLOPT_SSL_VERIFYPEER, 1L) == CURLE_OK &&
	       curl_easy_setopt(c, CURLOPT_SSL_VERIFYHOST, 2L) == CURLE_OK &&
	       curl_easy_setopt(c, CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2) == CURLE_OK &&
	       curl_easy_setopt(c, CURLOPT_CAINFO, NULL) == CURLE_OK &&
	       curl_easy_setopt(c, CURLOPT_CAPATH, NULL) == CURLE_OK &&
	       curl_easy_setopt(c, CURLOPT_SSL_CTX_FUNCTION, on_tls) == CURLE_OK &&
	       curl_easy_setopt(c, CURLOPT_SSL_CTX_DATA, t->trusted) == CURLE_OK &&
	       curl_easy_setopt(c, CURLOPT_PROXY, proxy) == CURLE_OK &&
	       curl_easy_setopt(c, CURLOPT_NOPROXY, "") == CURLE_OK &&
	       curl_easy_setopt(c, CURLOPT_FOLLOWLOCATION, 0L) == CURLE_OK &&
	       curl_easy_setopt(c, CURLOPT_NETRC, (long)CURL_NETRC_IGNORED) == CURLE_OK &&
	       curl_easy_setopt(c, CURLOPT_DISALLOW_USERNAME_IN_URL, 1L) == CURLE_OK &&
	       curl_easy_setopt(c, CURLOPT_NOSIGNAL, 1L) == CURLE_OK &&
	       curl_easy_setopt(c, CURLOPT_QUICK_EXIT, 1L) == CURLE_OK &&
	       curl_easy_setopt(c, CURLOPT_CONNECTTIMEOUT_MS, (long)TRUST_CONNECT_MS) == CURLE_OK &&
	       curl_easy_setopt(c, CURLOPT_TIMEOUT_MS, (long)TRUST_TRANSFER_MS) == CURLE_OK &&
	       curl_easy_setopt(c, CURLOPT_VERBOSE, 0L) == CURLE_OK;
}

static int on_progress(void *user, curl_off_t dltotal _unused_, curl_off_t dlnow _unused_, curl_off_t ultotal _unused_,
		       curl_off_t ulnow _unused_)
{
	const int *socket = user;
	struct pollfd peer = { .fd = *socket };

	return poll(&peer, 1, 0) > 0 && (peer.revents & POLLHUP);
}

bool trust_watch(CURL *c, const int *peer)
{
	return curl_easy_setopt(c, CURLOPT_XFERINFOFUNCTION, on_progress) == CURLE_OK &&
	       curl_easy_setopt(c, CURLOPT_XFERINFODATA, peer) == CURLE_OK &&
	       curl_easy_setopt(c, CURLOPT_NOPROGRESS, *peer < 0 ? 1L : 0L) == CURLE_OK;
}

bool trust_is_untrusted(CURLcode code)
{
	switch (code) {
	case CURLE_USE_SSL_FAILED:
	case CURLE_PEER_FAILED_VERIFICATION:
	case CURLE_SSL_ISSUER_ERROR:
	case CURLE_SSL_INVALIDCERTSTATUS:
		return true;
	default:
		return false;
	}
}

bool trust_is_impossible(CURLcode code)
{
	switch (code) {
	case CURLE_UNSUPPORTED_PROTOCOL:
	case CURLE_URL_MALFORMAT:
	case CURLE_FAILED_INIT:
	case CURLE_NOT_BUILT_IN:
	case CURLE_OUT_OF_MEMORY:
		return true;
	default:
		return false;
	}
}
