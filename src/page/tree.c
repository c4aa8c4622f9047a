// SPDX-License-Identifier: Apache-2.0
// Folders that are being walked are a stack; when one is left it is kept with its heavier children,
// or gathered into the folder above. In the end the heaviest folders are opened one after the
// other until enough nodes are shown.
#include "page/tree.h"

#include "base/mem.h"
#include <string.h>

#define DEPTH_MAX 64      // what lies deeper is counted where that is
#define FINEST 40000      // what is less than such a part of all is never a node
#define CHILDREN_MAX 80   // of one folder
#define CHILDREN_KEPT 512 // of a folder that is being walked, before they are weighed

struct page_tree {
	uint64_t least; // bytes of a node
	size_t most;
	struct page_node *stack[DEPTH_MAX];
	size_t depth; // of the stack; 1: only the root
	size_t floor; // 1, or 2 inside a group
	bool ended;
};

static struct page_node *node_new(const char *name, size_t len)
{
	struct page_node *n = xcalloc(1, sizeof(*n));
	n->name = xstrndup(name, len);
	return n;
}

static void node_free(struct page_node *n)
{
	for (size_t i = 0; i < n->n_children; i++)
		node_free(n->children[i]);
	free(n->children);
	free(n->name);
	free(n);
}

struct page_tree *page_tree_new(const char *name, uint64_t total, size_t most)
{
	struct page_tree *t = xcalloc(1, sizeof(*t));
	t->least = total / FINEST + 1;
	t->most = most;
	t->stack[0] = node_new(name, strlen(name));
	t->depth = t->floor = 1;
	return t;
}

void page_tree_free(struct page_tree *t)
{
	if (!t)
		return;
	for (size_t i = 0; i < t->depth; i++) // the upper ones are not in their parents yet
		node_free(t->stack[i]);
	free(t);
}

void page_tree_free_ptr(struct page_tree **t)
{
	page_tree_free(*t);
}

// ---- the walk

static void gather(struct page_node *into, struct page_node *n)
{
	into->rest_bytes += n->bytes;
	into->rest_hidden += n->hidden;
	into->rest_files += n->files;
	node_free(n);
}

static int heavier_first(const void *va, const void *vb)
{
	const struct page_node *a = *(struct page_node *const *)va,
	                       *b = *(struct page_node *const *)vb;
	if (a->bytes != b->bytes)
		return a->bytes < b->bytes ? 1 : -1;
	return strcmp(a->name, b->name);
}

static void keep_heaviest(struct page_node *n, size_t most)
{
	if (n->n_children > 1)
		qsort(n->children, n->n_children, sizeof(struct page_node *), heavier_first);
	for (; n->n_children > most; n->n_children--)
		gather(n, n->children[n->n_children - 1]);
}

static void add_child(struct page_node *parent, struct page_node *n)
{
	if (parent->n_children == 2 * CHILDREN_KEPT)
		keep_heaviest(parent, CHILDREN_KEPT);
	if (parent->n_children == parent->cap_children) {
		parent->cap_children = parent->cap_children ? 2 * parent->cap_children : 8;
		parent->children = xreallocarray(
		        parent->children, parent->cap_children, sizeof(struct page_node *));
	}
	parent->children[parent->n_children++] = n;
}

static void leave(struct page_tree *t)
{
	struct page_node *n = t->stack[--t->depth], *parent = t->stack[t->depth - 1];
	parent->bytes += n->bytes;
	parent->hidden += n->hidden;
	parent->files += n->files;
	if (n->bytes >= t->least)
		add_child(parent, n);
	else
		gather(parent, n);
}

static void enter(struct page_tree *t, const char *name, size_t len)
{
	t->stack[t->depth++] = node_new(name, len);
}

void page_tree_group(struct page_tree *t, const char *name)
{
	while (t->depth > 1)
		leave(t);
	enter(t, name, strlen(name));
	t->floor = 2;
}

static bool is_named(const struct page_node *n, const char *name, size_t len)
{
	return strlen(n->name) == len && !memcmp(n->name, name, len);
}

// Goes to the folder of path; what is left of path is the name in it.
static const char *go_to(struct page_tree *t, const char *path)
{
	size_t at = t->floor;
	bool same = true;
	for (const char *slash; (slash = strchr(path, '/')) && at < DEPTH_MAX; at++) {
		size_t len = (size_t)(slash - path);
		same = same && at < t->depth && is_named(t->stack[at], path, len);
		if (!same) {
			while (t->depth > at)
				leave(t);
			enter(t, path, len);
		}
		path = slash + 1;
	}
	while (t->depth > at)
		leave(t);
	return path;
}

static void add_leaf(struct page_tree *t, const char *name, struct page_sum sum)
{
	struct page_node *folder = t->stack[t->depth - 1];
	struct page_node *n = node_new(name, strlen(name));
	n->bytes = sum.bytes;
	n->hidden = sum.hidden;
	n->files = sum.files;
	folder->bytes += n->bytes;
	folder->hidden += n->hidden;
	folder->files += n->files;
	if (n->bytes >= t->least)
		add_child(folder, n);
	else
		gather(folder, n);
}

void page_tree_add(struct page_tree *t, const char *path, struct page_sum sum)
{
	add_leaf(t, go_to(t, path), sum);
}

void page_tree_leaf(struct page_tree *t, const char *name, struct page_sum sum)
{
	while (t->depth > t->floor)
		leave(t);
	add_leaf(t, name, sum);
}

// ---- what is shown of it

// All that is in it is its rest.
static void close_node(struct page_node *n)
{
	if (!n->n_children)
		return;
	while (n->n_children)
		node_free(n->children[--n->n_children]);
	n->rest_bytes = n->bytes;
	n->rest_hidden = n->hidden;
	n->rest_files = n->files;
}

// A heap of the nodes that can be opened, the heaviest on top.
struct front {
	struct page_node **v;
	size_t n;
};

static void push(struct front *f, struct page_node *n)
{
	size_t i = f->n++;
	for (; i && f->v[(i - 1) / 2]->bytes < n->bytes; i = (i - 1) / 2)
		f->v[i] = f->v[(i - 1) / 2];
	f->v[i] = n;
}

static struct page_node *pop(struct front *f)
{
	struct page_node *top = f->v[0], *last = f->v[--f->n];
	size_t i = 0;
	for (size_t k; (k = 2 * i + 1) < f->n; i = k) {
		k += k + 1 < f->n && f->v[k + 1]->bytes > f->v[k]->bytes;
		if (f->v[k]->bytes <= last->bytes)
			break;
		f->v[i] = f->v[k];
	}
	f->v[i] = last;
	return top;
}

static void open_heaviest(struct page_tree *t, struct front *f)
{
	for (size_t shown = 1; f->n;) {
		struct page_node *n = pop(f);
		if (shown >= t->most) {
			close_node(n);
			continue;
		}
		keep_heaviest(n, CHILDREN_MAX);
		shown += n->n_children;
		for (size_t i = 0; i < n->n_children; i++)
			if (n->children[i]->n_children)
				push(f, n->children[i]);
	}
}

const struct page_node *page_tree_end(struct page_tree *t)
{
	if (!t->ended) {
		while (t->depth > 1)
			leave(t);
		struct front f = {.v = xcalloc(t->most + CHILDREN_MAX + 1, sizeof(*f.v))};
		push(&f, t->stack[0]);
		open_heaviest(t, &f);
		free(f.v);
		t->ended = true;
	}
	return t->stack[0];
}

const struct page_node *page_tree_root(const struct page_tree *t)
{
	return t->stack[0];
}
