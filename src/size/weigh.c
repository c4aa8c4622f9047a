// SPDX-License-Identifier: Apache-2.0
// One walk over all layers at once. What hides an entry stands at its own path, or at a folder
// above it, in a later layer: a whiteout, something that is no folder, an opaque folder. Of the
// folders above, a stack of shades says for each layer which later layer is the first to hide what
// that layer has below; a folder at which nothing is hidden has no shade of its own.
#include "size/weigh.h"

#include "base/err.h"
#include "base/mem.h"
#include "size/size-int.h"
#include <string.h>

#define SHADE_BYTES_MAX (64u << 20) // of all that are on the stack at a time

struct shade {
	const char *path; // an index's
	size_t len;
	uint16_t *by; // by layer: the first later one that hides what is below; 0: none
};

struct weighing {
	struct weight *w;
	struct shade *stack;
	size_t depth, cap, cap_held;
	struct dive *dive;
};

// ---- fates, packed: kind in bits 0 and 1, the layer above them

uint16_t fate_pack(enum fate_kind kind, size_t by)
{
	return (uint16_t)((unsigned)kind | (unsigned)by << 2);
}

enum fate_kind fate_kind_of(uint16_t fate)
{
	return (enum fate_kind)(fate & 3u);
}

size_t fate_by(uint16_t fate)
{
	return (fate & ~FATE_HELD) >> 2;
}

struct fate weight_fate(const struct weight *w, size_t layer, size_t record)
{
	uint16_t f = w->fates[layer][record];
	return (struct fate){.kind = fate_kind_of(f), .by = fate_by(f), .held = f & FATE_HELD};
}

static int by_record(const void *pa, const void *pb)
{
	const struct held_name *a = pa, *b = pb;
	if (a->layer != b->layer)
		return a->layer < b->layer ? -1 : 1;
	return (a->record > b->record) - (a->record < b->record);
}

bool weight_seen(const struct weight *w, size_t layer, size_t record, struct entry *ret)
{
	uint16_t f = w->fates[layer][record];
	if (fate_kind_of(f) != FATE_STAYS && !(f & FATE_HELD))
		return false;
	layer_index_at(w->layers[layer].from.index, record, ret);
	if (ret->type != ENTRY_FILE || ret->link)
		return false;
	const struct held_name *name = NULL;
	if (f & FATE_HELD)
		name = bsearch(&(struct held_name){layer, record, NULL}, w->held, w->n_held,
		        sizeof(*w->held), by_record);
	if (name)
		ret->path = name->seen;
	return true;
}

// ---- what hides what

static void leave_folders(struct weighing *g, const char *path, size_t len)
{
	for (; g->depth; g->depth--) {
		struct shade *s = &g->stack[g->depth - 1];
		if (path_is_below(path, len, s->path, s->len))
			return;
		free(s->by);
	}
}

static bool hides_below(const struct entry *en)
{
	return en->type != ENTRY_DIR || en->opaque;
}

// From here on, what lower layers have below the path is hidden.
static int enter_shade(struct weighing *g, const struct group *at, struct err *e)
{
	size_t n = g->w->n, first = 0;
	while (first < at->n && !(at->v[first].layer > 0 && hides_below(&at->v[first].entry)))
		first++;
	if (first == at->n || !at->has_below)
		return 0;
	if ((g->depth + 1) * n * sizeof(uint16_t) > SHADE_BYTES_MAX)
		return err_set(e, ERR_CORRUPT,
		        "more than %zu folders within each other are hidden by later layers",
		        g->depth);
	if (g->depth == g->cap) {
		g->cap = g->cap ? 2 * g->cap : 16;
		g->stack = xreallocarray(g->stack, g->cap, sizeof(*g->stack));
	}
	struct shade s = {at->path, at->len, xcalloc(n, sizeof(*s.by))};
	if (g->depth)
		memcpy(s.by, g->stack[g->depth - 1].by, n * sizeof(*s.by));
	for (size_t i = at->n; i-- > first;) {
		uint16_t by = (uint16_t)at->v[i].layer;
		for (size_t l = 0; hides_below(&at->v[i].entry) && l < by; l++)
			if (!s.by[l] || by < s.by[l])
				s.by[l] = by;
	}
	g->stack[g->depth++] = s;
	return 0;
}

static bool same_bytes(const struct entry *a, const struct entry *b)
{
	return a->type == ENTRY_FILE && b->type == ENTRY_FILE && a->has_content && b->has_content &&
	       a->size == b->size && hash_eq(&a->content, &b->content);
}

// above: what the next layer that has this path has there.
static enum fate_kind fate_under(const struct entry *en, const struct entry *above)
{
	if (above->type == ENTRY_WHITEOUT)
		return FATE_DELETED;
	return same_bytes(en, above) ? FATE_REPEATED : FATE_OVERWRITTEN;
}

static uint16_t fate_of(const struct group *at, size_t i, uint16_t shaded_by)
{
	const struct entry *en = &at->v[i].entry;
	const struct stacked *above = i + 1 < at->n ? &at->v[i + 1] : NULL;
	// of a folder over a folder nothing is hidden here: the next one above may, though
	while (above && en->type == ENTRY_DIR && above->entry.type == ENTRY_DIR)
		above = above + 1 < at->v + at->n ? above + 1 : NULL;
	if (above && (!shaded_by || above->layer <= shaded_by))
		return fate_pack(fate_under(en, &above->entry), above->layer);
	return shaded_by ? fate_pack(FATE_DELETED, shaded_by) : 0;
}

