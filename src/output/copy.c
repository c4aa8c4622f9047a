// SPDX-License-Identifier: Apache-2.0
// See copy.h. A source becomes documents of the store whose blobs are there or have sources; the
// destinations are made of that.
#include "output/copy.h"

#include "base/cancel.h"
#include "base/event.h"
#include "output/layout.h"
#include "output/output-int.h"
#include <stdio.h>
#include <string.h>

#define DEPTH_MAX 4

void copy_image_release(struct copy_image *im)
{
	descriptor_release(&im->root);
	*im = (struct copy_image){0};
}

void copy_done_release(struct copy_done *d)
{
	descriptor_release(&d->root);
	*d = (struct copy_done){0};
}

static struct registry *client(const struct output_request *q, struct err *e)
{
	return q->registry(q->registry_arg, e);
}

static int describe(const struct output_request *q, const struct digest *d, struct descriptor *ret,
        struct err *e)
{
	auto_buf struct buf text = {0};
	const char *type = NULL;
	if (document_read(q, d, &text, &type, e))
		return -1;
	*ret = (struct descriptor){.media_type = xstrdup(type), .digest = *d, .size = text.n};
	return 0;
}

// ---- documents, where a registry has them

int copy_inherit(const struct output_request *q, const struct digest *parent,
        const struct digest *child, struct err *e)
{
	auto_strv struct strv sources = {0};
	if (store_blob_sources(q->store, parent, &sources, e))
		return -1;
	for (size_t i = sources.n; i > 0; i--)
		if (store_blob_add_source(q->store, child, sources.v[i - 1], e))
			return -1;
	return 0;
}

int copy_need(const struct output_request *q, const struct digest *parent,
        const struct descriptor *d, struct err *e)
{
	if (parent && copy_inherit(q, parent, &d->digest, e))
		return -1;
	if (store_blob_has(q->store, &d->digest))
		return store_lease_add(q->store, &d->digest, e);
	struct registry *r = client(q, e);
	return r ? registry_fetch_blob(r, d, q->step, e) : -1;
}

struct need {
	const struct output_request *q;
	struct map seen;
};

static int need_below(struct need *n, const struct digest *parent, const struct descriptor *d,
        int depth, struct err *e)
{
	const struct output_request *q = n->q;
	auto_buf struct buf text = {0};
	const char *type = NULL;
	if (depth > DEPTH_MAX)
		return err_set(e, ERR_CORRUPT, "indexes are nested too deep");
	if (!digest_is_new(&n->seen, &d->digest))
		return 0;
	if (cancel_check(e) || copy_need(q, parent, d, e) ||
	        document_read(q, &d->digest, &text, &type, e))
		return -1;
	if (media_type_is_index(type)) {
		auto_index struct image_index ix = {0};
		if (image_index_parse(text.p, text.n, type, &ix, e))
			return -1;
		for (size_t i = 0; i < ix.manifests.n; i++)
			if (need_below(n, &d->digest, &ix.manifests.v[i], depth + 1, e))
				return -1;
		return 0;
	}
	auto_manifest struct manifest m = {0};
	if (manifest_parse(text.p, text.n, NULL, &m, e) ||
	        copy_inherit(q, &d->digest, &m.config.digest, e))
		return -1;
	for (size_t i = 0; i < m.layers.n; i++)
		if (copy_inherit(q, &d->digest, &m.layers.v[i].digest, e))
			return -1;
	return 0;
}

// Makes sure that the documents from d on are in the store, and where the blobs are is known.
static int documents_need(const struct output_request *q, const struct descriptor *d, struct err *e)
{
	struct need n = {.q = q};
	int rc = need_below(&n, NULL, d, 0, e);
	map_release(&n.seen);
	return rc;
}

// ---- one platform

static int no_platform(const struct image_index *ix, const struct platform *wanted, struct err *e)
{
	auto_buf struct buf have = {0};
	char text[80];
	for (size_t i = 0; i < ix->manifests.n && have.n < 400; i++) {
		if (!ix->manifests.v[i].has_platform)
			continue;
		platform_text(&ix->manifests.v[i].platform, text);
		buf_printf(&have, "%s%s", have.n ? ", " : "", text);
	}
	platform_text(wanted, text);
	return err_set(e, ERR_NOT_FOUND, "the image has nothing for platform '%s': it has %s", text,
	        have.n ? have.p : "no platforms at all");
}

