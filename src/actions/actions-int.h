// SPDX-License-Identifier: Apache-2.0
// Inside of the client: one service, its entries, and calls that are tried again.
#pragma once

#include "actions/actions.h"
#include "base/err.h"
#include "base/map.h"
#include "base/slots.h"
#include "registry/http.h"
#include "registry/origin.h"
#include <pthread.h>

struct actions {
	struct blob_origin origin; // first: it is one
	struct http *http;
	char *url; // with a slash at its end
	char *source;
	char *authorization;
	const char *host; // in source
	bool v2;
	struct strv readable;
	char *writable;
	int64_t timeout_ns;

	pthread_mutex_t lock; // over what follows
	struct map there;     // keys of blobs that are known to be there
	struct map begun;     // keys of blobs to their struct reservation: begun and not ended
	struct err refused;   // why nothing can be written (any more); no kind: it can
	struct slots blocks;  // under way
};

// The refs of a token: its claim "ac", a JSON text in the JSON. Without one those of the
// environment.
void token_scopes(const char *token, struct strv *ret_readable, char **ret_writable);

// ---- calls (service.c)
// One request, tried again while what is wrong may pass and there is patience. 0 with any other
// status.
int service_request(struct actions *a, const struct http_request *rq, struct patience *p,
        struct http_response *ret, struct err *e);
// The same to the service itself: with the token. body NULL: none.
int service_call(struct actions *a, const char *method, const char *path, const struct buf *body,
        struct patience *p, struct http_response *ret, struct err *e);
// Says why that answer is a refusal. Always -1.
int service_refused(
        struct actions *a, const struct http_response *rs, const char *what, struct err *e);
#define service_refused(...) ERR_VALUE(service_refused(__VA_ARGS__))
// Sleeps for so long; -1: cancelled.
int service_wait(int64_t ms, struct err *e);

// ---- entries (entry.c)
// The newest entry whose key begins with this, an exact match before all: its whole key (or NULL:
// no matter) and a URL that needs no credentials. Caller frees. 1 found, 0 not, -1.
int actions_find(struct actions *a, const char *key, struct patience *p, char **ret_key,
        char **ret_url, struct err *e);
// The same with what is in it, at most max bytes.
int actions_read(struct actions *a, const char *key, size_t max, struct patience *p, char **ret_key,
        struct buf *ret, struct err *e);
// An entry out of memory. 1 written, 0: there is one with that key, or somebody is writing it; -1.
int actions_write(struct actions *a, const char *key, const void *data, size_t n,
        struct patience *p, struct err *e);
struct reservation {
	char *key; // of the entry
	char *url; // where its bytes go
};
void reservation_free(struct reservation *r); // NULL is fine
// 1 reserved, 0: there is one, or somebody is writing it; -1.
int entry_reserve(struct actions *a, const char *key, uint64_t size, struct patience *p,
        struct reservation **ret, struct err *e);
int entry_finish(struct actions *a, const struct reservation *r, uint64_t size, struct patience *p,
        struct err *e);

// ---- bytes (upload.c)
struct body {
	const void *data; // or
	int fd;
	uint64_t size;
	void (*sent)(void *arg, uint64_t bytes);
	void *arg;
};
int upload_bytes(struct actions *a, const struct reservation *r, const struct body *b,
        struct patience *p, struct err *e);
