// SPDX-License-Identifier: Apache-2.0
#include "browse/rows.h"

#include "base/mem.h"
#include <stdio.h>
#include <string.h>

// ---- folds

void folds_release(struct folds *f)
{
	map_release(&f->others);
}

void folds_set_all(struct folds *f, bool open)
{
	map_release(&f->others);
	f->others = (struct map){0};
	f->open = open;
}

bool folds_is_open(const struct folds *f, const char *path)
{
	return f->open != map_has(&f->others, path);
}

void folds_set(struct folds *f, const char *path, bool open)
{
	if (open == f->open)
		map_del(&f->others, path);
	else
		map_set(&f->others, path, f);
}

void folds_reveal(struct folds *f, const char *path)
{
	auto_free char *part = xstrdup(path);
	for (char *slash = strchr(part, '/'); slash; slash = strchr(slash + 1, '/')) {
		*slash = '\0';
		folds_set(f, part, true);
		*slash = '/';
	}
}

// ---- filters

void path_filter_release(struct path_filter *p)
{
	if (p->is_regex)
		regfree(&p->regex);
	*p = (struct path_filter){0};
}

void path_filter_set(struct path_filter *p, const char *text)
{
	path_filter_release(p);
	snprintf(p->text, sizeof(p->text), "%s", text);
	if (!strpbrk(p->text, "\\^$.|?*+()[]{}"))
		return;
	p->is_regex = regcomp(&p->regex, p->text, REG_EXTENDED | REG_NOSUB) == 0;
	p->is_broken = !p->is_regex;
}

bool path_filter_fits(const struct path_filter *p, const char *path)
{
	auto_free char *long_name = NULL;
	char name[512] = "/";
	size_t n = strlen(path);
	if (!p->text[0])
		return true;
	if (n + 2 > sizeof(name))
		long_name = xasprintf("/%s", path);
	else
		memcpy(name + 1, path, n + 1);
	const char *whole = long_name ? long_name : name;
	return p->is_regex ? regexec(&p->regex, whole, 0, NULL, 0) == 0
	                   : strstr(whole, p->text) != NULL;
}

// ---- rows

enum node_state { NODE_SHOWN = 1 << 0, NODE_LAST = 1 << 1 };

void rows_release(struct rows *r)
{
	free(r->v);
	free(r->state);
	*r = (struct rows){0};
}

// Each after all that is below it, which may show its folder.
static void choose(const struct tree *t, const struct rows_choice *c, struct rows *r)
{
	for (size_t i = t->n; i-- > 0;) {
		const struct tree_node *node = &t->v[i];
		if (!(r->state[i] & NODE_SHOWN) &&
		        (c->hidden[node->mark] || !path_filter_fits(c->filter, node->path)))
			continue;
		r->state[i] |= NODE_SHOWN;
		r->fitting += node->type != ENTRY_DIR;
		if (node->parent != TREE_NONE)
			r->state[node->parent] |= NODE_SHOWN;
	}
}

static void add_row(struct rows *r, uint32_t node)
{
	if (r->n == r->cap) {
		r->cap = r->cap ? 2 * r->cap : 256;
		r->v = xreallocarray(r->v, r->cap, sizeof(*r->v));
	}
	r->v[r->n++] = node;
}

struct weighed {
	uint64_t bytes;
	uint32_t node;
};

static int heavier(const void *a, const void *b)
{
	const struct weighed *x = a, *y = b;
	if (x->bytes != y->bytes)
		return x->bytes > y->bytes ? -1 : 1;
	return x->node < y->node ? -1 : x->node > y->node;
}

// What of [from, end) lies at its top and is shown.
static size_t children(
        const struct tree *t, const struct rows *r, size_t from, size_t end, struct weighed **ret)
{
	size_t n = 0, cap = 0;
	for (size_t i = from; i < end; i = t->v[i].end) {
		if (!(r->state[i] & NODE_SHOWN))
			continue;
		if (n == cap) {
			cap = cap ? 2 * cap : 32;
			*ret = xreallocarray(*ret, cap, sizeof(**ret));
		}
		(*ret)[n++] = (struct weighed){t->v[i].bytes, (uint32_t)i};
	}
	return n;
}

// As deep as paths are: a few thousand at most.
static void add_folder(
        const struct tree *t, const struct rows_choice *c, struct rows *r, size_t from, size_t end)
{
	auto_free struct weighed *v = NULL;
	size_t n = children(t, r, from, end, &v);
	if (!n)
		return;
	if (c->by_size)
		qsort(v, n, sizeof(*v), heavier);
	r->state[v[n - 1].node] |= NODE_LAST;
	for (size_t i = 0; i < n; i++) {
		const struct tree_node *node = &t->v[v[i].node];
		add_row(r, v[i].node);
		if (node->end > v[i].node + 1 && folds_is_open(c->folds, node->path))
			add_folder(t, c, r, v[i].node + 1, node->end);
	}
}

void rows_make(const struct tree *t, const struct rows_choice *c, struct rows *r)
{
	if (r->n_state < t->n) {
		free(r->state);
		r->state = xcalloc(t->n, 1);
		r->n_state = t->n;
	}
	if (t->n)
		memset(r->state, 0, t->n);
	r->n = r->fitting = 0;
	choose(t, c, r);
	add_folder(t, c, r, 0, t->n);
}

bool rows_is_last(const struct rows *r, uint32_t node)
{
	return r->state[node] & NODE_LAST;
}

static size_t row_of(const struct rows *r, uint32_t node)
{
	for (size_t i = 0; i < r->n; i++)
		if (r->v[i] == node)
			return i;
	return r->n;
}

size_t rows_near(const struct rows *r, const struct tree *t, uint32_t node)
{
	for (; node != TREE_NONE; node = t->v[node].parent) {
		size_t row = r->state[node] & NODE_SHOWN ? row_of(r, node) : r->n;
		if (row < r->n)
			return row;
	}
	return 0;
}
