// SPDX-License-Identifier: Apache-2.0
// Referrers (distribution-spec 1.1, "Listing Referrers" and "Referrers Tag Schema"): what says of
// itself that it is about another manifest. A registry that knows them lists them, page by page.
// For one that does not, the client keeps the list: an index under the tag "sha256-<hex>". Two
// clients may write that at once and the later one wins, so what was written is read again.

#include "base/event.h"
#include "base/json.h"
#include "base/mem.h"
#include "registry/push-int.h"
#include "registry/url.h"

#define PAGES_MAX 64
#define REFERRERS_MAX 4096
#define WRITES_MAX 8

static char *fallback_tag(const struct digest *subject)
{
	char hex[HASH_HEX];
	digest_hex(subject, hex);
	return xasprintf("sha256-%s", hex);
}

static int take(const struct image_index *ix, const char *artifact_type,
        struct descriptor_list *ret, struct err *e)
{
	for (size_t i = 0; i < ix->manifests.n; i++) {
		const struct descriptor *d = &ix->manifests.v[i];
		bool wanted = !artifact_type ||
		              (d->artifact_type && strcmp(d->artifact_type, artifact_type) == 0);
		if (!wanted)
			continue;
		if (ret->n >= REFERRERS_MAX)
			return err_set(e, ERR_CORRUPT, "more than %d referrers", REFERRERS_MAX);
		descriptor_copy(descriptor_list_add(ret), d);
	}
	return 0;
}

// The URL of the next page, or NULL: Link: </v2/..>; rel="next" (RFC 8288). A list has no
// reason to go on at another server: whoever names one wants something asked there.
static int next_page(const struct http_response *rs, char **ret, struct err *e)
{
	auto_url struct url at = {0}, next = {0};
	const char *open = rs->link ? strchr(rs->link, '<') : NULL;
	const char *close = open ? strchr(open, '>') : NULL;
	*ret = NULL;
	if (!close || !strstr(close, "next"))
		return 0;
	auto_free char *target = xstrndup(open + 1, (size_t)(close - open - 1));
	if (url_parse(rs->url, &at, e) < 0 || url_resolve(&at, target, &next, e) < 0) {
		e->kind = ERR_NET; // the server's fault, not the user's
		return err_wrap(e, "next page");
	}
	if (!url_keep_https(&at, &next) || !url_same_origin(&at, &next)) {
		auto_free char *from = url_host_port(&at), *to = url_host_port(&next);
		return err_set(e, ERR_NET, "'%s' has the next page of the list on '%s': refused",
		        from, to);
	}
	*ret = url_text(&next);
	return 0;
}

// One page of the API. 1: got it, *url is the next one or NULL; 0: there is no such API; -1.
static int list_page(struct registry *r, struct endpoint *ep, const char *tail, char **url,
        struct image_index *ret, struct err *e)
{
	auto_response struct http_response rs = {0};
	auto_strv struct strv headers = {0};
	struct err ignored = ERR_INIT;
	strv_add(&headers, "Accept: " MT_OCI_INDEX);
	struct api_call call = {.ep = ep,
	        .tail = tail,
	        .url = *url,
	        .rq = {.method = "GET", .headers = &headers, .max_answer = MANIFEST_MAX}};
	scope_add_repository(&call.scopes, ep->repository, "pull");
	int rc = api_perform(r, &call, &rs, e);
	api_call_release(&call);
	if (rc < 0)
		return -1;
	bool unknown = rs.status == 404 || rs.status == 400 || rs.status == 405 || rs.status == 501;
	bool first = !*url;
	if (unknown && first)
		return 0;
	if (rs.status != 200)
		return api_refused(ep, &rs, "the list of referrers", e);
	// A registry from before may have a page of its own for what it does not know.
	if (image_index_parse(buf_cstr(&rs.body), rs.body.n, MT_OCI_INDEX, ret, &ignored) < 0) {
		*e = ignored;
		return first ? 0 : -1;
	}
	free(steal_ptr(url));
	return next_page(&rs, url, e) < 0 ? -1 : 1;
}

