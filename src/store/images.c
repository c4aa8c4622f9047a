// SPDX-License-Identifier: Apache-2.0
// Images and the names that point to them. A change of names and the index.json that shows it
// belong to one transaction; a build that changes nothing writes nothing.

#include "base/err.h"
#include "base/mem.h"
#include "base/timefmt.h"
#include "image/config.h"
#include "store/images-int.h"
#include <stdio.h>
#include <string.h>

void image_row_release(struct image_row *r)
{
	free(r->name);
	r->name = NULL;
}

void image_list_release(struct image_list *l)
{
	for (size_t i = 0; i < l->n; i++)
		image_row_release(&l->v[i]);
	free(l->v);
	*l = (struct image_list){0};
}

int image_row_read(struct store *s, sqlite3_stmt *st, struct image_row *ret, struct err *e)
{
	int rc = st ? db_row(s, st, e) : -1;
	if (rc != 1)
		return rc;
	const char *name = db_column_text(st, 0);
	*ret = (struct image_row){.name = name ? xstrdup(name) : NULL};
	db_column_hash(st, 1, &ret->manifest.h);
	db_column_hash(st, 2, &ret->image_id.h);
	snprintf(ret->media_type, sizeof(ret->media_type), "%s", db_column_text(st, 3));
	ret->manifest_size = db_column_u64(st, 4);
	ret->created = sqlite3_column_int64(st, 5);
	ret->is_index = sqlite3_column_int(st, 6) != 0;
	ret->size = db_column_u64(st, 7);
	return 1;
}

int image_rows_read(struct store *s, sqlite3_stmt *st, struct image_list *ret, struct err *e)
{
	struct image_list list = {0};
	struct image_row row;
	size_t cap = 0;
	int rc;
	while ((rc = image_row_read(s, st, &row, e)) == 1) {
		if (list.n == cap) {
			cap = cap ? cap * 2 : 16;
			list.v = xreallocarray(list.v, cap, sizeof(*list.v));
		}
		list.v[list.n++] = row;
	}
	if (rc < 0)
		image_list_release(&list);
	else
		*ret = list;
	return rc;
}

int store_image_list(struct store *s, struct image_list *ret, struct err *e)
{
	db_lock(s);
	sqlite3_stmt *st = db_query(s, e,
	        SELECT_IMAGE "ORDER BY i.created DESC, i.entered DESC, n.name, i.manifest", "");
	int rc = image_rows_read(s, st, ret, e);
	db_unlock(s);
	return rc;
}

// ---- entering

static int name_points_to(struct store *s, const char *name, const struct digest *d, struct err *e)
{
	int64_t one;
	db_lock(s);
	int rc = db_int(s, e, &one, "SELECT 1 FROM names WHERE name = ? AND manifest = ?", "th",
	        name, &d->h);
	db_unlock(s);
	return rc;
}

// 1: the row, and its name if it has one, are as they should be.
static int same_row(struct store *s, const struct image_row *row, struct err *e)
{
	int64_t one;
	db_lock(s);
	int rc = db_int(s, e, &one,
	        "SELECT 1 FROM images WHERE manifest = ? AND image_id = ? AND media_type = ? AND "
	        "manifest_size = ? AND created = ? AND is_index = ?",
	        "hhtiii", &row->manifest.h, &row->image_id.h, row->media_type,
	        (int64_t)row->manifest_size, row->created, (int64_t)row->is_index);
	db_unlock(s);
	return rc == 1 && row->name ? name_points_to(s, row->name, &row->manifest, e) : rc;
}

static int set_name(struct store *s, const char *name, const struct digest *d, struct err *e)
{
	if (db_run(s, e,
	            "INSERT INTO names(name, manifest) VALUES(?, ?) ON CONFLICT(name) DO UPDATE "
	            "SET "
	            "manifest = excluded.manifest",
	            "th", name, &d->h) < 0)
		return -1;
	return index_json_write(s, e);
}

