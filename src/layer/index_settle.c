// SPDX-License-Identifier: Apache-2.0
// What stands of a layer that says things twice or against itself. The rules are those of an
// unpacker that goes in order, except that a whiteout only ever speaks of lower layers (OCI image
// specification, "Whiteouts"). Every pass is linear or n log n, whatever is fed in.
#include "layer/builder-int.h"

#include "base/err.h"
#include "base/fs.h"
#include "base/mem.h"
#include <string.h>

#define NONE UINT32_MAX

// All records of one path.
struct group {
	uint32_t at, n;     // in order[]: first whiteouts and markers, then by age
	uint32_t n_special; // of these
	uint32_t stands;    // the record that stands, or NONE
	uint32_t kill; // youngest record here that is no directory, or NONE: it removed what was
	               // below
	uint32_t youngest_below; // + 1; 0 if nothing is below
	bool whiteout, marker;
};

struct settle {
	struct index_builder *b;
	uint32_t *order;
	struct group *groups;
	size_t n_groups;
	uint32_t *home; // of each record that is the source of hard links: the record that is the
	                // file now
};

static const char *path_of(const struct index_builder *b, uint32_t rec)
{
	return b->heap.p + b->records[rec].path;
}

// Says something about a path without being there.
static bool is_special(const struct index_builder *b, uint32_t rec)
{
	const struct index_record *r = &b->records[rec];
	return r->type == ENTRY_WHITEOUT || (r->flags & RECORD_MARKER) != 0;
}

static int cmp_records(const void *pa, const void *pb, void *arg)
{
	uint32_t a = *(const uint32_t *)pa, b = *(const uint32_t *)pb;
	int c = fs_path_cmp(path_of(arg, a), path_of(arg, b));
	if (c == 0)
		c = is_special(arg, b) - is_special(arg, a);
	return c != 0 ? c : (a > b) - (a < b);
}

static void make_group(struct settle *s, struct group *g)
{
	g->stands = g->kill = NONE;
	uint32_t white = NONE, marker = NONE;
	for (uint32_t i = g->at; i < g->at + g->n; i++) {
		const struct index_record *r = &s->b->records[s->order[i]];
		if (r->type == ENTRY_WHITEOUT)
			white = s->order[i];
		else if (r->flags & RECORD_MARKER)
			marker = s->order[i];
		else
			g->stands = s->order[i];
		g->n_special += is_special(s->b, s->order[i]);
		if (r->type != ENTRY_WHITEOUT && r->type != ENTRY_DIR)
			g->kill = s->order[i];
	}
	g->whiteout = white != NONE;
	g->marker = marker != NONE;
	if (g->stands == NONE)
		g->stands = marker != NONE ? marker : white;
}

static void make_groups(struct settle *s)
{
	size_t n = s->b->n;
	s->groups = xcalloc(n + 1, sizeof(*s->groups));
	for (uint32_t i = 0; i < n;) {
		struct group *g = &s->groups[s->n_groups++];
		g->at = i;
		while (i < n && (i == g->at || strcmp(path_of(s->b, s->order[g->at]),
		                                       path_of(s->b, s->order[i])) == 0))
			i++;
		g->n = i - g->at;
		make_group(s, g);
	}
}

// --- what lies below what is no directory ------------------------------------------------------

struct frame {
	struct group *g;
	uint32_t path_len, kill; // kill: + 1, of this path and those above it
};

static void frame_close(struct settle *s, struct frame *f)
{
	struct group *g = f->g;
	if (g->stands == NONE || g->youngest_below == 0)
		return;
	struct index_record *r = &s->b->records[g->stands];
	if (r->type == ENTRY_WHITEOUT) {
		// Deleted below and made anew here, by what lies in it only: nothing of the lower
		// layers shows.
		*r = (struct index_record){.path = r->path,
		        .path_len = r->path_len,
		        .link = INDEX_NO_LINK,
		        .type = ENTRY_DIR,
		        .flags = RECORD_OPAQUE,
		        .mode = 0755,
		        .offset = ENTRY_NO_OFFSET};
	} else if (r->type != ENTRY_DIR && g->youngest_below - 1 > g->stands) {
		g->stands = NONE;
	}
}

