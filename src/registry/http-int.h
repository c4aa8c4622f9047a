// SPDX-License-Identifier: Apache-2.0
// Inside of the HTTP layer: handles, the state of one exchange, trust anchors.
#pragma once

#include "base/err.h"
#include "registry/curl_load.h"
#include "registry/http.h"
#include "registry/url.h"
#include <pthread.h>

// An easy handle and the multi handle that drives it (and owns its connections), idle in a list.
struct http_handle {
	CURL *easy;
	CURLM *multi;
	char *origin; // last spoken to: the handle most likely to have a connection there
	struct http_handle *next;
};

// What certifies a host beside or instead of the system's authorities: certs.d/<host>/.
struct http_trust {
	char *host;
	struct buf ca;    // *.crt, concatenated; empty: none
	char *cert, *key; // client certificate; NULL: none
	struct http_trust *next;
};

struct http {
	long stall_seconds;
	pthread_mutex_t lock; // over idle and trust
	struct http_handle *idle;
	struct http_trust *trust;
	CURLSH *share; // DNS answers and TLS sessions
	pthread_mutex_t share_locks[CURL_LOCK_DATA_LAST];
	char *ca_file, *ca_path; // the system's authorities; NULL: libcurl's own
	bool has_roots;
};

// Finds the system's authorities: SSL_CERT_FILE and SSL_CERT_DIR, a hashed directory, a bundle.
void http_trust_system(struct http *h, const struct curl_api *curl);
const struct http_trust *http_trust_for(struct http *h, const char *host_port); // never NULL
void http_trust_free(struct http_trust *t);

// One exchange, as libcurl's callbacks see it.
struct http_exchange {
	struct http *http;
	const struct curl_api *curl;
	const struct http_request *rq;
	const struct url *url;
	const struct strv *own_headers; // NULL: not at this origin
	const char *authorization;      // the same
	struct http_response *rs;
	CURL *easy;
	bool sink_started, failed; // failed: *e is set by a callback
	uint64_t sent, header_bytes;
	char message[CURL_ERROR_SIZE];
	struct err *e;
};
int http_exchange_setup(struct http_exchange *x, struct curl_slist **ret_headers);
// Turns libcurl's verdict into *e and rs->failure. Always -1.
int http_exchange_failed(struct http_exchange *x, CURLcode rc);
// Starts the sink of an empty answer. Called once the exchange is over.
int http_exchange_finish(struct http_exchange *x);
