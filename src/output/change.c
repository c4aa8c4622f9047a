// SPDX-License-Identifier: Apache-2.0
// The changes in their order: layers are merged before their times are set, and what depends on how
// a layer is compressed comes last.
#include "output/change.h"

#include "base/event.h"

static bool is_wanted(const struct output_spec *o)
{
	bool is_image = o->type <= OUTPUT_DOCKER;
	return is_image && (o->squash || o->rewrite_times || o->estargz || o->has_epoch);
}

bool output_epoch(const struct output_request *q, const struct output_spec *o, int64_t *ret)
{
	*ret = o->epoch_given ? o->epoch : q->epoch;
	return o->epoch_given ? o->has_epoch : q->has_epoch;
}

static int put(struct change *c, struct err *e)
{
	auto_buf struct buf config = {0}, text = {0};
	struct manifest *m = &c->im.manifest;
	image_config_write(&c->im.config, &config);
	m->config.size = config.n;
	if (store_blob_put(c->q->store, config.p, config.n, &m->config.digest, e))
		return -1;
	manifest_write(m, &text);
	c->im.descriptor.size = text.n;
	return store_blob_put(c->q->store, text.p, text.n, &c->im.descriptor.digest, e);
}

static int change(struct change *c, struct err *e)
{
	static int (*const changes[])(struct change *, struct err *) = {
	        change_squash, change_times, change_estargz};
	auto_buf struct buf before = {0}, after = {0};
	image_config_write(&c->im.config, &before);
	for (size_t i = 0; i < ARRAY_LEN(changes); i++)
		if (changes[i](c, e))
			return -1;
	image_config_write(&c->im.config, &after);
	bool same = before.n == after.n && !memcmp(before.p, after.p, before.n);
	return same ? 0 : put(c, e);
}

static void take_base(struct change *c, const struct digest *manifest)
{
	size_t n = c->im.config.n_diff_ids, n_history = c->im.config.n_history;
	for (size_t i = 0; i < c->q->n_bases; i++) {
		const struct output_base *b = &c->q->bases[i];
		if (!digest_eq(&b->manifest, manifest))
			continue;
		c->base_layers = b->layers < n ? b->layers : n;
		c->base_history = b->history < n_history ? b->history : n_history;
	}
}

// d: of the image; becomes that of the changed one.
static int change_image(const struct output_request *q, const struct output_spec *o,
        struct descriptor *d, struct digest *ret_id, struct err *e)
{
	struct change c = {.q = q, .o = o};
	if (output_image_load(q, &d->digest, &c.im, e))
		return -1;
	take_base(&c, &d->digest);
	c.has_epoch = output_epoch(q, o, &c.epoch);
	int rc = change(&c, e);
	d->digest = c.im.descriptor.digest;
	d->size = c.im.descriptor.size;
	*ret_id = c.im.manifest.config.digest;
	output_image_release(&c.im);
	return rc;
}

// Of the images that are here.
static int change_index(const struct output_request *q, const struct output_spec *o,
        struct image_index *ix, struct digest *ret, struct err *e)
{
	auto_buf struct buf text = {0};
	struct digest ignored;
	for (size_t i = 0; i < ix->manifests.n; i++)
		if (output_is_here(q, &ix->manifests.v[i]) &&
		        change_image(q, o, &ix->manifests.v[i], &ignored, e))
			return -1;
	image_index_write(ix, &text);
	return store_blob_put(q->store, text.p, text.n, ret, e);
}

int output_change(const struct output_request *q, const struct output_spec *o,
        struct digest *ret_manifest, struct digest *ret_id, struct err *e)
{
	auto_buf struct buf text = {0};
	auto_index struct image_index ix = {0};
	const char *type = NULL;
	*ret_manifest = q->manifest;
	*ret_id = (struct digest){0};
	if (!is_wanted(o))
		return 0;
	if (document_read(q, &q->manifest, &text, &type, e))
		return -1;
	if (media_type_is_index(type))
		return image_index_parse(text.p, text.n, type, &ix, e) ||
		                       change_index(q, o, &ix, ret_manifest, e)
		               ? -1
		               : 0;
	struct descriptor d = {.digest = q->manifest};
	int rc = change_image(q, o, &d, ret_id, e);
	*ret_manifest = d.digest;
	return rc;
}
