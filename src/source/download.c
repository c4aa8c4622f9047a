// SPDX-License-Identifier: Apache-2.0
// Revalidation as BuildKit does it: HEAD with If-None-Match first, for there are servers that
// ignore the condition but say the ETag. Times alone prove nothing: a file without an ETag is
// fetched again.
#include "source/download.h"

#include "base/buf.h"
#include "base/err.h"
#include "base/event.h"
#include "base/json.h"
#include "base/mem.h"
#include "base/redact.h"
#include "registry/registry.h"
#include "store/store.h"
#include <string.h>

struct known {
	struct download file;
	char *etag; // NULL: none
};

static struct hash record_key(const struct download_request *q)
{
	auto_hasher struct hasher *h = hasher_new();
	hasher_str(h, "hew download 1");
	hasher_str(h, q->url);
	hasher_str(h, q->auth_name);
	return hasher_end(h);
}

static bool parse_record(const char *json, struct known *ret)
{
	struct err ignored = ERR_INIT;
	auto_jdoc struct jdoc *doc = jdoc_parse(json, strlen(json), &ignored);
	const struct jn *o = doc ? jdoc_root(doc) : NULL;
	const char *digest = jn_get_str(o, "digest"), *etag = jn_get_str(o, "etag");
	int64_t size = jn_int(jn_get(o, "size"), -1);
	if (!digest || size < 0 || digest_parse(digest, &ret->file.digest, &ignored))
		return false;
	ret->file.size = (uint64_t)size;
	ret->file.modified = jn_int(jn_get(o, "modified"), 0);
	ret->etag = etag ? xstrdup(etag) : NULL;
	return true;
}

// What was fetched from there the last time, if it is still here. 1, 0, -1.
static int recall(
        const struct download_request *q, const struct hash *key, struct known *ret, struct err *e)
{
	struct step_record r = {0};
	int found = store_step_get(q->store, key, &r, e);
	if (found == 1 && !(r.components && parse_record(r.components, ret)))
		found = 0;
	step_record_release(&r);
	if (found == 1 && store_lease_add(q->store, &ret->file.digest, e))
		return -1;
	return found == 1 ? store_blob_has(q->store, &ret->file.digest) : found;
}

static int remember(const struct download_request *q, const struct hash *key, const struct known *k,
        struct err *e)
{
	auto_buf struct buf json = {0};
	char digest[DIGEST_TEXT];
	struct jw w;
	digest_text(&k->file.digest, digest);
	jw_begin(&w, &json, 0);
	jw_object(&w);
	jw_kv(&w, "op", "download");
	jw_kv(&w, "digest", digest);
	jw_kv_int(&w, "size", (int64_t)k->file.size);
	jw_kv_int(&w, "modified", k->file.modified);
	if (k->etag)
		jw_kv(&w, "etag", k->etag);
	jw_object_end(&w);
	struct step_record r = {.components = json.p};
	return store_step_put(q->store, key, &r, e);
}

static int check_pin(const struct download_request *q, const struct digest *got, struct err *e)
{
	char is[DIGEST_TEXT], said[DIGEST_TEXT];
	auto_buf struct buf url = {0};
	if (!q->pinned || digest_eq(q->pinned, got))
		return 0;
	redact_urls(q->url, strcspn(q->url, "?#"), &url);
	digest_text(got, is);
	digest_text(q->pinned, said);
	return err_set(e, ERR_CORRUPT,
	        "'%s': digest mismatch: it is %s, expected is %s (another version of the "
	        "file, or not the file at all)",
	        buf_cstr(&url), is, said);
}

static int fetch(
        const struct download_request *q, const struct hash *key, struct known *k, struct err *e)
{
	struct registry *r = q->registry(q->arg, e);
	struct http_get get = {
	        .url = q->url, .authorization = q->authorization, .etag = k->etag, .step = q->step};
	struct http_file file = {.fd = -1};
	if (!r || registry_get_url(r, &get, &file, e))
		return -1;
	if (file.fd < 0) // it has not changed
		return check_pin(q, &k->file.digest, e);
	free(k->etag);
	*k = (struct known){
	        .file = {file.digest, file.size, file.last_modified},
	        .etag = file.etag ? xstrdup(file.etag) : NULL,
	};
	int rc = check_pin(q, &file.digest, e);
	if (!rc)
		rc = store_blob_commit(q->store, file.fd, &file.digest, file.size, e);
	if (!rc)
		rc = remember(q, key, k, e);
	http_file_release(&file);
	return rc;
}

static int run(
        const struct download_request *q, const struct hash *key, struct known *k, struct err *e)
{
	int found = recall(q, key, k, e);
	if (found < 0)
		return -1;
	if (found && q->pinned && digest_eq(q->pinned, &k->file.digest))
		return 0;
	if (!found)
		free(steal_ptr(&k->etag));
	return fetch(q, key, k, e);
}

int download_run(const struct download_request *q, struct download *ret, struct err *e)
{
	struct hash key = record_key(q);
	struct known k = {0};
	struct store_lock *lock = store_lock_hash(q->store, "source", &key, e);
	if (!lock)
		return -1;
	int r = run(q, &key, &k, e);
	store_unlock(lock);
	*ret = k.file;
	free(k.etag);
	return r;
}
