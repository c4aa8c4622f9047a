// SPDX-License-Identifier: Apache-2.0
// What hangs below a digest: of an index its manifests, of a manifest its configuration and blobs,
// of a configuration the diffIDs. What cannot be read holds nothing.

#include "store/reach.h"
#include "base/err.h"
#include "image/config.h"

#define NESTING_MAX 4 // an index of indexes

struct reach {
	struct store *s;
	reach_fn *fn;
	void *arg;
};

static int below(const struct reach *r, const struct digest *d, int depth, struct err *e);

static int reach_diff_ids(const struct reach *r, const struct digest *config, struct err *e)
{
	struct err ignored;
	auto_buf struct buf text = {0};
	auto_config struct image_config c = {0};
	if (blob_read_raw(r->s, config, CONFIG_MAX, &text, &ignored) < 0 ||
	        image_config_parse(text.p, text.n, &c, &ignored) < 0)
		return 0;
	for (size_t i = 0; i < c.n_diff_ids; i++)
		if (r->fn(r->arg, &c.diff_ids[i], REACH_DIFF_ID, e) < 0)
			return -1;
	return 0;
}

static int reach_manifest(const struct reach *r, const struct buf *text, struct err *e)
{
	struct err ignored;
	auto_manifest struct manifest m = {0};
	if (manifest_parse(text->p, text->n, NULL, &m, &ignored) < 0)
		return 0;
	if (r->fn(r->arg, &m.config.digest, REACH_BLOB, e) < 0)
		return -1;
	for (size_t i = 0; i < m.layers.n; i++)
		if (r->fn(r->arg, &m.layers.v[i].digest, REACH_BLOB, e) < 0)
			return -1;
	return reach_diff_ids(r, &m.config.digest, e);
}

static int reach_index(const struct reach *r, const struct buf *text, int depth, struct err *e)
{
	struct err ignored;
	auto_index struct image_index ix = {0};
	if (image_index_parse(text->p, text->n, NULL, &ix, &ignored) < 0)
		return 0;
	for (size_t i = 0; i < ix.manifests.n; i++)
		if (below(r, &ix.manifests.v[i].digest, depth + 1, e) < 0)
			return -1;
	return 0;
}

static int below(const struct reach *r, const struct digest *d, int depth, struct err *e)
{
	struct err ignored;
	uint64_t size;
	auto_buf struct buf text = {0};
	int fresh = r->fn(r->arg, d, REACH_BLOB, e);
	if (fresh <= 0 || depth > NESTING_MAX || !blob_here(r->s, d, &size) || size > MANIFEST_MAX)
		return fresh < 0 ? -1 : 0;
	if (blob_read_raw(r->s, d, MANIFEST_MAX, &text, &ignored) < 0 || text.n == 0 ||
	        text.p[0] != '{')
		return 0;
	const char *kind = manifest_sniff(text.p, text.n, NULL, &ignored);
	if (kind && media_type_is_index(kind))
		return reach_index(r, &text, depth, e);
	return kind && media_type_is_manifest(kind) ? reach_manifest(r, &text, e) : 0;
}

int reach(struct store *s, const struct digest *d, reach_fn *fn, void *arg, struct err *e)
{
	const struct reach r = {.s = s, .fn = fn, .arg = arg};
	return below(&r, d, 0, e);
}
