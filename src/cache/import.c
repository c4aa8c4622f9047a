// SPDX-License-Identifier: Apache-2.0
// A cache in: its records become records of this store, its layers become known. From a registry
// they are fetched when a step needs them; from a folder they are copied at once, as it may be gone
// later.
#include "actions/actions.h"
#include "base/cancel.h"
#include "base/err.h"
#include "base/event.h"
#include "base/fs.h"
#include "base/mem.h"
#include "cache/cache-int.h"
#include "image/config.h"
#include "image/reference.h"
#include "output/source.h"
#include "registry/registry.h"
#include <stdio.h>
#include <string.h>

#define COPY_PIECE ((size_t)1 << 20)

struct import {
	const struct cache_request *q;
	const struct cache_spec *spec;
	struct registry *registry; // CACHE_REGISTRY
	char *repository;          // where the blobs are, if not here
	struct source source;      // CACHE_LOCAL
	struct manifest manifest;
	struct cache_config config;
	size_t n; // records
};

// ---- the documents

static int read_file_blob(
        struct import *im, const struct digest *d, size_t max, struct buf *ret, struct err *e)
{
	char hex[HASH_HEX];
	digest_hex(d, hex);
	auto_free char *path = xasprintf("blobs/sha256/%s", hex);
	int found = source_read(&im->source, path, max, ret, e);
	if (found <= 0)
		return found < 0 ? -1 : err_set(e, ERR_NOT_FOUND, "'%s' is missing", path);
	struct digest got = digest_of(ret->p, ret->n);
	return digest_eq(&got, d) ? 0
	                          : err_set(e, ERR_CORRUPT, "'%s' is not what its name says", path);
}

static const struct descriptor *tagged(const struct image_index *ix, const char *tag)
{
	for (size_t i = 0; i < ix->manifests.n; i++) {
		const struct descriptor *d = &ix->manifests.v[i];
		const char *name =
		        strv_env_get(&d->annotations, "org.opencontainers.image.ref.name");
		if (name && !strcmp(name, tag))
			return d;
	}
	return ix->manifests.n == 1 ? &ix->manifests.v[0] : NULL;
}

static int open_local(struct import *im, struct buf *manifest, struct err *e)
{
	auto_buf struct buf text = {0};
	auto_index struct image_index ix = {0};
	if (source_open(im->q->store, im->spec->path, &im->source, e))
		return -1;
	if (im->spec->has_digest)
		return read_file_blob(im, &im->spec->digest, MANIFEST_MAX, manifest, e);
	int found = source_read(&im->source, "index.json", MANIFEST_MAX, &text, e);
	if (!found)
		return err_set(e, ERR_NOT_FOUND, "'%s' is no OCI layout: it has no index.json",
		        im->spec->path);
	if (found < 0 || image_index_parse(text.p, text.n, MT_OCI_INDEX, &ix, e))
		return -1;
	const struct descriptor *d = tagged(&ix, im->spec->tag);
	if (!d)
		return err_set(
		        e, ERR_NOT_FOUND, "there is no cache with the tag '%s'", im->spec->tag);
	return read_file_blob(im, &d->digest, MANIFEST_MAX, manifest, e);
}

// Of a registry the manifest of that digest, in the same repository.
static int read_child(struct import *im, const struct digest *d, struct buf *ret, struct err *e)
{
	auto_reference struct reference ref = {0};
	char digest[DIGEST_TEXT];
	if (im->spec->type == CACHE_LOCAL)
		return read_file_blob(im, d, MANIFEST_MAX, ret, e);
	digest_text(d, digest);
	auto_free char *name = xasprintf("%s@%s", im->repository, digest);
	return reference_parse(name, &ref, e) ? -1
	                                      : registry_fetch_manifest(im->registry, &ref, ret, e);
}

