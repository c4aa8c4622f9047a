// SPDX-License-Identifier: Apache-2.0
// Durability: what a build entered reaches the disk at its end, once for all of it.
//
// Trees do not count: they are many small files, dear to write and cheap to make again. Their rows
// stay pending, so that a restart of the machine drops them with whatever they may have lost. Of
// everything else, files are waited for one by one, and not the file system, or hew would wait for
// those trees after all, and for whatever else goes on in it.

#include "base/err.h"
#include "base/fault.h"
#include "base/mem.h"
#include "store/db-int.h"
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

#define FILES_MAX 64 // above it one wait for everything is shorter

struct pending_file {
	int fd; // -1: it is gone meanwhile
	char path[STORE_PATH];
};

struct pending_files {
	struct pending_file *v;
	size_t n;
	int64_t last; // of their rows
};

static void files_release(struct pending_files *f)
{
	for (size_t i = 0; i < f->n; i++)
		close_fd(&f->v[i].fd);
	free(f->v);
}

static void path_of_pending(int kind, const struct digest *d, char out[static STORE_PATH])
{
	char hex[HASH_HEX];
	digest_hex(d, hex);
	if (kind == PENDING_BLOB)
		path_of_blob(d, out);
	else if (kind == PENDING_INDEX)
		path_of_index(d, out);
	else if (kind == PENDING_CONTEXT)
		snprintf(out, STORE_PATH, "contexts/%s", hex);
	else
		snprintf(out, STORE_PATH, "index.json");
}

static int list_files(struct store *s, struct pending_files *ret, struct err *e)
{
	int rc;
	db_lock(s);
	sqlite3_stmt *st = db_query(s, e,
	        "SELECT max(seq), kind, key FROM pending WHERE kind <> ? GROUP BY kind, key", "i",
	        (int64_t)PENDING_TREE);
	rc = st ? 1 : -1;
	while (rc == 1 && (rc = db_row(s, st, e)) == 1) {
		struct digest d = {0};
		int64_t seq = sqlite3_column_int64(st, 0);
		db_column_hash(st, 2, &d.h); // index.json has none
		ret->v = xreallocarray(ret->v, ret->n + 1, sizeof(*ret->v));
		ret->v[ret->n].fd = -1;
		path_of_pending(sqlite3_column_int(st, 1), &d, ret->v[ret->n++].path);
		ret->last = seq > ret->last ? seq : ret->last;
	}
	db_unlock(s);
	return rc;
}

// One that is missing has nothing in it: a copy of a store may lack what was empty.
static int sync_folder(struct store *s, const char *path)
{
	auto_fd int fd = openat(s->root_fd, path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	return fd >= 0 ? fsync(fd) : errno == ENOENT ? 0 : -1;
}

// All are on their way before the first is waited for.
static int sync_files(struct store *s, struct pending_files *f)
{
	for (size_t i = 0; i < f->n; i++) {
		struct pending_file *p = &f->v[i];
		p->fd = openat(s->root_fd, p->path, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
		if (p->fd < 0 && errno != ENOENT)
			return -1;
		if (p->fd >= 0)
			sync_file_range(p->fd, 0, 0, SYNC_FILE_RANGE_WRITE);
	}
	for (size_t i = 0; i < f->n; i++)
		if (f->v[i].fd >= 0 && fdatasync(f->v[i].fd) < 0)
			return -1;
	return sync_folder(s, "blobs/sha256") < 0 || sync_folder(s, "layers") < 0 ||
	                       sync_folder(s, "contexts") < 0 || fsync(s->root_fd) < 0
	               ? -1
	               : 0;
}

// What was pending before is on the disk now. The row that says so is written with a sync of its
// own; names move their safe fallback along with it.
static int settle(struct store *s, int64_t last, bool with_trees, struct err *e)
{
	if (db_begin(s, e) < 0)
		return -1;
	if (db_run(s, e, "DELETE FROM pending WHERE seq <= ? AND (kind <> ? OR ?)", "iii", last,
	            (int64_t)PENDING_TREE, (int64_t)with_trees) < 0 ||
	        db_run(s, e,
	                "UPDATE names SET synced = manifest WHERE synced IS NOT manifest AND "
	                "manifest NOT IN (SELECT key FROM pending WHERE kind = ? AND key IS NOT "
	                "NULL)",
	                "i", (int64_t)PENDING_BLOB) < 0)
		return db_abandon(s);
	if (db_commit(s, e) < 0)
		return -1;
	if (fault_point("store.sync") < 0 || db_sync(s) < 0)
		return err_sys(e, "write '%s/hew.db' to the disk", s->root);
	return 0;
}

int store_sync(struct store *s, struct err *e)
{
	struct pending_files files = {0};
	int rc = list_files(s, &files, e);
	if (rc == 0 && files.n > 0)
		rc = store_need_write(s, e);
	if (rc == 0 && files.n > 0) {
		bool all = files.n > FILES_MAX;
		if (fault_point("store.sync") < 0 ||
		        (all ? syncfs(s->root_fd) : sync_files(s, &files)) < 0)
			rc = err_sys(e, "write the store '%s' to the disk", s->root);
		else
			rc = settle(s, files.last, all, e);
	}
	files_release(&files);
	return rc;
}
