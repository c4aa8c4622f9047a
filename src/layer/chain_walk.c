// SPDX-License-Identifier: Apache-2.0
// Walking a chain: a k-way merge of the sorted indexes over a heap. Each layer has a cursor that
// also stops at directories the layer only implies, so that everything that concerns a path comes
// up at once; what a layer may not show is never stepped through but jumped over.
#include "layer/chain-int.h"

#include "base/buf.h"
#include "base/err.h"
#include "base/fs.h"
#include <endian.h>
#include <string.h>

struct cursor {
	const struct layer_index *ix;
	int layer;
	size_t i;
	const char *path; // of record i
	size_t full, len; // its length, and of the prefix the cursor stands at
};

struct merge {
	struct chain *chain;
	size_t dir_len; // the walk ends where this does
	const char *dir;
	struct cursor *all; // one a layer
	struct cursor **heap;
	size_t n;
	struct cursor **group; // those at the current path, topmost layer first
	size_t n_group;
};

// The order of fs_path_cmp for strings that are not terminated.
static int prefix_cmp(const char *a, size_t na, const char *b, size_t nb)
{
	size_t i = index_common_prefix(a, na, b, nb);
	int ca = i == na ? 0 : a[i] == '/' ? 1 : (unsigned char)a[i] + 2;
	int cb = i == nb ? 0 : b[i] == '/' ? 1 : (unsigned char)b[i] + 2;
	return ca - cb;
}

static bool before(const struct cursor *a, const struct cursor *b)
{
	int c = prefix_cmp(a->path, a->len, b->path, b->len);
	return c != 0 ? c < 0 : a->layer > b->layer;
}

static void heap_push(struct merge *m, struct cursor *c)
{
	size_t i = m->n++;
	while (i > 0 && before(c, m->heap[(i - 1) / 2])) {
		m->heap[i] = m->heap[(i - 1) / 2];
		i = (i - 1) / 2;
	}
	m->heap[i] = c;
}

static struct cursor *heap_pop(struct merge *m)
{
	struct cursor *top = m->heap[0], *c = m->heap[--m->n];
	size_t i = 0;
	for (size_t kid = 1; kid < m->n; kid = 2 * i + 1) {
		if (kid + 1 < m->n && before(m->heap[kid + 1], m->heap[kid]))
			kid++;
		if (!before(m->heap[kid], c))
			break;
		m->heap[i] = m->heap[kid];
		i = kid;
	}
	m->heap[i] = c;
	return top;
}

// Puts the cursor on record i, at the first prefix that is not an ancestor of (or equal to) `seen`.
// False at the end of the walk's directory.
static bool cursor_load(
        const struct merge *m, struct cursor *c, size_t i, const char *seen, size_t seen_len)
{
	if (i >= c->ix->n)
		return false;
	c->i = i;
	c->path = index_path(c->ix, i, &c->full);
	if (m->dir_len > 0 && (c->full <= m->dir_len || c->path[m->dir_len] != '/' ||
	                              memcmp(c->path, m->dir, m->dir_len) != 0))
		return false;
	size_t same = index_common_prefix(seen, seen_len, c->path, c->full);
	// Back to the end of the last component that both have whole.
	if (!((same == seen_len || seen[same] == '/') && (same == 0 || c->path[same] == '/')))
		while (same > 0 && c->path[same] != '/')
			same--;
	const char *slash =
	        same < c->full ? memchr(c->path + same + 1, '/', c->full - same - 1) : NULL;
	c->len = slash ? (size_t)(slash - c->path) : c->full;
	return true;
}

static bool cursor_next(const struct merge *m, struct cursor *c)
{
	if (c->len == c->full)
		return cursor_load(m, c, c->i + 1, c->path, c->full);
	const char *slash = memchr(c->path + c->len + 1, '/', c->full - c->len - 1);
	c->len = slash ? (size_t)(slash - c->path) : c->full;
	return true;
}

