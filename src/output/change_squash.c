// SPDX-License-Identifier: Apache-2.0
// squash=all|from-base: one layer instead of all, or of those above the base image's. The history
// keeps what was done, and says at its end that it is one layer now.
#include "output/change.h"

#include "base/event.h"
#include "layer/repack.h"
#include <unistd.h>

struct squash {
	struct tar_source source;
	struct store *store;
	const struct digest *diff_ids;
	size_t n, first;
	int *tars;
};

static int tar_fd(struct tar_source *self, size_t layer, struct err *e)
{
	struct squash *s = (struct squash *)self;
	if (s->tars[layer] < 0)
		s->tars[layer] = store_layer_tar(s->store, &s->diff_ids[layer], e);
	return s->tars[layer];
}

static int write_layer(struct change *c, struct squash *s, struct layer_writer *w, struct err *e)
{
	auto_free struct layer_index **indexes = xcalloc(s->n + 1, sizeof(*indexes));
	int rc = 0;
	for (size_t i = 0; !rc && i < s->n; i++)
		rc = layer_open(c->q, &c->im, i, &indexes[i], e);
	s->tars = xcalloc(s->n + 1, sizeof(*s->tars));
	for (size_t i = 0; i < s->n; i++)
		s->tars[i] = -1;
	if (!rc)
		rc = layer_squash(indexes, s->n, s->first, &s->source, w, e);
	for (size_t i = 0; i < s->n; i++)
		close_fd(&s->tars[i]);
	free(steal_ptr(&s->tars));
	return rc;
}

static int make(struct change *c, void *arg, struct step_record *ret, struct err *e)
{
	struct layer_writer_options o = {.threaded = true};
	auto_fd int out = store_temp_file(c->q->store, e);
	if (out < 0 || layers_need(c->q, &c->im, e))
		return -1;
	auto_layer_writer struct layer_writer *w = layer_writer_new(out, &o);
	return write_layer(c, arg, w, e) || derived_enter(c, out, w, ret, e) ? -1 : 0;
}

static uint64_t tar_size(struct change *c, const struct digest *diff_id)
{
	struct layer_info info;
	return store_layer_get(c->q->store, diff_id, &info) ? info.tar_size : 0;
}

static void tell(struct change *c, const struct squash *s, const struct digest *one)
{
	char was[24], is[24], saved[24];
	uint64_t before = 0, after = tar_size(c, one);
	for (size_t i = s->first; i < s->n; i++)
		before += tar_size(c, &s->diff_ids[i]);
	size_format(before, was);
	size_format(after, is);
	size_format(before > after ? before - after : 0, saved);
	event_note(c->q->sink, "squash: %zu layers of %s are one of %s: %s saved", s->n - s->first,
	        was, is, saved);
}

// The layers are one; it is the last entry of the history.
static int put_layer(struct change *c, size_t first, const struct digest *one, struct err *e)
{
	struct image_config *config = &c->im.config;
	size_t n = config->n_diff_ids, base = first ? c->base_history : 0;
	for (size_t i = base; i < config->n_history; i++)
		config->history[i].empty_layer = true;
	struct history *h = image_config_add_history(config);
	h->created = config->created;
	h->has_created = config->has_created;
	h->created_by = xstrdup(first ? "squash=from-base" : "squash=all");
	h->comment = xasprintf("%zu layers merged", n - first);
	for (size_t i = first + 1; i < n; i++)
		descriptor_release(&c->im.manifest.layers.v[i]);
	c->im.manifest.layers.n = config->n_diff_ids = first + 1;
	c->base_layers = first;
	c->base_history = base;
	free(steal_ptr(&config->inline_cache)); // it speaks of the layers there were
	return change_layer(c, first, one, e);
}

int change_squash(struct change *c, struct err *e)
{
	struct squash s = {.source.tar_fd = tar_fd,
	        .store = c->q->store,
	        .diff_ids = c->im.config.diff_ids,
	        .n = c->im.config.n_diff_ids,
	        .first = c->o->squash == SQUASH_ALL ? 0 : c->base_layers};
	struct step_record record = {0};
	if (!c->o->squash || s.n - s.first < 2)
		return 0;
	auto_hasher struct hasher *h = hasher_new();
	hasher_str(h, "squash 1");
	hasher_u64(h, s.first);
	for (size_t i = 0; i < s.n; i++)
		hasher_hash(h, &s.diff_ids[i].h);
	struct derived d = {.name = "squash", .key = hasher_end(h), .make = make, .arg = &s};
	if (derived_layer(c, &d, &record, e))
		return -1;
	tell(c, &s, &record.diff_id);
	int rc = put_layer(c, s.first, &record.diff_id, e);
	step_record_release(&record);
	return rc;
}
