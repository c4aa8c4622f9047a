// SPDX-License-Identifier: Apache-2.0
// Performs requests: takes an idle handle, drives it until it is done or cancelled, follows
// redirects. Each handle carries one transfer at a time and keeps its connections, so any number
// of threads can call http_perform at once.

#include "registry/http.h"

#include "base/base64.h"
#include "base/cancel.h"
#include "base/err.h"
#include "base/event.h"
#include "base/mem.h"
#include "registry/http-int.h"
#include <signal.h>
#include <sys/select.h>
#include <sys/socket.h>

#define REDIRECTS_MAX 10
#define POLL_MS 200 // how long a failure elsewhere may go unnoticed

void http_response_release(struct http_response *rs)
{
	free(rs->url);
	free(rs->content_type);
	free(rs->location);
	free(rs->docker_content_digest);
	free(rs->retry_after);
	free(rs->last_modified);
	free(rs->etag);
	free(rs->content_range);
	free(rs->range);
	free(rs->link);
	free(rs->ratelimit_limit);
	free(rs->ratelimit_reset);
	free(rs->chunk_min_length);
	free(rs->oci_subject);
	strv_release(&rs->www_authenticate);
	buf_release(&rs->body);
	*rs = (struct http_response){0};
}

struct http *http_new(long stall_seconds)
{
	struct http *h = xcalloc(1, sizeof(*h));
	h->stall_seconds = stall_seconds;
	pthread_mutex_init(&h->lock, NULL);
	for (size_t i = 0; i < ARRAY_LEN(h->share_locks); i++)
		pthread_mutex_init(&h->share_locks[i], NULL);
	return h;
}

static void handle_free(const struct curl_api *curl, struct http_handle *handle)
{
	if (handle->easy)
		curl->easy_cleanup(handle->easy);
	if (handle->multi)
		curl->multi_cleanup(handle->multi);
	free(handle->origin);
	free(handle);
}

void http_free(struct http *h)
{
	if (!h)
		return;
	struct err e = ERR_INIT;
	const struct curl_api *curl = h->idle || h->share ? curl_load(&e) : NULL;
	for (struct http_handle *next; h->idle; h->idle = next) {
		next = h->idle->next;
		handle_free(curl, h->idle);
	}
	if (h->share)
		curl->share_cleanup(h->share);
	http_trust_free(h->trust);
	for (size_t i = 0; i < ARRAY_LEN(h->share_locks); i++)
		pthread_mutex_destroy(&h->share_locks[i]);
	pthread_mutex_destroy(&h->lock);
	free(h->ca_file);
	free(h->ca_path);
	free(h);
}

static void share_lock(CURL *easy, curl_lock_data data, curl_lock_access access, void *arg)
{
	struct http *h = arg;
	pthread_mutex_lock(&h->share_locks[data]);
}

static void share_unlock(CURL *easy, curl_lock_data data, void *arg)
{
	struct http *h = arg;
	pthread_mutex_unlock(&h->share_locks[data]);
}

// With h->lock held. A share that cannot be made costs time, nothing else.
static void first_use(struct http *h, const struct curl_api *curl)
{
	http_trust_system(h, curl);
	h->share = curl->share_init();
	if (!h->share)
		return;
	curl->share_setopt(h->share, CURLSHOPT_USERDATA, h);
	curl->share_setopt(h->share, CURLSHOPT_LOCKFUNC, share_lock);
	curl->share_setopt(h->share, CURLSHOPT_UNLOCKFUNC, share_unlock);
	curl->share_setopt(h->share, CURLSHOPT_SHARE, CURL_LOCK_DATA_DNS);
	curl->share_setopt(h->share, CURLSHOPT_SHARE, CURL_LOCK_DATA_SSL_SESSION);
}

static struct http_handle *take_idle(struct http *h, const char *origin)
{
	struct http_handle **best = NULL;
	for (struct http_handle **p = &h->idle; *p; p = &(*p)->next)
		if (strcmp((*p)->origin, origin) == 0) {
			best = p;
			break;
		}
	if (!best && h->idle)
		best = &h->idle;
	if (!best)
		return NULL;
	struct http_handle *found = *best;
	*best = found->next;
	found->next = NULL;
	return found;
}

static struct http_handle *http_handle_take(
        struct http *h, const struct curl_api *curl, const char *origin, struct err *e)
{
	pthread_mutex_lock(&h->lock);
	if (!h->share)
		first_use(h, curl);
	struct http_handle *handle = take_idle(h, origin);
	pthread_mutex_unlock(&h->lock);
	if (!handle) {
		handle = xcalloc(1, sizeof(*handle));
		handle->easy = curl->easy_init();
		handle->multi = curl->multi_init();
		if (!handle->easy || !handle->multi) {
			handle_free(curl, handle);
			err_set(e, ERR_NET, "cannot set up libcurl: out of resources");
			return NULL;
		}
	}
	free(handle->origin);
	handle->origin = xstrdup(origin);
	return handle;
}