static void frame_pop(struct settle *s, struct frame *stack, size_t *depth)
{
	struct frame *f = &stack[--*depth];
	frame_close(s, f);
	if (*depth > 0 && stack[*depth - 1].g->youngest_below < f->g->youngest_below)
		stack[*depth - 1].g->youngest_below = f->g->youngest_below;
}

// Only paths that are no directory can take something with them, so only these are on the stack.
// Its depth is bounded by the number of components of a path.
static void settle_below(struct settle *s)
{
	size_t depth = 0, cap = 64;
	struct frame *stack = xreallocarray(NULL, cap, sizeof(*stack));
	for (size_t i = 0; i < s->n_groups; i++) {
		struct group *g = &s->groups[i];
		uint32_t rec = s->order[g->at];
		const char *path = path_of(s->b, rec);
		uint32_t len = s->b->records[rec].path_len;
		while (depth > 0) {
			const struct frame *f = &stack[depth - 1];
			if (len > f->path_len && path[f->path_len] == '/' &&
			        memcmp(path, path_of(s->b, s->order[f->g->at]), f->path_len) == 0)
				break;
			frame_pop(s, stack, &depth);
		}
		uint32_t kill = depth > 0 ? stack[depth - 1].kill : 0;
		if (g->stands != NONE && g->stands + 1 <= kill)
			g->stands = NONE;
		if (depth > 0 && g->stands != NONE &&
		        stack[depth - 1].g->youngest_below < g->stands + 1)
			stack[depth - 1].g->youngest_below = g->stands + 1;
		if (g->kill == NONE && !g->whiteout)
			continue;
		if (depth == cap) {
			cap *= 2;
			stack = xreallocarray(stack, cap, sizeof(*stack));
		}
		if (g->kill != NONE && g->kill + 1 > kill)
			kill = g->kill + 1;
		stack[depth++] = (struct frame){g, len, kill};
	}
	while (depth > 0)
		frame_pop(s, stack, &depth);
	free(stack);
}

static void settle_opaque(struct settle *s)
{
	for (size_t i = 0; i < s->n_groups; i++) {
		struct group *g = &s->groups[i];
		if (g->stands == NONE || !(g->whiteout || g->marker))
			continue;
		struct index_record *r = &s->b->records[g->stands];
		if (r->type == ENTRY_DIR)
			r->flags |= RECORD_OPAQUE;
	}
}

// --- hard links --------------------------------------------------------------------------------

static const struct group *find_group(const struct settle *s, const char *path)
{
	size_t lo = 0, hi = s->n_groups;
	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;
		int c = fs_path_cmp(path_of(s->b, s->order[s->groups[mid].at]), path);
		if (c == 0)
			return &s->groups[mid];
		if (c < 0)
			lo = mid + 1;
		else
			hi = mid;
	}
	return NULL;
}

// The record that the link `rec` meant: the last one of that path before it; a link that runs ahead
// of its target means the last one.
static uint32_t link_target(const struct settle *s, uint32_t rec)
{
	const struct group *g = find_group(s, s->b->heap.p + s->b->records[rec].link);
	if (!g || g->n == g->n_special)
		return NONE;
	const uint32_t *v = s->order + g->at + g->n_special;
	uint32_t n = g->n - g->n_special, lo = 0, hi = n;
	while (lo < hi) {
		uint32_t mid = lo + (hi - lo) / 2;
		if (v[mid] < rec)
			lo = mid + 1;
		else
			hi = mid;
	}
	if (lo > 0)
		return v[lo - 1];
	return v[n - 1] != rec ? v[n - 1] : NONE;
}

static int link_fault(const struct settle *s, uint32_t rec, const char *what, struct err *e)
{
	return err_set(e, ERR_CORRUPT, "hard link '%s' to '%s': %s", path_of(s->b, rec),
	        s->b->heap.p + s->b->records[rec].link, what);
}

