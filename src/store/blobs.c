// SPDX-License-Identifier: Apache-2.0
// Blobs: files in blobs/sha256/, each with a row. A blob is here when row and file agree on the
// size; a file that disagrees is as good as absent and is replaced when the blob comes again.

#include "base/err.h"
#include "base/fault.h"
#include "base/fs.h"
#include "base/mem.h"
#include "base/timefmt.h"
#include "store/db-int.h"
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

void path_of_blob(const struct digest *d, char out[static STORE_PATH])
{
	char hex[HASH_HEX];
	digest_hex(d, hex);
	snprintf(out, STORE_PATH, "blobs/sha256/%s", hex);
}

static int not_here(const struct digest *d, struct err *e)
{
	char text[DIGEST_TEXT];
	digest_text(d, text);
	return err_set(e, ERR_NOT_FOUND, "blob %s is not in the store", text);
}

static bool file_size_is(struct store *s, const char *path, uint64_t size)
{
	struct stat st;
	return fstatat(s->root_fd, path, &st, AT_SYMLINK_NOFOLLOW) == 0 && S_ISREG(st.st_mode) &&
	       (uint64_t)st.st_size == size;
}

bool blob_here(struct store *s, const struct digest *d, uint64_t *ret_size)
{
	int64_t size;
	struct err ignored;
	char path[STORE_PATH];
	if (db_int(s, &ignored, &size, "SELECT size FROM blobs WHERE digest = ?", "h", &d->h) != 1)
		return false;
	path_of_blob(d, path);
	if (size < 0 || !file_size_is(s, path, (uint64_t)size))
		return false;
	if (ret_size)
		*ret_size = (uint64_t)size;
	return true;
}

bool store_blob_has(struct store *s, const struct digest *d)
{
	struct err ignored;
	if (store_lease_add(s, d, &ignored) < 0)
		return false;
	db_lock(s);
	bool here = blob_here(s, d, NULL);
	db_unlock(s);
	return here;
}

int store_blob_open(struct store *s, const struct digest *d, uint64_t *ret_size, struct err *e)
{
	uint64_t size = 0;
	char path[STORE_PATH];
	if (store_lease_add(s, d, e) < 0)
		return -1;
	db_lock(s);
	bool here = blob_here(s, d, &size);
	db_unlock(s);
	path_of_blob(d, path);
	int fd = here ? openat(s->root_fd, path, O_RDONLY | O_NOFOLLOW | O_CLOEXEC) : -1;
	if (here && fd < 0 && errno != ENOENT)
		return err_sys(e, "open '%s/%s'", s->root, path);
	if (fd < 0)
		return not_here(d, e);
	if (ret_size)
		*ret_size = size;
	return fd;
}

int blob_read_raw(
        struct store *s, const struct digest *d, size_t max, struct buf *ret, struct err *e)
{
	char path[STORE_PATH], text[DIGEST_TEXT];
	auto_buf struct buf content = {0};
	path_of_blob(d, path);
	if (fs_read_file(s->root_fd, path, max, &content, e) < 0)
		return e->sys == ENOENT ? not_here(d, e) : -1;
	struct digest got = digest_of(content.p, content.n);
	digest_text(d, text);
	if (!digest_eq(&got, d))
		return err_set(e, ERR_CORRUPT,
		        "blob %s in '%s' is damaged; 'hew doctor --store' lists all that are", text,
		        s->root);
	buf_add(ret, content.p, content.n);
	return 0;
}

int store_blob_read(
        struct store *s, const struct digest *d, size_t max, struct buf *ret, struct err *e)
{
	auto_fd int fd = store_blob_open(s, d, NULL, e);
	return fd < 0 ? -1 : blob_read_raw(s, d, max, ret, e);
}

int pending_add(struct store *s, enum pending_kind kind, const struct digest *d,
        const char *flavour, struct err *e)
{
	return db_run(s, e,
	        "INSERT INTO pending(kind, key, flavour, boot, lease) VALUES(?, ?, ?, ?, ?)",
	        "ihttt", (int64_t)kind, d ? &d->h : NULL, flavour, s->boot, s->lease);
}

