// SPDX-License-Identifier: Apache-2.0
// source-date-epoch= and rewrite-timestamp=true, as BuildKit has them: no time of the config, and
// with the latter none of the files, is later. Layers of the base image stay as they are: they are
// not this build's, and others have them already.
#include "output/change.h"

#include "base/event.h"
#include "layer/repack.h"

struct rewrite {
	size_t layer;
	int64_t epoch;
	struct layer_index *ix;
};

static bool is_younger(const struct layer_index *ix, int64_t epoch)
{
	for (size_t i = 0; i < layer_index_count(ix); i++) {
		struct entry en;
		layer_index_at(ix, i, &en);
		if (en.type != ENTRY_WHITEOUT &&
		        (en.mtime_sec > epoch || (en.mtime_sec == epoch && en.mtime_nsec > 0)))
			return true;
	}
	return false;
}

static int make(struct change *c, void *arg, struct step_record *ret, struct err *e)
{
	const struct rewrite *r = arg;
	struct layer_writer_options o = {
	        .clamp_mtime = true, .max_mtime = r->epoch, .threaded = true};
	auto_fd int out = store_temp_file(c->q->store, e);
	auto_fd int in =
	        out < 0 ? -1 : store_layer_tar(c->q->store, &c->im.config.diff_ids[r->layer], e);
	if (in < 0)
		return -1;
	auto_layer_writer struct layer_writer *w = layer_writer_new(out, &o);
	return layer_repack(r->ix, in, NULL, w, e) || derived_enter(c, out, w, ret, e) ? -1 : 0;
}

static int rewrite_layer(struct change *c, size_t i, struct err *e)
{
	struct rewrite r = {.layer = i, .epoch = c->epoch};
	const struct digest *diff_id = &c->im.config.diff_ids[i];
	struct step_record record = {0};
	if (layer_open(c->q, &c->im, i, &r.ix, e))
		return -1;
	if (!is_younger(r.ix, c->epoch))
		return 0;
	auto_hasher struct hasher *h = hasher_new();
	hasher_str(h, "rewrite-timestamp 1");
	hasher_u64(h, (uint64_t)c->epoch);
	hasher_hash(h, &diff_id->h);
	struct derived d = {
	        .name = "rewrite-timestamp", .key = hasher_end(h), .make = make, .arg = &r};
	if (derived_layer(c, &d, &record, e))
		return -1;
	int rc = change_layer(c, i, &record.diff_id, e);
	step_record_release(&record);
	return rc;
}

static void clamp(struct timestamp *t, int64_t epoch)
{
	if (t->sec >= epoch)
		*t = (struct timestamp){.sec = epoch};
}

int change_times(struct change *c, struct err *e)
{
	struct image_config *config = &c->im.config;
	if (!c->has_epoch) {
		if (c->o->rewrite_times)
			event_note(c->q->sink,
			        "rewrite-timestamp=true does nothing: there is no "
			        "SOURCE_DATE_EPOCH (or source-date-epoch=, or --timestamp)");
		return 0;
	}
	if (c->o->has_epoch) { // the build's is in the config already
		config->created = (struct timestamp){.sec = c->epoch};
		config->has_created = true;
		for (size_t i = c->base_history; i < config->n_history; i++)
			clamp(&config->history[i].created, c->epoch);
	}
	for (size_t i = c->base_layers; c->o->rewrite_times && i < config->n_diff_ids; i++)
		if (rewrite_layer(c, i, e))
			return -1;
	return 0;
}
