// SPDX-License-Identifier: Apache-2.0
// One exchange with libcurl: its options, its callbacks, its errors in words. Everything received
// is bounded: header bytes, the values kept, the answer in memory. Blobs are taken as they are
// stored (no Accept-Encoding): their digest is of those bytes.

#include "registry/http-int.h"

#include "base/fs.h"
#include "base/mem.h"
#include <ctype.h>
#include <errno.h>
#include <unistd.h>

#define HEADER_BYTES_MAX (256u << 10)
#define HEADER_VALUE_MAX 16384
#define ERROR_BODY_MAX (64u << 10)
#define ANSWER_MAX (1u << 20)
#define CONNECT_SECONDS 30L
#define LARGE_BODY (1u << 20)

static void keep_header(struct http_response *rs, const char *name, size_t n, const char *value)
{
	const struct {
		const char *name;
		char **slot;
	} wanted[] = {
	        {"content-type", &rs->content_type},
	        {"location", &rs->location},
	        {"docker-content-digest", &rs->docker_content_digest},
	        {"retry-after", &rs->retry_after},
	        {"last-modified", &rs->last_modified},
	        {"etag", &rs->etag},
	        {"content-range", &rs->content_range},
	        {"range", &rs->range},
	        {"link", &rs->link},
	        {"ratelimit-limit", &rs->ratelimit_limit},
	        {"ratelimit-reset", &rs->ratelimit_reset},
	        {"x-ratelimit-reset", &rs->ratelimit_reset},
	        {"x-retry-after", &rs->ratelimit_reset},
	        {"oci-chunk-min-length", &rs->chunk_min_length},
	        {"oci-subject", &rs->oci_subject},
	};
	for (size_t i = 0; i < ARRAY_LEN(wanted); i++) {
		if (strlen(wanted[i].name) != n || strncasecmp(wanted[i].name, name, n) != 0)
			continue;
		free(*wanted[i].slot);
		*wanted[i].slot = xstrdup(value);
	}
	if (n == 16 && strncasecmp(name, "www-authenticate", n) == 0 && rs->www_authenticate.n < 16)
		strv_add(&rs->www_authenticate, value);
	uint64_t length;
	if (n == 14 && strncasecmp(name, "content-length", n) == 0 && str_to_u64(value, &length))
		rs->content_length = length;
}

// A new status line (100 Continue, or the proxy's answer to CONNECT came before) starts all over.
static void forget_headers(struct http_response *rs)
{
	char *url = steal_ptr(&rs->url);
	http_response_release(rs);
	rs->url = url;
	rs->content_length = UINT64_MAX;
}

static size_t on_header(char *p, size_t size, size_t count, void *arg)
{
	struct http_exchange *x = arg;
	size_t n = size * count;
	x->header_bytes += n;
	if (x->header_bytes > HEADER_BYTES_MAX) {
		x->failed = true;
		x->rs->failure = HTTP_FAIL_PROTOCOL;
		err_set(x->e, ERR_NET, "'%s' sends more than %u bytes of headers", x->url->host,
		        HEADER_BYTES_MAX);
		return 0;
	}
	if (n >= 5 && memcmp(p, "HTTP/", 5) == 0)
		forget_headers(x->rs);
	const char *colon = memchr(p, ':', n);
	if (!colon || n > HEADER_VALUE_MAX)
		return n;
	const char *value = colon + 1, *end = p + n;
	while (value < end && (*value == ' ' || *value == '\t'))
		value++;
	while (end > value && isspace((unsigned char)end[-1]))
		end--;
	auto_free char *text = xstrndup(value, (size_t)(end - value));
	keep_header(x->rs, p, (size_t)(colon - p), text);
	return n;
}

static int start_sink(struct http_exchange *x)
{
	if (x->sink_started)
		return 0;
	x->sink_started = true;
	return x->rq->sink->start(x->rq->sink, x->rs, x->e);
}