static int put_row(
        struct store *s, const struct image_row *row, const struct image_config *c, struct err *e)
{
	if (db_run(s, e,
	            "INSERT OR REPLACE INTO images(manifest, image_id, media_type, manifest_size, "
	            "created, is_index, entered) VALUES(?, ?, ?, ?, ?, ?, ?)",
	            "hhtiiii", &row->manifest.h, &row->image_id.h, row->media_type,
	            (int64_t)row->manifest_size, row->created, (int64_t)row->is_index,
	            time_now().sec) < 0 ||
	        db_run(s, e, "DELETE FROM image_layers WHERE manifest = ?", "h", &row->manifest.h) <
	                0)
		return -1;
	for (size_t i = 0; i < c->n_diff_ids; i++)
		if (db_run(s, e,
		            "INSERT INTO image_layers(manifest, position, diff_id) VALUES(?, ?, ?)",
		            "hih", &row->manifest.h, (int64_t)i, &c->diff_ids[i].h) < 0)
			return -1;
	return 0;
}

static int read_config(
        struct store *s, const struct digest *d, struct image_config *ret, struct err *e)
{
	auto_buf struct buf text = {0};
	return store_blob_read(s, d, CONFIG_MAX, &text, e) < 0 ||
	                       image_config_parse(text.p, text.n, ret, e) < 0
	               ? -1
	               : 0;
}

static bool has_layer(const struct image_config *c, const struct digest *d)
{
	for (size_t i = 0; i < c->n_diff_ids; i++)
		if (digest_eq(&c->diff_ids[i], d))
			return true;
	return false;
}

static int add_layers(
        struct store *s, const struct digest *manifest, struct image_config *all, struct err *e)
{
	auto_buf struct buf text = {0};
	auto_manifest struct manifest m = {0};
	auto_config struct image_config c = {0};
	if (store_blob_read(s, manifest, MANIFEST_MAX, &text, e) < 0 ||
	        manifest_parse(text.p, text.n, NULL, &m, e) < 0 ||
	        read_config(s, &m.config.digest, &c, e) < 0)
		return -1;
	for (size_t i = 0; i < c.n_diff_ids; i++)
		if (!has_layer(all, &c.diff_ids[i]))
			image_config_add_diff_id(all, &c.diff_ids[i]);
	return 0;
}

// An index that stands for no single platform consists of the layers of all images that are here.
static int layers_of_index(
        struct store *s, const struct digest *index, struct image_config *ret, struct err *e)
{
	auto_buf struct buf text = {0};
	auto_index struct image_index ix = {0};
	if (store_blob_read(s, index, MANIFEST_MAX, &text, e) < 0 ||
	        image_index_parse(text.p, text.n, NULL, &ix, e) < 0)
		return -1;
	for (size_t i = 0; i < ix.manifests.n; i++) {
		const struct descriptor *d = &ix.manifests.v[i];
		if (media_type_is_manifest(d->media_type) && !descriptor_is_attestation(d) &&
		        store_blob_has(s, &d->digest) && add_layers(s, &d->digest, ret, e) < 0)
			return -1;
	}
	return 0;
}

static int layers_of(
        struct store *s, const struct image_row *row, struct image_config *ret, struct err *e)
{
	if (!digest_is_zero(&row->image_id))
		return read_config(s, &row->image_id, ret, e);
	return row->is_index ? layers_of_index(s, &row->manifest, ret, e) : 0;
}

int store_image_put(struct store *s, const struct image_row *row, struct err *e)
{
	auto_config struct image_config config = {0};
	char digest[DIGEST_TEXT];
	int same = store_lease_add(s, &row->manifest, e) < 0 ? -1 : same_row(s, row, e);
	if (same != 0)
		return same < 0 ? -1 : 0;
	digest_text(&row->manifest, digest);
	if (!store_blob_has(s, &row->manifest))
		return err_set(e, ERR_NOT_FOUND, "enter image %s: its manifest is not in the store",
		        digest);
	if (layers_of(s, row, &config, e) < 0)
		return err_wrap(e, "enter image %s", digest);
	if (db_begin(s, e) < 0)
		return -1;
	if (put_row(s, row, &config, e) < 0 ||
	        (row->name && set_name(s, row->name, &row->manifest, e) < 0))
		return db_abandon(s);
	return db_commit(s, e);
}