static int open_registry(struct import *im, struct buf *manifest, struct err *e)
{
	auto_reference struct reference ref = {0};
	if (reference_parse(im->spec->ref, &ref, e))
		return -1;
	im->registry = im->q->registry(im->q->registry_arg, e);
	im->repository = reference_name(&ref);
	return im->registry ? registry_fetch_manifest(im->registry, &ref, manifest, e) : -1;
}

static int read_config(struct import *im, struct buf *ret, struct err *e)
{
	const struct descriptor *d = &im->manifest.config;
	if (d->size > CACHE_CONFIG_MAX)
		return err_set(e, ERR_CORRUPT, "the cache's config is too large");
	if (im->spec->type == CACHE_LOCAL)
		return read_file_blob(im, &d->digest, CACHE_CONFIG_MAX, ret, e);
	return store_blob_add_source(im->q->store, &d->digest, im->repository, e) ||
	                       registry_fetch_blob(im->registry, d, -1, e) ||
	                       store_blob_read(im->q->store, &d->digest, CACHE_CONFIG_MAX, ret, e)
	               ? -1
	               : 0;
}

// What an image says of how it was made.
static int read_inline(struct import *im, const struct buf *config, struct err *e)
{
	auto_config struct image_config image = {0};
	if (image_config_parse(config->p, config->n, &image, e))
		return -1;
	if (!image.inline_cache)
		return err_set(e, ERR_NOT_FOUND,
		        "it is an image without cache data: build it with --cache-to type=inline");
	return cache_inline_parse(&image, &im->manifest, &im->config, e);
}

static int read_manifest(struct import *im, const struct buf *text, struct err *e)
{
	auto_buf struct buf config = {0};
	if (manifest_parse(text->p, text->n, NULL, &im->manifest, e) || read_config(im, &config, e))
		return -1;
	return strcmp(im->manifest.config.media_type, MT_CACHE_CONFIG) != 0
	               ? read_inline(im, &config, e)
	               : cache_config_parse(config.p, config.n, &im->manifest, &im->config, e);
}

// BuildKit's older form of a cache: an index of blobs, the config among them.
static bool is_cache_index(const struct image_index *ix, struct manifest *ret)
{
	for (size_t i = 0; i < ix->manifests.n; i++) {
		const struct descriptor *d = &ix->manifests.v[i];
		bool is_config = !strcmp(d->media_type, MT_CACHE_CONFIG);
		descriptor_copy(is_config ? &ret->config : descriptor_list_add(&ret->layers), d);
		if (is_config && i + 1 == ix->manifests.n)
			return true;
	}
	manifest_release(ret);
	return false;
}

// ---- entering

static int copy_blob(struct import *im, const struct descriptor *d, struct err *e)
{
	char hex[HASH_HEX];
	digest_hex(&d->digest, hex);
	auto_free char *path = xasprintf("blobs/sha256/%s", hex), *data = xmalloc(COPY_PIECE);
	auto_content struct content c = CONTENT_NONE;
	int found = source_file(&im->source, path, &c, e);
	if (found <= 0)
		return found < 0 ? -1 : err_set(e, ERR_NOT_FOUND, "'%s' is missing", path);
	struct blob_writer *w = blob_writer_new(im->q->store, e);
	int rc = w ? 0 : -1;
	for (uint64_t at = 0; !rc && at < c.size;) {
		size_t n = c.size - at < COPY_PIECE ? (size_t)(c.size - at) : COPY_PIECE;
		rc = cancel_check(e) || fs_pread_full(c.fd, data, n, (off_t)(c.offset + at), e) ||
		                     blob_writer_write(w, data, n, e)
		             ? -1
		             : 0;
		at += n;
	}
	if (!rc)
		rc = blob_writer_finish(w, &d->digest, d->size, NULL, e);
	blob_writer_free(w);
	return rc;
}

