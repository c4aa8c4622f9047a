// SPDX-License-Identifier: Apache-2.0
// All indexes at once, path by path: a heap of cursors, one a layer. Unlike a chain view this shows
// everything, what is hidden too.
#include "size/size-int.h"

#include "base/fs.h"
#include "base/mem.h"
#include <string.h>

struct cursor {
	const struct layer_index *ix;
	size_t layer, i, n;
	struct entry now, next; // next: of record i + 1, if there is one
};

struct merge {
	struct cursor *all;
	struct cursor **heap;
	size_t n;
	struct stacked *group;
};

bool path_is_below(const char *path, size_t len, const char *dir, size_t dir_len)
{
	if (dir_len == 0)
		return len > 0;
	return len > dir_len && path[dir_len] == '/' && memcmp(path, dir, dir_len) == 0;
}

static bool before(const struct cursor *a, const struct cursor *b)
{
	int order = fs_path_cmp(a->now.path, b->now.path);
	return order ? order < 0 : a->layer < b->layer;
}

static void sink(struct merge *m, size_t i)
{
	struct cursor *c = m->heap[i];
	for (size_t kid; (kid = 2 * i + 1) < m->n; i = kid) {
		if (kid + 1 < m->n && before(m->heap[kid + 1], m->heap[kid]))
			kid++;
		if (!before(m->heap[kid], c))
			break;
		m->heap[i] = m->heap[kid];
	}
	m->heap[i] = c;
}

static void load(struct cursor *c)
{
	if (c->i + 1 < c->n)
		layer_index_at(c->ix, c->i + 1, &c->next);
}

struct merge *merge_open(const struct weigh_layer *layers, size_t n)
{
	struct merge *m = xcalloc(1, sizeof(*m));
	m->all = xcalloc(n + 1, sizeof(*m->all));
	m->heap = xcalloc(n + 1, sizeof(*m->heap));
	m->group = xcalloc(n + 1, sizeof(*m->group));
	for (size_t l = 0; l < n; l++) {
		struct cursor *c = &m->all[l];
		*c = (struct cursor){.ix = layers[l].index, .layer = l};
		c->n = layer_index_count(c->ix);
		if (!c->n)
			continue;
		layer_index_at(c->ix, 0, &c->now);
		load(c);
		m->heap[m->n++] = c;
	}
	for (size_t i = m->n; i-- > 0;)
		sink(m, i);
	return m;
}

void merge_close(struct merge *m)
{
	if (!m)
		return;
	free(m->all);
	free(m->heap);
	free(m->group);
	free(m);
}

void merge_close_ptr(struct merge **m)
{
	merge_close(*m);
}

static bool is_leaf(const struct cursor *c)
{
	if (c->now.type != ENTRY_DIR || c->i + 1 >= c->n)
		return true;
	return !path_is_below(c->next.path, strlen(c->next.path), c->now.path, strlen(c->now.path));
}

// Takes the entry of the first cursor and moves it on.
static void take(struct merge *m, struct stacked *ret)
{
	struct cursor *c = m->heap[0];
	*ret = (struct stacked){
	        .layer = c->layer, .record = c->i, .entry = c->now, .leaf = is_leaf(c)};
	if (++c->i < c->n) {
		c->now = c->next;
		load(c);
	} else {
		m->heap[0] = m->heap[--m->n];
	}
	if (m->n)
		sink(m, 0);
}

bool merge_next(struct merge *m, struct group *ret)
{
	if (!m->n)
		return false;
	size_t n = 0;
	do
		take(m, &m->group[n++]);
	while (m->n && !strcmp(m->heap[0]->now.path, m->group[0].entry.path));
	const char *path = m->group[0].entry.path;
	*ret = (struct group){.path = path, .len = strlen(path), .v = m->group, .n = n};
	if (m->n) {
		const char *next = m->heap[0]->now.path;
		ret->has_below = path_is_below(next, strlen(next), path, ret->len);
	}
	return true;
}
