// SPDX-License-Identifier: Apache-2.0
// An image of the store as outputs see it: documents read and checked, layers and blobs made
// present when their bytes are needed. A layer that exists only as the blob it came as becomes tar
// and index under a lock of its own, so that it happens once.
#include "base/pool.h"
#include "output/output-int.h"
#include "registry/registry.h"

#define PARALLEL 6

void output_image_release(struct output_image *im)
{
	descriptor_release(&im->descriptor);
	manifest_release(&im->manifest);
	image_config_release(&im->config);
}

int document_read(const struct output_request *q, const struct digest *d, struct buf *ret,
        const char **ret_type, struct err *e)
{
	if (store_blob_read(q->store, d, MANIFEST_MAX, ret, e))
		return -1;
	const char *type = manifest_sniff(ret->p, ret->n, NULL, e);
	if (!type)
		return -1;
	*ret_type = type;
	return 0;
}

bool digest_is_new(struct map *seen, const struct digest *d)
{
	char hex[HASH_HEX];
	digest_hex(d, hex);
	if (map_has(seen, hex))
		return false;
	map_set(seen, hex, seen);
	return true;
}

bool output_is_here(const struct output_request *q, const struct descriptor *d)
{
	return media_type_is_manifest(d->media_type) && store_blob_has(q->store, &d->digest) &&
	       !descriptor_is_attestation(d);
}

static int none_is_here(struct err *e)
{
	return err_set(e, ERR_NOT_FOUND, "none of the images in the index is in the store");
}

static int choose(const struct output_request *q, const struct buf *text, const char *type,
        struct digest *ret, struct err *e)
{
	auto_index struct image_index ix = {0};
	struct platform host = platform_host();
	if (image_index_parse(text->p, text->n, type, &ix, e))
		return -1;
	const struct descriptor *d = image_index_select(&ix, &host);
	for (size_t i = 0; (!d || !output_is_here(q, d)) && i < ix.manifests.n; i++)
		d = &ix.manifests.v[i];
	if (!d || !output_is_here(q, d))
		return none_is_here(e);
	*ret = d->digest;
	return 0;
}

static int image_of_manifest(const struct output_request *q, struct descriptor *ret, struct err *e)
{
	auto_output_image struct output_image im = {0};
	if (output_image_load(q, &q->manifest, &im, e))
		return -1;
	descriptor_copy(ret, &im.descriptor);
	ret->has_platform = true;
	ret->platform = im.config.platform;
	return 0;
}

int output_images(const struct output_request *q, struct descriptor_list *ret, struct err *e)
{
	auto_buf struct buf text = {0};
	auto_index struct image_index ix = {0};
	const char *type = NULL;
	if (document_read(q, &q->manifest, &text, &type, e))
		return -1;
	if (!media_type_is_index(type))
		return image_of_manifest(q, descriptor_list_add(ret), e);
	if (image_index_parse(text.p, text.n, type, &ix, e))
		return -1;
	for (size_t i = 0; i < ix.manifests.n; i++)
		if (output_is_here(q, &ix.manifests.v[i]))
			descriptor_copy(descriptor_list_add(ret), &ix.manifests.v[i]);
	return ret->n ? 0 : none_is_here(e);
}

static struct registry *open_registry(const struct output_request *q, struct err *e)
{
	if (q->registry)
		return q->registry(q->registry_arg, e);
	err_set(e, ERR_NOT_FOUND, "a blob of the image is not in the store");
	return NULL;
}

static int blob_need(const struct output_request *q, const struct descriptor *d, struct err *e)
{
	if (store_blob_has(q->store, &d->digest))
		return store_lease_add(q->store, &d->digest, e);
	struct registry *r = open_registry(q, e);
	return r ? registry_fetch_blob(r, d, -1, e) : -1;
}

static int load_documents(
        const struct output_request *q, struct digest d, struct output_image *im, struct err *e)
{
	auto_buf struct buf text = {0}, config = {0};
	const char *type = NULL;
	if (document_read(q, &d, &text, &type, e))
		return -1;
	if (media_type_is_index(type)) {
		if (choose(q, &text, type, &d, e))
			return -1;
		buf_reset(&text);
		if (document_read(q, &d, &text, &type, e))
			return -1;
	}
	if (manifest_parse(text.p, text.n, NULL, &im->manifest, e))
		return -1;
	im->descriptor.media_type = xstrdup(im->manifest.media_type);
	im->descriptor.digest = d;
	im->descriptor.size = text.n;
	if (blob_need(q, &im->manifest.config, e) ||
	        store_blob_read(q->store, &im->manifest.config.digest, CONFIG_MAX, &config, e) ||
	        image_config_parse(config.p, config.n, &im->config, e))
		return err_wrap(e, "image config");
	if (im->config.n_diff_ids != im->manifest.layers.n)
		return err_set(e, ERR_CORRUPT, "the config names %zu layers, the manifest %zu",
		        im->config.n_diff_ids, im->manifest.layers.n);
	return 0;
}

