// SPDX-License-Identifier: Apache-2.0
#include "size/waste.h"

#include "base/fs.h"
#include "size/waste-int.h"
#include <string.h>

const char *waste_kind_name(enum waste_kind k)
{
	static const char *const names[] = {"deleted", "overwritten", "repeated", "duplicate",
	        "leftover", "debug", "documentation", "locale", "development", "history"};
	_Static_assert(ARRAY_LEN(names) == WASTE_KINDS, "a name a kind");
	return names[k];
}

void waste_list_release(struct waste_list *l)
{
	free(l->v);
	arena_release(&l->arena);
	*l = (struct waste_list){0};
}

struct waste_finding *waste_add(
        struct waste_list *l, enum waste_kind kind, const char *path, size_t layer)
{
	if (l->n == l->cap) {
		l->cap = l->cap ? 2 * l->cap : 64;
		l->v = xreallocarray(l->v, l->cap, sizeof(*l->v));
	}
	l->v[l->n] =
	        (struct waste_finding){.kind = kind, .path = path, .layer = layer, .by = layer};
	return &l->v[l->n++];
}

static int heavier(const void *pa, const void *pb)
{
	const struct waste_finding *a = pa, *b = pb;
	if (a->bytes != b->bytes)
		return a->bytes < b->bytes ? 1 : -1;
	int order = fs_path_cmp(a->path, b->path);
	if (!order && a->layer != b->layer)
		order = a->layer < b->layer ? -1 : 1;
	return order ? order : (int)a->kind - (int)b->kind;
}

void waste_find(
        const struct weight *w, struct view *v, const struct owners *owners, struct waste_list *ret)
{
	*ret = (struct waste_list){0};
	struct search s = {.w = w, .list = ret, .claimed = xcalloc(w->n + 1, sizeof(*s.claimed))};
	for (size_t l = 0; l < w->n; l++)
		s.claimed[l] = xcalloc(layer_index_count(w->layers[l].from.index) + 1, 1);
	search_hidden(&s);
	search_places(&s);
	if (v && owners)
		search_development(&s, v, owners);
	if (v)
		search_symbols(&s, v);
	search_duplicates(&s);
	if (ret->n)
		qsort(ret->v, ret->n, sizeof(*ret->v), heavier);
	for (size_t l = 0; l < w->n; l++)
		free(s.claimed[l]);
	free(s.claimed);
}

uint64_t waste_bytes(const struct waste_list *l, enum waste_kind kind)
{
	uint64_t n = 0;
	for (size_t i = 0; i < l->n; i++)
		if (l->v[i].kind == kind)
			n += l->v[i].bytes;
	return n;
}
