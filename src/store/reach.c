// SPDX-License-Identifier: Apache-2.0
// What hangs below a digest: of an index its manifests, of a manifest its configuration and blobs,
// of a configuration the diffIDs. What cannot be read holds nothing.

#include "store/reach.h"
#include "base/err.h"
#include "base/mem.h"
#include "image/config.h"

struct reach {
	struct store *s;
	reach_fn *fn;
	void *arg;
	struct digest *todo; // documents to be looked into
	size_t n_todo;
};

static int ask(struct reach *r, const struct digest *d, struct err *e)
{
	int fresh = r->fn(r->arg, d, REACH_DOCUMENT, e);
	if (fresh <= 0)
		return fresh;
	r->todo = xreallocarray(r->todo, r->n_todo + 1, sizeof(*r->todo));
	r->todo[r->n_todo++] = *d;
	return 0;
}

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

static int reach_index(struct reach *r, const struct buf *text, struct err *e)
{
	struct err ignored;
	auto_index struct image_index ix = {0};
	if (image_index_parse(text->p, text->n, NULL, &ix, &ignored) < 0)
		return 0;
	for (size_t i = 0; i < ix.manifests.n; i++)
		if (ask(r, &ix.manifests.v[i].digest, e) < 0)
			return -1;
	return 0;
}

static int below(struct reach *r, const struct digest *d, struct err *e)
{
	struct err ignored;
	uint64_t size;
	auto_buf struct buf text = {0};
	if (!blob_here(r->s, d, &size) || size > MANIFEST_MAX)
		return 0;
	if (blob_read_raw(r->s, d, MANIFEST_MAX, &text, &ignored) < 0 || text.n == 0 ||
	        text.p[0] != '{')
		return 0;
	const char *kind = manifest_sniff(text.p, text.n, NULL, &ignored);
	if (kind && media_type_is_index(kind))
		return reach_index(r, &text, e);
	return kind && media_type_is_manifest(kind) ? reach_manifest(r, &text, e) : 0;
}

int reach(struct store *s, const struct digest *d, reach_fn *fn, void *arg, struct err *e)
{
	struct reach r = {.s = s, .fn = fn, .arg = arg};
	int rc = ask(&r, d, e);
	for (size_t i = 0; rc == 0 && i < r.n_todo; i++) {
		struct digest next = r.todo[i]; // the list grows
		rc = below(&r, &next, e);
	}
	free(r.todo);
	return rc;
}