int output_image_load(const struct output_request *q, const struct digest *root,
        struct output_image *ret, struct err *e)
{
	struct output_image im = {0};
	if (load_documents(q, *root, &im, e) == 0) {
		*ret = im;
		return 0;
	}
	char text[DIGEST_TEXT];
	digest_text(root, text);
	output_image_release(&im);
	return err_wrap(e, "image %s", text);
}

static int no_more(void *arg, size_t i, struct err *e)
{
	return 0;
}

// fn(arg, i) for i < n on a few threads; the first failure ends it.
static int in_parallel(
        size_t n, int (*fn)(void *arg, size_t i, struct err *e), void *arg, struct err *e)
{
	if (n <= 1)
		return n ? fn(arg, 0, e) : 0;
	struct pool *pool = pool_new(n < PARALLEL ? n : PARALLEL);
	struct pool_ordered o = {
	        .n = n, .window = pool_size(pool), .arg = arg, .fn = fn, .done = no_more};
	int rc = pool_run_ordered(pool, &o, e);
	pool_free(pool);
	return rc;
}

struct fetch {
	struct registry *r;
	const struct descriptor **missing;
};

static int fetch_one(void *arg, size_t i, struct err *e)
{
	struct fetch *f = arg;
	return registry_fetch_blob(f->r, f->missing[i], -1, e);
}

int blobs_need(const struct output_request *q, const struct descriptor *d, size_t n, struct err *e)
{
	auto_free const struct descriptor **missing = xcalloc(n + 1, sizeof(*missing));
	struct fetch f = {.missing = missing};
	size_t count = 0;
	for (size_t i = 0; i < n; i++) {
		if (!store_blob_has(q->store, &d[i].digest))
			missing[count++] = &d[i];
		else if (store_lease_add(q->store, &d[i].digest, e))
			return -1;
	}
	if (!count)
		return 0;
	f.r = open_registry(q, e); // here, because it need not be safe to open it from many threads
	return f.r ? in_parallel(count, fetch_one, &f, e) : -1;
}

// ---- layers

static int make_layer(const struct output_request *q, const struct digest *diff_id,
        const struct descriptor *blob, struct err *e)
{
	struct err damage = ERR_INIT;
	if (store_layer_is_here(q->store, diff_id))
		return 0;                                 // another process was faster
	bool has_tar = store_blob_has(q->store, diff_id); // only the index is missing
	if (has_tar && store_layer_import(q->store, diff_id, diff_id, &damage) == 0)
		return 0;
	// what a damaged one came as may be whole
	if (has_tar && (damage.kind != ERR_CORRUPT || digest_eq(&blob->digest, diff_id))) {
		*e = damage;
		return -1;
	}
	if (has_tar && store_blob_delete(q->store, diff_id, e))
		return -1;
	if (blob_need(q, blob, e))
		return -1;
	return store_layer_import(q->store, diff_id, &blob->digest, e);
}

int layer_make(const struct output_request *q, const struct digest *diff_id,
        const struct descriptor *blob, struct err *e)
{
	if (store_layer_is_here(q->store, diff_id))
		return 0;
	char hex[HASH_HEX];
	digest_hex(diff_id, hex);
	struct store_lock *lock = store_lock_hash(q->store, "layer", &diff_id->h, e);
	if (!lock)
		return -1;
	int rc = make_layer(q, diff_id, blob, e);
	store_unlock(lock);
	return rc ? err_wrap(e, "layer sha256:%.12s", hex) : 0;
}

int layer_need(
        const struct output_request *q, const struct output_image *im, size_t i, struct err *e)
{
	return layer_make(q, &im->config.diff_ids[i], &im->manifest.layers.v[i], e);
}

int layer_open(const struct output_request *q, const struct output_image *im, size_t i,
        struct layer_index **ret, struct err *e)
{
	const struct digest *diff_id = &im->config.diff_ids[i];
	for (int again = 0; again < 2; again++) {
		if (layer_need(q, im, i, e))
			return -1;
		if (store_layer_index(q->store, diff_id, ret, e) == 0)
			return 0;
		if (e->kind != ERR_NOT_FOUND)
			break;
	}
	return -1;
}

struct unpack {
	const struct output_request *q;
	const struct output_image *im;
};

static int unpack_one(void *arg, size_t i, struct err *e)
{
	struct unpack *u = arg;
	return layer_need(u->q, u->im, i, e);
}

int layers_need(const struct output_request *q, const struct output_image *im, struct err *e)
{
	struct unpack u = {q, im};
	size_t count = 0;
	auto_free struct descriptor *blobs = xcalloc(im->manifest.layers.n + 1, sizeof(*blobs));
	for (size_t i = 0; i < im->manifest.layers.n; i++)
		if (!store_layer_is_here(q->store, &im->config.diff_ids[i]))
			blobs[count++] = im->manifest.layers.v[i]; // borrowed
	if (!count)
		return 0;
	if (blobs_need(q, blobs, count, e))
		return -1;
	return in_parallel(im->manifest.layers.n, unpack_one, &u, e);
}