int copy_choose(const struct output_request *q, const struct platform *platform,
        struct descriptor *root, struct err *e)
{
	for (int depth = 0; media_type_is_index(root->media_type); depth++) {
		auto_buf struct buf text = {0};
		auto_index struct image_index ix = {0};
		const char *type = NULL;
		if (depth > DEPTH_MAX)
			return err_set(e, ERR_CORRUPT, "indexes are nested too deep");
		if (document_read(q, &root->digest, &text, &type, e) ||
		        image_index_parse(text.p, text.n, type, &ix, e))
			return -1;
		const struct descriptor *d = image_index_select(&ix, platform);
		if (!d)
			return no_platform(&ix, platform, e);
		if (copy_need(q, &root->digest, d, e))
			return -1;
		struct digest child = d->digest;
		descriptor_release(root);
		if (describe(q, &child, root, e))
			return -1;
	}
	return 0;
}

int copy_config(const struct output_request *q, const struct digest *manifest,
        const struct descriptor *config, struct buf *ret, struct err *e)
{
	return copy_need(q, manifest, config, e) ||
	                       store_blob_read(q->store, &config->digest, CONFIG_MAX, ret, e)
	               ? err_wrap(e, "image config")
	               : 0;
}

// ---- sources

static int open_remote(const struct output_request *q, const struct place *from,
        struct descriptor *ret, struct err *e)
{
	auto_buf struct buf text = {0};
	struct registry *r = client(q, e);
	auto_free char *repository = reference_name(&from->ref);
	if (!r || registry_fetch_manifest(r, &from->ref, &text, e))
		return -1;
	struct digest d = digest_of(text.p, text.n);
	return store_blob_add_source(q->store, &d, repository, e) || describe(q, &d, ret, e) ? -1
	                                                                                     : 0;
}

// What a push of it would send: layers of our own are compressed.
static int open_stored(const struct output_request *q, const struct place *from,
        const struct platform *platform, struct descriptor *ret, struct err *e)
{
	const struct output_spec as_pushed = {.type = OUTPUT_REGISTRY};
	struct output_request one = *q;
	struct image_row row = {0};
	struct descriptor d = {0};
	if (store_image_find(q->store, from->name, &row, e))
		return -1;
	int rc = describe(q, &row.manifest, &d, e);
	image_row_release(&row);
	if (!rc && platform)
		rc = copy_choose(q, platform, &d, e);
	one.manifest = d.digest;
	descriptor_release(&d);
	return rc ? -1 : output_manifest(&one, &as_pushed, ret, e);
}

static int open_file(const struct output_request *q, const struct place *from,
        const struct platform *platform, struct copy_image *ret, struct err *e)
{
	const struct output_spec as_pushed = {.type = OUTPUT_REGISTRY};
	if (output_load_whole(q->store, from, platform, &ret->root, e))
		return -1;
	if (from->kind != PLACE_DOCKER_ARCHIVE)
		return 0;
	struct output_request one = *q;
	one.manifest = ret->root.digest;
	ret->made_here = true;
	descriptor_release(&ret->root);
	return output_manifest(&one, &as_pushed, &ret->root, e);
}

static int open_any(const struct output_request *q, const struct place *from,
        const struct platform *platform, struct copy_image *ret, struct err *e)
{
	switch (from->kind) {
	case PLACE_REGISTRY:
		return open_remote(q, from, &ret->root, e) ||
		                       (platform && copy_choose(q, platform, &ret->root, e))
		               ? -1
		               : 0;
	case PLACE_STORE:
		return open_stored(q, from, platform, &ret->root, e);
	default:
		return open_file(q, from, platform, ret, e);
	}
}

int copy_open(const struct output_request *q, const struct place *from,
        const struct platform *platform, struct copy_image *ret, struct err *e)
{
	struct copy_image im = {0};
	auto_free char *title = xasprintf("read %s", from->text);
	int64_t began = event_step_begin(q->sink, q->step, title);
	int rc = open_any(q, from, platform, &im, e);
	if (rc && from->kind != PLACE_REGISTRY) // which names itself
		err_wrap(e, "%s", from->text);
	event_step_end(q->sink, q->step, began, rc ? e : NULL);
	if (rc)
		copy_image_release(&im);
	else
		*ret = im;
	return rc;
}

// ---- destinations

static int to_registry(const struct output_request *q, const struct copy_image *im,
        const struct place *to, struct copy_done *ret, struct err *e)
{
	struct registry *r = client(q, e);
	return r ? registry_relay(r, &to->ref, &im->root.digest, q->step, &ret->counts, e) : -1;
}