// A layer that is here, or known by another blob already, keeps what it has: a cache may not say
// what somebody else's image consists of.
static int is_settled(struct import *im, const struct cache_layer *l, struct err *e)
{
	struct layer_info info;
	struct layer_blob b;
	if (store_layer_get(im->q->store, &l->diff_id, &info) && info.has_tar)
		return 1;
	int found = store_layer_blob(im->q->store, &l->diff_id, NULL, &b, e);
	return found > 0 ? !digest_eq(&b.digest, &l->blob.digest) : found;
}

static int enter_layer(struct import *im, const struct cache_layer *l, struct err *e)
{
	struct store *s = im->q->store;
	int settled = is_settled(im, l, e);
	if (settled)
		return settled < 0 ? -1 : 0;
	struct layer_blob b = {.digest = l->blob.digest,
	        .size = l->blob.size,
	        .present = store_blob_has(s, &l->blob.digest)};
	snprintf(b.media_type, sizeof(b.media_type), "%s", l->blob.media_type);
	if (im->spec->type == CACHE_LOCAL && !b.present && copy_blob(im, &l->blob, e))
		return -1;
	if (im->repository && store_blob_add_source(s, &l->blob.digest, im->repository, e))
		return -1;
	return store_layer_declare_as(s, &l->diff_id, &l->content_id, e) ||
	                       store_layer_add_blob(s, &l->diff_id, &b, e)
	               ? -1
	               : 0;
}

// A blob of a folder that is missing or damaged: the steps that need it are left out.
static int try_layer(struct import *im, struct cache_layer *l, struct err *e)
{
	if (enter_layer(im, l, e) == 0)
		return 0;
	if (im->spec->type != CACHE_LOCAL || (e->kind != ERR_CORRUPT && e->kind != ERR_NOT_FOUND))
		return -1;
	event_warn(im->q->sink, 0, "cache %s: %s", im->spec->path, e->msg);
	*e = ERR_INIT;
	l->wanted = false;
	return 0;
}

static bool has_layer(const struct import *im, const struct step_record *r)
{
	const struct cache_layer *l =
	        r->has_layer ? cache_config_find(&im->config, &r->diff_id) : NULL;
	return !r->has_layer || (l && l->wanted);
}

static bool is_wanted(const struct import *im, const struct step_row *s)
{
	const char *id = cache_mount_of(s);
	if (!id)
		return !im->spec->only_mounts;
	return im->spec->mounts != MOUNTS_NONE &&
	       (im->spec->mounts != MOUNTS_LISTED || strv_has(&im->spec->mount_ids, id));
}

// What is known of a step stays; of what a cache mount began with the newest counts.
static int enter_step(struct import *im, const struct step_row *s, struct err *e)
{
	struct step_record known = {0};
	const char *id = cache_mount_of(s);
	int found = store_step_get(im->q->store, &s->key, &known, e);
	bool newer = id && s->record.created_sec >= known.created_sec;
	step_record_release(&known);
	if (found < 0 ||
	        ((!found || newer) && store_step_put(im->q->store, &s->key, &s->record, e)))
		return -1;
	if (id && im->q->mounts && !strv_has(im->q->mounts, id))
		strv_add(im->q->mounts, id);
	return 0;
}

static void choose_layers(struct import *im)
{
	for (size_t i = 0; i < im->config.steps.n; i++) {
		const struct step_row *s = &im->config.steps.v[i];
		struct cache_layer *l = s->record.has_layer && is_wanted(im, s)
		                                ? cache_config_find(&im->config, &s->record.diff_id)
		                                : NULL;
		if (l && !hash_is_zero(&l->content_id))
			l->wanted = true;
	}
}

static int enter(struct import *im, struct err *e)
{
	choose_layers(im);
	for (size_t i = 0; i < im->config.n_layers; i++)
		if (im->config.layers[i].wanted && try_layer(im, &im->config.layers[i], e))
			return -1;
	for (size_t i = 0; i < im->config.steps.n; i++)
		if (is_wanted(im, &im->config.steps.v[i]) &&
		        has_layer(im, &im->config.steps.v[i].record) &&
		        enter_step(im, &im->config.steps.v[i], e))
			return -1;
	return 0;
}

