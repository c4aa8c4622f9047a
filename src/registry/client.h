// SPDX-License-Identifier: Apache-2.0
// Inside of the registry client: hosts with their tokens, endpoints of a repository, calls to the
// /v2/ API with authorization and retries.
#pragma once

#include "base/err.h"
#include "base/map.h"
#include "base/slots.h"
#include "registry/challenge.h"
#include "registry/credentials.h"
#include "registry/hosts_toml.h"
#include "registry/http.h"
#include "registry/origin.h"
#include "registry/registries_conf.h"
#include "registry/registry.h"
#include "registry/retry.h"
#include <pthread.h>
#include <stdatomic.h>

struct token; // auth.c

// A registry server as it is spoken to. Lives as long as the client.
struct host {
	char *name;                      // "registry-1.docker.io", "127.0.0.1:5000"
	char *cred_name;                 // whose credentials: "docker.io", "127.0.0.1:5000"
	bool insecure;                   // plain http or an unverified certificate will do:
	bool configured;                 // somebody said so; else because it is this machine
	const struct credentials *fixed; // use these and no others (login); borrowed

	// What hosts.toml says of it; else NULL, "/v2" and nothing.
	char *stands_for;     // the registry whose hosts.toml it is
	char *api;            // path of the API
	struct strv headers;  // for each request
	long connect_seconds; // 0: as always

	atomic_int dead;      // connection failures in a row
	atomic_bool offered;  // there were credentials to send
	pthread_mutex_t lock; // over what follows
	char *base;           // "https://name" once known
	bool plain;
	struct challenge challenge;
	struct token *tokens;
	char *user;            // whose credentials were sent last, if they say
	atomic_bool in_pieces; // a blob in one piece was refused, in several it was not
	bool other_way; // its token server wants a POST for passwords, a GET for identity tokens
	struct host *next;

	struct slots transfers; // of blobs, of whichever push or pull
};

struct registry {
	struct store *store;
	struct event_sink *sink;
	char *docker_config;
	bool insecure;
	struct strv trusted; // domains that may be insecure
	int parallel;
	struct registries_conf conf;
	struct http *http;
	pthread_mutex_t lock; // over what follows
	struct host *hosts;
	struct hosts_entry *hosts_tomls; // endpoint_hosts.c
	struct blob_origin *origins;
	struct map wrong;    // "host digest": mirrors that gave other bytes for it
	struct slots ranges; // of blobs, under way
};
void origins_free(struct registry *r);

void host_free(struct host *h);
struct host *host_new(const char *name, const char *cred_name, bool configured);
char *host_credential_name(const char *name); // whose credentials. Caller frees
struct host *host_copy(const struct host *h); // as if never spoken to

// Where a repository can be reached, in the order to try: mirrors, then the registry itself.
struct endpoint {
	struct host *host; // borrowed from the client
	char *repository;
	bool is_mirror, digest_only;
	bool pushes; // what is refused was meant to be written
};
struct endpoint_list {
	struct endpoint *v;
	size_t n;
};
#define auto_endpoints __attribute__((cleanup(endpoint_list_release)))
void endpoint_list_release(struct endpoint_list *l);
enum endpoint_use { ENDPOINT_PULL, ENDPOINT_PUSH }; // a push goes to the registry itself only
struct host *host_get(struct registry *r, const char *domain, bool insecure);
struct endpoint *endpoint_add(struct endpoint_list *l, struct host *h, const char *repository);
// Adds the servers that hosts.toml has for the registry, the registry itself last if there is
// anything to say of it. 1: added, all of them; 0: the registry itself is missing; -1.
int endpoint_add_hosts(struct registry *r, const char *domain, const char *repository,
        enum endpoint_use use, struct endpoint_list *l, struct err *e);
void hosts_entries_free(struct hosts_entry *h);
int endpoint_list_make(struct registry *r, const char *domain, const char *repository,
        enum endpoint_use use, struct endpoint_list *ret, struct err *e);
// The server that a name means by itself, wherever its repositories may have been moved to.
struct host *host_of_name(struct registry *r, const char *domain);
// Around the transfer of a blob: waits until fewer than `parallel` are under way with the host.
int host_enter(struct registry *r, struct host *h, struct err *e);
void host_leave(struct host *h);
// Settles https or http for hosts where both may be meant.
int host_settle(struct registry *r, struct host *h, struct err *e);
// "https://host/v2/repository/tail". Caller frees. The host must be settled.
char *endpoint_url(const struct endpoint *ep, const char *tail);

// ---- authorization (auth.c)
void token_list_free(struct token *t);
// The Authorization value for a request (caller frees); NULL if none is known to be needed.
int auth_header(struct registry *r, struct host *h, const char *repository,
        const struct strv *scopes, char **ret, struct err *e);
// Learns from a 401 or 403: what the host wants, that `used` (may be NULL) is no good any more.
// False if it says nothing about that. auth_learn: with the host's lock held; auth_challenged adds
// the scopes wanted.
bool auth_learn(struct host *h, const struct http_response *rs, const char *used);
bool auth_challenged(
        struct host *h, const struct http_response *rs, const char *used, struct strv *scopes);