static int take_body(struct http_exchange *x, const char *p, size_t n)
{
	struct http_response *rs = x->rs;
	long status = 0;
	x->curl->easy_getinfo(x->easy, CURLINFO_RESPONSE_CODE, &status);
	rs->status = (int)status;
	bool good = status >= 200 && status < 300;
	if (good && x->rq->sink) {
		if (start_sink(x) < 0)
			return -1;
		return x->rq->sink->write(x->rq->sink, p, n, x->e);
	}
	if (!good) { // for the message only: what exceeds is dropped
		if (rs->body.n < ERROR_BODY_MAX)
			buf_add(&rs->body, p, n);
		return 0;
	}
	size_t max = x->rq->max_answer ? x->rq->max_answer : ANSWER_MAX;
	if (n > max - rs->body.n) {
		rs->failure = HTTP_FAIL_PROTOCOL;
		auto_free char *where = url_host_port(x->url);
		return err_set(x->e, ERR_CORRUPT, "the answer of '%s' to %s %.*s exceeds %zu bytes",
		        where, x->rq->method, (int)strcspn(x->url->target, "?"), x->url->target,
		        max);
	}
	buf_add(&rs->body, p, n);
	return 0;
}

static size_t on_body(char *p, size_t size, size_t count, void *arg)
{
	struct http_exchange *x = arg;
	size_t n = size * count;
	x->rs->failure = HTTP_FAIL_LOCAL;
	if (take_body(x, p, n) == 0)
		return n;
	x->failed = true;
	return n ? 0 : 1;
}

static int read_body(struct http_exchange *x, char *p, size_t *n)
{
	const struct http_request *rq = x->rq;
	if (!rq->body_is_pipe)
		return fs_pread_full(rq->body_fd, p, *n, (off_t)(rq->body_from + x->sent), x->e);
	ssize_t got;
	do {
		got = read(rq->body_fd, p, *n);
	} while (got < 0 && errno == EINTR);
	if (got <= 0)
		return got < 0 ? err_sys(x->e, "read what is to be sent")
		               : err_set(x->e, ERR_NET, "what is to be sent ends early");
	*n = (size_t)got;
	return 0;
}

static size_t on_upload(char *p, size_t size, size_t count, void *arg)
{
	struct http_exchange *x = arg;
	const struct http_request *rq = x->rq;
	size_t n = size * count;
	if (n > rq->body_size - x->sent)
		n = (size_t)(rq->body_size - x->sent);
	if (rq->body) {
		memcpy(p, (const char *)rq->body + x->sent, n);
	} else if (n > 0 && read_body(x, p, &n) < 0) {
		x->failed = true;
		x->rs->failure = HTTP_FAIL_LOCAL;
		return CURL_READFUNC_ABORT;
	}
	x->sent += n;
	if (rq->sent)
		rq->sent(rq->sent_arg, x->sent);
	return n;
}

static size_t on_upload_stream(char *p, size_t size, size_t count, void *arg)
{
	struct http_exchange *x = arg;
	ssize_t n = x->rq->read_body(x->rq->read_arg, p, size * count, x->e);
	if (n >= 0)
		return (size_t)n;
	x->failed = true;
	x->rs->failure = HTTP_FAIL_LOCAL;
	return CURL_READFUNC_ABORT;
}

static int on_seek(void *arg, curl_off_t offset, int origin)
{
	struct http_exchange *x = arg;
	if (origin != SEEK_SET || offset < 0 || (uint64_t)offset > x->rq->body_size)
		return CURL_SEEKFUNC_CANTSEEK;
	// libcurl would send it again by itself when a kept connection turns out to be lost: to a
	// server that may have kept some of it.
	if (!x->rq->body && x->sent > 0)
		return CURL_SEEKFUNC_FAIL;
	x->sent = (uint64_t)offset;
	return CURL_SEEKFUNC_OK;
}

static void add_header(struct http_exchange *x, struct curl_slist **list, const char *text)
{
	struct curl_slist *longer = x->curl->slist_append(*list, text);
	if (longer)
		*list = longer;
}

