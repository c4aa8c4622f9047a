// SPDX-License-Identifier: Apache-2.0
// Resolving and pulling: tag to index to the platform's manifest to its config, each bounded and
// verified, then the layers. A document that the store has is not fetched again; a digest reference
// whose documents are all here needs no network.

#include "base/event.h"
#include "base/mem.h"
#include "image/config.h"
#include "registry/client.h"

#define INDEX_DEPTH_MAX 3

void manifest_bytes_release(struct manifest_bytes *m)
{
	buf_release(&m->bytes);
	free(m->media_type);
	*m = (struct manifest_bytes){0};
}

bool media_type_is_document(const char *media_type)
{
	return media_type_is_manifest(media_type) || media_type_is_index(media_type);
}

// Fills media_type and digest from the bytes. content_type: from the registry, trusted only if it
// is one of ours. foreign: the type of a document that is none of ours; its bytes may be anything.
static int identify(
        struct manifest_bytes *m, const char *content_type, const char *foreign, struct err *e)
{
	m->digest = digest_of(m->bytes.p, m->bytes.n);
	if (foreign) {
		m->media_type = xstrdup(foreign);
		return 0;
	}
	auto_free char *type =
	        content_type ? xstrndup(content_type, strcspn(content_type, "; ")) : NULL;
	bool known = type && media_type_is_document(type);
	const char *found = manifest_sniff(m->bytes.p, m->bytes.n, known ? type : NULL, e);
	if (!found)
		return -1;
	m->media_type = xstrdup(found);
	return 0;
}

int manifest_load(struct registry *r, const struct digest *d, const char *foreign,
        struct manifest_bytes *ret, struct err *e)
{
	auto_manifest_bytes struct manifest_bytes m = {0};
	if (store_blob_read(r->store, d, MANIFEST_MAX, &m.bytes, e) < 0 ||
	        identify(&m, NULL, foreign, e) < 0)
		return -1;
	*ret = m;
	m = (struct manifest_bytes){0};
	return 0;
}

static int digests_differ(const struct endpoint *ep, const char *what, const struct digest *want,
        const struct digest *got, struct err *e)
{
	char wanted[DIGEST_TEXT], have[DIGEST_TEXT];
	digest_text(want, wanted);
	digest_text(got, have);
	return err_set(e, ERR_CORRUPT, "%s from '%s' has digest %s, expected %s", what,
	        ep->host->cred_name, have, wanted);
}

static void accept_manifests(struct strv *headers, const char *foreign)
{
	strv_addf(headers,
	        "Accept: %s%s" MT_OCI_INDEX ", " MT_OCI_MANIFEST ", " MT_DOCKER_INDEX
	        ", " MT_DOCKER_MANIFEST ", */*;q=0.1",
	        foreign ? foreign : "", foreign ? ", " : "");
}

static char *manifest_tail(const char *tag, const struct digest *want)
{
	char digest[DIGEST_TEXT];
	if (!want)
		return xasprintf("manifests/%s", tag);
	digest_text(want, digest);
	return xasprintf("manifests/%s", digest);
}

static int manifest_call(struct registry *r, struct endpoint *ep, const char *method,
        const char *tail, const char *foreign, struct http_response *rs, struct err *e)
{
	auto_strv struct strv headers = {0};
	accept_manifests(&headers, foreign);
	struct api_call call = {.ep = ep,
	        .tail = tail,
	        // a GET follows, another place is asked
	        .once = strcmp(method, "HEAD") == 0 || ep->is_mirror,
	        .rq = {.method = method, .headers = &headers, .max_answer = MANIFEST_MAX}};
	scope_add_repository(&call.scopes, ep->repository, "pull");
	int rc = api_perform(r, &call, rs, e);
	api_call_release(&call);
	return rc;
}

// What the registry says the digest is must be what was computed; of other algorithms nothing is
// known.
static int check_digest(const struct endpoint *ep, const char *what, const struct digest *want,
        const struct http_response *rs, const struct digest *got, struct err *e)
{
	struct digest said;
	struct err ignored = ERR_INIT;
	if (want && !digest_eq(want, got))
		return digests_differ(ep, what, want, got, e);
	if (!want && rs->docker_content_digest &&
	        digest_parse(rs->docker_content_digest, &said, &ignored) == 0 &&
	        !digest_eq(&said, got))
		return digests_differ(ep, what, &said, got, e);
	return 0;
}

