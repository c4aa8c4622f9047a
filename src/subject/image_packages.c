// SPDX-License-Identifier: Apache-2.0
#include "subject/image_packages.h"

#include "base/err.h"
#include "base/event.h"
#include "base/json.h"
#include "base/mem.h"
#include "image/config.h"
#include "layer/chain.h"
#include "rootfs/rootfs.h"
#include "session/session.h"
#include "subject/kin.h"
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

void image_packages_keep(struct session *s, const struct digest *diff_id)
{
	auto_package_set struct package_set set = {0};
	struct err ignored = ERR_INIT;
	struct engine g;
	session_engine(s, &g);
	need_layer(&g, diff_id, &set, &ignored);
	engine_release(&g);
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

int image_layers_prepare(
        struct engine *g, const struct rootfs *root, const char *title, bool trees, struct err *e)
{
	bool ready = true;
	for (size_t i = 0; i < root->n && ready; i++)
		ready = store_layer_is_here(g->store, &root->layers[i]);
	if (ready || !title)
		return layers_prepare(g, root, -1, trees, e);
	int64_t began = event_step_begin(g->sink, 0, title);
	int rc = layers_prepare(g, root, 0, trees, e);
	event_step_end(g->sink, 0, began, rc ? e : NULL);
	return rc;
}

static int find(struct engine *g, const struct image_config *c, const char *title,
        struct image_packages *p, struct err *e)
{
	struct rootfs root = {0};
	if (rootfs_of_image(g, c, &root, e))
		return -1;
	int status = image_layers_prepare(g, &root, title, false, e);
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

int image_packages_find(struct session *s, const struct image_config *c, const char *title,
        struct image_packages *ret, struct err *e)
{
	struct engine g;
	*ret = (struct image_packages){0};
	session_engine(s, &g);
	int status = find(&g, c, title, ret, e);
	engine_release(&g);
	if (!status) {
		auto_kin struct image_kin kin = {0};
		image_kin_find(s->store, c, NULL, &kin);
		ret->base = steal_ptr(&kin.base);
		ret->base_layers = kin.base_layers;
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
