// SPDX-License-Identifier: Apache-2.0
// Collection. Roots are names, resolutions of base tags, step records and the leases of living
// processes. Marking and deleting rows is one transaction under the gc lock, during which no lease
// can grow; a process adds to its lease first and looks second, so it either is seen here or sees
// the row gone. Files go afterwards, those that (still) have no row.

#include "base/err.h"
#include "base/fault.h"
#include "base/fs.h"
#include "base/mem.h"
#include "store/reach.h"
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

// Marked is not looked into: what one image has as a layer may be the manifest of another.
static int mark(void *store, const struct digest *d, enum reach_kind kind, struct err *e)
{
	struct store *s = store;
	if (kind != REACH_DOCUMENT)
		return db_run(
		        s, e, "INSERT OR IGNORE INTO temp.marked(digest) VALUES(?)", "h", &d->h);
	if (db_run(s, e,
	            "INSERT INTO temp.marked(digest, looked) VALUES(?, 1) ON CONFLICT(digest) DO "
	            "UPDATE SET looked = 1 WHERE NOT looked",
	            "h", &d->h) < 0)
		return -1;
	return sqlite3_changes(s->db) > 0;
}

static int mark_leased(void *store, const char *lease, const struct digest *d, struct err *e)
{
	return reach(store, d, mark, store, e);
}

static int mark_roots(struct store *s, struct err *e)
{
	struct digest *v = NULL;
	size_t n = 0;
	int rc;
	sqlite3_stmt *st = db_query(s, e,
	        "SELECT manifest FROM names UNION SELECT synced FROM names WHERE synced IS NOT "
	        "NULL "
	        "UNION SELECT manifest FROM resolutions",
	        "");
	if (!st)
		return -1;
	while ((rc = db_row(s, st, e)) == 1) {
		v = xreallocarray(v, n + 1, sizeof(*v));
		if (db_column_hash(st, 0, &v[n].h))
			n++;
	}
	for (size_t i = 0; rc == 0 && i < n; i++)
		rc = reach(s, &v[i], mark, s, e);
	free(v);
	return rc;
}

static int mark_all(struct store *s, struct err *e)
{
	if (db_exec(s,
	            "CREATE TEMP TABLE IF NOT EXISTS marked(digest BLOB PRIMARY KEY, looked INT "
	            "NOT "
	            "NULL DEFAULT 0) WITHOUT ROWID;"
	            "DELETE FROM temp.marked",
	            e) < 0)
		return -1;
	if (lease_gc_begin(s, mark_leased, s, e) < 0)
		return -1;
	if (mark_roots(s, e) == 0 &&
	        db_exec(s,
	                "INSERT OR IGNORE INTO temp.marked(digest) SELECT diff_id FROM steps WHERE "
	                "diff_id "
	                "IS "
	                "NOT NULL;"
	                // an image manifest in a lease, a layer blob in a manifest: their layers
	                // too
	                "INSERT OR IGNORE INTO temp.marked(digest) SELECT diff_id FROM layer_blobs"
	                " WHERE digest IN (SELECT digest FROM temp.marked);"
	                "INSERT OR IGNORE INTO temp.marked(digest) SELECT digest FROM layer_blobs"
	                " WHERE diff_id IN (SELECT digest FROM temp.marked)",
	                e) == 0)
		return 0;
	lease_gc_end(s);
	return -1;
}

static int delete_rows(struct store *s, struct err *e)
{
	static const char rows[] =
	        "DELETE FROM images WHERE manifest NOT IN (SELECT digest FROM temp.marked);"
	        "DELETE FROM blobs WHERE digest NOT IN (SELECT digest FROM temp.marked);"
	        "DELETE FROM trees WHERE diff_id NOT IN (SELECT digest FROM temp.marked);"
	        "DELETE FROM layers WHERE diff_id NOT IN (SELECT digest FROM temp.marked);"
	        "DELETE FROM uses WHERE digest NOT IN (SELECT digest FROM temp.marked);";
	if (db_exec(s, rows, e) < 0 || sweep_lost(s, e) < 0 || sweep_rows(s, e) < 0)
		return -1;
	return index_json_write(s, e);
}

// Ends the transaction, and the gc lock after it.
static int collect_rows(struct store *s, int flags, struct err *e)
{
	if (db_begin(s, e) < 0)
		return -1;
	if (flags & STORE_GC_STEPS &&
	        db_exec(s, "DELETE FROM steps; DELETE FROM resolutions", e) < 0)
		return db_abandon(s);
	if (mark_all(s, e) < 0)
		return db_abandon(s);
	int rc = delete_rows(s, e) < 0 ? db_abandon(s) : db_commit(s, e);
	lease_gc_end(s);
	return rc;
}

// On a full disk: first what needs nothing written, then with what was put aside for this.
static int collect_somehow(struct store *s, int flags, uint64_t *freed, struct err *e)
{
	if (collect_rows(s, flags, e) == 0)
		return 0;
	if (e->kind != ERR_SPACE)
		return -1;
	*freed += trash_reap(s, 0);
	return !store_reserve_use(s) && *freed == 0 ? -1 : collect_rows(s, flags, e);
}

static void forget_boots(struct store *s)
{
	auto_strv struct strv names = {0};
	struct err ignored;
	auto_fd int fd = openat(s->root_fd, "locks", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0 || fs_list_dir(fd, &names, &ignored) < 0)
		return;
	for (size_t i = 0; i < names.n; i++)
		if (str_has_prefix(names.v[i], BOOT_MARK) &&
		        strcmp(names.v[i] + strlen(BOOT_MARK), s->boot) != 0)
			unlinkat(fd, names.v[i], 0);
}

int gc_finish(struct store *s, uint64_t *freed, struct err *e)
{
	if (sweep_orphans(s, e) < 0 || sweep_work(s, e) < 0)
		return -1;
	forget_boots(s);
	*freed += trash_reap(s, 0);
	db_fold(s);
	reserve_make(s);
	return 0;
}

// A power cut must not bring back the rows of files that are gone.
int gc_sync(struct store *s, struct err *e)
{
	if (fault_point("store.sync") < 0 || db_sync(s) < 0)
		return err_sys(e, "write '%s/hew.db' to the disk", s->root);
	return 0;
}

static int each_in(struct store *s, const char *folder,
        int (*fn)(struct store *, const char *, struct err *), struct err *e)
{
	auto_strv struct strv names = {0};
	auto_fd int fd = openat(s->root_fd, folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		return err_sys(e, "open '%s/%s'", s->root, folder);
	if (fs_list_dir(fd, &names, e) < 0)
		return err_wrap(e, "list '%s/%s'", s->root, folder);
	for (size_t i = 0; i < names.n; i++)
		if (fn(s, names.v[i], e) < 0)
			return -1;
	return 0;
}

static int collect_caches(struct store *s, struct err *e)
{
	return each_in(s, "cache", cache_collect, e) < 0 ||
	                       each_in(s, "contexts", context_collect, e) < 0
	               ? -1
	               : 0;
}

static int remove_files(struct store *s, int flags, uint64_t *freed, struct err *e)
{
	if (gc_sync(s, e) < 0 || (flags & STORE_GC_STEPS && collect_caches(s, e) < 0))
		return -1;
	return gc_finish(s, freed, e);
}

int store_gc(struct store *s, int flags, uint64_t *ret_freed, struct err *e)
{
	uint64_t freed = 0;
	if (collect_somehow(s, flags, &freed, e) < 0)
		return -1;
	if (remove_files(s, flags, &freed, e) < 0) {
		s->dirty = true; // files without rows
		return -1;
	}
	*ret_freed = freed;
	return 0;
}
