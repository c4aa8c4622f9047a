// SPDX-License-Identifier: Apache-2.0
// The image that hew browse looks through: opened as for hew size, but nothing is read of its
// layers except their indexes.
#include "base/err.h"
#include "base/event.h"
#include "base/mem.h"
#include "cmd/browse.h"
#include "registry/registry.h"
#include "rootfs/rootfs.h"
#include "session/session.h"
#include "ui/ui.h"

void browsed_release(struct browsed *b)
{
	waste_search_end(b);
	for (size_t i = 0; b->tars && i < b->of.n; i++)
		close_fd(&b->tars[i]);
	free(b->tars);
	free(b->layers);
	free(b->indexes);
	strv_release(&b->digests);
	size_image_release(&b->of);
	if (b->session)
		engine_release(&b->engine);
}

static int tar_fd(struct tar_source *source, size_t layer, struct err *e)
{
	struct browsed *b = (struct browsed *)((char *)source - offsetof(struct browsed, source));
	if (b->tars[layer] < 0)
		b->tars[layer] =
		        store_layer_tar(b->session->store, &b->of.layers[layer].diff_id, e);
	return b->tars[layer];
}

static void describe_layer(struct browsed *b, size_t i)
{
	const struct size_layer *l = &b->of.layers[i];
	char digest[DIGEST_TEXT];
	digest_text(&l->diff_id, digest);
	strv_add(&b->digests, digest);
	b->layers[i] = (struct browse_layer){
	        .instruction = l->instruction,
	        .digest = b->digests.v[i],
	        .bytes = layer_index_file_bytes(b->indexes[i]),
	        .packed = l->packed == WEIGH_UNKNOWN ? 0 : l->packed,
	        .entries = layer_index_count(b->indexes[i]),
	};
}

static int open_layers(struct browsed *b, struct err *e)
{
	size_t n = b->of.n;
	b->indexes = xcalloc(n + 1, sizeof(struct layer_index *));
	b->layers = xcalloc(n + 1, sizeof(*b->layers));
	b->tars = xcalloc(n + 1, sizeof(*b->tars));
	b->source.tar_fd = tar_fd;
	for (size_t i = 0; i < n; i++)
		b->tars[i] = -1;
	for (size_t i = 0; i < n; i++) {
		if (layer_need_index(&b->engine, &b->of.layers[i].diff_id, -1, &b->indexes[i], e))
			return -1;
		describe_layer(b, i);
	}
	return 0;
}

static bool layers_are_here(const struct browsed *b)
{
	bool here = true;
	for (size_t i = 0; i < b->of.n && here; i++)
		here = store_layer_is_here(b->session->store, &b->of.layers[i].diff_id);
	return here;
}

// Layers that have to be fetched or unpacked are a step of the progress. Their tars are for files
// that are to be written.
static int prepare(struct browsed *b, struct err *e)
{
	struct rootfs root = {0};
	struct event_sink *sink = session_sink(b->session);
	if (layers_are_here(b))
		return 0;
	if (rootfs_of_image(&b->engine, &b->of.config, &root, e))
		return -1;
	auto_free char *title = xasprintf("fetch and unpack %s", b->of.name);
	int64_t began = event_step_begin(sink, 0, title);
	int rc = layers_prepare(&b->engine, &root, 0, false, e);
	event_step_end(sink, 0, began, rc ? e : NULL);
	rootfs_release(&root);
	return rc;
}

// What is drawn next is no progress. The client that tells of it goes, too.
static void end_progress(struct browsed *b, bool failed)
{
	struct session *s = b->session;
	registry_free(s->registry);
	s->registry = b->engine.registry = NULL;
	ui_finish(s->ui, failed);
	ui_free(s->ui);
	s->ui = NULL;
	b->engine.sink = NULL;
}

int browsed_open(struct session *s, const char *name, const char *platform, bool silent,
        struct browsed *ret, struct err *e)
{
	const struct subject_ask ask = {.text = name, .platform = platform, .silent = silent};
	*ret = (struct browsed){.found_fd = -1};
	if (!s->store && session_open(s, true, e))
		return -1;
	s->ui = ui_new(silent ? UI_QUIET : UI_AUTO, "Opening");
	ret->session = s;
	session_engine(s, &ret->engine);
	int rc = size_image_open(s, &ret->engine, &ask, &ret->of, e) || prepare(ret, e) ||
	                         open_layers(ret, e)
	                 ? -1
	                 : 0;
	end_progress(ret, rc != 0);
	digest_text(&ret->of.digest, ret->digest);
	ret->image = (struct browse_image){.name = name,
	        .digest = ret->digest,
	        .layers = ret->layers,
	        .indexes = ret->indexes,
	        .n_layers = ret->of.n,
	        .source = &ret->source};
	return rc;
}
