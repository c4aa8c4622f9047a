// SPDX-License-Identifier: Apache-2.0
// The manifest that goes out: layers of this store compressed by the recipe, layers from elsewhere
// as the blobs they came as, media types all of one family. An image for which nothing would change
// keeps its manifest byte for byte, and so its digest.
#include "base/pool.h"
#include "layer/estargz.h"
#include "output/output-int.h"
#include <stdio.h>
#include <string.h>
#include <unistd.h>

struct conversion {
	const struct output_request *q;
	const struct output_spec *o;
	const struct output_image *im;
	struct recipe recipe;
	char recipe_name[RECIPE_TEXT];
	bool docker; // the family that is written
	struct pool *pool;
};

// Layers that may not be distributed keep the type that says so only if that is asked for.
static const char *layer_type(
        const struct output_spec *o, bool docker, int compression, const char *otherwise)
{
	static const char *const types[2][3] = {
	        {MT_OCI_LAYER, MT_OCI_LAYER_GZIP, MT_OCI_LAYER_ZSTD},
	        {MT_DOCKER_LAYER, MT_DOCKER_LAYER_GZIP, MT_DOCKER_LAYER ".zstd"},
	};
	bool special = o->prefer_nondist && otherwise &&
	               (strstr(otherwise, "nondistributable") || strstr(otherwise, ".foreign."));
	return compression < 0 || special ? otherwise : types[docker][compression];
}

static bool is_docker_type(const char *media_type)
{
	return str_has_prefix(media_type, "application/vnd.docker.");
}

// ---- one layer

static int compress_tar(
        struct conversion *c, const struct digest *diff_id, struct layer_blob *ret, struct err *e)
{
	uint64_t size;
	struct layer_blob b = {.present = true};
	auto_fd int tar = store_blob_open(c->q->store, diff_id, &size, e);
	auto_fd int out = tar < 0 ? -1 : store_temp_file(c->q->store, e);
	if (out < 0)
		return -1;
	if (!c->pool)
		c->pool = pool_new(0);
	if (layer_compress(tar, size, out, &c->recipe, c->pool, &b.digest, &b.size, e) ||
	        store_blob_commit(c->q->store, out, &b.digest, b.size, e))
		return -1;
	snprintf(b.media_type, sizeof(b.media_type), "%s",
	        layer_type(c->o, false, c->recipe.type, NULL));
	snprintf(b.recipe, sizeof(b.recipe), "%s", c->recipe_name);
	if (store_layer_add_blob(c->q->store, diff_id, &b, e))
		return -1;
	*ret = b;
	return 0;
}

// 1 found, 0 not.
static int known_blob(
        struct conversion *c, const struct digest *diff_id, struct layer_blob *ret, struct err *e)
{
	int found = store_layer_blob(c->q->store, diff_id, c->recipe_name, ret, e);
	return found > 0 ? ret->present && !strcmp(ret->recipe, c->recipe_name) : found;
}

// Of a layer whose tar is here.
static int compress_once(
        struct conversion *c, const struct digest *diff_id, struct layer_blob *ret, struct err *e)
{
	char hex[HASH_HEX];
	digest_hex(diff_id, hex);
	struct store_lock *lock = store_lock_hash(c->q->store, "compress", &diff_id->h, e);
	if (!lock)
		return -1;
	int rc = known_blob(c, diff_id, ret, e);
	if (rc == 0)
		rc = compress_tar(c, diff_id, ret, e);
	store_unlock(lock);
	return rc < 0 ? err_wrap(e, "compress layer sha256:%.12s", hex) : 0;
}

static int compressed_blob(struct conversion *c, size_t i, struct layer_blob *ret, struct err *e)
{
	const struct digest *diff_id = &c->im->config.diff_ids[i];
	int rc = known_blob(c, diff_id, ret, e);
	if (rc)
		return rc < 0 ? -1 : 0;
	return layer_need(c->q, c->im, i, e) ? -1 : compress_once(c, diff_id, ret, e);
}

