// SPDX-License-Identifier: Apache-2.0
#include "browse/tree.h"

#include "base/err.h"
#include "base/fs.h"
#include "base/mem.h"
#include "layer/compare.h"
#include <string.h>

void tree_release(struct tree *t)
{
	free(t->v);
	*t = (struct tree){0};
}

// ---- the two walks

struct merge {
	struct view *lower_view;
	struct tree lower; // its nodes, in order
	size_t at;         // of them, how far the second walk has come
	struct tree *out;
};

static int append(struct tree *t, const struct tree_node *node, struct err *e)
{
	if (t->n >= TREE_MAX)
		return err_set(e, ERR_UNSUPPORTED, "it has more than %u files: too many to browse",
		        TREE_MAX);
	if (t->n == t->cap) {
		t->cap = t->cap ? 2 * t->cap : 4096;
		t->v = xreallocarray(t->v, t->cap, sizeof(*t->v));
	}
	t->v[t->n++] = *node;
	return 0;
}

static struct tree_node node_of(const struct entry *en, enum tree_mark mark)
{
	return (struct tree_node){
	        .path = en->path,
	        .link = en->link,
	        .bytes = en->type == ENTRY_FILE && !en->link ? en->size : 0,
	        .uid = en->uid,
	        .gid = en->gid,
	        .mode = (uint16_t)en->mode,
	        .type = (uint8_t)en->type,
	        .mark = (uint8_t)mark,
	};
}

static int take_lower(void *arg, const struct entry *en, struct err *e)
{
	struct merge *m = arg;
	struct tree_node node = node_of(en, MARK_REMOVED);
	return *en->path ? append(&m->lower, &node, e) : 0;
}

// The same record of the same index has the same path at the same place. Else they are compared.
static int differs(struct merge *m, const struct tree_node *lower, const struct entry *upper,
        bool *ret, struct err *e)
{
	struct entry before;
	*ret = false;
	if (lower->path == upper->path)
		return 0;
	int found = m->lower_view->ops->lookup(m->lower_view, upper->path, &before, e);
	if (found > 0)
		*ret = entry_compare(&before, upper, false) != 0;
	return found < 0 ? -1 : 0;
}

// What a file took the place of is not shown below it.
static void skip_below(struct merge *m, const char *path)
{
	while (m->at < m->lower.n && fs_path_within(m->lower.v[m->at].path, path))
		m->at++;
}

static int take_upper(void *arg, const struct entry *en, struct err *e)
{
	struct merge *m = arg;
	struct tree_node node = node_of(en, MARK_ADDED);
	int order = 1;
	if (!*en->path)
		return 0;
	for (; m->at < m->lower.n; m->at++) {
		order = fs_path_cmp(m->lower.v[m->at].path, en->path);
		if (order >= 0)
			break;
		if (append(m->out, &m->lower.v[m->at], e))
			return -1;
	}
	if (order == 0) {
		bool changed;
		if (differs(m, &m->lower.v[m->at++], en, &changed, e))
			return -1;
		node.mark = changed ? MARK_CHANGED : MARK_SAME;
	}
	if (en->type != ENTRY_DIR)
		skip_below(m, en->path);
	return append(m->out, &node, e);
}

// ---- what follows from what lies below

// Views show every folder that a path goes through, so whoever is still open is an ancestor.
static void settle_places(struct tree *t)
{
	uint32_t open = TREE_NONE;
	for (uint32_t i = 0; i < t->n; i++) {
		while (open != TREE_NONE && !fs_path_within(t->v[i].path, t->v[open].path)) {
			t->v[open].end = i;
			open = t->v[open].parent;
		}
		t->v[i].parent = open;
		t->v[i].depth = open == TREE_NONE ? 0 : (uint16_t)(t->v[open].depth + 1);
		t->v[i].end = i + 1;
		open = i;
	}
	for (; open != TREE_NONE; open = t->v[open].parent)
		t->v[open].end = (uint32_t)t->n;
}

// Each after all that is below it.
static void settle_sums(struct tree *t)
{
	for (size_t i = t->n; i-- > 0;) {
		const struct tree_node *node = &t->v[i];
		bool removed = node->mark == MARK_REMOVED;
		if (node->parent == TREE_NONE) {
			t->bytes += removed ? 0 : node->bytes;
			continue;
		}
		struct tree_node *up = &t->v[node->parent];
		if (!removed || up->mark == MARK_REMOVED)
			up->bytes += node->bytes;
		if (node->mark != MARK_SAME && up->mark == MARK_SAME)
			up->mark = MARK_CHANGED;
	}
}

int tree_make(struct view *lower, struct view *upper, struct tree *ret, struct err *e)
{
	struct merge m = {.lower_view = lower, .out = ret};
	*ret = (struct tree){0};
	int rc = lower->ops->walk(lower, "", take_lower, &m, e);
	if (!rc)
		rc = upper->ops->walk(upper, "", take_upper, &m, e);
	for (; !rc && m.at < m.lower.n; m.at++)
		rc = append(ret, &m.lower.v[m.at], e);
	tree_release(&m.lower);
	if (rc) {
		tree_release(ret);
		return -1;
	}
	settle_places(ret);
	settle_sums(ret);
	return 0;
}

uint32_t tree_find(const struct tree *t, const char *path)
{
	size_t lo = 0, hi = t->n;
	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;
		if (fs_path_cmp(t->v[mid].path, path) < 0)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo < t->n && !strcmp(t->v[lo].path, path) ? (uint32_t)lo : TREE_NONE;
}
