// SPDX-License-Identifier: Apache-2.0
// Entries of the service, in both versions: found, reserved, finished, and read if they are small.
#include "actions/actions-int.h"
#include "base/json.h"
#include "base/mem.h"
#include "registry/url.h"
#include <string.h>

// Hex SHA-256 of "|go-actionscache-1.0": what entries of BuildKit's have beside their key.
#define VERSION_HASH "693bb7016429d80366022f036f84856888c9f13e00145f5f6f4dce303a38d6f2"
#define TWIRP "twirp/github.actions.results.api.v1.CacheService/"
#define V1 "_apis/artifactcache/"
#define URL_MAX 8192

void reservation_free(struct reservation *r)
{
	if (!r)
		return;
	free(r->key);
	free(r->url);
	free(r);
}

static void begin(struct jw *w, struct buf *out, const char *key)
{
	jw_begin(w, out, 0);
	jw_object(w);
	jw_kv(w, "key", key);
	jw_kv(w, "version", VERSION_HASH);
}

static struct jdoc *answer(struct actions *a, const struct http_response *rs, struct err *e)
{
	struct jdoc *doc = jdoc_parse(rs->body.n ? rs->body.p : "", rs->body.n, e);
	if (!doc)
		err_wrap(e, "the answer of '%s'", a->host);
	return doc;
}

// A URL that the service sends us to. It may be on any host, but what the service has by https does
// not come by plain http.
static int take_url(struct actions *a, const char *text, char **ret, struct err *e)
{
	auto_url struct url u = {0};
	if (!text || strlen(text) > URL_MAX || url_parse(text, &u, e) ||
	        (str_has_prefix(a->url, "https:") && !u.https))
		return err_set(e, ERR_CORRUPT, "'%s' answers without a usable address", a->host);
	*ret = xstrdup(text);
	return 0;
}

// ---- finding

static int ask_v2(struct actions *a, const char *key, struct patience *p, struct http_response *rs,
        struct err *e)
{
	auto_buf struct buf body = {0};
	struct jw w;
	begin(&w, &body, key);
	jw_key(&w, "restore_keys");
	jw_array(&w);
	jw_str(&w, key);
	jw_array_end(&w);
	jw_object_end(&w);
	return service_call(a, "POST", TWIRP "GetCacheEntryDownloadURL", &body, p, rs, e);
}

static int ask_v1(struct actions *a, const char *key, struct patience *p, struct http_response *rs,
        struct err *e)
{
	auto_buf struct buf path = {0};
	buf_puts(&path, V1 "cache?keys=");
	url_escape(&path, key);
	buf_puts(&path, "&version=" VERSION_HASH);
	return service_call(a, "GET", path.p, NULL, p, rs, e);
}

static int take_found(struct actions *a, const struct http_response *rs, const char *key,
        char **ret_key, char **ret_url, struct err *e)
{
	auto_jdoc struct jdoc *doc = answer(a, rs, e);
	const struct jn *root = doc ? jdoc_root(doc) : NULL;
	if (!doc)
		return -1;
	if (a->v2 && !jn_bool(jn_get(root, "ok"), false))
		return 0;
	const char *matched = jn_get_str(root, a->v2 ? "matched_key" : "cacheKey");
	if (matched && !str_has_prefix(matched, key))
		return 0;
	if (take_url(a, jn_get_str(root, a->v2 ? "signed_download_url" : "archiveLocation"),
	            ret_url, e))
		return -1;
	if (ret_key)
		*ret_key = xstrdup(matched ? matched : key);
	return 1;
}

int actions_find(struct actions *a, const char *key, struct patience *p, char **ret_key,
        char **ret_url, struct err *e)
{
	auto_response struct http_response rs = {0};
	if ((a->v2 ? ask_v2 : ask_v1)(a, key, p, &rs, e))
		return -1;
	if (rs.status == 404 || rs.status == 204)
		return 0;
	return rs.status == 200 ? take_found(a, &rs, key, ret_key, ret_url, e)
	                        : service_refused(a, &rs, "a look into the cache", e);
}

// Once more with a new address, if the signature has grown old.
int actions_read(struct actions *a, const char *key, size_t max, struct patience *p, char **ret_key,
        struct buf *ret, struct err *e)
{
	for (int tries = 0;; tries++) {
		auto_response struct http_response rs = {0};
		auto_free char *url = NULL, *matched = NULL;
		int found = actions_find(a, key, p, &matched, &url, e);
		if (found <= 0)
			return found;
		const struct http_request rq = {.method = "GET", .url = url, .max_answer = max};
		if (service_request(a, &rq, p, &rs, e))
			return -1;
		if (rs.status == 404)
			return 0; // evicted meanwhile
		if (rs.status == 403 && !tries)
			continue;
		if (rs.status != 200 && rs.status != 206)
			return err_set(e, ERR_NET, "the cache's storage answers with status %d",
			        rs.status);
		*ret_key = steal_ptr(&matched);
		*ret = rs.body;
		rs.body = (struct buf){0};
		return 1;
	}
}