static int manifest_from(struct registry *r, struct endpoint *ep,
        const struct manifest_wanted *want, struct manifest_bytes *ret, struct err *e)
{
	auto_response struct http_response rs = {0};
	auto_manifest_bytes struct manifest_bytes m = {0};
	auto_free char *tail = manifest_tail(want->tag, want->digest);
	auto_free char *what = xasprintf("image '%s%s%s'", ep->repository, want->digest ? "@" : ":",
	        tail + strlen("manifests/"));
	if (manifest_call(r, ep, "GET", tail, want->foreign, &rs, e) < 0)
		return -1;
	if (rs.status != 200)
		return api_refused(ep, &rs, what, e);
	m.bytes = rs.body;
	rs.body = (struct buf){0};
	if (m.bytes.n == 0)
		return err_set(e, ERR_CORRUPT, "%s from '%s' is empty", what, ep->host->cred_name);
	m.digest = digest_of(m.bytes.p, m.bytes.n);
	if (check_digest(ep, what, want->digest, &rs, &m.digest, e) < 0)
		return -1;
	if (identify(&m, rs.content_type, want->foreign, e) < 0)
		return err_wrap(e, "%s from '%s'", what, ep->host->cred_name);
	if (store_lease_add(r->store, &m.digest, e) < 0 ||
	        store_blob_put(r->store, m.bytes.p, m.bytes.n, &m.digest, e) < 0)
		return -1;
	*ret = m;
	m = (struct manifest_bytes){0};
	return 0;
}

int manifest_fetch(struct registry *r, struct endpoint_list *eps,
        const struct manifest_wanted *want, struct manifest_bytes *ret, struct err *e)
{
	for (size_t i = 0; i < eps->n; i++) {
		struct endpoint *ep = &eps->v[i];
		if (ep->is_mirror && (ep->host->dead > 0 || (ep->digest_only && !want->digest)))
			continue;
		*e = ERR_INIT;
		if (manifest_from(r, ep, want, ret, e) == 0)
			return 0;
		if (e->kind == ERR_CANCELLED || e->kind == ERR_SPACE)
			return -1;
		if (ep->is_mirror)
			event_note(r->sink, "mirror %s: %s", ep->host->name, e->msg);
	}
	return -1;
}

// The document by its digest: from the store, else from the endpoints.
static int manifest_get(struct registry *r, struct endpoint_list *eps, const struct digest *d,
        struct manifest_bytes *ret, struct err *e)
{
	if (store_blob_has(r->store, d) && manifest_load(r, d, NULL, ret, e) == 0)
		return store_lease_add(r->store, d, e);
	*e = ERR_INIT;
	return manifest_fetch(r, eps, &(struct manifest_wanted){.digest = d}, ret, e);
}

// A HEAD is free where GETs are counted (Docker Hub): worth it where the answer is likely to be
// known.
static bool head_says_known(
        struct registry *r, struct endpoint *ep, const char *tag, struct digest *ret)
{
	auto_response struct http_response rs = {0};
	auto_free char *tail = manifest_tail(tag, NULL);
	struct err ignored = ERR_INIT;
	return manifest_call(r, ep, "HEAD", tail, NULL, &rs, &ignored) == 0 && rs.status == 200 &&
	       rs.docker_content_digest &&
	       digest_parse(rs.docker_content_digest, ret, &ignored) == 0 &&
	       store_blob_has(r->store, ret);
}

// The first place that may be asked for a tag.
static struct endpoint *place_of_tags(struct endpoint_list *eps)
{
	struct endpoint *ep = eps->v;
	while (ep->digest_only)
		ep++; // the last one is no mirror
	return ep;
}

static int fetch_root(struct registry *r, const struct reference *ref, const char *name,
        const char *platform, struct endpoint_list *eps, struct manifest_bytes *ret, struct err *e)
{
	struct digest last, known;
	const char *tag = ref->tag ? ref->tag : "latest";
	if (ref->has_digest)
		return manifest_get(r, eps, &ref->digest, ret, e);
	struct err ignored = ERR_INIT;
	if (store_resolution_get(r->store, name, platform, &last, &ignored) == 1 &&
	        head_says_known(r, place_of_tags(eps), tag, &known) &&
	        manifest_get(r, eps, &known, ret, e) == 0)
		return 0;
	return manifest_fetch(r, eps, &(struct manifest_wanted){.tag = tag}, ret, e);
}

static void describe(const struct manifest_bytes *m, struct descriptor *ret)
{
	*ret = (struct descriptor){
	        .media_type = xstrdup(m->media_type), .digest = m->digest, .size = m->bytes.n};
}