static bool cursor_skip(const struct merge *m, struct cursor *c, const char *path, size_t len)
{
	return cursor_load(m, c, index_skip(c->ix, c->i, path, len), path, len);
}

static void merge_start(struct merge *m, struct chain *chain, const char *dir, int floor)
{
	*m = (struct merge){.chain = chain, .dir = dir, .dir_len = strlen(dir)};
	m->all = xcalloc(chain->n + 1, sizeof(*m->all));
	m->heap = xcalloc(chain->n + 1, sizeof(struct cursor *));
	m->group = xcalloc(chain->n + 1, sizeof(struct cursor *));
	for (size_t l = (size_t)floor; l < chain->n; l++) {
		struct cursor *c = &m->all[l];
		c->ix = chain->layers[l];
		c->layer = (int)l;
		bool exact;
		size_t i = index_search(c->ix, dir, m->dir_len, &exact);
		i += exact; // the directory itself has had its turn
		if (cursor_load(m, c, i, dir, m->dir_len))
			heap_push(m, c);
	}
}

static void merge_end(struct merge *m)
{
	free(m->all);
	free(m->heap);
	free(m->group);
}

// Takes all cursors at the least path off the heap and melds what they say.
static void take_group(struct merge *m, struct chain_sight *s)
{
	m->n_group = 0;
	do
		m->group[m->n_group++] = heap_pop(m);
	while (m->n > 0 && prefix_cmp(m->group[0]->path, m->group[0]->len, m->heap[0]->path,
	                           m->heap[0]->len) == 0);
	*s = (struct chain_sight){.layer = -1};
	for (size_t i = 0; i < m->n_group; i++) {
		struct cursor *c = m->group[i];
		if (!chain_meld(s, c->ix, c->layer, c->i, c->len == c->full))
			break;
	}
}

static int merge_run(struct merge *m, int (*fn)(void *arg, const struct entry *en, struct err *e),
        void *arg, struct err *e)
{
	while (m->n > 0) {
		struct chain_sight s;
		take_group(m, &s);
		const char *path = m->group[0]->path;
		size_t len = m->group[0]->len;
		bool enter = s.dir;
		if (s.dir || s.layer >= 0) {
			struct entry en;
			chain_entry(m->chain, &s, path, len, &en);
			int rc = fn(arg, &en, e);
			if (rc < 0)
				return -1;
			enter = enter && rc == 0;
		}
		for (size_t i = 0; i < m->n_group; i++) {
			struct cursor *c = m->group[i];
			if (enter && c->layer >= s.floor ? cursor_next(m, c)
			                                 : cursor_skip(m, c, path, len))
				heap_push(m, c);
		}
	}
	return 0;
}

int chain_walk(struct view *v, const char *dir,
        int (*fn)(void *arg, const struct entry *en, struct err *e), void *arg, struct err *e)
{
	struct chain *c = (struct chain *)v;
	struct chain_sight s;
	if (!chain_see(c, dir, &s))
		return 0;
	if (dir[0] != '\0') {
		struct entry en;
		chain_entry(c, &s, dir, strlen(dir), &en);
		int rc = fn(arg, &en, e);
		if (rc != 0)
			return rc < 0 ? -1 : 0;
		if (!s.dir)
			return 0;
	}
	struct merge m;
	merge_start(&m, c, dir, s.floor);
	int rc = merge_run(&m, fn, arg, e);
	merge_end(&m);
	return rc;
}

struct listing {
	struct strv *names;
	size_t dir_len;
};

static int list_one(void *arg, const struct entry *en, struct err *e)
{
	struct listing *l = arg;
	if (strlen(en->path) == l->dir_len)
		return 0;
	strv_add(l->names, fs_base_name(en->path));
	return 1;
}

int chain_list(struct view *v, const char *dir, struct strv *ret, struct err *e)
{
	struct listing l = {ret, strlen(dir)};
	return chain_walk(v, dir, list_one, &l, e);
}
