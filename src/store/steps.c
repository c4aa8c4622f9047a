// SPDX-License-Identifier: Apache-2.0
// Step records. A record is a hit only if its layer can still be had: as tar here, or as the blob
// it came as, here or in a registry.

#include "base/err.h"
#include "base/mem.h"
#include "base/timefmt.h"
#include "store/db-int.h"
#include <string.h>

void step_record_release(struct step_record *r)
{
	free(r->components);
	free(r->name);
	r->components = r->name = NULL;
}

struct step_row *step_list_add(
        struct step_list *l, const struct hash *key, const struct step_record *r)
{
	l->v = xreallocarray(l->v, l->n + 1, sizeof(*l->v));
	struct step_row *row = &l->v[l->n++];
	*row = (struct step_row){.key = *key, .record = *r};
	row->record.components = xstrdup_null(r->components);
	row->record.name = xstrdup_null(r->name);
	return row;
}

void step_list_release(struct step_list *l)
{
	for (size_t i = 0; i < l->n; i++)
		step_record_release(&l->v[i].record);
	free(l->v);
	*l = (struct step_list){0};
}

static int read_row(struct store *s, const struct hash *key, struct step_record *ret,
        int64_t *ret_used, struct err *e)
{
	sqlite3_stmt *st = db_query(s, e,
	        "SELECT diff_id, created_sec, created_nsec, duration_ns, components, name, used "
	        "FROM steps WHERE key = ?",
	        "h", key);
	int rc = st ? db_row(s, st, e) : -1;
	if (rc != 1)
		return rc;
	*ret = (struct step_record){
	        .created_sec = sqlite3_column_int64(st, 1),
	        .created_nsec = sqlite3_column_int(st, 2),
	        .duration_ns = sqlite3_column_int64(st, 3),
	        .components = xstrdup_null(db_column_text(st, 4)),
	        .name = xstrdup_null(db_column_text(st, 5)),
	};
	ret->has_layer = db_column_hash(st, 0, &ret->diff_id.h);
	*ret_used = sqlite3_column_int64(st, 6);
	db_done(st);
	return 1;
}

static int layer_to_be_had(struct store *s, const struct digest *diff_id, struct err *e)
{
	int64_t one;
	if (blob_here(s, diff_id, NULL))
		return 1;
	return db_int(s, e, &one,
	        "SELECT 1 FROM layer_blobs lb WHERE diff_id = ? AND recipe = '' AND (EXISTS "
	        "(SELECT 1 FROM blobs b "
	        "WHERE "
	        "b.digest = lb.digest) OR EXISTS (SELECT 1 FROM blob_sources bs WHERE bs.digest = "
	        "lb.digest))",
	        "h", &diff_id->h);
}

int store_step_get(struct store *s, const struct hash *key, struct step_record *ret, struct err *e)
{
	struct step_record r = {0};
	int64_t used = 0;
	db_lock(s);
	int rc = read_row(s, key, &r, &used, e);
	db_unlock(s);
	if (rc == 1 && r.has_layer) {
		if (store_lease_add(s, &r.diff_id, e) < 0)
			rc = -1;
		db_lock(s);
		if (rc == 1)
			rc = layer_to_be_had(s, &r.diff_id, e);
		db_unlock(s);
	}
	if (rc == 1) {
		uses_found_step(s, key, used);
		*ret = r;
	} else {
		step_record_release(&r);
	}
	return rc;
}

int store_step_put(
        struct store *s, const struct hash *key, const struct step_record *r, struct err *e)
{
	int64_t one;
	const struct hash *layer = r->has_layer ? &r->diff_id.h : NULL;
	if (layer && store_lease_add(s, &r->diff_id, e) < 0)
		return -1;
	uses_changed(s);
	if (db_begin(s, e) < 0)
		return -1;
	int known = layer ? db_int(s, e, &one, "SELECT 1 FROM layers WHERE diff_id = ?", "h", layer)
	                  : 1;
	if (known == 0) {
		char text[DIGEST_TEXT];
		digest_text(&r->diff_id, text);
		db_rollback(s);
		return err_set(
		        e, ERR_NOT_FOUND, "record a step: its layer %s is not in the store", text);
	}
	if (known < 0 ||
	        db_run(s, e,
	                "INSERT OR REPLACE INTO steps(key, diff_id, created_sec, created_nsec, "
	                "duration_ns, components, name, used) VALUES(?, ?, ?, ?, ?, ?, ?, ?)",
	                "hhiiitti", key, layer, r->created_sec, (int64_t)r->created_nsec,
	                r->duration_ns, r->components, r->name, time_now().sec) < 0)
		return db_abandon(s);
	return db_commit(s, e);
}

int store_step_drop(struct store *s, const struct hash *key, struct err *e)
{
	if (db_begin(s, e) < 0)
		return -1;
	if (db_run(s, e, "DELETE FROM steps WHERE key = ?", "h", key) < 0)
		return db_abandon(s);
	return db_commit(s, e);
}
