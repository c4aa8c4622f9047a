// SPDX-License-Identifier: Apache-2.0
// Layers by diffID. The tar is the blob of that digest; the index is a file in layers/. A content
// id, once given, stays: keys are made from it, so a foreign layer that is fetched and indexed
// later keeps the id that it was declared with.

#include "base/err.h"
#include "base/fault.h"
#include "base/mem.h"
#include "base/timefmt.h"
#include "store/db-int.h"
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

void path_of_index(const struct digest *diff_id, char out[static STORE_PATH])
{
	char hex[HASH_HEX];
	digest_hex(diff_id, hex);
	snprintf(out, STORE_PATH, "layers/%s", hex);
}

static bool index_here(struct store *s, const struct digest *diff_id)
{
	char path[STORE_PATH];
	path_of_index(diff_id, path);
	return faccessat(s->root_fd, path, F_OK, AT_SYMLINK_NOFOLLOW) == 0;
}

static int layer_row(
        struct store *s, const struct digest *diff_id, struct layer_info *ret, struct err *e)
{
	sqlite3_stmt *st = db_query(s, e,
	        "SELECT content_id, has_index, tar_size, file_bytes FROM layers WHERE diff_id = ?",
	        "h", &diff_id->h);
	int rc = st ? db_row(s, st, e) : -1;
	if (rc != 1)
		return rc;
	uint64_t tar_size = 0;
	*ret = (struct layer_info){.diff_id = *diff_id};
	bool good = db_column_hash(st, 0, &ret->content_id);
	ret->has_index = sqlite3_column_int(st, 1) != 0 && index_here(s, diff_id);
	ret->tar_size = db_column_u64(st, 2);
	ret->file_bytes = db_column_u64(st, 3);
	db_done(st);
	ret->has_tar = blob_here(s, diff_id, &tar_size);
	if (ret->has_tar)
		ret->tar_size = tar_size;
	return good;
}

static bool recall(struct store *s, const char *hex, struct layer_info *ret)
{
	pthread_mutex_lock(&s->known_mutex);
	const struct layer_info *known = map_get(&s->known_layers, hex);
	if (known)
		*ret = *known;
	pthread_mutex_unlock(&s->known_mutex);
	return known;
}

static void remember(struct store *s, const char *hex, const struct layer_info *info)
{
	pthread_mutex_lock(&s->known_mutex);
	if (!map_has(&s->known_layers, hex)) {
		struct layer_info *copy = xmalloc(sizeof(*copy));
		*copy = *info;
		map_set(&s->known_layers, hex, copy);
	}
	pthread_mutex_unlock(&s->known_mutex);
}

void known_forget(struct store *s, const struct digest *diff_id)
{
	char hex[HASH_HEX];
	digest_hex(diff_id, hex);
	pthread_mutex_lock(&s->known_mutex);
	free(map_get(&s->known_layers, hex));
	map_del(&s->known_layers, hex);
	pthread_mutex_unlock(&s->known_mutex);
}

void known_release(struct store *s)
{
	const char *key;
	void *info;
	for (size_t i = 0; map_next(&s->known_layers, &i, &key, &info);)
		free(info);
	map_release(&s->known_layers);
	map_release(&s->known_trees);
}

bool store_layer_get(struct store *s, const struct digest *diff_id, struct layer_info *ret)
{
	struct err ignored;
	struct layer_info info;
	char hex[HASH_HEX];
	digest_hex(diff_id, hex);
	if (recall(s, hex, ret))
		return true;
	if (store_lease_add(s, diff_id, &ignored) < 0)
		return false;
	db_lock(s);
	int rc = layer_row(s, diff_id, &info, &ignored);
	db_unlock(s);
	if (rc != 1)
		return false;
	if (info.has_tar && info.has_index && store_writable(s))
		remember(s, hex, &info);
	*ret = info;
	return true;
}