static void http_handle_give(struct http *h, struct http_handle *handle)
{
	pthread_mutex_lock(&h->lock);
	handle->next = h->idle;
	h->idle = handle;
	pthread_mutex_unlock(&h->lock);
}

// Of the socket that libcurl waits for, if there is one.
static bool peer_has_closed(const struct http_exchange *x, CURLM *multi)
{
	fd_set in, out, bad;
	int last = -1;
	FD_ZERO(&in);
	FD_ZERO(&out);
	FD_ZERO(&bad);
	x->curl->multi_fdset(multi, &in, &out, &bad, &last);
	for (int fd = 0; fd <= last; fd++) {
		char c;
		if (FD_ISSET(fd, &out) && recv(fd, &c, 1, MSG_PEEK | MSG_DONTWAIT) == 0)
			return true;
	}
	return false;
}

// How much of a body has gone out, and when that was last more than before.
struct outflow {
	curl_off_t bytes;
	int64_t at;
};

// libcurl goes on sending to a peer that closed its side and takes no more, and its own limit has
// to be as long as a registry digests a blob: what stands still while it is sent is told here.
static CURLcode check_outflow(const struct http_exchange *x, CURLM *multi, struct outflow *o)
{
	const struct http_request *rq = x->rq;
	curl_off_t bytes = 0;
	if (!rq->has_body && !rq->read_body)
		return CURLE_OK;
	x->curl->easy_getinfo(x->easy, CURLINFO_SIZE_UPLOAD_T, &bytes);
	int64_t now = clock_ns(), idle_ms = (now - o->at) / 1000000;
	if (bytes != o->bytes) {
		*o = (struct outflow){.bytes = bytes, .at = now};
		return CURLE_OK;
	}
	if (idle_ms >= POLL_MS && peer_has_closed(x, multi))
		return CURLE_SEND_ERROR;
	bool is_late = bytes > 0 && (uint64_t)bytes < rq->body_size &&
	               idle_ms > x->http->stall_seconds * 1000;
	return is_late ? CURLE_OPERATION_TIMEDOUT : CURLE_OK;
}

// Until the transfer is done. The cancel descriptor is polled beside the sockets.
static int drive(struct http_exchange *x, struct http_handle *handle, CURLcode *ret)
{
	const struct curl_api *curl = x->curl;
	struct outflow outflow = {.at = clock_ns()};
	for (;;) {
		int running = 0, left;
		CURLMcode mc = curl->multi_perform(handle->multi, &running);
		if (mc != CURLM_OK)
			return err_set(x->e, ERR_NET, "libcurl: %s", curl->multi_strerror(mc));
		for (CURLMsg *m; (m = curl->multi_info_read(handle->multi, &left));)
			if (m->msg == CURLMSG_DONE) {
				*ret = m->data.result;
				return 0;
			}
		if (cancel_check(x->e) < 0)
			return -1;
		struct curl_waitfd extra = {.fd = cancel_fd(), .events = CURL_WAIT_POLLIN};
		curl->multi_poll(handle->multi, &extra, extra.fd >= 0 ? 1 : 0, POLL_MS, NULL);
		*ret = check_outflow(x, handle->multi, &outflow);
		if (*ret != CURLE_OK)
			return 0;
	}
}

// OpenSSL writes to a closed socket with plain write(): SIGPIPE comes to this thread and is taken
// away again before anyone sees it.
struct sigpipe_guard {
	sigset_t pipe, old;
	bool was_pending;
};

static void sigpipe_block(struct sigpipe_guard *g)
{
	sigset_t pending;
	sigemptyset(&g->pipe);
	sigaddset(&g->pipe, SIGPIPE);
	sigpending(&pending);
	g->was_pending = sigismember(&pending, SIGPIPE) == 1;
	pthread_sigmask(SIG_BLOCK, &g->pipe, &g->old);
}

static void sigpipe_restore(struct sigpipe_guard *g)
{
	struct timespec zero = {0};
	if (!g->was_pending)
		sigtimedwait(&g->pipe, NULL, &zero);
	pthread_sigmask(SIG_SETMASK, &g->old, NULL);
}

