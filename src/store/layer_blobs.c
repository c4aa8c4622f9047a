// SPDX-License-Identifier: Apache-2.0
// The compressed and foreign forms of a layer: which blob has the bytes of which diffID, made by
// which recipe. The blob itself may be here or lie in a registry.

#include "base/err.h"
#include "base/mem.h"
#include "image/config.h"
#include "store/db-int.h"
#include <stdio.h>
#include <string.h>

#define SELECT_BLOB "SELECT digest, size, media_type, recipe FROM layer_blobs WHERE diff_id = ?1 "

static int blob_row(struct store *s, sqlite3_stmt *st, struct layer_blob *ret, struct err *e)
{
	int rc = st ? db_row(s, st, e) : -1;
	if (rc != 1)
		return rc;
	bool good = db_column_hash(st, 0, &ret->digest.h);
	ret->size = db_column_u64(st, 1);
	snprintf(ret->media_type, sizeof(ret->media_type), "%s", db_column_text(st, 2));
	snprintf(ret->recipe, sizeof(ret->recipe), "%s", db_column_text(st, 3));
	return good;
}

static bool same_blob(const struct layer_blob *a, const struct layer_blob *b)
{
	return a->size == b->size && !strcmp(a->media_type, b->media_type) &&
	       !strcmp(a->recipe, b->recipe);
}

static bool known(struct store *s, const struct digest *diff_id, const struct layer_blob *b)
{
	struct layer_blob have = {0};
	struct err ignored;
	db_lock(s);
	sqlite3_stmt *st = db_query(
	        s, &ignored, SELECT_BLOB "AND digest = ?2", "hh", &diff_id->h, &b->digest.h);
	int rc = blob_row(s, st, &have, &ignored);
	if (rc == 1)
		db_done(st);
	db_unlock(s);
	return rc == 1 && same_blob(&have, b);
}

int store_layer_add_blob(
        struct store *s, const struct digest *diff_id, const struct layer_blob *b, struct err *e)
{
	if (store_layer_declare(s, diff_id, e) < 0 || store_lease_add(s, &b->digest, e) < 0)
		return -1;
	if (known(s, diff_id, b))
		return 0;
	if (db_begin(s, e) < 0)
		return -1;
	if (db_run(s, e,
	            "INSERT OR REPLACE INTO layer_blobs(diff_id, digest, size, media_type, recipe)"
	            " VALUES(?, ?, ?, ?, ?)",
	            "hhitt", &diff_id->h, &b->digest.h, (int64_t)b->size, b->media_type,
	            b->recipe) < 0)
		return db_abandon(s);
	return db_commit(s, e);
}

int store_layers_declare(
        struct store *s, const struct manifest *m, const struct image_config *c, struct err *e)
{
	if (m->layers.n != c->n_diff_ids)
		return err_set(e, ERR_CORRUPT,
		        "image has %zu layers but its configuration names %zu", m->layers.n,
		        c->n_diff_ids);
	for (size_t i = 0; i < m->layers.n; i++) {
		const struct descriptor *d = &m->layers.v[i];
		struct layer_blob b = {.digest = d->digest, .size = d->size};
		snprintf(b.media_type, sizeof(b.media_type), "%s", d->media_type);
		if (store_layer_declare(s, &c->diff_ids[i], e) < 0 ||
		        (!digest_eq(&d->digest, &c->diff_ids[i]) &&
		                store_layer_add_blob(s, &c->diff_ids[i], &b, e) < 0))
			return -1;
	}
	return 0;
}

// Larger is better. If any will do, what is here beats what must be fetched; else the recipe counts
// first.
static int rank_of(const struct layer_blob *b, bool asked, bool any)
{
	if (any)
		return 1 + 2 * b->present + !*b->recipe;
	return 1 + 2 * asked + b->present;
}

// recipe NULL: any will do. Among equals the one that is here.
int store_layer_blob(struct store *s, const struct digest *diff_id, const char *recipe,
        struct layer_blob *ret, struct err *e)
{
	struct layer_blob best = {0}, b = {0};
	int rc, best_rank = 0;
	if (store_lease_add(s, diff_id, e) < 0)
		return -1;
	db_lock(s);
	sqlite3_stmt *st = db_query(s, e, SELECT_BLOB "ORDER BY digest", "h", &diff_id->h);
	while ((rc = blob_row(s, st, &b, e)) == 1) {
		bool asked = recipe && !strcmp(b.recipe, recipe);
		if (recipe && !asked && *b.recipe)
			continue;
		b.present = blob_here(s, &b.digest, NULL);
		int rank = rank_of(&b, asked, recipe == NULL);
		if (rank > best_rank) {
			best = b;
			best_rank = rank;
		}
	}
	db_unlock(s);
	if (rc < 0)
		return -1;
	if (best_rank == 0)
		return 0;
	if (best.present && store_lease_add(s, &best.digest, e) < 0)
		return -1;
	*ret = best;
	return 1;
}