static void add_range(struct http_exchange *x, struct curl_slist **list)
{
	const struct http_request *rq = x->rq;
	auto_buf struct buf line = {0};
	buf_printf(&line, "Range: bytes=%ju-", (uintmax_t)rq->range_from);
	if (rq->range_size > 0)
		buf_printf(&line, "%ju", (uintmax_t)(rq->range_from + rq->range_size - 1));
	add_header(x, list, line.p);
}

static void add_headers(
        struct http_exchange *x, struct curl_slist **list, const struct strv *headers)
{
	for (size_t i = 0; headers && i < headers->n; i++)
		add_header(x, list, headers->v[i]);
}

static struct curl_slist *request_headers(struct http_exchange *x)
{
	const struct http_request *rq = x->rq;
	struct curl_slist *list = NULL;
	add_headers(x, &list, rq->headers);
	add_headers(x, &list, x->own_headers);
	// Waiting for 100 Continue costs a second where the server does not know it.
	add_header(x, &list, "Expect:");
	if (x->authorization) {
		auto_free char *line = xasprintf("Authorization: %s", x->authorization);
		add_header(x, &list, line);
	}
	if (rq->range_from > 0 || rq->range_size > 0)
		add_range(x, &list);
	return list;
}

#define SET(option, value) x->curl->easy_setopt(x->easy, option, value)

static void setup_trust(struct http_exchange *x)
{
	const struct http *h = x->http;
	auto_free char *host = url_host_port(x->url);
	const struct http_trust *t = http_trust_for(x->http, host);
	if (h->ca_file)
		SET(CURLOPT_CAINFO, h->ca_file);
	else if (h->ca_path)
		SET(CURLOPT_CAINFO, NULL);
	if (h->ca_path)
		SET(CURLOPT_CAPATH, h->ca_path);
	if (t->ca.n > 0) {
		struct curl_blob blob = {.data = t->ca.p, .len = t->ca.n};
		SET(CURLOPT_CAINFO_BLOB, &blob);
	}
	if (t->cert) {
		SET(CURLOPT_SSLCERT, t->cert);
		SET(CURLOPT_SSLKEY, t->key);
	}
	if (x->rq->insecure) {
		SET(CURLOPT_SSL_VERIFYPEER, 0L);
		SET(CURLOPT_SSL_VERIFYHOST, 0L);
	}
}

static void setup_body(struct http_exchange *x)
{
	const struct http_request *rq = x->rq;
	if (strcmp(rq->method, "HEAD") == 0) {
		SET(CURLOPT_NOBODY, 1L);
		return;
	}
	if (rq->read_body) {
		SET(CURLOPT_UPLOAD, 1L);
		SET(CURLOPT_INFILESIZE_LARGE, (curl_off_t)-1);
		SET(CURLOPT_READFUNCTION, on_upload_stream);
		SET(CURLOPT_READDATA, x);
		SET(CURLOPT_UPLOAD_BUFFERSIZE, 1L << 20);
	} else if (rq->has_body) {
		SET(CURLOPT_UPLOAD, 1L);
		SET(CURLOPT_INFILESIZE_LARGE, (curl_off_t)rq->body_size);
		SET(CURLOPT_READFUNCTION, on_upload);
		SET(CURLOPT_READDATA, x);
		SET(CURLOPT_SEEKFUNCTION, on_seek);
		SET(CURLOPT_SEEKDATA, x);
		SET(CURLOPT_UPLOAD_BUFFERSIZE, 1L << 20);
	}
	SET(CURLOPT_CUSTOMREQUEST, rq->method);
}

// Go programs read HTTP_PROXY, libcurl only http_proxy. Nobody means a proxy to reach this machine.
static void setup_proxy(struct http_exchange *x)
{
	if (url_host_is_loopback(x->url->host))
		SET(CURLOPT_NOPROXY, "*");
	else if (!x->url->https && !getenv("http_proxy") && getenv("HTTP_PROXY") &&
	         !getenv("REQUEST_METHOD"))
		SET(CURLOPT_PROXY, getenv("HTTP_PROXY"));
}