static int run(struct http_exchange *x, struct http_handle *handle)
{
	CURLcode rc = CURLE_FAILED_INIT;
	struct curl_slist *headers = NULL;
	struct sigpipe_guard guard;
	x->curl->easy_reset(handle->easy);
	x->easy = handle->easy;
	int r = http_exchange_setup(x, &headers);
	if (r == 0) {
		sigpipe_block(&guard);
		x->curl->multi_add_handle(handle->multi, handle->easy);
		r = drive(x, handle, &rc);
		x->curl->multi_remove_handle(handle->multi, handle->easy);
		sigpipe_restore(&guard);
	}
	if (r < 0)
		x->rs->failure = HTTP_FAIL_LOCAL;
	else if (rc != CURLE_OK || x->failed)
		r = http_exchange_failed(x, rc);
	else
		r = http_exchange_finish(x);
	x->curl->easy_reset(handle->easy); // forgets pointers into this frame
	x->curl->slist_free_all(headers);
	return r;
}

// Of *like: the request, and what goes along to this origin.
static int exchange(
        const struct http_exchange *like, const struct url *url, struct http_response *rs)
{
	struct http_exchange x = *like;
	struct http *h = x.http;
	struct err *e = x.e;
	x.url = url;
	x.rs = rs;
	rs->failure = HTTP_FAIL_LOCAL;
	rs->content_length = UINT64_MAX;
	rs->url = url_text(url);
	x.curl = curl_load(e);
	if (!x.curl)
		return -1;
	auto_free char *origin = url_host_port(url);
	struct http_handle *handle = http_handle_take(h, x.curl, origin, e);
	if (!handle)
		return -1;
	int r = run(&x, handle);
	http_handle_give(h, handle);
	return r;
}

static bool is_redirect(const struct http_request *rq, const struct http_response *rs)
{
	if (!rs->location)
		return false;
	if (rs->status == 307 || rs->status == 308)
		return true;
	bool reads = strcmp(rq->method, "GET") == 0 || strcmp(rq->method, "HEAD") == 0;
	return reads && (rs->status == 301 || rs->status == 302 || rs->status == 303);
}

static int follow(
        const struct http_request *rq, struct url *at, struct http_response *rs, struct err *e)
{
	auto_url struct url next = {0};
	auto_free char *from = url_host_port(at);
	if (url_resolve(at, rs->location, &next, e) < 0) {
		rs->failure = HTTP_FAIL_PROTOCOL;
		e->kind = ERR_NET; // the server's fault, not the user's
		return err_wrap(e, "'%s' redirects", from);
	}
	if (at->https && !next.https && !rq->insecure && !rq->plain_redirects) {
		rs->failure = HTTP_FAIL_PROTOCOL;
		return err_set(e, ERR_NET,
		        "'%s' redirects from https to plain http ('%s'): refused", from, next.host);
	}
	url_release(at);
	*at = next;
	next = (struct url){0};
	return 0;
}

char *basic_authorization(const char *user, const char *password)
{
	auto_buf struct buf plain = {0}, out = {0};
	buf_printf(&plain, "%s:%s", user, password);
	buf_puts(&out, "Basic ");
	base64_encode(&out, plain.p, plain.n);
	return buf_steal(&out);
}

char *userinfo_authorization(const char *userinfo)
{
	size_t n = strcspn(userinfo, ":");
	auto_free char *user = xstrndup(userinfo, n);
	return basic_authorization(user, userinfo[n] ? userinfo + n + 1 : "");
}

int http_perform(
        struct http *h, const struct http_request *rq, struct http_response *ret, struct err *e)
{
	auto_url struct url first = {0}, at = {0};
	*ret = (struct http_response){.failure = HTTP_FAIL_LOCAL};
	if (url_parse(rq->url, &first, e) < 0 || url_parse(rq->url, &at, e) < 0)
		return -1;
	auto_free char *own = rq->authorization || !first.userinfo
	                              ? NULL
	                              : userinfo_authorization(first.userinfo);
	const struct http_exchange other = {.http = h, .rq = rq, .e = e};
	struct http_exchange same = other;
	same.own_headers = rq->own_headers;
	same.authorization = rq->authorization ? rq->authorization : own;
	for (int i = 0; i <= REDIRECTS_MAX; i++) {
		bool is_same = url_same_origin(&first, &at);
		http_response_release(ret);
		int r = exchange(is_same ? &same : &other, &at, ret);
		ret->redirected = !is_same;
		if (r < 0 || rq->stays || !is_redirect(rq, ret))
			return r;
		if (follow(rq, &at, ret, e) < 0)
			return -1;
	}
	ret->failure = HTTP_FAIL_PROTOCOL;
	auto_free char *where = url_host_port(&first);
	return err_set(e, ERR_NET, "'%s' redirects more than %d times", where, REDIRECTS_MAX);
}