// 1: listed; 0: there is no such API; -1.
static int list_by_api(struct registry *r, struct endpoint *ep, const struct digest *subject,
        const char *artifact_type, struct descriptor_list *ret, struct err *e)
{
	char digest[DIGEST_TEXT];
	auto_buf struct buf tail = {0};
	auto_free char *url = NULL;
	digest_text(subject, digest);
	buf_printf(&tail, "referrers/%s", digest);
	if (artifact_type) {
		buf_puts(&tail, "?artifactType=");
		url_escape(&tail, artifact_type);
	}
	for (int page = 0; page == 0 || url; page++) {
		auto_index struct image_index ix = {0};
		if (page >= PAGES_MAX)
			return err_set(e, ERR_CORRUPT,
			        "the list of referrers has more than %d pages", PAGES_MAX);
		int rc = list_page(r, ep, tail.p, &url, &ix, e);
		if (rc <= 0)
			return rc;
		if (take(&ix, artifact_type, ret, e) < 0) // not every registry filters
			return -1;
	}
	return 1;
}

// The index under the fall-back tag. 1: there is one, 0: not yet, -1.
static int fallback_get(struct registry *r, struct endpoint *ep, const struct digest *subject,
        struct manifest_bytes *ret, struct image_index *ret_index, struct err *e)
{
	struct endpoint_list only = {ep, 1};
	auto_manifest_bytes struct manifest_bytes m = {0};
	auto_free char *tag = fallback_tag(subject);
	if (manifest_fetch(r, &only, &(struct manifest_wanted){.tag = tag}, &m, e) < 0) {
		if (e->kind != ERR_NOT_FOUND)
			return -1;
		*e = ERR_INIT;
		return 0;
	}
	if (image_index_parse(m.bytes.p, m.bytes.n, m.media_type, ret_index, e) < 0)
		return err_wrap(e, "tag '%s'", tag);
	*ret = m;
	m = (struct manifest_bytes){0};
	return 1;
}

static int list(struct registry *r, const struct reference *ref, const struct digest *subject,
        const char *artifact_type, struct descriptor_list *ret, struct err *e)
{
	auto_endpoints struct endpoint_list eps = {0};
	auto_manifest_bytes struct manifest_bytes m = {0};
	auto_index struct image_index ix = {0};
	if (endpoint_list_make(r, ref->domain, ref->repository, ENDPOINT_PUSH, &eps, e) < 0)
		return -1;
	struct endpoint *ep = &eps.v[eps.n - 1];
	int rc = list_by_api(r, ep, subject, artifact_type, ret, e);
	if (rc != 0)
		return rc < 0 ? -1 : 0;
	*e = ERR_INIT;
	rc = fallback_get(r, ep, subject, &m, &ix, e);
	return rc > 0 ? take(&ix, artifact_type, ret, e) : rc;
}

int registry_referrers(struct registry *r, const struct reference *ref,
        const struct digest *subject, const char *artifact_type, struct descriptor_list *ret,
        struct err *e)
{
	struct descriptor_list found = {0};
	if (list(r, ref, subject, artifact_type, &found, e) < 0) {
		auto_free char *shown = reference_familiar(ref);
		descriptor_list_release(&found);
		return err_wrap(e, "referrers of '%s'", shown);
	}
	*ret = found;
	return 0;
}

// ---- the index that clients keep

static bool lists(const struct image_index *ix, const struct digest *d)
{
	for (size_t i = 0; i < ix->manifests.n; i++)
		if (digest_eq(&ix->manifests.v[i].digest, d))
			return true;
	return false;
}

// What the document is about, and how it is listed. *ret_subject has no media type if it is about
// nothing.
static int describe(const struct manifest_bytes *m, struct descriptor *ret_subject,
        struct descriptor *ret, struct err *e)
{
	auto_manifest struct manifest one = {0};
	auto_index struct image_index many = {0};
	*ret = (struct descriptor){.digest = m->digest, .size = m->bytes.n};
	if (media_type_is_index(m->media_type)) {
		if (image_index_parse(m->bytes.p, m->bytes.n, m->media_type, &many, e) < 0)
			return -1;
		ret->artifact_type = steal_ptr(&many.artifact_type);
		ret->annotations = many.annotations;
		many.annotations = (struct strv){0};
		descriptor_copy(ret_subject, &many.subject);
	} else if (media_type_is_manifest(m->media_type)) {
		if (manifest_parse(m->bytes.p, m->bytes.n, m->media_type, &one, e) < 0)
			return -1;
		ret->artifact_type = one.artifact_type ? steal_ptr(&one.artifact_type)
		                                       : xstrdup(one.config.media_type);
		ret->annotations = one.annotations;
		one.annotations = (struct strv){0};
		descriptor_copy(ret_subject, &one.subject);
	}
	ret->media_type = xstrdup(m->media_type);
	return 0;
}

