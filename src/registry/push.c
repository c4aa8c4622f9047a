// SPDX-License-Identifier: Apache-2.0
// Pushing: collects all documents and blobs below a manifest or index, pushes the blobs in
// parallel, then the documents, children before parents, the root last under its tag. What is
// already there is not sent; what this registry has in another repository is mounted.

#include "base/map.h"
#include "base/mem.h"
#include "registry/client.h"
#include "registry/push-int.h"

#define PUSH_DEPTH_MAX 4

struct push {
	struct push_target target;
	struct descriptor_list blobs;
	struct manifest_bytes *documents; // children first, the root last
	size_t n_documents;
	struct map seen;
};

static void push_release(struct push *p)
{
	for (size_t i = 0; i < p->blobs.n; i++)
		descriptor_release(&p->blobs.v[i]);
	free(p->blobs.v);
	for (size_t i = 0; i < p->n_documents; i++)
		manifest_bytes_release(&p->documents[i]);
	free(p->documents);
	map_release(&p->seen);
	free(p->target.name);
}

static bool is_new(struct push *p, const struct digest *d)
{
	char hex[HASH_HEX];
	digest_hex(d, hex);
	if (map_has(&p->seen, hex))
		return false;
	map_set(&p->seen, hex, p);
	return true;
}

// What a document names lies where the document lies: for what is not here that may be the only
// hint.
static int inherit_sources(
        struct push *p, const struct digest *parent, const struct digest *child, struct err *e)
{
	struct store *s = p->target.r->store;
	bool relay = p->target.relay; // then also for mounting, and the named source comes first
	auto_strv struct strv own = {0}, sources = {0};
	if (!relay && store_blob_has(s, child))
		return 0;
	if (store_blob_sources(s, child, &own, e) < 0 ||
	        store_blob_sources(s, parent, &sources, e) < 0)
		return -1;
	for (size_t i = sources.n; (relay || own.n == 0) && i > 0; i--)
		if (store_blob_add_source(s, child, sources.v[i - 1], e) < 0)
			return -1;
	return 0;
}

static int collect_blob(
        struct push *p, const struct digest *parent, const struct descriptor *d, struct err *e)
{
	if (!is_new(p, &d->digest))
		return 0;
	descriptor_copy(descriptor_list_add(&p->blobs), d);
	return inherit_sources(p, parent, &d->digest, e);
}

static int collect_blobs(
        struct push *p, const struct digest *parent, const struct descriptor_list *l, struct err *e)
{
	for (size_t i = 0; i < l->n; i++)
		if (collect_blob(p, parent, &l->v[i], e) < 0)
			return -1;
	return 0;
}

static int collect_manifest(struct push *p, const struct manifest_bytes *m, struct err *e)
{
	auto_manifest struct manifest parsed = {0};
	if (manifest_parse(m->bytes.p, m->bytes.n, m->media_type, &parsed, e) < 0)
		return -1;
	if (collect_blob(p, &m->digest, &parsed.config, e) < 0)
		return -1;
	return collect_blobs(p, &m->digest, &parsed.layers, e);
}

static int collect(struct push *p, const struct descriptor *d, int depth, struct err *e);

static int collect_children(struct push *p, const struct digest *parent,
        const struct descriptor_list *l, int depth, struct err *e)
{
	for (size_t i = 0; i < l->n; i++) {
		const struct descriptor *d = &l->v[i];
		// BuildKit's old caches are indexes of layers.
		bool is_blob = media_type_compression(d->media_type) >= 0 ||
		               strcmp(d->media_type, MT_CACHE_CONFIG) == 0;
		int rc = is_blob ? collect_blob(p, parent, d, e)
		                 : inherit_sources(p, parent, &d->digest, e);
		if (rc < 0 || (!is_blob && collect(p, d, depth + 1, e) < 0))
			return -1;
	}
	return 0;
}

static int collect_index(struct push *p, const struct manifest_bytes *m, int depth, struct err *e)
{
	auto_index struct image_index ix = {0};
	if (image_index_parse(m->bytes.p, m->bytes.n, m->media_type, &ix, e) < 0)
		return -1;
	return collect_children(p, &m->digest, &ix.manifests, depth, e);
}

static int collect_known(struct push *p, const struct manifest_bytes *m, int depth, struct err *e)
{
	return media_type_is_index(m->media_type) ? collect_index(p, m, depth, e)
	                                          : collect_manifest(p, m, e);
}

// A document of a kind that hew does not know goes as it is, and before it what it seems to name.
static int collect_foreign(struct push *p, const struct manifest_bytes *m, int depth, struct err *e)
{
	struct descriptor_list blobs = {0}, manifests = {0};
	manifest_guess(m->bytes.p, m->bytes.n, &blobs, &manifests);
	int rc = collect_blobs(p, &m->digest, &blobs, e);
	if (rc == 0)
		rc = collect_children(p, &m->digest, &manifests, depth, e);
	descriptor_list_release(&blobs);
	descriptor_list_release(&manifests);
	return rc;
}

// A registry has what the documents that it has name: it took them only then.
static bool is_there(struct push *p, const struct digest *d)
{
	auto_response struct http_response rs = {0};
	char digest[DIGEST_TEXT];
	digest_text(d, digest);
	auto_free char *tail = xasprintf("manifests/%s", digest);
	struct err ignored = ERR_INIT;
	struct api_call call = {.ep = p->target.ep, .tail = tail, .rq = {.method = "HEAD"}};
	scope_add_repository(&call.scopes, p->target.ep->repository, "pull,push");
	int rc = api_perform(p->target.r, &call, &rs, &ignored);
	api_call_release(&call);
	return rc == 0 && rs.status == 200;
}