// ---- adding up

// The other name of a hidden file is seen: so are its bytes.
static void hold(struct weighing *g, const struct stacked *s)
{
	const struct layer_index *ix = g->w->layers[s->layer].from.index;
	struct layer_weight *lw = &g->w->layers[s->layer];
	size_t target, end;
	layer_index_range(ix, s->entry.link, &target, &end);
	uint16_t *f = &g->w->fates[s->layer][target];
	if (fate_kind_of(*f) == FATE_STAYS || *f & FATE_HELD)
		return;
	*f |= FATE_HELD;
	lw->hidden_bytes -= s->entry.size;
	if (g->w->n_held == g->cap_held) {
		g->cap_held = g->cap_held ? 2 * g->cap_held : 16;
		g->w->held = xreallocarray(g->w->held, g->cap_held, sizeof(*g->w->held));
	}
	g->w->held[g->w->n_held++] = (struct held_name){s->layer, target, s->entry.path};
}

static void count(struct weighing *g, const struct stacked *s, uint16_t fate)
{
	const struct entry *en = &s->entry;
	struct layer_weight *lw = &g->w->layers[s->layer];
	if (en->type == ENTRY_DIR || en->type == ENTRY_WHITEOUT)
		return;
	lw->files++;
	if (fate_kind_of(fate) == FATE_STAYS) {
		if (en->type == ENTRY_FILE && en->link)
			hold(g, s);
		return;
	}
	lw->hidden_files++;
	if (en->type == ENTRY_FILE && !en->link)
		lw->hidden_bytes += en->size;
}

static int add_group(struct weighing *g, const struct group *at, struct err *e)
{
	leave_folders(g, at->path, at->len);
	const uint16_t *shade = g->depth ? g->stack[g->depth - 1].by : NULL;
	for (size_t i = 0; i < at->n; i++) {
		const struct stacked *s = &at->v[i];
		uint16_t fate = s->entry.type == ENTRY_WHITEOUT
		                        ? 0
		                        : fate_of(at, i, shade ? shade[s->layer] : 0);
		g->w->fates[s->layer][s->record] = fate;
		count(g, s, fate);
	}
	return enter_shade(g, at, e) || dive_add(g->dive, at, e) ? -1 : 0;
}

static void add_up(struct weight *w)
{
	double seen = 0;
	for (size_t l = 0; l < w->n; l++) {
		const struct layer_weight *lw = &w->layers[l];
		uint64_t packed = lw->from.packed;
		w->bytes += lw->bytes;
		w->files += lw->files;
		w->hidden_bytes += lw->hidden_bytes;
		w->hidden_files += lw->hidden_files;
		if (l > 0)
			w->dive.user_bytes += lw->bytes;
		if (packed == WEIGH_UNKNOWN || w->packed == WEIGH_UNKNOWN) {
			w->packed = WEIGH_UNKNOWN;
			continue;
		}
		w->packed += packed;
		seen += lw->bytes ? (double)packed * (double)(lw->bytes - lw->hidden_bytes) /
		                            (double)lw->bytes
		                  : (double)packed;
	}
	w->packed_efficiency = w->packed == WEIGH_UNKNOWN ? -1
	                       : w->packed                ? seen / (double)w->packed
	                                                  : 1;
	w->dive.user_wasted = (double)w->dive.wasted_bytes / (double)w->dive.user_bytes;
}

static void begin(const struct weigh_layer *layers, size_t n, struct weight *ret)
{
	*ret = (struct weight){.n = n};
	ret->layers = xcalloc(n + 1, sizeof(*ret->layers));
	ret->fates = xcalloc(n + 1, sizeof(*ret->fates));
	for (size_t l = 0; l < n; l++) {
		size_t records = layer_index_count(layers[l].index);
		ret->layers[l].from = layers[l];
		ret->layers[l].bytes = layer_index_file_bytes(layers[l].index);
		ret->fates[l] = xcalloc(records + 1, sizeof(*ret->fates[l]));
	}
}

int weigh(const struct weigh_layer *layers, size_t n, struct weight *ret, struct err *e)
{
	struct group at;
	int rc = 0;
	if (n > WEIGH_LAYERS_MAX)
		return err_set(e, ERR_CORRUPT, "%zu layers are more than the %d that are weighed",
		        n, WEIGH_LAYERS_MAX);
	begin(layers, n, ret);
	struct weighing g = {.w = ret, .dive = dive_new(n)};
	auto_merge struct merge *m = merge_open(layers, n);
	while (!rc && merge_next(m, &at))
		rc = add_group(&g, &at, e);
	leave_folders(&g, "", 0);
	free(g.stack);
	dive_end(g.dive, &ret->dive);
	dive_free(g.dive);
	if (ret->n_held)
		qsort(ret->held, ret->n_held, sizeof(*ret->held), by_record);
	if (!rc)
		add_up(ret);
	else
		weight_release(ret);
	return rc;
}

void weight_release(struct weight *w)
{
	for (size_t l = 0; l < w->n; l++)
		free(w->fates[l]);
	free(w->fates);
	free(w->held);
	free(w->layers);
	*w = (struct weight){0};
}