// A layer of ours stands in the manifest as its tar; a layer from elsewhere as its blob, which may
// be a tar too.
int layer_is_foreign(
        const struct output_request *q, const struct output_image *im, size_t i, struct err *e)
{
	struct layer_blob b;
	const struct digest *diff_id = &im->config.diff_ids[i];
	if (!digest_eq(&im->manifest.layers.v[i].digest, diff_id))
		return 1;
	int found = store_layer_blob(q->store, diff_id, "", &b, e);
	return found > 0 ? digest_eq(&b.digest, diff_id) : found;
}

static int put_layer(struct conversion *c, size_t i, struct descriptor *ret, struct err *e)
{
	const struct descriptor *d = &c->im->manifest.layers.v[i];
	const struct digest *diff_id = &c->im->config.diff_ids[i];
	struct layer_blob b;
	struct layer_info info;
	int foreign = layer_is_foreign(c->q, c->im, i, e);
	if (foreign < 0)
		return -1;
	descriptor_copy(ret, d);
	bool lazy = c->o->estargz && strv_env_get(&d->annotations, ESTARGZ_TOC_DIGEST);
	if (!lazy && (!foreign || c->o->force)) {
		free(steal_ptr(&ret->media_type));
		strv_release(&ret->annotations); // of other bytes
		if (c->o->uncompressed) {
			if (layer_need(c->q, c->im, i, e))
				return -1;
			if (!store_layer_get(c->q->store, diff_id, &info))
				return err_set(
				        e, ERR_NOT_FOUND, "layer %zu is not in the store", i + 1);
			ret->digest = *diff_id;
			ret->size = info.tar_size;
			ret->media_type =
			        xstrdup(layer_type(c->o, c->docker, COMPRESSION_NONE, NULL));
			return 0;
		}
		if (compressed_blob(c, i, &b, e))
			return -1;
		ret->digest = b.digest;
		ret->size = b.size;
		ret->media_type = xstrdup(layer_type(c->o, c->docker, c->recipe.type, NULL));
		return 0;
	}
	free(steal_ptr(&ret->media_type));
	ret->media_type = xstrdup(
	        layer_type(c->o, c->docker, media_type_compression(d->media_type), d->media_type));
	return 0;
}

// ---- the manifest

// Nothing but bytes would differ: every layer is the same blob under the same type.
static bool unchanged(const struct conversion *c, const struct manifest *m)
{
	const struct manifest *was = &c->im->manifest;
	if (strcmp(m->media_type, was->media_type) != 0 ||
	        strcmp(m->config.media_type, was->config.media_type) != 0)
		return false;
	for (size_t i = 0; i < m->layers.n; i++)
		if (!digest_eq(&m->layers.v[i].digest, &was->layers.v[i].digest) ||
		        strcmp(m->layers.v[i].media_type, was->layers.v[i].media_type) != 0)
			return false;
	return true;
}

static int put_document(struct store *s, const char *media_type, const struct buf *text,
        struct descriptor *ret, struct err *e)
{
	struct digest digest;
	if (store_blob_put(s, text->p, text->n, &digest, e))
		return -1;
	descriptor_release(ret);
	*ret = (struct descriptor){
	        .media_type = xstrdup(media_type), .digest = digest, .size = text->n};
	return 0;
}

static int convert(struct conversion *c, struct descriptor *ret, struct err *e)
{
	auto_manifest struct manifest m = {0};
	auto_buf struct buf text = {0};
	m.media_type = xstrdup(c->docker ? MT_DOCKER_MANIFEST : MT_OCI_MANIFEST);
	descriptor_copy(&m.config, &c->im->manifest.config);
	free(m.config.media_type);
	m.config.media_type = xstrdup(c->docker ? MT_DOCKER_CONFIG : MT_OCI_CONFIG);
	for (size_t i = 0; i < c->im->manifest.layers.n; i++)
		if (put_layer(c, i, descriptor_list_add(&m.layers), e))
			return -1;
	strv_copy(&m.annotations, &c->im->manifest.annotations);
	bool annotated = annotation_list_apply(
	        &c->o->annotations, ANNOTATE_MANIFEST, &c->im->config.platform, &m.annotations);
	if (!annotated && unchanged(c, &m)) {
		descriptor_copy(ret, &c->im->descriptor);
		return 0;
	}
	manifest_write(&m, &text);
	return put_document(c->q->store, m.media_type, &text, ret, e);
}