// A registry digests a large blob before it answers.
static long stall_seconds(const struct http_exchange *x)
{
	bool large = x->rq->has_body && x->rq->body_size > LARGE_BODY;
	return large || x->rq->read_body ? 10 * x->http->stall_seconds : x->http->stall_seconds;
}

int http_exchange_setup(struct http_exchange *x, struct curl_slist **ret_headers)
{
	const char *const schemes = "http,https";
	long stall = x->http->stall_seconds;
	long connect = x->rq->connect_seconds ? x->rq->connect_seconds : CONNECT_SECONDS;
	SET(CURLOPT_ERRORBUFFER, x->message);
	SET(CURLOPT_NOSIGNAL, 1L);
	SET(CURLOPT_QUICK_EXIT, 1L); // do not wait for a resolver thread when cancelled
	SET(CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);
	SET(CURLOPT_FOLLOWLOCATION, 0L);
	SET(CURLOPT_CONNECTTIMEOUT, connect < stall ? connect : stall);
	SET(CURLOPT_LOW_SPEED_LIMIT, 1L);
	SET(CURLOPT_LOW_SPEED_TIME, stall_seconds(x));
	SET(CURLOPT_TCP_KEEPALIVE, 1L);
	SET(CURLOPT_BUFFERSIZE, 256L << 10);
	SET(CURLOPT_USERAGENT, "hew/" HEW_VERSION);
	SET(CURLOPT_HEADERFUNCTION, on_header);
	SET(CURLOPT_HEADERDATA, x);
	SET(CURLOPT_WRITEFUNCTION, on_body);
	SET(CURLOPT_WRITEDATA, x);
	SET(CURLOPT_SUPPRESS_CONNECT_HEADERS, 1L);
	SET(CURLOPT_PATH_AS_IS, 1L);
	if (x->http->share)
		SET(CURLOPT_SHARE, x->http->share);
	if (SET(CURLOPT_PROTOCOLS_STR, schemes) != CURLE_OK ||
	        SET(CURLOPT_URL, x->rs->url) != CURLE_OK)
		return err_set(
		        x->e, ERR_NET, "libcurl is too old or refuses a URL of '%s'", x->url->host);
	if (x->rq->unix_socket)
		SET(CURLOPT_UNIX_SOCKET_PATH, x->rq->unix_socket);
	setup_body(x);
	setup_trust(x);
	setup_proxy(x);
	*ret_headers = request_headers(x);
	SET(CURLOPT_HTTPHEADER, *ret_headers);
	return 0;
}

int http_exchange_finish(struct http_exchange *x)
{
	long status = 0;
	x->curl->easy_getinfo(x->easy, CURLINFO_RESPONSE_CODE, &status);
	x->rs->status = (int)status;
	x->rs->failure = HTTP_OK;
	bool good = status >= 200 && status < 300;
	if (good && x->rq->sink && start_sink(x) < 0) {
		x->rs->failure = HTTP_FAIL_LOCAL;
		return -1;
	}
	return 0;
}