int blob_enter(struct store *s, int temp_fd, const struct digest *d, uint64_t size, struct err *e)
{
	char from[STORE_PATH], to[STORE_PATH];
	if (temp_path_of(s, temp_fd, from, e) < 0)
		return -1;
	path_of_blob(d, to);
	if (fault_point("store.blob.rename") < 0 || renameat(s->root_fd, from, s->root_fd, to) < 0)
		return err_sys(e, "enter '%s/%s'", s->root, to);
	temp_forget(s, temp_fd);
	if (db_run(s, e, "INSERT OR REPLACE INTO blobs(digest, size, created) VALUES(?, ?, ?)",
	            "hii", &d->h, (int64_t)size, time_now().sec) < 0)
		return -1;
	return pending_add(s, PENDING_BLOB, d, NULL, e);
}

static int check_size(int fd, const struct digest *d, uint64_t size, struct err *e)
{
	struct stat st;
	char text[DIGEST_TEXT];
	if (fstat(fd, &st) < 0)
		return err_sys(e, "look at a temporary file");
	digest_text(d, text);
	if (st.st_size < 0 || (uint64_t)st.st_size != size)
		return err_set(e, ERR_CORRUPT,
		        "blob %s is said to have %llu bytes, and %lld were written", text,
		        (unsigned long long)size, (long long)st.st_size);
	return 0;
}

int store_blob_commit(
        struct store *s, int temp_fd, const struct digest *d, uint64_t size, struct err *e)
{
	if (check_size(temp_fd, d, size, e) < 0 || store_lease_add(s, d, e) < 0 ||
	        db_begin(s, e) < 0)
		return -1;
	if (blob_here(s, d, NULL)) {
		db_rollback(s);
		temp_discard(s, temp_fd);
		return 0;
	}
	if (blob_enter(s, temp_fd, d, size, e) < 0)
		return db_abandon(s);
	return db_commit(s, e);
}

int store_blob_put(struct store *s, const void *p, size_t n, struct digest *ret, struct err *e)
{
	struct digest d = digest_of(p, n);
	if (store_lease_add(s, &d, e) < 0)
		return -1;
	if (!store_blob_has(s, &d)) {
		auto_fd int fd = store_temp_file(s, e);
		if (fd < 0)
			return -1;
		if (fault_point("store.blob.write") < 0)
			return err_sys(e, "write a blob in '%s'", s->root);
		if (fs_write_all(fd, p, n, e) < 0)
			return err_wrap(e, "write a blob in '%s'", s->root);
		if (store_blob_commit(s, fd, &d, n, e) < 0)
			return -1;
	}
	*ret = d;
	return 0;
}

int store_blob_delete(struct store *s, const struct digest *d, struct err *e)
{
	char path[STORE_PATH];
	path_of_blob(d, path);
	known_forget(s, d); // the tar of a layer, for all we know
	if (db_begin(s, e) < 0)
		return -1;
	if (db_run(s, e, "DELETE FROM blobs WHERE digest = ?", "h", &d->h) < 0)
		return db_abandon(s);
	if (db_commit(s, e) < 0 || db_begin(s, e) < 0)
		return -1;
	int64_t size;
	int rc = db_int(s, e, &size, "SELECT size FROM blobs WHERE digest = ?", "h", &d->h);
	if (rc == 0) // not entered again in between
		rc = trash_move(s, path, e);
	if (rc < 0)
		return db_abandon(s);
	db_rollback(s);
	return 0;
}

int store_blob_add_source(
        struct store *s, const struct digest *blob, const char *repository, struct err *e)
{
	if (db_begin(s, e) < 0)
		return -1;
	struct timestamp now = time_now();
	int64_t seen = now.sec * 1000000000 + now.nsec; // the order counts, also within a second
	if (db_run(s, e,
	            "INSERT OR REPLACE INTO blob_sources(digest, repository, seen) VALUES(?, ?, ?)",
	            "hti", &blob->h, repository, seen) < 0)
		return db_abandon(s);
	return db_commit(s, e);
}

int store_blob_sources(struct store *s, const struct digest *blob, struct strv *ret, struct err *e)
{
	int rc = -1;
	db_lock(s);
	sqlite3_stmt *st = db_query(s, e,
	        "SELECT repository FROM blob_sources WHERE digest = ? ORDER BY seen DESC, "
	        "repository",
	        "h", &blob->h);
	while (st && (rc = db_row(s, st, e)) == 1)
		strv_add(ret, db_column_text(st, 0));
	db_unlock(s);
	return rc;
}