static int to_layout(const struct output_request *q, const struct copy_image *im,
        const struct place *to, struct err *e)
{
	auto_layout struct layout l = {.q = q};
	if (documents_need(q, &im->root, e) || layout_add_as(&l, &im->root, to->name, e))
		return -1;
	return layout_output(&l, to->path, to->kind == PLACE_OCI_ARCHIVE, e);
}

static int to_docker_archive(const struct output_request *q, const struct place *to,
        const struct platform *platform, struct copy_done *ret, struct err *e)
{
	struct platform host = platform_host();
	struct digest was = ret->root.digest;
	if (copy_choose(q, platform ? platform : &host, &ret->root, e) ||
	        documents_need(q, &ret->root, e))
		return -1;
	auto_free char *name = to->has_ref ? reference_text(&to->ref) : xstrdup("");
	struct digest manifest = ret->root.digest;
	descriptor_release(&ret->root);
	if (output_save_one(q, &manifest, name, to->path, &ret->root, e))
		return -1;
	ret->is_other = !digest_eq(&was, &ret->root.digest);
	return 0;
}

static int declare_images(const struct output_request *q, const struct digest *index, struct err *e)
{
	auto_buf struct buf text = {0};
	auto_index struct image_index ix = {0};
	const char *type = NULL;
	if (document_read(q, index, &text, &type, e) ||
	        image_index_parse(text.p, text.n, type, &ix, e))
		return -1;
	for (size_t i = 0; i < ix.manifests.n; i++) {
		const struct descriptor *d = &ix.manifests.v[i];
		auto_output_image struct output_image im = {0};
		bool is_image = media_type_is_manifest(d->media_type) && d->has_platform &&
		                strcmp(d->platform.os, "unknown") != 0;
		if (is_image &&
		        (output_image_load(q, &d->digest, &im, e) ||
		                store_layers_declare(q->store, &im.manifest, &im.config, e)))
			return -1;
	}
	return 0;
}

static int fill_row(const struct output_request *q, struct image_row *row, struct err *e)
{
	auto_output_image struct output_image im = {0};
	if (row->is_index)
		return declare_images(q, &row->manifest, e);
	if (output_image_load(q, &row->manifest, &im, e) ||
	        store_layers_declare(q->store, &im.manifest, &im.config, e))
		return -1;
	row->image_id = im.manifest.config.digest;
	row->created = im.config.has_created ? im.config.created.sec : 0;
	return 0;
}

static int to_store(const struct output_request *q, const struct copy_image *im,
        const struct place *to, struct err *e)
{
	auto_layout struct layout l = {
	        .q = q}; // gathers what there is, and sees that it comes here
	struct image_row row = {.manifest = im->root.digest,
	        .manifest_size = im->root.size,
	        .is_index = media_type_is_index(im->root.media_type)};
	if (!to->has_ref || !to->ref.tag)
		return err_set(e, ERR_USAGE, "a name with a tag is needed");
	if (documents_need(q, &im->root, e) || layout_add_as(&l, &im->root, NULL, e) ||
	        fill_row(q, &row, e))
		return -1;
	snprintf(row.media_type, sizeof(row.media_type), "%s", im->root.media_type);
	row.name = reference_text(&to->ref);
	int rc = store_image_put(q->store, &row, e) || store_sync(q->store, e) ? -1 : 0;
	image_row_release(&row);
	return rc;
}

static int write_any(const struct output_request *q, const struct copy_image *im,
        const struct place *to, const struct platform *platform, struct copy_done *ret,
        struct err *e)
{
	switch (to->kind) {
	case PLACE_REGISTRY:
		return to_registry(q, im, to, ret, e);
	case PLACE_STORE:
		return to_store(q, im, to, e);
	case PLACE_DOCKER_ARCHIVE:
		return to_docker_archive(q, to, platform, ret, e);
	default:
		return to_layout(q, im, to, e);
	}
}

int copy_to(const struct output_request *q, const struct copy_image *im, const struct place *to,
        const struct platform *platform, struct copy_done *ret, struct err *e)
{
	struct copy_done done = {0};
	auto_free char *title = xasprintf("copy to %s", to->text);
	int64_t began = event_step_begin(q->sink, q->step, title);
	descriptor_copy(&done.root, &im->root);
	int rc = write_any(q, im, to, platform, &done, e);
	if (rc && to->kind != PLACE_REGISTRY)
		err_wrap(e, "%s", to->text);
	event_step_end(q->sink, q->step, began, rc ? e : NULL);
	if (rc)
		copy_done_release(&done);
	else
		*ret = done;
	return rc;
}
