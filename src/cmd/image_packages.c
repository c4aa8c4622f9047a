// SPDX-License-Identifier: Apache-2.0
#include "cmd/image_packages.h"

#include "base/err.h"
#include "base/json.h"
#include "base/mem.h"
#include "cmd/session.h"
#include "image/config.h"
#include "layer/chain.h"
#include "rootfs/rootfs.h"
#include <stdio.h>
#include <string.h>

#define IMAGE_BYTES_MAX (64u << 20) // of the names and versions of all layers

// What is kept of a layer; another version is made again.
#define NOTE_KIND_(version) "packages " #version
#define NOTE_KIND(version) NOTE_KIND_(version)

static int scan_layer(
        struct engine *g, const struct digest *diff_id, struct package_set *ret, struct err *e)
{
	auto_buf struct buf json = {0};
	struct err ignored = ERR_INIT;
	struct rootfs one = {.layers = xcalloc(1, sizeof(*one.layers)), .n = 1};
	one.layers[0] = *diff_id;
	auto_view struct view *v = rootfs_view(g, &one, -1, e);
	rootfs_release(&one);
	if (!v || packages_scan(v, 0, ret, e))
		return -1;
	packages_write(ret, &json);
	// without it the next scan takes longer, that is all
	if (json.n <= JSON_MAX)
		store_layer_note_put(
		        g->store, diff_id, NOTE_KIND(PACKAGES_VERSION), buf_cstr(&json), &ignored);
	return 0;
}

static int need_layer(
        struct engine *g, const struct digest *diff_id, struct package_set *ret, struct err *e)
{
	auto_buf struct buf json = {0};
	struct err ignored = ERR_INIT;
	int found = store_layer_note_get(g->store, diff_id, NOTE_KIND(PACKAGES_VERSION), &json, e);
	if (found < 0)
		return -1;
	if (found && !packages_read(buf_cstr(&json), json.n, ret, &ignored))
		return 0;
	return scan_layer(g, diff_id, ret, e);
}

static int combine(
        struct engine *g, const struct rootfs *root, struct image_packages *p, struct err *e)
{
	auto_free struct layer_index **indexes = xcalloc(root->n + 1, sizeof(*indexes));
	for (size_t i = 0; i < root->n; i++) {
		if (layer_need_index(g, &root->layers[i], -1, &indexes[i], e))
			return -1;
	}
	auto_view struct view *chain = chain_new(indexes, root->n, NULL);
	packages_combine(p->sets, p->n, chain, &p->list);
	return 0;
}

static bool is_below(const struct image_config *base, const struct image_config *c)
{
	if (!base->n_diff_ids || base->n_diff_ids >= c->n_diff_ids)
		return false;
	for (size_t i = 0; i < base->n_diff_ids; i++) {
		if (!digest_eq(&base->diff_ids[i], &c->diff_ids[i]))
			return false;
	}
	return true;
}

// The largest image with a name in the store whose layers this one's begin with.
static void find_base(struct store *s, const struct image_config *c, struct image_packages *p)
{
	struct image_list images = {0};
	struct err ignored = ERR_INIT;
	if (store_image_list(s, &images, &ignored))
		return;
	for (size_t i = 0; i < images.n; i++) {
		auto_config struct image_config base = {0};
		struct err skipped = ERR_INIT;
		if (!images.v[i].name || load_config(s, &images.v[i], &base, NULL, &skipped) ||
		        base.n_diff_ids <= p->base_layers || !is_below(&base, c))
			continue;
		free(p->base);
		p->base = short_name(images.v[i].name);
		p->base_layers = base.n_diff_ids;
	}
	image_list_release(&images);
}

// Without it: a base image ends with its CMD, and what follows was built on it.
static void guess_base(const struct image_config *c, struct image_packages *p)
{
	size_t layers = 0, guess = 0;
	for (size_t i = 0; i + 1 < c->n_history; i++) {
		const struct history *h = &c->history[i];
		layers += !h->empty_layer;
		if (h->empty_layer && h->created_by && strstr(h->created_by, "CMD ["))
			guess = layers;
	}
	if (guess < c->n_diff_ids)
		p->base_layers = guess;
}

static int find(
        struct engine *g, const struct image_config *c, struct image_packages *p, struct err *e)
{
	struct rootfs root = {0};
	if (rootfs_of_image(g, c, &root, e))
		return -1;
	int status = layers_prepare(g, &root, -1, false, e);
	p->sets = xcalloc(root.n + 1, sizeof(*p->sets));
	size_t bytes = 0;
	for (; p->n < root.n && !status; p->n++) {
		status = need_layer(g, &root.layers[p->n], &p->sets[p->n], e);
		bytes += p->sets[p->n].arena.total;
		if (!status && bytes > IMAGE_BYTES_MAX)
			status = err_set(
			        e, ERR_CORRUPT, "its layers have more packages than are counted");
	}
	if (!status)
		status = combine(g, &root, p, e);
	rootfs_release(&root);
	return status;
}

int image_packages_find(
        struct session *s, const struct image_config *c, struct image_packages *ret, struct err *e)
{
	struct engine g = {.store = s->store,
	        .sink = session_sink(s),
	        .open_registry = session_registry,
	        .open_registry_arg = s,
	        .stop_fd = -1};
	*ret = (struct image_packages){0};
	engine_init(&g);
	int status = find(&g, c, ret, e);
	engine_release(&g);
	if (!status) {
		find_base(s->store, c, ret);
		if (!ret->base)
			guess_base(c, ret);
	}
	return status;
}

void image_packages_release(struct image_packages *p)
{
	package_list_release(&p->list);
	for (size_t i = 0; i < p->n; i++)
		package_set_release(&p->sets[i]);
	free(p->sets);
	free(p->base);
	*p = (struct image_packages){0};
}

const char *image_instruction(const struct image_config *c, size_t layer)
{
	for (size_t i = 0; i < c->n_history; i++) {
		if (!c->history[i].empty_layer && layer-- == 0)
			return c->history[i].created_by;
	}
	return NULL;
}
