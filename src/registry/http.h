// SPDX-License-Identifier: Apache-2.0
// One HTTP exchange after another on kept-alive connections. Redirects are followed here, not by
// libcurl: the Authorization header goes to the origin it was made for and nowhere else.
#pragma once

#include "base/buf.h"
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

struct err;
struct http;
struct http_response;

// stall_seconds: a transfer in which nothing moves for so long is lost.
struct http *http_new(long stall_seconds);
void http_free(struct http *h); // NULL is fine; no transfer may be running

// Certificates for a host ("host[:port]") beside those of certs.d: files with authorities; files
// with a certificate and its key in turn, of which the first pair counts. Before the host is spoken
// to.
int http_trust_add(struct http *h, const char *host_port, const struct strv *ca,
        const struct strv *clients, struct err *e);

// Takes the body of a 2xx answer. start comes before the first byte, also of an empty body.
struct http_sink {
	int (*start)(struct http_sink *self, const struct http_response *rs, struct err *e);
	int (*write)(struct http_sink *self, const void *p, size_t n, struct err *e);
};

// The value of an Authorization header: "Basic <base64 of user:password>". Caller frees.
char *basic_authorization(const char *user, const char *password);
// The same of "user:password" in a URL, as curl understands it: for that origin.
char *userinfo_authorization(const char *userinfo);

struct http_request {
	const char *method; // "GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"
	const char *url;
	const struct strv *headers;     // "Name: value"; may be NULL
	const struct strv *own_headers; // the same, for the origin of url alone; may be NULL
	const char *authorization;      // header value, for that origin too; may be NULL
	bool has_body;                  // then body, or if that is NULL body_fd from body_from on
	bool body_is_pipe;              // body_fd is read as it comes, and so can be sent only once
	const void *body;
	int body_fd;
	uint64_t body_from; // of the file
	uint64_t body_size;
	// Instead, a body of unknown length: bytes read, 0 at the end, -1.
	ssize_t (*read_body)(void *arg, void *p, size_t n, struct err *e);
	void *read_arg;
	const char *unix_socket;                 // path to connect to, whatever host the url names
	void (*sent)(void *arg, uint64_t bytes); // progress of the body; may be NULL
	void *sent_arg;
	struct http_sink *sink; // NULL: into response.body, at most max_answer bytes
	size_t max_answer;      // 0: 1 MiB
	uint64_t range_from;    // > 0: "Range: bytes=N-", of range_size bytes
	uint64_t range_size;    // 0: all that follow
	long connect_seconds;   // at most; 0: 30
	bool plain_redirects;   // from https to plain http: followed (no credentials go along)
	bool stays;             // a redirect is not followed: the body is for that server alone
	bool insecure; // certificates are not verified, redirects to plain http are followed
};

// Why an exchange brought no answer.
enum http_failure {
	HTTP_OK,
	HTTP_FAIL_LOCAL,   // our own side: sink, file, libcurl missing, cancelled
	HTTP_FAIL_RESOLVE, // no such host
	HTTP_FAIL_CONNECT,
	HTTP_FAIL_TLS,  // the handshake: no TLS spoken there
	HTTP_FAIL_CERT, // TLS, but the certificate is not trusted
	HTTP_FAIL_TIMEOUT,
	HTTP_FAIL_CUT,      // connection lost, before or inside the answer
	HTTP_FAIL_PROTOCOL, // not HTTP, too large, redirects that make no sense
};

struct http_response {
	enum http_failure failure; // set also when http_perform fails
	int status;
	bool redirected; // the answer is from another origin than the request's
	char *url;       // that answered
	char *content_type, *location, *docker_content_digest, *retry_after, *last_modified, *etag;
	char *content_range, *range, *link, *chunk_min_length;
	char *ratelimit_limit; // "100;w=21600"
	char *ratelimit_reset; // by whichever header: seconds from now, or since the epoch
	char *oci_subject;     // of a manifest just put: the registry lists it as a referrer
	struct strv www_authenticate;
	uint64_t content_length; // UINT64_MAX: not said
	struct buf body;
};
#define auto_response __attribute__((cleanup(http_response_release)))
void http_response_release(struct http_response *rs);

// 0: there was an answer, whatever its status. -1: *e says why not, ret->failure of what kind; ret
// is to be released in both cases. Thread-safe.
int http_perform(
        struct http *h, const struct http_request *rq, struct http_response *ret, struct err *e);
