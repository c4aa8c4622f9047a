// SPDX-License-Identifier: Apache-2.0
// What later layers hide. Where one later layer hides all that a layer has below a folder, that is
// one finding: the folder that holds all of it and nothing else of that layer.
#include "base/fs.h"
#include "base/mem.h"
#include "size/waste-int.h"
#include <string.h>

// A folder on the way to the current entry; the first is the root.
struct folder {
	size_t len; // of its path, a prefix of the current one
	bool mixed; // something below stays, or is hidden by another layer
	size_t by;
	size_t first; // finding of what is below
	size_t files; // below that are hidden, whatever they weigh
};

struct rollup {
	struct search *s;
	size_t layer;
	const char *path; // that the folders are prefixes of
	struct folder *v;
	size_t n, cap;
};

static const char *const advice[] = {
        [WASTE_DELETED] = "delete it in the RUN that makes it, or make it in another stage and "
                          "COPY --from what is needed",
        [WASTE_OVERWRITTEN] = "write it once: change it in the step that makes it",
        [WASTE_REPEATED] = "the same bytes are stored again by a COPY of what is there already: "
                           "leave it out; or by chown, chmod, touch: set owner and mode where "
                           "the file is made, COPY --chown= --chmod=",
};

static enum waste_kind kind_of(enum fate_kind f)
{
	return f == FATE_DELETED    ? WASTE_DELETED
	       : f == FATE_REPEATED ? WASTE_REPEATED
	                            : WASTE_OVERWRITTEN;
}

static void open_folder(struct rollup *r, size_t len)
{
	if (r->n == r->cap) {
		r->cap = r->cap ? 2 * r->cap : 32;
		r->v = xreallocarray(r->v, r->cap, sizeof(*r->v));
	}
	r->v[r->n++] = (struct folder){.len = len, .first = r->s->list->n};
}

// All findings of what is below become one, of the kind of the heaviest.
static void join(struct rollup *r, const struct folder *f)
{
	struct waste_list *l = r->s->list;
	struct waste_finding *first = &l->v[f->first];
	uint64_t heaviest = first->bytes;
	for (size_t i = f->first + 1; i < l->n; i++) {
		first->bytes += l->v[i].bytes;
		if (l->v[i].bytes > heaviest) {
			heaviest = l->v[i].bytes;
			first->kind = l->v[i].kind;
		}
	}
	first->path = arena_strndup(&l->arena, r->path, f->len);
	first->folder = true;
	first->files = f->files;
	l->n = f->first + 1;
}

// What a folder is, the one above is in part.
static void close_folder(struct rollup *r)
{
	struct folder f = r->v[--r->n];
	struct folder *up = r->n ? &r->v[r->n - 1] : NULL;
	if (!f.mixed && f.files && r->s->list->n - f.first > 1)
		join(r, &f);
	if (!up)
		return;
	if (f.mixed || (up->files && f.files && up->by != f.by))
		up->mixed = true;
	if (f.files)
		up->by = f.by;
	up->files += f.files;
}

// Closes what the path does not lie in and opens what it does.
static void go_to(struct rollup *r, const char *path)
{
	while (r->n > 1) {
		size_t len = r->v[r->n - 1].len;
		if (!strncmp(path, r->path, len) && path[len] == '/')
			break;
		close_folder(r);
	}
	if (!r->n)
		open_folder(r, 0);
	r->path = path;
	size_t at = r->v[r->n - 1].len;
	for (const char *slash; (slash = strchr(path + at + (at > 0), '/'));) {
		at = (size_t)(slash - path);
		open_folder(r, at);
	}
}

static void add_file(struct rollup *r, size_t record, const struct entry *en)
{
	struct folder *dir = &r->v[r->n - 1];
	struct fate f = weight_fate(r->s->w, r->layer, record);
	if (f.kind == FATE_STAYS || f.held) {
		dir->mixed = true;
		return;
	}
	if (dir->files && dir->by != f.by)
		dir->mixed = true;
	dir->by = f.by;
	dir->files++;
	if (en->type != ENTRY_FILE || en->link || !en->size)
		return;
	struct waste_finding *w = waste_add(r->s->list, kind_of(f.kind), en->path, r->layer);
	w->by = f.by;
	w->bytes = en->size;
	w->files = 1;
}

static void search_layer(struct search *s, size_t layer)
{
	struct rollup r = {.s = s, .layer = layer};
	const struct layer_index *ix = s->w->layers[layer].from.index;
	struct entry en;
	for (size_t i = 0; i < layer_index_count(ix); i++) {
		layer_index_at(ix, i, &en);
		if (en.type == ENTRY_DIR || en.type == ENTRY_WHITEOUT)
			continue;
		go_to(&r, en.path);
		add_file(&r, i, &en);
	}
	while (r.n)
		close_folder(&r);
	free(r.v);
}

void search_hidden(struct search *s)
{
	size_t first = s->list->n;
	for (size_t l = 0; l < s->w->n; l++)
		if (s->w->layers[l].hidden_files)
			search_layer(s, l);
	for (size_t i = first; i < s->list->n; i++)
		s->list->v[i].advice = advice[s->list->v[i].kind];
}