bool store_layer_is_here(struct store *s, const struct digest *diff_id)
{
	struct layer_info info;
	return store_layer_get(s, diff_id, &info) && info.has_tar && info.has_index;
}

struct hash layer_foreign_id(const struct digest *diff_id)
{
	auto_hasher struct hasher *h = hasher_new();
	hasher_str(h, "foreign layer");
	hasher_hash(h, &diff_id->h);
	return hasher_end(h);
}

static int insert_layer(
        struct store *s, const struct digest *diff_id, const struct hash *content_id, struct err *e)
{
	return db_run(s, e,
	        "INSERT OR IGNORE INTO layers(diff_id, content_id, created) VALUES(?, ?, ?)", "hhi",
	        &diff_id->h, content_id, time_now().sec);
}

int store_layer_declare_as(
        struct store *s, const struct digest *diff_id, const struct hash *content_id, struct err *e)
{
	struct layer_info info;
	if (store_layer_get(s, diff_id, &info))
		return 0;
	if (store_lease_add(s, diff_id, e) < 0 || db_begin(s, e) < 0)
		return -1;
	if (insert_layer(s, diff_id, content_id, e) < 0)
		return db_abandon(s);
	return db_commit(s, e);
}

int store_layer_declare(struct store *s, const struct digest *diff_id, struct err *e)
{
	struct hash content_id = layer_foreign_id(diff_id);
	return store_layer_declare_as(s, diff_id, &content_id, e);
}

// ---- entering

static int write_index(struct store *s, const struct layer_result *r, struct err *e)
{
	int fd = store_temp_file(s, e);
	if (fd < 0)
		return -1;
	if (fault_point("store.layer.index") < 0)
		err_sys(e, "write a layer index in '%s'", s->root);
	else if (layer_index_write(r->index, fd, e) == 0)
		return fd;
	temp_discard(s, fd);
	close(fd);
	return -1;
}

static int enter_index(struct store *s, int fd, const struct layer_result *r, struct err *e)
{
	char from[STORE_PATH], to[STORE_PATH];
	if (temp_path_of(s, fd, from, e) < 0)
		return -1;
	path_of_index(&r->diff_id, to);
	if (fault_point("store.layer.rename") < 0 || renameat(s->root_fd, from, s->root_fd, to) < 0)
		return err_sys(e, "enter '%s/%s'", s->root, to);
	temp_forget(s, fd);
	if (db_run(s, e, "UPDATE layers SET has_index = 1, file_bytes = ? WHERE diff_id = ?", "ih",
	            (int64_t)layer_index_file_bytes(r->index), &r->diff_id.h) < 0)
		return -1;
	return pending_add(s, PENDING_INDEX, &r->diff_id, NULL, e);
}

// Inside the transaction. What is here already stays; a kept temporary file is unlinked by the
// caller.
static int enter_layer(
        struct store *s, int tar_fd, int index_fd, const struct layer_result *r, struct err *e)
{
	struct layer_info info = {0};
	struct hash foreign = layer_foreign_id(&r->diff_id);
	if (insert_layer(s, &r->diff_id, &r->content_id, e) < 0 ||
	        layer_row(s, &r->diff_id, &info, e) < 0)
		return -1;
	// What a cache said of it was not so.
	if (!hash_eq(&info.content_id, &r->content_id) && !hash_eq(&info.content_id, &foreign) &&
	        db_run(s, e, "UPDATE layers SET content_id = ? WHERE diff_id = ?", "hh",
	                &r->content_id, &r->diff_id.h) < 0)
		return -1;
	if (tar_fd >= 0 && !info.has_tar && blob_enter(s, tar_fd, &r->diff_id, r->tar_size, e) < 0)
		return -1;
	if (!info.has_index && enter_index(s, index_fd, r, e) < 0)
		return -1;
	return db_run(s, e, "UPDATE layers SET tar_size = ? WHERE diff_id = ?", "ih",
	        (int64_t)r->tar_size, &r->diff_id.h);
}

