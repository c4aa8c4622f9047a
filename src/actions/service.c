// SPDX-License-Identifier: Apache-2.0
// The client object, and calls that are tried again. A service that is busy (429) is waited for as
// long as it says, and as long as there is time; other trouble that may pass a few times only.
#include "actions/actions-int.h"
#include "base/cancel.h"
#include "base/event.h"
#include "base/json.h"
#include "base/mem.h"
#include "registry/retry.h"
#include "registry/url.h"
#include <string.h>

#define SECOND_NS INT64_C(1000000000)
#define SCHEME "gha"
#define BRIEF_MS 5000
#define BRIEF_TRIES 3
#define BUSY_MS_MAX 90000 // between two tries, if the service does not say how long

static void actions_free(struct blob_origin *o)
{
	struct actions *a = (struct actions *)o;
	const char *key;
	void *value;
	for (size_t i = 0; map_next(&a->begun, &i, &key, &value);)
		reservation_free(value);
	map_release(&a->begun);
	map_release(&a->there);
	pthread_mutex_destroy(&a->lock);
	slots_release(&a->blocks);
	strv_release(&a->readable);
	if (a->authorization)
		explicit_bzero(a->authorization, strlen(a->authorization));
	free(a->authorization);
	free(a->writable);
	free(a->source);
	free(a->url);
	free(a);
}

static int locate(struct blob_origin *o, const struct digest *d, char **ret_url, struct err *e)
{
	struct actions *a = (struct actions *)o;
	struct patience p = actions_patience(a);
	char key[ACTIONS_KEY];
	actions_blob_key(d, key);
	int found = actions_find(a, key, &p, NULL, ret_url, e);
	return found > 0   ? 0
	       : found < 0 ? -1
	                   : err_set(e, ERR_NOT_FOUND, "the cache does not have it any more");
}

static char *with_slash(const char *url)
{
	return str_has_suffix(url, "/") ? xstrdup(url) : xasprintf("%s/", url);
}

static struct actions *find(struct registry *r, const char *url, const char *authorization, bool v2)
{
	struct blob_origin *o = NULL;
	while ((o = registry_origin(r, SCHEME, o))) {
		struct actions *a = (struct actions *)o;
		if (a->v2 == v2 && !strcmp(a->url, url) && !strcmp(a->authorization, authorization))
			return a;
	}
	return NULL;
}

struct actions *actions_get(struct registry *r, const struct actions_options *o, struct err *e)
{
	auto_url struct url u = {0};
	auto_free char *url = with_slash(o->url);
	auto_free char *authorization = xasprintf("Bearer %s", o->token);
	if (strpbrk(o->token, "\r\n") || url_parse(url, &u, e)) {
		err_set(e, ERR_USAGE, "the cache's url or token is malformed");
		return NULL;
	}
	struct actions *a = find(r, url, authorization, o->v2);
	if (a)
		return a;
	a = xcalloc(1, sizeof(*a));
	a->origin = (struct blob_origin){.scheme = SCHEME, .locate = locate, .free = actions_free};
	a->http = registry_http(r);
	auto_free char *host = url_host_port(&u);
	a->source = xasprintf(SCHEME ":%s", host);
	a->host = a->source + strlen(SCHEME ":");
	a->url = steal_ptr(&url);
	a->authorization = steal_ptr(&authorization);
	a->v2 = o->v2;
	a->timeout_ns = o->timeout_ns;
	token_scopes(o->token, &a->readable, &a->writable);
	pthread_mutex_init(&a->lock, NULL);
	slots_init(&a->blocks);
	registry_add_origin(r, &a->origin);
	return a;
}

const char *actions_source(const struct actions *a)
{
	return a->source;
}

const struct strv *actions_readable(const struct actions *a)
{
	return &a->readable;
}

const char *actions_writable(const struct actions *a)
{
	return a->writable;
}

void actions_blob_key(const struct digest *d, char ret[static ACTIONS_KEY])
{
	char text[DIGEST_TEXT];
	digest_text(d, text);
	snprintf(ret, ACTIONS_KEY, "buildkit-blob-1-%s", text);
}

// ---- patience

struct patience actions_patience(const struct actions *a)
{
	return (struct patience){.until_ns = clock_ns() + a->timeout_ns};
}

bool patience_ended(const struct patience *p)
{
	return clock_ns() >= p->until_ns;
}