// ---- the whole

static int take_manifest(struct import *im, const struct buf *text, struct err *e)
{
	if (read_manifest(im, text, e) || enter(im, e))
		return -1;
	im->n += im->config.steps.n;
	return 0;
}

// An image for each platform of the build, with what it says of itself.
static int take_images(struct import *im, const struct image_index *ix, struct err *e)
{
	const struct digest *before = NULL;
	for (size_t i = 0; i < im->q->n_platforms; i++) {
		auto_buf struct buf child = {0};
		const struct descriptor *d = image_index_select(ix, &im->q->platforms[i]);
		if (!d && im->q->n_platforms == 1)
			return image_index_lacks(ix, &im->q->platforms[i], e);
		if (!d || (before && digest_eq(before, &d->digest)))
			continue;
		before = &d->digest;
		manifest_release(&im->manifest);
		cache_config_release(&im->config);
		if (read_child(im, &d->digest, &child, e) || take_manifest(im, &child, e))
			return -1;
	}
	return 0;
}

static int take_index(struct import *im, const struct buf *text, struct err *e)
{
	auto_index struct image_index ix = {0};
	auto_buf struct buf config = {0};
	if (image_index_parse(text->p, text->n, NULL, &ix, e))
		return -1;
	if (!is_cache_index(&ix, &im->manifest))
		return take_images(im, &ix, e);
	if (read_config(im, &config, e) ||
	        cache_config_parse(config.p, config.n, &im->manifest, &im->config, e) ||
	        enter(im, e))
		return -1;
	im->n = im->config.steps.n;
	return 0;
}

static int take(struct import *im, struct err *e)
{
	auto_buf struct buf text = {0};
	if ((im->spec->type == CACHE_LOCAL ? open_local : open_registry)(im, &text, e))
		return -1;
	const char *kind = manifest_sniff(text.p, text.n, NULL, e);
	if (!kind || (media_type_is_index(kind) ? take_index : take_manifest)(im, &text, e))
		return -1;
	return im->n ? 0
	             : err_set(e, ERR_NOT_FOUND,
	                       "it has no records of hew: another builder wrote it");
}

// The indexes of all refs that the token can read, our own first: what is known stays. One that is
// not there is nothing to speak of, one that is damaged does not stop the others.
static int take_service(struct import *im, struct err *e)
{
	struct actions *a = cache_gha_open(im->q, im->spec, e);
	if (!a)
		return -1;
	const struct strv *refs = actions_readable(a);
	struct patience p = actions_patience(a);
	im->repository = xstrdup(actions_source(a));
	for (size_t i = 0; i < refs->n; i++) {
		auto_buf struct buf text = {0};
		auto_free char *name = cache_gha_index(im->q, im->spec, refs->v[i]);
		uint64_t number;
		int found = actions_load(a, name, CACHE_CONFIG_MAX, &p, &number, &text, e);
		cache_config_release(&im->config);
		if (found > 0)
			found = cache_config_parse_alone(text.p, text.n, &im->config, e) ||
			                        enter(im, e)
			                ? -1
			                : 1;
		if (found < 0 && e->kind != ERR_CORRUPT)
			return -1;
		if (found < 0)
			event_warn(im->q->sink, 0, "cache %s of %s: %s", im->spec->gha.name,
			        refs->v[i], e->msg);
		*e = ERR_INIT;
		im->n += found > 0 ? im->config.steps.n : 0;
	}
	return 0;
}

int cache_import(
        const struct cache_request *q, const struct cache_spec *spec, size_t *ret_n, struct err *e)
{
	struct import im = {.q = q, .spec = spec, .source = SOURCE_NONE};
	int rc = (spec->type == CACHE_GHA ? take_service : take)(&im, e);
	*ret_n = rc ? 0 : im.n;
	source_release(&im.source);
	free(im.repository);
	manifest_release(&im.manifest);
	cache_config_release(&im.config);
	return rc;
}
