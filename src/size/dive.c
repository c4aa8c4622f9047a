// SPDX-License-Identifier: Apache-2.0
// The efficiency that dive (wagoodman/dive, dive/filetree/efficiency.go) computes, from indexes.
//
// Of every path: what its leaves weigh in all layers together, and the least of them. A whiteout is
// a leaf of the path that it deletes; it weighs what its folder holds at that time, of a file
// nothing. efficiency = sum of the least / sum of all; what weighs in more than one layer is wasted
// wholly.
//
// dive stacks the layers below a whiteout to look into the folder. Here each entry is asked instead
// which whiteout removes it: the first above it, at a folder above it, unless another entry of its
// own path has replaced it before. Opaque folders remove nothing, nor does a file in the place of a
// folder, as dive has it; and of a folder that no layer has an entry for, dive does not know that
// it is one.
#include "size/size-int.h"

#include "base/err.h"
#include "base/mem.h"
#include <string.h>

#define FRAME_BYTES_MAX (64u << 20)

// The leaves of one path.
struct tally {
	uint64_t all, least;
	size_t n;
};

// A path at which a layer has a whiteout.
struct frame {
	const char *path;
	size_t len;
	uint16_t *removed_by; // by layer: whose whiteout removes what is below; 0: none
	uint64_t **sums;      // by layer that has the whiteout: into own, or a folder's above
	uint64_t *own;        // by layer
	bool *is_whiteout;    // by layer: it has one here
	struct tally tally;   // of what is no whiteout
};

struct dive {
	size_t n_layers;
	struct frame *stack;
	size_t depth, cap;
	uint64_t all, least, wasted;
};

struct dive *dive_new(size_t n_layers)
{
	struct dive *d = xcalloc(1, sizeof(*d));
	d->n_layers = n_layers;
	return d;
}

static void tally_leaf(struct tally *t, uint64_t bytes)
{
	t->all += bytes;
	t->least = t->n && t->least < bytes ? t->least : bytes;
	t->n++;
}

static void settle(struct dive *d, const struct tally *t)
{
	d->all += t->all;
	d->least += t->least;
	if (t->n > 1)
		d->wasted += t->all;
}

static void frame_end(struct dive *d, struct frame *f)
{
	for (size_t l = 0; l < d->n_layers; l++)
		if (f->is_whiteout[l])
			tally_leaf(&f->tally, f->own[l]);
	settle(d, &f->tally);
	free(f->removed_by);
	free(f->sums);
	free(f->own);
	free(f->is_whiteout);
}

static void leave(struct dive *d, const char *path, size_t len)
{
	for (; d->depth; d->depth--) {
		struct frame *f = &d->stack[d->depth - 1];
		if (path_is_below(path, len, f->path, f->len))
			return;
		frame_end(d, f);
	}
}

static uint64_t bytes_of(const struct entry *en)
{
	return en->type == ENTRY_FILE && !en->link ? en->size : 0;
}

// Adds what the entries of a path weigh to the folders that are deleted with them.
static void add_to_removed(const struct dive *d, const struct group *at)
{
	const struct frame *f = d->depth ? &d->stack[d->depth - 1] : NULL;
	for (size_t i = 0; f && i < at->n; i++) {
		size_t layer = at->v[i].layer, by = f->removed_by[layer];
		bool replaced = i + 1 < at->n && at->v[i + 1].layer < by;
		if (by && !replaced && f->sums[by])
			*f->sums[by] += bytes_of(&at->v[i].entry);
	}
}

// Whether what whiteout i deletes is a folder, as far as dive knows.
static bool deletes_folder(const struct dive *d, const struct group *at, size_t i)
{
	const struct frame *up = d->depth ? &d->stack[d->depth - 1] : NULL;
	if (i == 0 || at->v[i - 1].entry.type != ENTRY_DIR)
		return false;
	uint16_t gone = up ? up->removed_by[at->v[i - 1].layer] : 0;
	return !gone || gone > at->v[i].layer;
}

static int enter(struct dive *d, const struct group *at, const struct tally *t, struct err *e)
{
	size_t n = d->n_layers;
	const struct frame *up = d->depth ? &d->stack[d->depth - 1] : NULL;
	if ((d->depth + 1) * n * (sizeof(uint64_t) + sizeof(uint64_t *) + 3) > FRAME_BYTES_MAX)
		return err_set(e, ERR_CORRUPT,
		        "more than %zu folders within each other are deleted by later layers",
		        d->depth);
	struct frame f = {at->path, at->len, xcalloc(n, sizeof(*f.removed_by)),
	        xcalloc(n, sizeof(*f.sums)), xcalloc(n, sizeof(*f.own)),
	        xcalloc(n, sizeof(*f.is_whiteout)), *t};
	if (up) {
		memcpy(f.removed_by, up->removed_by, n * sizeof(*f.removed_by));
		memcpy(f.sums, up->sums, n * sizeof(*f.sums));
	}
	for (size_t i = at->n; i-- > 0;) {
		size_t by = at->v[i].layer;
		if (at->v[i].entry.type != ENTRY_WHITEOUT)
			continue;
		f.is_whiteout[by] = true;
		f.sums[by] = deletes_folder(d, at, i) ? &f.own[by] : NULL;
		for (size_t l = 0; l < by; l++)
			if (!f.removed_by[l] || by < f.removed_by[l])
				f.removed_by[l] = (uint16_t)by;
	}
	if (d->depth == d->cap) {
		d->cap = d->cap ? 2 * d->cap : 16;
		d->stack = xreallocarray(d->stack, d->cap, sizeof(*d->stack));
	}
	d->stack[d->depth++] = f;
	return 0;
}

int dive_add(struct dive *d, const struct group *at, struct err *e)
{
	struct tally t = {0};
	bool whiteout = false;
	leave(d, at->path, at->len);
	if (!at->len)
		return 0; // the root is no leaf, whatever it holds
	add_to_removed(d, at);
	for (size_t i = 0; i < at->n; i++) {
		if (at->v[i].entry.type == ENTRY_WHITEOUT)
			whiteout = true;
		else if (at->v[i].leaf)
			tally_leaf(&t, bytes_of(&at->v[i].entry));
	}
	if (whiteout)
		return enter(d, at, &t, e);
	settle(d, &t);
	return 0;
}

void dive_end(struct dive *d, struct dive_figures *ret)
{
	leave(d, "", 0);
	*ret = (struct dive_figures){.efficiency = d->all ? (double)d->least / (double)d->all : 1,
	        .wasted_bytes = d->wasted};
}

void dive_free(struct dive *d)
{
	if (!d)
		return;
	free(d->stack);
	free(d);
}
