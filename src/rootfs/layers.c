// SPDX-License-Identifier: Apache-2.0
// Forms of layers, each made when a step first needs it and at most once: descriptor -> blob -> tar
// and index (-> tree: trees.c). One store lock a layer keeps threads and processes from making the
// same form twice.
#include "base/err.h"
#include "base/mem.h"
#include "base/pool.h"
#include "image/config.h"
#include "registry/registry.h"
#include "rootfs/rootfs.h"
#include "store/stored_view.h"
#include <fcntl.h>
#include <unistd.h>

void rootfs_copy(struct rootfs *dst, const struct rootfs *src)
{
	*dst = (struct rootfs){.n = src->n, .chain_id = src->chain_id};
	dst->layers = xcalloc(src->n + 1, sizeof(*dst->layers));
	if (src->n)
		memcpy(dst->layers, src->layers, src->n * sizeof(*dst->layers));
}

void rootfs_release(struct rootfs *r)
{
	free(r->layers);
	*r = (struct rootfs){0};
}

int rootfs_push(struct engine *g, struct rootfs *r, const struct digest *diff_id, struct err *e)
{
	struct layer_info info;
	if (!store_layer_get(g->store, diff_id, &info)) {
		char text[DIGEST_TEXT];
		digest_text(diff_id, text);
		return err_set(e, ERR_NOT_FOUND, "layer %s is not in the store", text);
	}
	r->layers = xreallocarray(r->layers, r->n + 1, sizeof(*r->layers));
	r->layers[r->n++] = *diff_id;
	r->chain_id = chain_id_next(&r->chain_id, &info.content_id);
	return 0;
}

int rootfs_of_image(
        struct engine *g, const struct image_config *c, struct rootfs *ret, struct err *e)
{
	struct rootfs r = {0};
	for (size_t i = 0; i < c->n_diff_ids; i++)
		if (store_layer_declare(g->store, &c->diff_ids[i], e) ||
		        rootfs_push(g, &r, &c->diff_ids[i], e)) {
			rootfs_release(&r);
			return -1;
		}
	*ret = r;
	return 0;
}

// ---- blob -> tar + index

static int fetch_blob(struct engine *g, const struct layer_blob *b, int step, struct err *e)
{
	struct registry *r = engine_registry(g, e);
	if (!r)
		return -1;
	struct descriptor d = {
	        .media_type = xstrdup(b->media_type), .digest = b->digest, .size = b->size};
	int result = registry_fetch_blob(r, &d, step, e);
	descriptor_release(&d);
	return result;
}

static int make_index(struct engine *g, const struct digest *diff_id, int step, struct err *e)
{
	struct layer_blob b;
	struct err damage = ERR_INIT;
	char text[DIGEST_TEXT];
	if (store_layer_is_here(g->store, diff_id))
		return 0; // another thread or process was faster
	// a tar that came as it is, or has lost its index
	bool has_tar = store_blob_has(g->store, diff_id);
	if (has_tar && store_layer_import(g->store, diff_id, diff_id, &damage) == 0)
		return 0;
	digest_text(diff_id, text);
	int found = store_layer_blob(g->store, diff_id, "", &b, e);
	// what a damaged one came as may be whole
	if (has_tar &&
	        (damage.kind != ERR_CORRUPT || found <= 0 || digest_eq(&b.digest, diff_id))) {
		*e = damage;
		return -1;
	}
	if (has_tar && store_blob_delete(g->store, diff_id, e))
		return -1;
	if (found <= 0)
		return found < 0 ? -1
		                 : err_set(e, ERR_NOT_FOUND,
		                           "layer %s is neither here nor in a registry", text);
	if (!store_blob_has(g->store, &b.digest) && fetch_blob(g, &b, step, e))
		return -1;
	return store_layer_import(g->store, diff_id, &b.digest, e);
}

static int need_index(struct engine *g, const struct digest *diff_id, int step,
        struct layer_index **ret, struct err *e)
{
	if (!store_layer_is_here(g->store, diff_id)) {
		struct store_lock *lock = store_lock_hash(g->store, "layer", &diff_id->h, e);
		if (!lock)
			return -1;
		int r = make_index(g, diff_id, step, e);
		store_unlock(lock);
		if (r)
			return -1;
	}
	return store_layer_index(g->store, diff_id, ret, e);
}

// One that cannot be used is dropped by whoever opens it, and made the second time.
int layer_need_index(struct engine *g, const struct digest *diff_id, int step,
        struct layer_index **ret, struct err *e)
{
	if (need_index(g, diff_id, step, ret, e) == 0)
		return 0;
	return e->kind == ERR_NOT_FOUND && store_blob_has(g->store, diff_id)
	               ? need_index(g, diff_id, step, ret, e)
	               : -1;
}

// ---- many layers side by side

enum { PARALLEL_LAYERS = 4 }; // downloads overlap inflating; more would only fill memory

struct layer_work {
	struct engine *g;
	struct digest diff_id;
	int step;
	bool tree;
	int result;
	struct err err;
};

static void prepare_layer(void *arg)
{
	struct layer_work *w = arg;
	struct layer_index *ignored;
	w->result = w->tree ? layer_make_tree(w->g, &w->diff_id, w->step, &w->err)
	                    : layer_need_index(w->g, &w->diff_id, w->step, &ignored, &w->err);
}

int layers_prepare(struct engine *g, const struct rootfs *r, int step, bool trees, struct err *e)
{
	struct layer_work *work = xcalloc(r->n + 1, sizeof(*work));
	size_t n = 0;
	for (size_t i = 0; i < r->n; i++)
		if (!(trees ? layer_has_tree(g, &r->layers[i])
		            : store_layer_is_here(g->store, &r->layers[i])))
			work[n++] = (struct layer_work){g, r->layers[i], step, trees, 0, ERR_INIT};
	struct pool *pool = n > 1 ? pool_new(n < PARALLEL_LAYERS ? n : PARALLEL_LAYERS) : NULL;
	for (size_t i = 0; i < n; i++) {
		if (pool)
			pool_add(pool, prepare_layer, &work[i]);
		else
			prepare_layer(&work[i]);
	}
	pool_free(pool);
	int result = 0;
	for (size_t i = 0; i < n && !result; i++) {
		result = work[i].result;
		if (result)
			*e = work[i].err;
	}
	free(work);
	return result;
}

struct view *rootfs_view(struct engine *g, const struct rootfs *r, int step, struct err *e)
{
	struct layer_index *ignored;
	if (layers_prepare(g, r, step, false, e))
		return NULL;
	for (size_t i = 0; i < r->n; i++)
		if (layer_need_index(g, &r->layers[i], step, &ignored, e))
			return NULL;
	return stored_view(g->store, r->layers, r->n, e);
}
