// SPDX-License-Identifier: Apache-2.0
// Who holds what: names, the bases that tags were resolved to, living processes. And what an image
// needs for itself, and what it shares with others.

#include "base/err.h"
#include "base/mem.h"
#include "store/images-int.h"
#include "store/reach.h"
#include "store/usage-int.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

// From one root.
struct holder_walk {
	struct usage_load *l;
	const char *holder; // may be NULL
	struct map *mark;   // blobs are entered here; may be NULL
	bool layers_too;    // mark those also
	bool is_name;
	size_t image;      // + 1; 0: none
	struct map looked; // into, of documents
};

static void take(struct holder_walk *w, const struct digest *d)
{
	struct usage_record *r = usage_find(w->l, d);
	if (!r)
		return;
	r->is_image |= w->is_name;
	if (w->holder && !strv_has(&r->holders, w->holder))
		strv_add(&r->holders, w->holder);
	if (w->image && r->last_image != w->image) {
		r->last_image = w->image;
		r->n_images++;
	}
}

static bool is_first(struct map *m, const char *key)
{
	if (map_has(m, key))
		return false;
	map_set(m, key, m);
	return true;
}

static int see(void *arg, const struct digest *d, enum reach_kind kind, struct err *e)
{
	struct holder_walk *w = arg;
	char hex[HASH_HEX];
	digest_hex(d, hex);
	if (w->mark && (kind != REACH_DIFF_ID || w->layers_too))
		map_set(w->mark, hex, w);
	take(w, d);
	return kind == REACH_DOCUMENT && is_first(&w->looked, hex);
}

static int walk_from(struct holder_walk *w, const struct digest *d, struct err *e)
{
	int rc = reach(w->l->s, d, see, w, e);
	map_release(&w->looked);
	return rc;
}

// ---- names and bases. Read first: a walk reads the database itself.

struct root {
	char *holder;
	struct digest d;
	bool is_name;
};

struct roots {
	struct root *v;
	size_t n;
};

static void roots_release(struct roots *r)
{
	for (size_t i = 0; i < r->n; i++)
		free(r->v[i].holder);
	free(r->v);
}

static int read_roots(struct usage_load *l, struct roots *ret, struct err *e)
{
	int rc = -1;
	sqlite3_stmt *st = db_query(l->s, e,
	        "SELECT manifest, 'name ' || name, 1 FROM names UNION ALL SELECT synced, 'name ' "
	        "|| "
	        "name, 1 FROM names WHERE synced IS NOT NULL UNION ALL SELECT manifest, 'base ' || "
	        "name || ' ' || platform, 0 FROM resolutions",
	        "");
	while (st && (rc = db_row(l->s, st, e)) == 1) {
		ret->v = xreallocarray(ret->v, ret->n + 1, sizeof(*ret->v));
		struct root *r = &ret->v[ret->n];
		if (!db_column_hash(st, 0, &r->d.h))
			continue;
		r->holder = xstrdup(db_column_text(st, 1));
		r->is_name = sqlite3_column_int(st, 2) != 0;
		ret->n++;
	}
	return rc;
}

static int load_roots(struct usage_load *l, struct err *e)
{
	struct roots roots = {0};
	int rc = read_roots(l, &roots, e);
	for (size_t i = 0; rc == 0 && i < roots.n; i++) {
		struct holder_walk w = {.l = l,
		        .holder = roots.v[i].holder,
		        .is_name = roots.v[i].is_name,
		        .mark = roots.v[i].is_name ? &l->named : NULL};
		rc = walk_from(&w, &roots.v[i].d, e);
	}
	roots_release(&roots);
	return rc;
}

// ---- processes

static int see_lease(void *arg, const char *lease, const struct digest *d, struct err *e)
{
	struct usage_load *l = arg;
	auto_free char *holder = xasprintf("process %.*s", (int)strcspn(lease, "-"), lease);
	struct holder_walk w = {.l = l, .holder = holder, .mark = &l->leased, .layers_too = true};
	return walk_from(&w, d, e);
}

// A layer is in use in all its forms, whichever of them the lease names.
static void mark_leased(struct usage_load *l)
{
	const char *hex;
	void *ignored;
	for (size_t i = 0; map_next(&l->leased, &i, &hex, &ignored);) {
		struct digest d;
		struct usage_record *r = hash_parse(hex, &d.h) ? usage_find(l, &d) : NULL;
		if (r)
			r->leased = true;
	}
}

int usage_load_holders(struct usage_load *l, struct err *e)
{
	if (load_roots(l, e) < 0 || lease_each(l->s, see_lease, l, e) < 0)
		return -1;
	mark_leased(l);
	return 0;
}

// ---- images

static int read_images(struct usage_load *l, struct err *e)
{
	struct usage *u = l->u;
	struct image_list list = {0};
	sqlite3_stmt *st = db_query(l->s, e,
	        SELECT_IMAGE "ORDER BY i.created DESC, i.entered DESC, n.name, i.manifest", "");
	if (image_rows_read(l->s, st, &list, e) < 0)
		return -1;
	u->images = xcalloc(list.n + 1, sizeof(*u->images));
	for (size_t i = 0; i < list.n; i++)
		u->images[u->n_images++] = (struct usage_image){.name = steal_ptr(&list.v[i].name),
		        .manifest = list.v[i].manifest,
		        .image_id = list.v[i].image_id};
	image_list_release(&list);
	return 0;
}

// Names and documents of the same image do not share with each other.
static size_t same_image(const struct usage *u, size_t i)
{
	for (size_t k = 0; k < i; k++)
		if (digest_eq(&u->images[k].manifest, &u->images[i].manifest) ||
		        (!digest_is_zero(&u->images[i].image_id) &&
		                digest_eq(&u->images[k].image_id, &u->images[i].image_id)))
			return k;
	return i;
}

static int count_image(struct usage_load *l, size_t i, struct err *e)
{
	for (size_t k = i; k < l->u->n_images; k++) {
		struct holder_walk w = {.l = l, .image = i + 1};
		if (same_image(l->u, k) == i && walk_from(&w, &l->u->images[k].manifest, e) < 0)
			return -1;
	}
	return 0;
}

struct image_sum {
	struct usage_load *l;
	struct usage_image *image;
	struct map looked; // into, of documents
	struct map added;
};

static int add_up(void *arg, const struct digest *d, enum reach_kind kind, struct err *e)
{
	struct image_sum *sum = arg;
	char hex[HASH_HEX];
	struct usage_record *r = usage_find(sum->l, d);
	digest_hex(d, hex);
	if (r && is_first(&sum->added, r->id))
		*(r->n_images > 1 ? &sum->image->shared : &sum->image->own) += r->bytes;
	return kind == REACH_DOCUMENT && is_first(&sum->looked, hex);
}

int usage_load_images(struct usage_load *l, struct err *e)
{
	struct usage *u = l->u;
	if (read_images(l, e) < 0)
		return -1;
	for (size_t i = 0; i < u->n_images; i++)
		if (same_image(u, i) == i && count_image(l, i, e) < 0)
			return -1;
	return 0;
}

int usage_sum_images(struct usage_load *l, struct err *e)
{
	struct usage *u = l->u;
	for (size_t i = 0; i < u->n_images; i++) {
		struct image_sum sum = {.l = l, .image = &u->images[i]};
		int rc = reach(l->s, &u->images[i].manifest, add_up, &sum, e);
		map_release(&sum.looked);
		map_release(&sum.added);
		if (rc < 0)
			return -1;
	}
	return 0;
}