// From the root down to the manifest of the platform.
static int descend(struct registry *r, struct endpoint_list *eps, const struct platform *p,
        struct manifest_bytes *m, struct err *e)
{
	for (int depth = 0; media_type_is_index(m->media_type); depth++) {
		auto_index struct image_index ix = {0};
		if (depth >= INDEX_DEPTH_MAX)
			return err_set(e, ERR_CORRUPT, "indexes are nested too deep");
		if (image_index_parse(m->bytes.p, m->bytes.n, m->media_type, &ix, e) < 0)
			return -1;
		const struct descriptor *d = image_index_select(&ix, p);
		if (!d)
			return image_index_lacks(&ix, p, e);
		struct digest child = d->digest;
		uint64_t size = d->size;
		manifest_bytes_release(m);
		if (manifest_get(r, eps, &child, m, e) < 0)
			return -1;
		if (m->bytes.n != size)
			return err_set(e, ERR_CORRUPT,
			        "the index says that the manifest has %ju bytes, it has %zu",
			        (uintmax_t)size, m->bytes.n);
	}
	return 0;
}

static int declare_layer(struct registry *r, const struct descriptor *layer,
        const struct digest *diff_id, const char *repository, struct err *e)
{
	struct layer_blob b = {.digest = layer->digest,
	        .size = layer->size,
	        .present = store_blob_has(r->store, &layer->digest)};
	if (!layer->media_type || media_type_compression(layer->media_type) < 0)
		return err_set(e, ERR_UNSUPPORTED,
		        "the layer has media type '%s', which hew cannot "
		        "unpack",
		        layer->media_type ? layer->media_type : "");
	snprintf(b.media_type, sizeof(b.media_type), "%s", layer->media_type);
	if (store_layer_declare(r->store, diff_id, e) < 0 ||
	        store_layer_add_blob(r->store, diff_id, &b, e) < 0)
		return -1;
	return store_blob_add_source(r->store, &layer->digest, repository, e);
}

static int declare_layers(struct registry *r, const struct manifest *m,
        const struct image_config *c, const char *repository, struct err *e)
{
	if (c->n_diff_ids != m->layers.n)
		return err_set(e, ERR_CORRUPT, "the config names %zu layers, the manifest %zu",
		        c->n_diff_ids, m->layers.n);
	for (size_t i = 0; i < m->layers.n; i++)
		if (declare_layer(r, &m->layers.v[i], &c->diff_ids[i], repository, e) < 0)
			return -1;
	return 0;
}

static int load_config(
        struct registry *r, const struct descriptor *d, struct image_config *ret, struct err *e)
{
	auto_buf struct buf text = {0};
	if (d->size > CONFIG_MAX)
		return err_set(e, ERR_CORRUPT, "the image config has %ju bytes, more than %u",
		        (uintmax_t)d->size, CONFIG_MAX);
	if (store_lease_add(r->store, &d->digest, e) < 0 || registry_fetch_blob(r, d, -1, e) < 0 ||
	        store_blob_read(r->store, &d->digest, CONFIG_MAX, &text, e) < 0 ||
	        image_config_parse(buf_cstr(&text), text.n, ret, e) < 0)
		return err_wrap(e, "image config");
	return 0;
}

struct pulled {
	struct manifest manifest;
	struct image_config config;
	struct resolved_image image;
	char *repository; // "docker.io/library/node"
};

static void pulled_release(struct pulled *p)
{
	manifest_release(&p->manifest);
	image_config_release(&p->config);
	resolved_image_release(&p->image);
	free(p->repository);
}

static int resolve_documents(struct registry *r, const struct reference *ref,
        const struct platform *p, struct pulled *ret, struct err *e)
{
	auto_endpoints struct endpoint_list eps = {0};
	auto_manifest_bytes struct manifest_bytes m = {0};
	auto_free char *name = reference_text(ref);
	char platform[80];
	platform_text(p, platform);
	if (endpoint_list_make(r, ref->domain, ref->repository, ENDPOINT_PULL, &eps, e) < 0 ||
	        fetch_root(r, ref, name, platform, &eps, &m, e) < 0)
		return -1;
	describe(&m, &ret->image.root);
	if (descend(r, &eps, p, &m, e) < 0)
		return -1;
	describe(&m, &ret->image.manifest);
	if (manifest_parse(m.bytes.p, m.bytes.n, m.media_type, &ret->manifest, e) < 0)
		return -1;
	const struct descriptor *config = &ret->manifest.config;
	ret->image.config = config->digest;
	if (store_blob_add_source(r->store, &ret->image.root.digest, ret->repository, e) < 0 ||
	        store_blob_add_source(r->store, &m.digest, ret->repository, e) < 0 ||
	        store_blob_add_source(r->store, &config->digest, ret->repository, e) < 0 ||
	        load_config(r, config, &ret->config, e) < 0 ||
	        declare_layers(r, &ret->manifest, &ret->config, ret->repository, e) < 0)
		return -1;
	return store_resolution_set(r->store, name, platform, &m.digest, e);
}

