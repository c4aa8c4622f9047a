// SPDX-License-Identifier: Apache-2.0
// The chain view of layer/chain.h with indexes and tars from the store. A shell around it, which
// keeps the descriptors that the chain borrows.
#include "store/stored_view.h"

#include "base/err.h"
#include "base/mem.h"
#include "layer/chain.h"
#include "store/store.h"
#include <pthread.h>
#include <stddef.h>

struct stored {
	struct view view; // first
	struct tar_source source;
	struct store *store;
	struct digest *diff_ids;
	int *tars;
	size_t n;
	struct view *chain;
	pthread_mutex_t lock; // over tars
};

static struct stored *stored_of(struct view *v)
{
	return (struct stored *)v;
}

static int tar_fd(struct tar_source *source, size_t layer, struct err *e)
{
	struct stored *s =
	        (struct stored *)(void *)((char *)source - offsetof(struct stored, source));
	pthread_mutex_lock(&s->lock);
	if (s->tars[layer] < 0)
		s->tars[layer] = store_layer_tar(s->store, &s->diff_ids[layer], e);
	int fd = s->tars[layer];
	pthread_mutex_unlock(&s->lock);
	return fd;
}

static int sv_lookup(struct view *v, const char *path, struct entry *ret, struct err *e)
{
	struct view *c = stored_of(v)->chain;
	return c->ops->lookup(c, path, ret, e);
}

static int sv_list(struct view *v, const char *dir, struct strv *ret, struct err *e)
{
	struct view *c = stored_of(v)->chain;
	return c->ops->list(c, dir, ret, e);
}

static int sv_walk(struct view *v, const char *dir,
        int (*fn)(void *, const struct entry *, struct err *), void *arg, struct err *e)
{
	struct view *c = stored_of(v)->chain;
	return c->ops->walk(c, dir, fn, arg, e);
}

static int sv_open(struct view *v, const struct entry *en, struct content *ret, struct err *e)
{
	struct view *c = stored_of(v)->chain;
	return c->ops->open(c, en, ret, e);
}

static int sv_digest(struct view *v, struct entry *en, struct err *e)
{
	struct view *c = stored_of(v)->chain;
	return c->ops->digest(c, en, e);
}

static void sv_free(struct view *v)
{
	struct stored *s = stored_of(v);
	view_free(s->chain);
	for (size_t i = 0; i < s->n; i++)
		close_fd(&s->tars[i]);
	free(s->tars);
	free(s->diff_ids);
	pthread_mutex_destroy(&s->lock);
	free(s);
}

static const struct view_ops stored_view_ops = {
        .lookup = sv_lookup,
        .list = sv_list,
        .walk = sv_walk,
        .open = sv_open,
        .digest = sv_digest,
        .free = sv_free,
};

struct view *stored_view(struct store *s, const struct digest *diff_ids, size_t n, struct err *e)
{
	auto_free struct layer_index **indexes = xcalloc(n + 1, sizeof(*indexes));
	for (size_t i = 0; i < n; i++)
		if (store_layer_index(s, &diff_ids[i], &indexes[i], e))
			return NULL;
	struct stored *v = xcalloc(1, sizeof(*v));
	*v = (struct stored){
	        .view.ops = &stored_view_ops, .source.tar_fd = tar_fd, .store = s, .n = n};
	v->diff_ids = xcalloc(n + 1, sizeof(*v->diff_ids));
	v->tars = xcalloc(n + 1, sizeof(*v->tars));
	for (size_t i = 0; i < n; i++) {
		v->diff_ids[i] = diff_ids[i];
		v->tars[i] = -1;
	}
	pthread_mutex_init(&v->lock, NULL);
	v->chain = chain_new(indexes, n, &v->source);
	return &v->view;
}