// ---- writing

// A token that may only read stays one: nothing else is tried with it.
static int refuse_all(struct actions *a, const struct http_response *rs, struct err *e)
{
	service_refused(a, rs, "a new entry", e);
	pthread_mutex_lock(&a->lock);
	a->refused = *e;
	pthread_mutex_unlock(&a->lock);
	return -1;
}

// That it exists is said by the status, and sometimes in words.
static int not_reserved(struct actions *a, const char *why, struct err *e)
{
	if (!why || !*why || strstr(why, "exist"))
		return 0;
	return err_set(e, ERR_NET, "'%s' makes no new entry (%.200s)", a->host, why);
}

static int take_place(struct actions *a, const struct http_response *rs, const char *key,
        struct reservation **ret, struct err *e)
{
	auto_jdoc struct jdoc *doc = answer(a, rs, e);
	auto_free char *url = NULL;
	const struct jn *root = doc ? jdoc_root(doc) : NULL;
	if (!doc)
		return -1;
	if (a->v2 && !jn_bool(jn_get(root, "ok"), false))
		return not_reserved(a, jn_get_str(root, "message"), e);
	int64_t id = jn_int(jn_get(root, "cacheId"), 0);
	if (a->v2 && take_url(a, jn_get_str(root, "signed_upload_url"), &url, e))
		return -1;
	if (!a->v2 && id <= 0)
		return err_set(e, ERR_CORRUPT, "'%s' reserves an entry without an id", a->host);
	struct reservation *r = xcalloc(1, sizeof(*r));
	r->key = xstrdup(key);
	r->url = a->v2 ? steal_ptr(&url) : xasprintf("%s" V1 "caches/%ju", a->url, (uintmax_t)id);
	*ret = r;
	return 1;
}

int entry_reserve(struct actions *a, const char *key, uint64_t size, struct patience *p,
        struct reservation **ret, struct err *e)
{
	auto_response struct http_response rs = {0};
	auto_buf struct buf body = {0};
	struct jw w;
	begin(&w, &body, key);
	if (!a->v2)
		jw_kv_int(&w, "cacheSize", (int64_t)size);
	jw_object_end(&w);
	const char *path = a->v2 ? TWIRP "CreateCacheEntry" : V1 "caches";
	if (service_call(a, "POST", path, &body, p, &rs, e))
		return -1;
	if (rs.status == 409)
		return 0;
	if (rs.status == 401 || rs.status == 403)
		return refuse_all(a, &rs, e);
	return rs.status == 200 || rs.status == 201 ? take_place(a, &rs, key, ret, e)
	                                            : service_refused(a, &rs, "a new entry", e);
}

static int finish_v1(struct actions *a, const struct reservation *r, uint64_t size,
        struct patience *p, struct err *e)
{
	auto_response struct http_response rs = {0};
	auto_buf struct buf body = {0};
	buf_printf(&body, "{\"size\":%ju}", (uintmax_t)size);
	if (service_call(a, "POST", r->url + strlen(a->url), &body, p, &rs, e))
		return -1;
	return rs.status / 100 == 2 ? 0 : service_refused(a, &rs, "the end of an entry", e);
}

int entry_finish(struct actions *a, const struct reservation *r, uint64_t size, struct patience *p,
        struct err *e)
{
	auto_response struct http_response rs = {0};
	auto_buf struct buf body = {0};
	struct jw w;
	if (!a->v2)
		return finish_v1(a, r, size, p, e);
	auto_free char *text = xasprintf("%ju", (uintmax_t)size);
	begin(&w, &body, r->key);
	jw_kv(&w, "size_bytes", text);
	jw_object_end(&w);
	if (service_call(a, "POST", TWIRP "FinalizeCacheEntryUpload", &body, p, &rs, e))
		return -1;
	if (rs.status != 200)
		return service_refused(a, &rs, "the end of an entry", e);
	auto_jdoc struct jdoc *doc = answer(a, &rs, e);
	if (!doc)
		return -1;
	return jn_bool(jn_get(jdoc_root(doc), "ok"), false)
	               ? 0
	               : err_set(e, ERR_NET, "'%s' does not take an entry that was sent", a->host);
}