static enum http_failure failure_of(CURLcode rc)
{
	switch (rc) {
	case CURLE_COULDNT_RESOLVE_HOST:
	case CURLE_COULDNT_RESOLVE_PROXY:
		return HTTP_FAIL_RESOLVE;
	case CURLE_COULDNT_CONNECT:
		return HTTP_FAIL_CONNECT;
	case CURLE_PEER_FAILED_VERIFICATION:
	case CURLE_SSL_CACERT_BADFILE:
	case CURLE_SSL_ISSUER_ERROR:
	case CURLE_SSL_CERTPROBLEM:
		return HTTP_FAIL_CERT;
	case CURLE_SSL_CONNECT_ERROR:
	case CURLE_SSL_CIPHER:
		return HTTP_FAIL_TLS;
	case CURLE_OPERATION_TIMEDOUT:
		return HTTP_FAIL_TIMEOUT;
	case CURLE_PARTIAL_FILE:
	case CURLE_GOT_NOTHING:
	case CURLE_SEND_ERROR:
	case CURLE_SEND_FAIL_REWIND:
	case CURLE_RECV_ERROR:
		return HTTP_FAIL_CUT;
	case CURLE_OUT_OF_MEMORY:
	case CURLE_FAILED_INIT:
		return HTTP_FAIL_LOCAL;
	default:
		return HTTP_FAIL_PROTOCOL;
	}
}

static int distrusted(struct http_exchange *x, const char *where, const char *why)
{
	if (!x->http->has_roots)
		return err_set(x->e, ERR_NET,
		        "cannot trust the certificate of '%s': %s; this machine has no certificate "
		        "authorities: install the package ca-certificates",
		        where, why);
	return err_set(x->e, ERR_NET,
	        "cannot trust the certificate of '%s': %s; if it has its own authority put that "
	        "into /etc/docker/certs.d/%s/ca.crt or name it by SSL_CERT_FILE, or allow the "
	        "registry as insecure",
	        where, why, where);
}

static int say(struct http_exchange *x, enum http_failure failure, const char *why)
{
	auto_free char *where = url_host_port(x->url);
	switch (failure) {
	case HTTP_FAIL_RESOLVE:
		return err_set(x->e, ERR_NET,
		        "cannot find the host of '%s' (%s): check the name, "
		        "the network and the proxy settings",
		        where, why);
	case HTTP_FAIL_CONNECT:
		return err_set(x->e, ERR_NET, "cannot connect to '%s:%u': %s", x->url->host,
		        x->url->port, why);
	case HTTP_FAIL_CERT:
		return distrusted(x, where, why);
	case HTTP_FAIL_TLS:
		return err_set(x->e, ERR_NET,
		        "cannot speak TLS with '%s' (%s): if it serves plain "
		        "http, allow the registry as insecure",
		        where, why);
	case HTTP_FAIL_TIMEOUT:
		return err_set(x->e, ERR_NET, "no answer from '%s' in time: %s", where, why);
	case HTTP_FAIL_CUT:
		return err_set(x->e, ERR_NET, "the connection to '%s' was lost: %s", where, why);
	default:
		return err_set(x->e, ERR_NET, "%s '%s': %s", x->rq->method, where, why);
	}
}

// It was the nameserver that did not answer in time. A connection that was kept has an address and
// needs no name.
static bool never_resolved(struct http_exchange *x, CURLcode rc)
{
	curl_off_t found = 0;
	const char *address = NULL;
	x->curl->easy_getinfo(x->easy, CURLINFO_NAMELOOKUP_TIME_T, &found);
	x->curl->easy_getinfo(x->easy, CURLINFO_PRIMARY_IP, &address);
	return rc == CURLE_OPERATION_TIMEDOUT && !found && !(address && *address);
}

int http_exchange_failed(struct http_exchange *x, CURLcode rc)
{
	long status = 0, sys = 0;
	x->curl->easy_getinfo(x->easy, CURLINFO_RESPONSE_CODE, &status);
	x->curl->easy_getinfo(x->easy, CURLINFO_OS_ERRNO, &sys);
	x->rs->status = (int)status;
	if (x->failed)
		return -1;
	x->rs->failure = never_resolved(x, rc) ? HTTP_FAIL_RESOLVE : failure_of(rc);
	const char *why = x->message[0] ? x->message : x->curl->easy_strerror(rc);
	// Where it is a proxy that cannot be reached, only libcurl's words name it.
	if (x->rs->failure == HTTP_FAIL_CONNECT && sys && strstr(why, x->url->host))
		why = strerror((int)sys);
	return say(x, x->rs->failure, why);
}