static int resolve(struct registry *r, const struct reference *ref, const struct platform *p,
        struct pulled *ret, struct err *e)
{
	ret->repository = reference_name(ref);
	return resolve_documents(r, ref, p, ret, e);
}

static int failed(const struct reference *ref, struct err *e)
{
	auto_free char *shown = reference_familiar(ref);
	return err_wrap(e, "pull '%s'", shown);
}

int registry_resolve(struct registry *r, const struct reference *ref, const struct platform *p,
        struct resolved_image *ret, struct err *e)
{
	struct pulled pulled = {0};
	int rc = resolve(r, ref, p, &pulled, e);
	if (rc == 0) {
		*ret = pulled.image;
		pulled.image = (struct resolved_image){0};
	}
	pulled_release(&pulled);
	return rc < 0 ? failed(ref, e) : 0;
}

int registry_fetch_manifest(
        struct registry *r, const struct reference *ref, struct buf *ret, struct err *e)
{
	auto_endpoints struct endpoint_list eps = {0};
	auto_manifest_bytes struct manifest_bytes m = {0};
	const char *tag = ref->tag ? ref->tag : "latest";
	int rc = endpoint_list_make(r, ref->domain, ref->repository, ENDPOINT_PULL, &eps, e);
	if (!rc && ref->has_digest)
		rc = manifest_get(r, &eps, &ref->digest, &m, e);
	else if (!rc)
		rc = manifest_fetch(r, &eps, &(struct manifest_wanted){.tag = tag}, &m, e);
	auto_free char *name = reference_name(ref);
	if (rc || store_blob_add_source(r->store, &m.digest, name, e) < 0)
		return failed(ref, e);
	*ret = m.bytes;
	m.bytes = (struct buf){0};
	return 0;
}

struct layer_fetch {
	struct registry *r;
	int step;
	const struct descriptor_list *layers;
};

static int fetch_layer(void *arg, size_t i, struct err *e)
{
	struct layer_fetch *f = arg;
	return registry_fetch_blob(f->r, &f->layers->v[i], f->step, e);
}

static int fetch_layers(struct registry *r, const struct pulled *p, int step, struct err *e)
{
	struct layer_fetch f = {r, step, &p->manifest.layers};
	struct parallel_work work = {.n = p->manifest.layers.n, .arg = &f, .fn = fetch_layer};
	return parallel_run(r, &work, e);
}

static void fill_row(struct registry *r, const struct reference *ref, const struct pulled *p,
        struct image_row *row)
{
	*row = (struct image_row){
	        .manifest = p->image.manifest.digest,
	        .image_id = p->image.config,
	        .manifest_size = p->image.manifest.size,
	        .created = p->config.has_created ? p->config.created.sec : 0,
	};
	if (ref->tag)
		row->name = xasprintf("%s:%s", p->repository, ref->tag);
	snprintf(row->media_type, sizeof(row->media_type), "%s", p->image.manifest.media_type);
	for (size_t i = 0; i < p->config.n_diff_ids; i++) {
		struct layer_info info;
		bool unpacked = store_layer_get(r->store, &p->config.diff_ids[i], &info) &&
		                info.tar_size > 0;
		row->size += unpacked ? info.tar_size : p->manifest.layers.v[i].size;
	}
}

static int record(struct registry *r, struct image_row *row, struct err *e)
{
	if (store_image_put(r->store, row, e) < 0)
		return -1;
	return row->name ? store_name_set(r->store, row->name, &row->manifest, e) : 0;
}

int registry_pull(struct registry *r, const struct reference *ref, const struct platform *p,
        int step, struct image_row *ret, struct err *e)
{
	struct pulled pulled = {0};
	struct image_row row = {0};
	int rc = resolve(r, ref, p, &pulled, e);
	if (rc == 0)
		rc = fetch_layers(r, &pulled, step, e);
	if (rc == 0) {
		fill_row(r, ref, &pulled, &row);
		rc = record(r, &row, e);
	}
	if (rc == 0) {
		*ret = row;
		row = (struct image_row){0};
	}
	image_row_release(&row);
	pulled_release(&pulled);
	return rc < 0 ? failed(ref, e) : 0;
}
