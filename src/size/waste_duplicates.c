// SPDX-License-Identifier: Apache-2.0
// The same bytes under several paths, all of which can be seen.
#include "base/mem.h"
#include "size/waste-int.h"
#include <string.h>

struct copy {
	struct hash content;
	uint64_t size;
	const char *path;
	size_t layer;
};

struct copies {
	struct copy *v;
	size_t n, cap;
};

static void add(struct copies *c, const struct entry *en, size_t layer)
{
	if (c->n == c->cap) {
		c->cap = c->cap ? 2 * c->cap : 1024;
		c->v = xreallocarray(c->v, c->cap, sizeof(*c->v));
	}
	c->v[c->n++] = (struct copy){en->content, en->size, en->path, layer};
}

static int by_content(const void *pa, const void *pb)
{
	const struct copy *a = pa, *b = pb;
	int order = a->size != b->size ? (a->size < b->size ? 1 : -1)
	                               : memcmp(a->content.b, b->content.b, HASH_SIZE);
	if (!order && a->layer != b->layer)
		order = a->layer < b->layer ? -1 : 1;
	return order ? order : strcmp(a->path, b->path);
}

static void collect(struct search *s, struct copies *ret)
{
	struct entry en;
	for (size_t l = 0; l < s->w->n; l++) {
		const struct layer_index *ix = s->w->layers[l].from.index;
		for (size_t i = 0; i < layer_index_count(ix); i++) {
			if (!s->claimed[l][i] && weight_seen(s->w, l, i, &en) && en.size &&
			        en.has_content)
				add(ret, &en, l);
		}
	}
}

void search_duplicates(struct search *s)
{
	struct copies c = {0};
	collect(s, &c);
	if (c.n)
		qsort(c.v, c.n, sizeof(*c.v), by_content);
	for (size_t i = 0, end; i < c.n; i = end) {
		for (end = i + 1; end < c.n && c.v[end].size == c.v[i].size &&
		                  hash_eq(&c.v[end].content, &c.v[i].content);)
			end++;
		if (end - i < 2)
			continue;
		const struct copy *last = &c.v[end - 1];
		struct waste_finding *f =
		        waste_add(s->list, WASTE_DUPLICATE, last->path, last->layer);
		f->original = c.v[i].path;
		f->files = end - i - 1;
		f->bytes = (uint64_t)f->files * last->size;
		f->advice = "keep one of them: ln -s in the RUN that makes it, or COPY it once";
	}
	free(c.v);
}
