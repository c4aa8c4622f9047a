// SPDX-License-Identifier: Apache-2.0
#include "cmd/verify_bases.h"

#include "base/err.h"
#include "base/fs.h"
#include "base/mem.h"
#include "exec/build.h"
#include "image/config.h"
#include <stdio.h>
#include <string.h>

struct taking {
	struct store *from, *to;
};

static int take_blob(struct taking *t, const struct digest *d, struct err *e)
{
	uint64_t size;
	if (store_blob_has(t->to, d))
		return 0;
	auto_fd int in = store_blob_open(t->from, d, &size, e);
	auto_fd int out = in < 0 ? -1 : store_temp_file(t->to, e);
	return out < 0 || fs_copy_range(in, 0, out, size, e)
	               ? -1
	               : store_blob_commit(t->to, out, d, size, e);
}

static int take_sources(struct taking *t, const struct digest *d, struct err *e)
{
	auto_strv struct strv sources = {0};
	if (store_blob_sources(t->from, d, &sources, e) < 0)
		return -1;
	for (size_t i = sources.n; i > 0; i--)
		if (store_blob_add_source(t->to, d, sources.v[i - 1], e))
			return -1;
	return 0;
}

// The tar that a layer is here as, known there as a blob that it can be made from.
static int take_tar(struct taking *t, const struct digest *diff_id, struct err *e)
{
	struct layer_info info;
	struct layer_blob b = {.digest = *diff_id, .present = true};
	auto_fd int tar = store_layer_tar(t->from, diff_id, e);
	if (tar < 0)
		return -1;
	if (store_layer_get(t->from, diff_id, &info))
		b.size = info.tar_size;
	snprintf(b.media_type, sizeof(b.media_type), "%s", MT_OCI_LAYER);
	return take_blob(t, diff_id, e) || store_layer_declare(t->to, diff_id, e) ||
	                       store_layer_add_blob(t->to, diff_id, &b, e) ||
	                       store_layer_import(t->to, diff_id, diff_id, e)
	               ? -1
	               : 0;
}

static int take_layer(
        struct taking *t, const struct descriptor *d, const struct digest *diff_id, struct err *e)
{
	struct layer_info info;
	if (store_blob_has(t->from, &d->digest) && !digest_eq(&d->digest, diff_id))
		return take_blob(t, &d->digest, e);
	if (store_layer_get(t->from, diff_id, &info) && info.has_tar)
		return take_tar(t, diff_id, e);
	return take_sources(t, &d->digest, e);
}

static int take_image(struct taking *t, const struct build_base *base, struct err *e)
{
	auto_buf struct buf text = {0}, config = {0};
	auto_manifest struct manifest m = {0};
	auto_config struct image_config c = {0};
	char platform[80];
	platform_text(&base->platform, platform);
	if (store_blob_read(t->from, &base->manifest, MANIFEST_MAX, &text, e) ||
	        manifest_parse(text.p, text.n, NULL, &m, e) ||
	        store_blob_read(t->from, &m.config.digest, CONFIG_MAX, &config, e) ||
	        image_config_parse(config.p, config.n, &c, e) || take_blob(t, &base->manifest, e) ||
	        take_blob(t, &m.config.digest, e))
		return -1;
	if (c.n_diff_ids != m.layers.n)
		return err_set(e, ERR_CORRUPT, "the config names %zu layers, the manifest %zu",
		        c.n_diff_ids, m.layers.n);
	for (size_t i = 0; i < m.layers.n; i++)
		if (take_layer(t, &m.layers.v[i], &c.diff_ids[i], e))
			return -1;
	return store_resolution_set(t->to, base->name, platform, &base->manifest, e);
}

int verify_bases(
        struct store *from, struct store *to, const struct build_result *built, struct err *e)
{
	struct taking t = {from, to};
	for (size_t i = 0; i < built->n_bases; i++)
		if (!strstr(built->bases[i].name, "://") && take_image(&t, &built->bases[i], e))
			return err_wrap(e, "verify: base image %s", built->bases[i].name);
	return 0;
}