int store_name_set(struct store *s, const char *name, const struct digest *manifest, struct err *e)
{
	int64_t one;
	if (store_lease_add(s, manifest, e) < 0)
		return -1;
	int same = name_points_to(s, name, manifest, e);
	if (same != 0)
		return same < 0 ? -1 : 0;
	if (db_begin(s, e) < 0)
		return -1;
	int known =
	        db_int(s, e, &one, "SELECT 1 FROM images WHERE manifest = ?", "h", &manifest->h);
	if (known == 0) {
		char text[DIGEST_TEXT];
		digest_text(manifest, text);
		db_rollback(s);
		return err_set(
		        e, ERR_NOT_FOUND, "name image %s '%s': it is not in the store", text, name);
	}
	if (known < 0 || set_name(s, name, manifest, e) < 0)
		return db_abandon(s);
	return db_commit(s, e);
}

static int drop_image(struct store *s, const struct digest *manifest, struct err *e)
{
	if (db_run(s, e, "DELETE FROM images WHERE manifest = ?", "h", &manifest->h) < 0)
		return -1;
	int gone = sqlite3_changes(s->db) > 0;
	if (db_run(s, e, "DELETE FROM image_layers WHERE manifest = ?", "h", &manifest->h) < 0 ||
	        db_run(s, e, "DELETE FROM names WHERE manifest = ?", "h", &manifest->h) < 0)
		return -1;
	return gone;
}

static int drop_name(struct store *s, const char *name, struct digest *ret_manifest, struct err *e)
{
	sqlite3_stmt *st = db_query(s, e, "SELECT manifest FROM names WHERE name = ?", "t", name);
	int rc = st ? db_row(s, st, e) : -1;
	if (rc != 1)
		return rc;
	db_column_hash(st, 0, &ret_manifest->h);
	db_done(st);
	return db_run(s, e, "DELETE FROM names WHERE name = ?", "t", name) < 0 ? -1 : 1;
}

int store_name_remove(struct store *s, const char *name, struct err *e)
{
	struct digest manifest = {0};
	int64_t one;
	if (db_begin(s, e) < 0)
		return -1;
	int found = drop_name(s, name, &manifest, e);
	if (found == 0) {
		db_rollback(s);
		return err_set(
		        e, ERR_NOT_FOUND, "there is no image called '%s' in the store", name);
	}
	// Of another name it may be the last state that is safe on the disk.
	int others = found < 0 ? -1
	                       : db_int(s, e, &one,
	                                 "SELECT 1 FROM names WHERE manifest = ?1 OR synced = ?1",
	                                 "h", &manifest.h);
	int gone = others == 0 ? drop_image(s, &manifest, e) : 0;
	if (others < 0 || gone < 0 || index_json_write(s, e) < 0)
		return db_abandon(s);
	return db_commit(s, e) < 0 ? -1 : gone;
}

int store_image_remove(struct store *s, const struct digest *manifest, struct err *e)
{
	if (db_begin(s, e) < 0)
		return -1;
	int gone = drop_image(s, manifest, e);
	if (gone == 0) {
		char text[DIGEST_TEXT];
		digest_text(manifest, text);
		db_rollback(s);
		return err_set(e, ERR_NOT_FOUND, "there is no image %s in the store", text);
	}
	if (gone < 0 || index_json_write(s, e) < 0)
		return db_abandon(s);
	return db_commit(s, e);
}

// ---- resolutions

int store_resolution_get(
        struct store *s, const char *name, const char *platform, struct digest *ret, struct err *e)
{
	db_lock(s);
	sqlite3_stmt *st =
	        db_query(s, e, "SELECT manifest FROM resolutions WHERE name = ? AND platform = ?",
	                "tt", name, platform);
	int rc = st ? db_row(s, st, e) : -1;
	if (rc == 1) {
		rc = db_column_hash(st, 0, &ret->h);
		db_done(st);
	}
	db_unlock(s);
	return rc == 1 && store_lease_add(s, ret, e) < 0 ? -1 : rc;
}

int store_resolution_set(struct store *s, const char *name, const char *platform,
        const struct digest *d, struct err *e)
{
	struct digest have = {0};
	int rc = store_resolution_get(s, name, platform, &have, e);
	if (rc < 0 || (rc == 1 && digest_eq(&have, d)))
		return rc < 0 ? -1 : 0;
	if (store_lease_add(s, d, e) < 0 || db_begin(s, e) < 0)
		return -1;
	if (db_run(s, e,
	            "INSERT OR REPLACE INTO resolutions(name, platform, manifest, seen) VALUES(?, "
	            "?, ?, ?)",
	            "tthi", name, platform, &d->h, time_now().sec) < 0)
		return db_abandon(s);
	return db_commit(s, e);
}