static void keep_document(struct push *p, struct manifest_bytes *m)
{
	p->documents = xreallocarray(p->documents, p->n_documents + 1, sizeof(*p->documents));
	p->documents[p->n_documents++] = *m;
	*m = (struct manifest_bytes){0};
}

// d: without a media type for the root, whose bytes say what it is.
static int collect(struct push *p, const struct descriptor *d, int depth, struct err *e)
{
	auto_manifest_bytes struct manifest_bytes m = {0};
	bool known = !d->media_type || media_type_is_document(d->media_type);
	char digest[DIGEST_TEXT];
	digest_text(&d->digest, digest);
	if (!is_new(p, &d->digest))
		return 0;
	if (depth > PUSH_DEPTH_MAX)
		return err_set(e, ERR_CORRUPT, "indexes are nested too deep");
	if (d->media_type && !store_blob_has(p->target.r->store, &d->digest) &&
	        document_fetch(p->target.r, d, p->target.step, e) < 0)
		return -1;
	int rc = manifest_load(p->target.r, &d->digest, known ? NULL : d->media_type, &m, e);
	bool whole = rc == 0 && p->target.relay && is_there(p, &d->digest);
	if (whole && depth > 0)
		return 0;
	if (rc == 0 && !whole) // the root gets a tag in any case
		rc = known ? collect_known(p, &m, depth, e) : collect_foreign(p, &m, depth, e);
	if (rc < 0)
		return err_wrap(e, "manifest '%s'", digest);
	keep_document(p, &m);
	return 0;
}

static int push_one(void *arg, size_t i, struct err *e)
{
	struct push *p = arg;
	return push_blob(&p->target, &p->blobs.v[i], e);
}

static int push_document(
        struct push_target *t, const struct manifest_bytes *m, const char *under, struct err *e)
{
	bool linked;
	if (put_manifest(t, m, under, &linked, e) < 0 ||
	        store_blob_add_source(t->r->store, &m->digest, t->name, e) < 0)
		return -1;
	return linked ? 0 : referrers_add(t, m, e);
}

static int put_documents(struct push *p, const char *tag, struct err *e)
{
	for (size_t i = 0; i < p->n_documents; i++) {
		bool is_root = i + 1 == p->n_documents;
		char digest[DIGEST_TEXT];
		digest_text(&p->documents[i].digest, digest);
		if (push_document(&p->target, &p->documents[i], is_root && tag ? tag : digest, e) <
		        0)
			return -1;
	}
	return 0;
}

static int run(
        struct push *p, const struct reference *ref, const struct digest *manifest, struct err *e)
{
	struct parallel_work work = {.arg = p, .fn = push_one};
	const struct descriptor root = {.digest = *manifest};
	if (host_settle(p->target.r, p->target.ep->host, e) < 0 || collect(p, &root, 0, e) < 0)
		return -1;
	work.n = p->blobs.n;
	if (parallel_run(p->target.r, &work, e) < 0)
		return -1;
	return put_documents(p, ref->tag, e);
}

static int check_name(const struct reference *ref, const struct digest *manifest, struct err *e)
{
	char have[DIGEST_TEXT];
	auto_free char *shown = reference_familiar(ref);
	if (!ref->has_digest || digest_eq(&ref->digest, manifest))
		return 0;
	digest_text(manifest, have);
	return err_set(e, ERR_USAGE,
	        "push '%s': what would be pushed has digest %s: give the name a tag instead", shown,
	        have);
}

static int push(const struct push_target *how, const struct reference *ref,
        const struct digest *manifest, struct err *e)
{
	auto_endpoints struct endpoint_list eps = {0};
	if (check_name(ref, manifest, e) < 0 ||
	        endpoint_list_make(how->r, ref->domain, ref->repository, ENDPOINT_PUSH, &eps, e) <
	                0)
		return -1;
	struct push p = {.target = *how};
	p.target.ep = &eps.v[eps.n - 1];
	p.target.domain = ref->domain;
	p.target.name = reference_name(ref);
	int rc = run(&p, ref, manifest, e);
	push_release(&p);
	if (rc == 0)
		return 0;
	auto_free char *shown = reference_familiar(ref);
	return err_wrap(e, "push '%s'", shown);
}

int registry_relay(struct registry *r, const struct reference *ref, const struct digest *manifest,
        int step, struct push_counts *ret, struct err *e)
{
	pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
	struct push_target how = {
	        .r = r, .step = step, .relay = true, .counts = ret, .lock = &lock};
	*ret = (struct push_counts){0};
	return push(&how, ref, manifest, e);
}

int registry_push(struct registry *r, const struct reference *ref, const struct digest *manifest,
        int step, struct err *e)
{
	return push(&(struct push_target){.r = r, .step = step}, ref, manifest, e);
}

int registry_push_blob(
        struct registry *r, const struct reference *ref, const struct descriptor *d, struct err *e)
{
	auto_endpoints struct endpoint_list eps = {0};
	if (endpoint_list_make(r, ref->domain, ref->repository, ENDPOINT_PUSH, &eps, e) < 0)
		return -1;
	struct push_target t = {.r = r,
	        .ep = &eps.v[eps.n - 1],
	        .domain = ref->domain,
	        .name = reference_name(ref),
	        .step = -1};
	int rc = host_settle(r, t.ep->host, e) < 0 ? -1 : push_blob(&t, d, e);
	free(t.name);
	return rc;
}