static int check_tar(int tar_fd, const struct layer_result *r, struct err *e)
{
	char text[DIGEST_TEXT];
	off_t end = tar_fd < 0 ? 0 : lseek(tar_fd, 0, SEEK_END);
	digest_text(&r->diff_id, text);
	if (end < 0)
		return err_sys(e, "look at the tar of layer %s", text);
	if (tar_fd >= 0 && (uint64_t)end != r->tar_size)
		return err_set(e, ERR_CORRUPT, "the tar of layer %s has %lld bytes instead of %llu",
		        text, (long long)end, (unsigned long long)r->tar_size);
	return 0;
}

int store_layer_commit(struct store *s, int tar_fd, const struct layer_result *r, struct err *e)
{
	if (check_tar(tar_fd, r, e) < 0 || store_lease_add(s, &r->diff_id, e) < 0)
		return -1;
	auto_fd int index_fd = write_index(s, r, e);
	if (index_fd < 0 || db_begin(s, e) < 0)
		return -1;
	if (enter_layer(s, tar_fd, index_fd, r, e) < 0)
		return db_abandon(s);
	if (db_commit(s, e) < 0)
		return -1;
	temp_discard(s, index_fd); // nothing, unless it was here before
	if (tar_fd >= 0)
		temp_discard(s, tar_fd);
	return 0;
}

// ---- reading

// An index of another version, or a damaged one, is made again from the tar by whoever needs it.
static int drop_index(struct store *s, const struct digest *diff_id, struct err *e)
{
	int64_t one;
	char path[STORE_PATH];
	if (!store_writable(s))
		return 0;
	path_of_index(diff_id, path);
	known_forget(s, diff_id);
	if (db_begin(s, e) < 0)
		return -1;
	if (db_run(s, e, "UPDATE layers SET has_index = 0 WHERE diff_id = ?", "h", &diff_id->h) < 0)
		return db_abandon(s);
	if (db_commit(s, e) < 0 || db_begin(s, e) < 0)
		return -1;
	int rc = db_int(s, e, &one, "SELECT 1 FROM layers WHERE diff_id = ? AND has_index", "h",
	        &diff_id->h);
	if (rc == 0) // not made again in between
		rc = trash_move(s, path, e);
	if (rc < 0)
		return db_abandon(s);
	db_rollback(s);
	return 0;
}

static int open_index(
        struct store *s, const struct digest *diff_id, struct layer_index **ret, struct err *e)
{
	char path[STORE_PATH], text[DIGEST_TEXT];
	struct layer_info info = {0};
	path_of_index(diff_id, path);
	digest_text(diff_id, text);
	if (!store_layer_get(s, diff_id, &info) || !info.has_index)
		return err_set(e, ERR_NOT_FOUND, "layer %s has no index in the store", text);
	auto_fd int fd = openat(s->root_fd, path, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0)
		return err_sys(e, "open '%s/%s'", s->root, path);
	*ret = layer_index_open(fd, e);
	if (*ret)
		return 0;
	if (e->kind != ERR_CORRUPT || drop_index(s, diff_id, e) < 0)
		return err_wrap(e, "open '%s/%s'", s->root, path);
	return err_set(e, ERR_NOT_FOUND, "layer %s has no usable index in the store", text);
}

int store_layer_index(
        struct store *s, const struct digest *diff_id, struct layer_index **ret, struct err *e)
{
	char hex[HASH_HEX];
	digest_hex(diff_id, hex);
	pthread_mutex_lock(&s->index_mutex);
	struct layer_index *ix = map_get(&s->indexes, hex);
	int rc = ix ? 0 : open_index(s, diff_id, &ix, e);
	if (rc == 0) {
		map_set(&s->indexes, hex, ix);
		*ret = ix;
	}
	pthread_mutex_unlock(&s->index_mutex);
	return rc;
}

int store_layer_tar(struct store *s, const struct digest *diff_id, struct err *e)
{
	return store_blob_open(s, diff_id, NULL, e);
}