#define LINK_HOPS 40 // of links that run ahead of their targets

// root[rec]: the record that the hard link rec is another name of. Links before rec have theirs
// already.
static void find_root(const struct settle *s, uint32_t rec, uint32_t *root)
{
	uint32_t t = link_target(s, rec);
	for (int hops = 0; t != NONE && s->b->records[t].flags & RECORD_HARDLINK; hops++)
		t = t < rec ? root[t] : hops < LINK_HOPS ? link_target(s, t) : NONE;
	root[rec] = t;
}

static void copy_attributes(struct index_record *to, const struct index_record *from)
{
	uint32_t path = to->path, path_len = to->path_len;
	*to = *from;
	to->path = path;
	to->path_len = path_len;
}

static int settle_link(struct settle *s, uint32_t rec, uint32_t from, struct err *e)
{
	struct index_record *r = &s->b->records[rec];
	if (from == NONE)
		return link_fault(s, rec, "this layer has no such file", e);
	const struct index_record *f = &s->b->records[from];
	if (f->type == ENTRY_DIR)
		return link_fault(s, rec, "that is a directory", e);
	copy_attributes(r, f);
	if (f->type != ENTRY_FILE)
		return 0;
	if (s->home[from] == NONE) {
		s->home[from] = rec;
		r->link = INDEX_NO_LINK;
		r->link_len = 0;
	} else {
		r->link = s->b->records[s->home[from]].path;
		r->link_len = s->b->records[s->home[from]].path_len;
	}
	return 0;
}

static int settle_links(struct settle *s, struct err *e)
{
	uint32_t n = (uint32_t)s->b->n, n_links = 0;
	for (uint32_t i = 0; i < n; i++)
		n_links += (s->b->records[i].flags & RECORD_HARDLINK) != 0;
	if (n_links == 0)
		return 0;
	auto_free uint32_t *root = xreallocarray(NULL, n, sizeof(*root));
	s->home = xreallocarray(NULL, n, sizeof(*s->home));
	auto_free uint8_t *is_root = xcalloc(n, 1);
	for (uint32_t i = 0; i < n; i++) {
		root[i] = s->home[i] = NONE;
		if (!(s->b->records[i].flags & RECORD_HARDLINK))
			continue;
		find_root(s, i, root);
		if (root[i] != NONE)
			is_root[root[i]] = 1;
	}
	// In sorted order, so that the first path of a set of links is the file. The source of a
	// set is turned like its links: what it says is the same for all of them.
	for (size_t i = 0; i < s->n_groups; i++) {
		uint32_t rec = s->groups[i].stands;
		if (rec == NONE)
			continue;
		bool link = (s->b->records[rec].flags & RECORD_HARDLINK) != 0;
		if (!link && !(is_root[rec] && s->b->records[rec].type == ENTRY_FILE))
			continue;
		if (settle_link(s, rec, link ? root[rec] : rec, e) != 0)
			return -1;
	}
	return 0;
}

int index_settle(struct index_builder *b, uint32_t **ret_order, size_t *ret_n, struct err *e)
{
	struct settle s = {.b = b};
	s.order = xreallocarray(NULL, b->n + 1, sizeof(*s.order));
	for (uint32_t i = 0; i < b->n; i++)
		s.order[i] = i;
	if (!b->sorted)
		qsort_r(s.order, b->n, sizeof(*s.order), cmp_records, b);
	make_groups(&s);
	settle_below(&s);
	settle_opaque(&s);
	int rc = settle_links(&s, e);
	size_t n = 0;
	for (size_t i = 0; i < s.n_groups; i++)
		if (s.groups[i].stands != NONE)
			s.order[n++] = s.groups[i].stands;
	free(s.groups);
	free(s.home);
	if (rc != 0) {
		free(s.order);
		return -1;
	}
	*ret_order = s.order;
	*ret_n = n;
	return 0;
}