static int image_manifest(const struct output_request *q, const struct output_spec *o,
        const struct digest *manifest, struct descriptor *ret, struct platform *ret_platform,
        struct err *e)
{
	auto_output_image struct output_image im = {0};
	struct conversion c = {.q = q, .o = o, .im = &im};
	if (output_image_load(q, manifest, &im, e))
		return -1;
	*ret_platform = im.config.platform;
	c.recipe = o->has_recipe ? o->recipe : RECIPE_DEFAULT;
	recipe_text(&c.recipe, c.recipe_name);
	// An image that came with Docker's types keeps them.
	c.docker = o->docker_types || is_docker_type(im.manifest.media_type);
	int rc = convert(&c, ret, e);
	pool_free(c.pool);
	return rc;
}

// ---- an index

// What lies in an index beside an image says so by its digest.
static void follow(struct image_index *ix, const struct digest *was, const struct digest *is)
{
	static const char key[] = "vnd.docker.reference.digest";
	char old[DIGEST_TEXT], new[DIGEST_TEXT];
	digest_text(was, old);
	digest_text(is, new);
	for (size_t i = 0; i < ix->manifests.n; i++) {
		struct strv *annotations = &ix->manifests.v[i].annotations;
		const char *of = strv_env_get(annotations, key);
		if (of && !strcmp(of, old))
			strv_env_set(annotations, key, new);
	}
}

static int index_entry(const struct output_request *q, const struct output_spec *o,
        struct image_index *ix, struct descriptor *d, bool *changed, struct err *e)
{
	struct descriptor made = {0};
	struct platform ignored;
	if (!output_is_here(q, d))
		return 0; // an image of another platform that was not fetched, or no image
	if (image_manifest(q, o, &d->digest, &made, &ignored, e)) {
		descriptor_release(&made);
		return -1;
	}
	if (!digest_eq(&made.digest, &d->digest)) {
		*changed = true;
		follow(ix, &d->digest, &made.digest);
	}
	free(d->media_type);
	d->media_type = steal_ptr(&made.media_type);
	d->digest = made.digest;
	d->size = made.size;
	*changed |= annotation_list_apply(
	        &o->annotations, ANNOTATE_MANIFEST_DESCRIPTOR, &d->platform, &d->annotations);
	descriptor_release(&made);
	return 0;
}

// One of which no image changes goes out as it is.
static int index_manifest(const struct output_request *q, const struct output_spec *o,
        const struct buf *text, const char *type, struct descriptor *ret, struct err *e)
{
	auto_index struct image_index ix = {0};
	auto_buf struct buf out = {0};
	bool changed = false;
	if (image_index_parse(text->p, text->n, type, &ix, e))
		return -1;
	for (size_t i = 0; i < ix.manifests.n; i++)
		if (index_entry(q, o, &ix, &ix.manifests.v[i], &changed, e))
			return -1;
	changed |= annotation_list_apply(&o->annotations, ANNOTATE_INDEX, NULL, &ix.annotations);
	if (!changed) {
		*ret = (struct descriptor){
		        .media_type = xstrdup(type), .digest = q->manifest, .size = text->n};
		return 0;
	}
	if (o->docker_types) {
		free(ix.media_type);
		ix.media_type = xstrdup(MT_DOCKER_INDEX);
	}
	image_index_write(&ix, &out);
	return put_document(q->store, ix.media_type, &out, ret, e);
}

