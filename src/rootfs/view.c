// SPDX-License-Identifier: Apache-2.0
// The chain view over a stack of stored layers; their tars are opened when a file's bytes are asked
// for.
#include "base/err.h"
#include "base/mem.h"
#include "rootfs/rootfs.h"

struct rootfs_view_state {
	struct view view;
	struct tar_source source;
	struct engine *g;
	struct digest *layers;
	int *tars;
	size_t n;
	struct view *chain;
	pthread_mutex_t lock;
};

static struct rootfs_view_state *state_of(struct view *v)
{
	return (struct rootfs_view_state *)v;
}

static int tar_fd(struct tar_source *source, size_t layer, struct err *e)
{
	struct rootfs_view_state *s =
	        (struct rootfs_view_state *)((char *)source -
	                                     offsetof(struct rootfs_view_state, source));
	pthread_mutex_lock(&s->lock);
	if (s->tars[layer] < 0)
		s->tars[layer] = store_layer_tar(s->g->store, &s->layers[layer], e);
	int fd = s->tars[layer];
	pthread_mutex_unlock(&s->lock);
	return fd;
}

static int rv_lookup(struct view *v, const char *path, struct entry *ret, struct err *e)
{
	struct view *c = state_of(v)->chain;
	return c->ops->lookup(c, path, ret, e);
}

static int rv_list(struct view *v, const char *dir, struct strv *ret, struct err *e)
{
	struct view *c = state_of(v)->chain;
	return c->ops->list(c, dir, ret, e);
}

static int rv_walk(struct view *v, const char *dir,
        int (*fn)(void *, const struct entry *, struct err *), void *arg, struct err *e)
{
	struct view *c = state_of(v)->chain;
	return c->ops->walk(c, dir, fn, arg, e);
}

static int rv_open(struct view *v, const struct entry *en, struct content *ret, struct err *e)
{
	struct view *c = state_of(v)->chain;
	return c->ops->open(c, en, ret, e);
}

static int rv_digest(struct view *v, struct entry *en, struct err *e)
{
	struct view *c = state_of(v)->chain;
	return c->ops->digest(c, en, e);
}

static void rv_free(struct view *v)
{
	struct rootfs_view_state *s = state_of(v);
	view_free(s->chain);
	for (size_t i = 0; i < s->n; i++)
		close_fd(&s->tars[i]);
	free(s->tars);
	free(s->layers);
	pthread_mutex_destroy(&s->lock);
	free(s);
}

static const struct view_ops rootfs_view_ops = {
        .lookup = rv_lookup,
        .list = rv_list,
        .walk = rv_walk,
        .open = rv_open,
        .digest = rv_digest,
        .free = rv_free,
};

struct view *rootfs_view(struct engine *g, const struct rootfs *r, int step, struct err *e)
{
	struct rootfs_view_state *s = xcalloc(1, sizeof(*s));
	struct layer_index **indexes = xcalloc(r->n + 1, sizeof(*indexes));
	s->view.ops = &rootfs_view_ops;
	s->source.tar_fd = tar_fd;
	s->g = g;
	s->n = r->n;
	s->layers = xcalloc(r->n + 1, sizeof(*s->layers));
	s->tars = xcalloc(r->n + 1, sizeof(*s->tars));
	pthread_mutex_init(&s->lock, NULL);
	int failed = layers_prepare(g, r, step, false, e);
	for (size_t i = 0; i < r->n; i++) {
		s->layers[i] = r->layers[i];
		s->tars[i] = -1;
		failed = failed || layer_need_index(g, &r->layers[i], step, &indexes[i], e);
	}
	if (!failed)
		s->chain = chain_new(indexes, r->n, &s->source);
	free(indexes);
	if (!failed)
		return &s->view;
	rv_free(&s->view);
	return NULL;
}
