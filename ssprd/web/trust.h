// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

/*
 * What every transfer over the network has in common: certificate and host name are verified, TLS 1.2 or newer, no redirect, no
 * cookie, no .netrc, no proxy but a configured one, nothing verbose. With http.c and deliver/transfer.c the home of curl's header;
 * alone the home of openssl's ssl.h and x509_vfy.h.
 *
 * The certificates that are trusted are parsed once, in the parent: with libcurl alone every new connection would parse
 * a whole bundle, which costs more than all the rest.
 */

#include <curl/curl.h>
#include <stdbool.h>

#define TRUST_CONNECT_MS 5000
#define TRUST_TRANSFER_MS 15000

struct trust;

/* ca_file "": what the system trusts. -EINVAL when the file holds no certificates. Call it before any fork. */
int trust_open(const char *ca_file, struct trust **ret);
void trust_close(struct trust *t);

/* Makes a handle obey the above; protocols as for CURLOPT_PROTOCOLS_STR, proxy "" = none. False when libcurl lacks something. */
bool trust_harden(const struct trust *t, CURL *c, const char *protocols, const char *proxy);

/* Gives the transfer up when the other end of a socket goes away; -1 never does. The socket's place must outlive the transfer. */
bool trust_watch(CURL *c, const int *peer);

/* That a transfer failed since the server could not be trusted, or because this program is not able to. */
bool trust_is_untrusted(CURLcode code);
bool trust_is_impossible(CURLcode code);