// What is no image goes out as it is.
static int is_image(const struct buf *text, char **ret_type, struct err *e)
{
	auto_manifest struct manifest m = {0};
	if (manifest_parse(text->p, text->n, NULL, &m, e))
		return -1;
	*ret_type = steal_ptr(&m.media_type);
	return !strcmp(m.config.media_type, MT_OCI_CONFIG) ||
	       !strcmp(m.config.media_type, MT_DOCKER_CONFIG);
}

int output_manifest(const struct output_request *q, const struct output_spec *o,
        struct descriptor *ret, struct err *e)
{
	auto_buf struct buf text = {0};
	auto_free char *own_type = NULL;
	struct descriptor d = {0};
	struct platform platform;
	const char *type = NULL;
	if (document_read(q, &q->manifest, &text, &type, e))
		return -1;
	bool is_index = media_type_is_index(type);
	int image = is_index ? 0 : is_image(&text, &own_type, e);
	if (image < 0)
		return -1;
	int rc = 0;
	if (is_index)
		rc = index_manifest(q, o, &text, type, &d, e);
	else if (image)
		rc = image_manifest(q, o, &q->manifest, &d, &platform, e);
	else
		d = (struct descriptor){
		        .media_type = steal_ptr(&own_type), .digest = q->manifest, .size = text.n};
	if (rc) {
		descriptor_release(&d);
		return -1;
	}
	annotation_list_apply(&o->annotations,
	        is_index ? ANNOTATE_INDEX_DESCRIPTOR : ANNOTATE_MANIFEST_DESCRIPTOR,
	        image ? &platform : NULL, &d.annotations);
	*ret = d;
	return 0;
}

// The tar itself, as the blob that it is.
static int tar_blob(
        struct conversion *c, const struct digest *diff_id, struct layer_blob *ret, struct err *e)
{
	struct layer_info info;
	if (!store_layer_get(c->q->store, diff_id, &info))
		return err_set(e, ERR_NOT_FOUND, "a layer is not in the store");
	*ret = (struct layer_blob){.digest = *diff_id, .size = info.tar_size, .present = true};
	snprintf(ret->media_type, sizeof(ret->media_type), "%s", MT_OCI_LAYER);
	return 0;
}

// A blob that is to be made from the tar, which may have to be made from another blob first.
static int make_blob(struct conversion *c, const struct digest *diff_id,
        const struct layer_blob *came, struct layer_blob *ret, struct err *e)
{
	char type[sizeof(came->media_type)];
	snprintf(type, sizeof(type), "%s", came ? came->media_type : "");
	const struct descriptor d = {.media_type = type,
	        .digest = came ? came->digest : *diff_id,
	        .size = came ? came->size : 0};
	if (came && layer_make(c->q, diff_id, &d, e))
		return -1;
	return c->o->uncompressed ? tar_blob(c, diff_id, ret, e)
	                          : compress_once(c, diff_id, ret, e);
}

int output_layer(const struct output_request *q, const struct output_spec *o,
        const struct digest *diff_id, struct descriptor *ret, struct err *e)
{
	struct conversion c = {.q = q, .o = o, .docker = o->docker_types};
	struct layer_blob b, made;
	c.recipe = o->has_recipe ? o->recipe : RECIPE_DEFAULT;
	recipe_text(&c.recipe, c.recipe_name);
	int found = store_layer_blob(q->store, diff_id, c.recipe_name, &b, e);
	if (found < 0)
		return -1;
	bool foreign = found && !*b.recipe;
	bool good = foreign ? !o->force : found && b.present && !o->uncompressed;
	int rc = good ? 0 : make_blob(&c, diff_id, foreign ? &b : NULL, &made, e);
	pool_free(c.pool);
	if (rc)
		return -1;
	const struct layer_blob *is = good ? &b : &made;
	*ret = (struct descriptor){.media_type = xstrdup(layer_type(o, c.docker,
	                                   media_type_compression(is->media_type), is->media_type)),
	        .digest = is->digest,
	        .size = is->size};
	return 0;
}