int service_wait(int64_t ms, struct err *e)
{
	const struct retry none = {0};
	while (ms > 0) {
		int64_t piece = ms < RETRY_AFTER_MAX_MS ? ms : RETRY_AFTER_MAX_MS;
		if (retry_wait(&none, piece, e))
			return -1;
		ms -= piece;
	}
	return cancel_check(e);
}

static bool is_passing(const struct http_response *rs, int rc)
{
	if (rc < 0)
		return rs->failure == HTTP_FAIL_CUT || rs->failure == HTTP_FAIL_TIMEOUT;
	return rs->status == 408 || rs->status == 429 || rs->status / 100 == 5;
}

static int64_t pause_ms(const struct http_response *rs, int tries)
{
	int64_t said = retry_after_ms(rs->retry_after, clock_real_ns() / SECOND_NS);
	if (said >= 0)
		return said;
	int64_t ms = INT64_C(500) << (tries < 10 ? tries : 10);
	return ms < BUSY_MS_MAX ? ms : BUSY_MS_MAX;
}

// 0: waited. -1: it is no use, *e stays; or cancelled, which *e says.
static int be_patient(struct patience *p, const struct http_response *rs, struct err *e)
{
	bool is_busy = rs->status == 429;
	int64_t ms = pause_ms(rs, is_busy ? p->busy++ : p->tries++);
	int64_t left = (p->until_ns - clock_ns()) / 1000000;
	if (p->brief && (ms > BRIEF_MS || p->busy > BRIEF_TRIES))
		return -1;
	if (ms > left)
		return left > 0 || is_busy ? err_wrap(e, "no time is left to wait (timeout=)") : -1;
	if (p->tries >= RETRY_MAX)
		return -1;
	struct err cancelled = ERR_INIT;
	if (service_wait(ms, &cancelled) == 0)
		return 0;
	*e = cancelled;
	return -1;
}

int service_request(struct actions *a, const struct http_request *rq, struct patience *p,
        struct http_response *ret, struct err *e)
{
	for (;;) {
		int rc = http_perform(a->http, rq, ret, e);
		if (!is_passing(ret, rc)) {
			p->tries = p->busy = 0;
			return rc;
		}
		if (rc == 0)
			err_set(e, ERR_NET, "the cache service answers with status %d",
			        ret->status);
		if (be_patient(p, ret, e))
			return -1;
		*e = ERR_INIT;
		http_response_release(ret);
	}
}

int service_call(struct actions *a, const char *method, const char *path, const struct buf *body,
        struct patience *p, struct http_response *ret, struct err *e)
{
	auto_strv struct strv headers = {0};
	auto_free char *url = xasprintf("%s%s", a->url, path);
	strv_add(&headers, a->v2 ? "Accept: application/json"
	                         : "Accept: application/json;api-version=6.0-preview.1");
	strv_add(&headers, "Content-Type: application/json");
	const struct http_request rq = {.method = method,
	        .url = url,
	        .headers = &headers,
	        .authorization = a->authorization,
	        .stays = true,
	        .has_body = body,
	        .body = body ? body->p : NULL,
	        .body_size = body ? body->n : 0};
	return service_request(a, &rq, p, ret, e);
}

// Its own words: Twirp has "msg", v1 "message".
static char *words_of(const struct http_response *rs)
{
	struct err ignored = ERR_INIT;
	auto_jdoc struct jdoc *doc =
	        rs->body.n ? jdoc_parse(rs->body.p, rs->body.n, &ignored) : NULL;
	const char *said = doc ? jn_get_str(jdoc_root(doc), "msg") : NULL;
	if (doc && !said)
		said = jn_get_str(jdoc_root(doc), "message");
	return said && *said ? xasprintf(" (%.200s)", said) : xstrdup("");
}

#undef service_refused // the function itself
int service_refused(
        struct actions *a, const struct http_response *rs, const char *what, struct err *e)
{
	auto_free char *said = words_of(rs);
	if (rs->status == 401)
		return err_set(e, ERR_AUTH,
		        "'%s' does not accept the token%s: it is good for one job only", a->host,
		        said);
	return err_set(e, rs->status == 403 ? ERR_AUTH : ERR_NET,
	        "'%s' answers with status %d to %s%s", a->host, rs->status, what, said);
}
