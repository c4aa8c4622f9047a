// SPDX-License-Identifier: Apache-2.0
// The files of two images side by side. Both walks are in the same order, so one is remembered as
// paths and digests, and the other goes along it.
#include "base/err.h"
#include "base/fs.h"
#include "base/mem.h"
#include "cmd/diff.h"
#include "rootfs/rootfs.h"
#include "session/session.h"
#include <string.h>

struct seen {
	const char *path;
	struct hash hash;
	uint64_t bytes;
};
struct comparison {
	struct arena arena;
	struct seen *v;
	size_t n, cap, at; // at: how far the second walk has come
	struct view *view; // that is walked
	struct file_diffs *ret;
};

static void list_release(struct file_list *l)
{
	for (size_t i = 0; i < l->n; i++)
		free(l->v[i].path);
	free(l->v);
	*l = (struct file_list){0};
}

void file_diffs_release(struct file_diffs *d)
{
	list_release(&d->added);
	list_release(&d->removed);
	list_release(&d->changed);
}

static void list_add(struct file_list *l, const char *path, uint64_t before, uint64_t after)
{
	if (l->n == l->cap) {
		l->cap = l->cap ? 2 * l->cap : 64;
		l->v = xreallocarray(l->v, l->cap, sizeof(*l->v));
	}
	l->v[l->n++] = (struct file_diff){xstrdup(path), before, after};
}

static uint64_t bytes_of(const struct entry *en)
{
	return en->type == ENTRY_FILE ? en->size : 0;
}

static int hash_of(struct comparison *c, const struct entry *en, struct hash *ret, struct err *e)
{
	struct entry known = *en;
	if (en->type == ENTRY_FILE && !en->has_content && c->view->ops->digest(c->view, &known, e))
		return -1;
	auto_hasher struct hasher *h = hasher_new();
	entry_hash(&known, h);
	*ret = hasher_end(h);
	return 0;
}

static int remember(void *arg, const struct entry *en, struct err *e)
{
	struct comparison *c = arg;
	if (c->n == c->cap) {
		c->cap = c->cap ? 2 * c->cap : 1024;
		c->v = xreallocarray(c->v, c->cap, sizeof(*c->v));
	}
	c->v[c->n].path = arena_strdup(&c->arena, en->path);
	c->v[c->n].bytes = bytes_of(en);
	return hash_of(c, en, &c->v[c->n++].hash, e);
}

static int compare(void *arg, const struct entry *en, struct err *e)
{
	struct comparison *c = arg;
	struct hash hash;
	int order = 1;
	for (; c->at < c->n && (order = fs_path_cmp(c->v[c->at].path, en->path)) < 0; c->at++)
		list_add(&c->ret->removed, c->v[c->at].path, c->v[c->at].bytes, 0);
	if (c->at >= c->n || order > 0) {
		list_add(&c->ret->added, en->path, 0, bytes_of(en));
		return 0;
	}
	if (hash_of(c, en, &hash, e))
		return -1;
	if (!hash_eq(&hash, &c->v[c->at].hash))
		list_add(&c->ret->changed, en->path, c->v[c->at].bytes, bytes_of(en));
	c->at++;
	return 0;
}

static int walk(struct engine *g, const struct image_config *config, struct comparison *c,
        int (*fn)(void *, const struct entry *, struct err *), struct err *e)
{
	struct rootfs root = {0};
	if (rootfs_of_image(g, config, &root, e))
		return -1;
	c->view = rootfs_view(g, &root, -1, e);
	rootfs_release(&root);
	int rc = c->view ? c->view->ops->walk(c->view, "", fn, c, e) : -1;
	view_free(c->view);
	return rc;
}

int file_diffs_make(struct session *s, const struct image_config *a, const struct image_config *b,
        struct file_diffs *ret, struct err *e)
{
	struct comparison c = {.ret = ret};
	struct engine g = {.store = s->store,
	        .sink = session_sink(s),
	        .open_registry = session_registry,
	        .open_registry_arg = s,
	        .stop_fd = -1};
	*ret = (struct file_diffs){0};
	engine_init(&g);
	int rc = walk(&g, a, &c, remember, e) || walk(&g, b, &c, compare, e) ? -1 : 0;
	for (; !rc && c.at < c.n; c.at++)
		list_add(&ret->removed, c.v[c.at].path, c.v[c.at].bytes, 0);
	engine_release(&g);
	arena_release(&c.arena);
	free(c.v);
	return rc;
}