// The index with one more entry; everything else in it stays as it was written.
static void write_index(const char *old, size_t n, const struct descriptor *d, struct buf *out)
{
	struct jw w;
	const char *key;
	const struct jn *value;
	struct err ignored = ERR_INIT;
	auto_jdoc struct jdoc *doc = jdoc_parse(old, n, &ignored);
	const struct jn *root = doc ? jdoc_root(doc) : NULL;
	jw_begin(&w, out, 2);
	jw_object(&w);
	for (size_t i = 0; jn_member(root, i, &key, &value); i++) {
		jw_key(&w, key);
		if (strcmp(key, "manifests") != 0) {
			jw_raw(&w, value);
			continue;
		}
		jw_array(&w);
		for (size_t k = 0; k < jn_len(value); k++)
			jw_raw(&w, jn_at(value, k));
		descriptor_write(d, &w);
		jw_array_end(&w);
	}
	jw_object_end(&w);
}

static const char empty_index[] =
        "{\"schemaVersion\":2,\"mediaType\":\"" MT_OCI_INDEX "\",\"manifests\":[]}";

// 1: it is in the index by now and was before, 0: it was written, -1.
static int add_once(struct push_target *t, const struct digest *subject, const struct descriptor *d,
        struct err *e)
{
	auto_manifest_bytes struct manifest_bytes old = {0}, new = {0};
	auto_index struct image_index ix = {0};
	auto_free char *tag = fallback_tag(subject);
	bool linked;
	int rc = fallback_get(t->r, t->ep, subject, &old, &ix, e);
	if (rc < 0)
		return -1;
	if (lists(&ix, &d->digest))
		return 1;
	if (rc > 0)
		write_index(old.bytes.p, old.bytes.n, d, &new.bytes);
	else
		write_index(empty_index, sizeof(empty_index) - 1, d, &new.bytes);
	if (new.bytes.n > MANIFEST_MAX || ix.manifests.n >= REFERRERS_MAX)
		return err_set(e, ERR_FAIL, "the list under tag '%s' is full", tag);
	new.media_type = xstrdup(MT_OCI_INDEX);
	new.digest = digest_of(new.bytes.p, new.bytes.n);
	return put_manifest(t, &new, tag, &linked, e);
}

// Whoever read the index before we wrote it writes one without our entry. By the time that our own
// reading and writing took it will have done so: then we look again.
static int add(struct push_target *t, const struct digest *subject, const struct descriptor *d,
        struct err *e)
{
	for (int i = 0; i < WRITES_MAX; i++) {
		struct retry pause = {.tries = 1};
		int64_t began = clock_ns();
		int rc = add_once(t, subject, d, e);
		if (rc != 0)
			return rc < 0 ? -1 : 0;
		if (retry_wait(&pause, 50 + 2 * (clock_ns() - began) / 1000000, e) < 0)
			return -1;
	}
	return err_set(e, ERR_NET, "others write the list of referrers all the time: try again");
}

int referrers_add(struct push_target *t, const struct manifest_bytes *m, struct err *e)
{
	struct descriptor subject = {0}, entry = {0};
	int rc = describe(m, &subject, &entry, e);
	if (rc == 0 && subject.media_type) {
		struct store_lock *lock =
		        store_lock_hash(t->r->store, "referrers", &subject.digest.h, e);
		rc = lock ? add(t, &subject.digest, &entry, e) : -1;
		store_unlock(lock);
	}
	descriptor_release(&subject);
	descriptor_release(&entry);
	return rc;
}
