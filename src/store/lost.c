// SPDX-License-Identifier: Apache-2.0
// Layers that turn out not to be had: no source of the blob has it, or the blob holds something
// else. This process remembers it until a build asks; the records of steps that made such a layer
// are forgotten, so that the steps run again.

#include "base/err.h"
#include "base/fault.h"
#include "base/mem.h"
#include "store/db-int.h"
#include <stdio.h>
#include <string.h>

static void set(struct store *s, struct map *m, const struct hash *h, const char *where)
{
	char hex[HASH_HEX];
	hash_hex(h, hex);
	pthread_mutex_lock(&s->known_mutex);
	free(map_get(m, hex));
	map_set(m, hex, xstrdup(where));
	pthread_mutex_unlock(&s->known_mutex);
}

static char *get(struct store *s, const struct map *m, const struct hash *h)
{
	char hex[HASH_HEX];
	hash_hex(h, hex);
	pthread_mutex_lock(&s->known_mutex);
	char *where = xstrdup_null(map_get(m, hex));
	pthread_mutex_unlock(&s->known_mutex);
	return where;
}

static void release(struct map *m)
{
	const char *key;
	void *value;
	for (size_t i = 0; map_next(m, &i, &key, &value);)
		free(value);
	map_release(m);
}

void lost_release(struct store *s)
{
	release(&s->lost_layers);
	release(&s->lost_steps);
}

// ---- what is lost

static void where_it_was(struct store *s, const struct digest *blob, struct buf *ret)
{
	auto_strv struct strv sources = {0};
	struct err ignored;
	bool known = store_blob_sources(s, blob, &sources, &ignored) == 0 && sources.n;
	buf_puts(ret, known ? sources.v[0] : "the store");
}

void store_blob_lose(struct store *s, const struct digest *blob)
{
	struct digest layers[16];
	struct err ignored;
	auto_buf struct buf where = {0};
	size_t n = 0;
	where_it_was(s, blob, &where);
	db_lock(s);
	sqlite3_stmt *st = db_query(s, &ignored,
	        "SELECT diff_id FROM layer_blobs WHERE digest = ? LIMIT 16", "h", &blob->h);
	while (st && n < ARRAY_LEN(layers) && db_row(s, st, &ignored) == 1)
		n += db_column_hash(st, 0, &layers[n].h);
	if (st && n == ARRAY_LEN(layers))
		db_done(st);
	db_unlock(s);
	for (size_t i = 0; i < n; i++)
		set(s, &s->lost_layers, &layers[i].h, buf_cstr(&where));
}

void store_layer_lose(struct store *s, const struct digest *diff_id)
{
	struct layer_blob b;
	struct err ignored;
	auto_buf struct buf where = {0};
	if (store_layer_blob(s, diff_id, NULL, &b, &ignored) == 1)
		where_it_was(s, &b.digest, &where);
	set(s, &s->lost_layers, &diff_id->h, where.n ? where.p : "the store");
}

// Also what was lost when the layer has been made again since is there.
char *store_layer_lost(struct store *s, const struct digest *diff_id)
{
	return store_blob_has(s, diff_id) ? NULL : get(s, &s->lost_layers, &diff_id->h);
}

char *store_step_lost(struct store *s, const struct hash *key)
{
	return get(s, &s->lost_steps, key);
}

// ---- forgetting

static int note_steps(
        struct store *s, const struct digest *diff_id, const char *where, struct err *e)
{
	struct hash key;
	int rc;
	sqlite3_stmt *st =
	        db_query(s, e, "SELECT key FROM steps WHERE diff_id = ?", "h", &diff_id->h);
	if (!st)
		return -1;
	while ((rc = db_row(s, st, e)) == 1)
		if (db_column_hash(st, 0, &key))
			set(s, &s->lost_steps, &key, where);
	return rc;
}

// An image that has the layer keeps it: it may be fetched by its manifest.
static int forget(struct store *s, const struct digest *diff_id, struct err *e)
{
	static const char *const rows[] = {
	        "DELETE FROM steps WHERE diff_id = ?",
	        "DELETE FROM blob_sources WHERE digest IN (SELECT digest FROM layer_blobs WHERE "
	        "diff_id = ?) AND digest NOT IN (SELECT digest FROM blobs)",
	        "DELETE FROM layer_blobs WHERE diff_id = ?",
	        "DELETE FROM layers WHERE diff_id = ?1 AND has_index = 0 AND NOT EXISTS (SELECT 1 "
	        "FROM image_layers i WHERE i.diff_id = ?1) AND NOT EXISTS (SELECT 1 FROM blobs b "
	        "WHERE b.digest = ?1)",
	};
	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		if (db_run(s, e, rows[i], "h", &diff_id->h) < 0)
			return -1;
	return 0;
}

int store_layer_forget(struct store *s, const struct digest *diff_id, struct err *e)
{
	auto_free char *where = store_layer_lost(s, diff_id);
	if (fault_point("store.layer.forget") < 0)
		return err_sys(e, "write '%s/hew.db'", s->root);
	if (db_begin(s, e) < 0)
		return -1;
	if (note_steps(s, diff_id, where ? where : "the store", e) < 0 || forget(s, diff_id, e) < 0)
		return db_abandon(s);
	known_forget(s, diff_id);
	return db_commit(s, e);
}
