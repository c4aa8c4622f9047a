// SPDX-License-Identifier: Apache-2.0
#include "rootfs/stored_image.h"
#include "base/err.h"
#include "base/mem.h"
#include "image/config.h"
#include "image/manifest.h"
#include "image/platform.h"
#include "image/reference.h"
#include "registry/registry.h"

static int read_manifest(
        struct engine *g, const struct digest *d, struct manifest *ret, struct err *e)
{
	auto_buf struct buf text = {0};
	if (store_blob_read(g->store, d, MANIFEST_MAX, &text, e))
		return -1;
	return manifest_parse(text.p, text.n, NULL, ret, e);
}

static int read_config(
        struct engine *g, const struct digest *d, struct image_config *ret, struct err *e)
{
	auto_buf struct buf text = {0};
	if (store_blob_read(g->store, d, CONFIG_MAX, &text, e))
		return -1;
	return image_config_parse(text.p, text.n, ret, e);
}

int stored_image_load(struct engine *g, const struct digest *manifest,
        struct image_config *ret_config, struct err *e)
{
	auto_manifest struct manifest m = {0};
	if (read_manifest(g, manifest, &m, e) || read_config(g, &m.config.digest, ret_config, e))
		return -1;
	return store_layers_declare(g->store, &m, ret_config, e);
}

// A manifest for the platform out of what an image row points to.
static int local_manifest(struct engine *g, const struct image_row *row, const struct platform *p,
        struct digest *ret, struct err *e)
{
	*ret = row->manifest;
	if (!row->is_index)
		return 1;
	auto_buf struct buf text = {0};
	auto_index struct image_index ix = {0};
	if (store_blob_read(g->store, &row->manifest, MANIFEST_MAX, &text, e) ||
	        image_index_parse(text.p, text.n, NULL, &ix, e))
		return -1;
	const struct descriptor *d = image_index_select(&ix, p);
	if (!d || !store_blob_has(g->store, &d->digest))
		return 0;
	*ret = d->digest;
	return 1;
}

// An image of that name in the store: built or pulled here. 1, 0, -1.
static int from_store(struct engine *g, const char *name, const struct platform *p,
        struct digest *ret, struct err *e)
{
	struct image_row row = {0};
	struct err absent = ERR_INIT;
	if (store_image_find(g->store, name, &row, &absent)) {
		if (absent.kind == ERR_NOT_FOUND)
			return 0;
		*e = absent;
		return -1;
	}
	int found = local_manifest(g, &row, p, ret, e);
	image_row_release(&row);
	return found;
}

static int from_memory(struct engine *g, const char *name, const struct platform *p,
        struct digest *ret, struct err *e)
{
	char text[80];
	platform_text(p, text);
	int found = store_resolution_get(g->store, name, text, ret, e);
	return found == 1 ? store_blob_has(g->store, ret) : found;
}

static int from_registry(struct engine *g, const struct reference *ref, const struct platform *p,
        struct digest *ret, struct err *e)
{
	struct registry *r = engine_registry(g, e);
	struct resolved_image found = {0};
	if (!r || registry_resolve(r, ref, p, &found, e))
		return -1;
	*ret = found.manifest.digest;
	resolved_image_release(&found);
	return 0;
}

int stored_image_find(struct engine *g, const struct reference *ref, const struct platform *p,
        int lookup, struct digest *ret_manifest, struct image_config *ret_config, struct err *e)
{
	auto_free char *name = reference_text(ref);
	int found = lookup & IMAGE_LOOKUP_PULL ? 0 : from_store(g, name, p, ret_manifest, e);
	if (!found && !(lookup & IMAGE_LOOKUP_PULL)) {
		found = from_memory(g, name, p, ret_manifest, e);
		// Its config may be gone, or not there yet, beside a collection and another build.
		if (found == 1 && stored_image_load(g, ret_manifest, ret_config, e) == 0)
			return 1;
		if (found == 1)
			found = e->kind == ERR_NOT_FOUND ? 0 : -1;
	}
	if (!found && lookup & IMAGE_LOOKUP_OFFLINE)
		return 0;
	if (found < 0 || (!found && from_registry(g, ref, p, ret_manifest, e)))
		return -1;
	return stored_image_load(g, ret_manifest, ret_config, e) ? -1 : 1;
}