// ---- calls (api.c)
struct api_call {
	struct endpoint *ep;
	struct http_request rq; // url and authorization are filled in
	const char *tail;       // below /v2/<repository>/; or
	const char *url;        // absolute
	const char *ping;       // below /v2/ itself ("" for the ping); or NULL
	struct strv scopes;     // released by the caller
	bool once;              // no retries: the caller goes on where it was cut
	bool settled;           // nor another token: what is answered is answered
	bool foreign;           // url is on another origin: no authorization (set by api_perform)
};
void api_call_release(struct api_call *c);
// 0 with any status, after authorization and retries; -1 if there was no answer.
int api_perform(struct registry *r, struct api_call *c, struct http_response *ret, struct err *e);
// Says why the status is not the wanted one: kind by status, the server's own message included.
// Always -1. what: "image 'x'".
int api_refused(
        const struct endpoint *ep, const struct http_response *rs, const char *what, struct err *e);
#define api_refused(...) ERR_VALUE(api_refused(__VA_ARGS__))
bool status_is_transient(int status);
// What helps against a refusal of a registry whose ways are known (refusal.c): one clause for after
// a colon. NULL: nothing in particular. said: the server's words. Caller frees.
char *refusal_advice(const struct endpoint *ep, const struct http_response *rs, const char *said);
// "; 100 requests in 6 h are allowed; again in 12 min", as far as the answer tells. Caller frees.
char *rate_limit_text(const struct http_response *rs);
// After a failure that may pass; why: in words, for people; "": they have been told. 1: waited,
// try again; 0: given up, or the server wants more patience than we have; -1: cancelled, *e says
// so.
int api_try_again(struct registry *r, struct retry *retry, const struct http_response *rs,
        const char *why, struct err *e);
// The "message" members of a registry's JSON error body, joined, or "". Caller frees.
char *api_error_text(const struct http_response *rs);

// ---- progress
struct progress {
	struct event_sink *sink;
	int step;
	char text[DIGEST_TEXT + 16];
	uint64_t total;
	int64_t last_ns;
};
void progress_init(struct progress *p, struct registry *r, int step, const struct descriptor *d,
        const char *what);
void progress_tick(struct progress *p, uint64_t current); // at most ten a second; always at the end

// ---- shared between pull and push
// Manifest or index bytes, from the store or one of the endpoints.
struct manifest_bytes {
	struct buf bytes;
	char *media_type;
	struct digest digest;
};
#define auto_manifest_bytes __attribute__((cleanup(manifest_bytes_release)))
void manifest_bytes_release(struct manifest_bytes *m);
struct manifest_wanted {
	const struct digest *digest; // or NULL, and
	const char *tag;
	const char *foreign; // the media type of a document that is none of ours; else NULL
};
int manifest_fetch(struct registry *r, struct endpoint_list *eps,
        const struct manifest_wanted *want, struct manifest_bytes *ret, struct err *e);
// Reads it from the store and finds out what it is. foreign: as above.
int manifest_load(struct registry *r, const struct digest *d, const char *foreign,
        struct manifest_bytes *ret, struct err *e);
bool media_type_is_document(const char *media_type); // a manifest or an index of ours
// Fetches a document into the store, whatever its media type; as registry_fetch_blob does blobs.
int document_fetch(struct registry *r, const struct descriptor *d, int step, struct err *e);
// Takes the bytes of a blob that is fetched.
struct blob_taker {
	uint64_t (*size)(struct blob_taker *self); // taken so far
	int (*write)(struct blob_taker *self, const void *p, size_t n, struct err *e);
	int (*again)(struct blob_taker *self, struct err *e); // from the beginning; -1: it cannot
	// All has come. ERR_CORRUPT: it is not what the descriptor says.
	int (*finish)(struct blob_taker *self, const struct descriptor *d, struct err *e);
	// Bytes of anywhere behind what was taken, by several threads at once; they count as taken
	// when those before them do and advance says so: the next n. NULL: only in order.
	int (*place)(struct blob_taker *self, uint64_t at, const void *p, size_t n, struct err *e);
	int (*advance)(struct blob_taker *self, uint64_t n, struct err *e);
};
// From the first of the repositories that gives it ("docker.io/library/node"), going on after a
// transfer that was cut.
int blob_fetch_from(struct registry *r, const struct descriptor *d, int step,
        const struct strv *sources, struct blob_taker *to, struct err *e);
// The same of a large blob at an origin, in ranges side by side (blob_ranges.c). 1: that is no way
// to get it, or has stopped being one: from where the taker has got to on by one request.
struct ranged {
	struct registry *r;
	struct blob_origin *origin;
	const struct descriptor *d;
	const char *host; // for people
	struct blob_taker *to;
	struct progress *progress;
};
int blob_fetch_ranges(const struct ranged *f, struct err *e);
// Splits "docker.io/library/node". Caller frees both.
int repository_split(const char *name, char **ret_domain, char **ret_repository, struct err *e);
// Runs fn(arg, i) for i < n on `parallel` threads; the first failure stops the rest.
struct parallel_work {
	size_t n;
	void *arg;
	int (*fn)(void *arg, size_t i, struct err *e);
};
int parallel_run(struct registry *r, const struct parallel_work *w, struct err *e);
