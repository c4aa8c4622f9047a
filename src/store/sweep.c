// SPDX-License-Identifier: Apache-2.0
// Cleaning up: files that no row knows (a process was killed between rename and commit), rows that
// lost their files or what they stand on, and everything another boot wrote without a sync. All
// under the write lock, so that nobody is between a rename and its commit meanwhile.

#include "base/err.h"
#include "base/fault.h"
#include "base/fs.h"
#include "base/mem.h"
#include "store/db-int.h"
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

// ---- files without rows

struct sweep {
	const char *folder;
	// 1 known, 0 not, -1 error. name: of the file.
	int (*known)(struct store *s, const char *name, struct err *e);
};

static int known_blob(struct store *s, const char *name, struct err *e)
{
	struct hash h;
	int64_t one;
	if (!hash_parse(name, &h))
		return 0;
	return db_int(s, e, &one, "SELECT 1 FROM blobs WHERE digest = ?", "h", &h);
}

static int known_index(struct store *s, const char *name, struct err *e)
{
	struct hash h;
	int64_t one;
	if (!hash_parse(name, &h))
		return 0;
	return db_int(s, e, &one, "SELECT 1 FROM layers WHERE diff_id = ? AND has_index", "h", &h);
}

static int known_tree(struct store *s, const char *name, struct err *e)
{
	struct digest d;
	char hex[HASH_HEX], path[STORE_PATH];
	int rc, found = 0;
	snprintf(hex, sizeof(hex), "%s", name);
	if (!hash_parse(hex, &d.h))
		return 0;
	sqlite3_stmt *st = db_query(s, e, "SELECT flavour FROM trees WHERE diff_id = ?", "h", &d.h);
	if (!st)
		return -1;
	while ((rc = db_row(s, st, e)) == 1) {
		path_of_tree(&d, db_column_text(st, 0), path);
		found |= !strcmp(fs_base_name(path), name);
	}
	return rc < 0 ? -1 : found;
}

static int sweep_folder(struct store *s, const struct sweep *w, struct err *e)
{
	auto_strv struct strv names = {0};
	auto_fd int fd = openat(s->root_fd, w->folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		return err_sys(e, "open '%s/%s'", s->root, w->folder);
	if (fs_list_dir(fd, &names, e) < 0)
		return err_wrap(e, "list '%s/%s'", s->root, w->folder);
	for (size_t i = 0; i < names.n; i++) {
		int known = w->known(s, names.v[i], e);
		if (known < 0)
			return -1;
		if (known)
			continue;
		auto_free char *path = xasprintf("%s/%s", w->folder, names.v[i]);
		if (trash_move(s, path, e) < 0)
			return -1;
	}
	return 0;
}

static int known_log(struct store *s, const char *name, struct err *e)
{
	int64_t one;
	size_t n = strlen(name) - (str_has_suffix(name, LOG_LAST) ? strlen(LOG_LAST) : 0);
	auto_free char *id = xstrndup(name, n);
	int found = db_int(s, e, &one, "SELECT 1 FROM builds WHERE id = ?", "t", id);
	return found ? found : log_is_locked(s, id);
}

int sweep_logs(struct store *s, struct err *e)
{
	static const struct sweep sweep = {"logs", known_log};
	return sweep_folder(s, &sweep, e);
}

int sweep_orphans(struct store *s, struct err *e)
{
	static const struct sweep sweeps[] = {
	        {"blobs/sha256", known_blob}, {"layers", known_index}, {"trees", known_tree}};
	if (db_begin(s, e) < 0)
		return -1;
	for (size_t i = 0; i < ARRAY_LEN(sweeps); i++)
		if (sweep_folder(s, &sweeps[i], e) < 0)
			return db_abandon(s);
	if (sweep_logs(s, e) < 0)
		return db_abandon(s);
	db_rollback(s);
	return 0;
}

static int has_lease(struct store *s, const char *name, struct err *e)
{
	auto_free char *path = xasprintf("leases/%s", name);
	return faccessat(s->root_fd, path, F_OK, AT_SYMLINK_NOFOLLOW) == 0;
}

int sweep_work(struct store *s, struct err *e)
{
	static const struct sweep sweep = {"work", has_lease};
	return sweep_folder(s, &sweep, e);
}

// ---- rows without rows

// A layer that is neither here, as tar or as the blob it came as, nor known to be anywhere. What it
// was compressed to for others does not count: nothing is built on that.
#define IS_LOST(diff_id)                                                                     \
	diff_id " NOT IN (SELECT digest FROM blobs) AND " diff_id                            \
	        " NOT IN (SELECT diff_id FROM layer_blobs WHERE recipe = '' AND (digest IN " \
	        "(SELECT digest FROM blobs) OR digest IN (SELECT digest FROM blob_sources)))"

int sweep_rows(struct store *s, struct err *e)
{
	static const char rows[] =
	        "DELETE FROM layer_blobs WHERE diff_id NOT IN (SELECT diff_id FROM layers);"
	        "DELETE FROM layer_notes WHERE diff_id NOT IN (SELECT diff_id FROM layers);"
	        // an image is its manifest, its config where it has one, and its layers
	        "DELETE FROM images WHERE manifest NOT IN (SELECT digest FROM blobs) OR"
	        " (image_id <> zeroblob(32) AND image_id NOT IN (SELECT digest FROM blobs)) OR"
	        " manifest IN (SELECT manifest FROM image_layers WHERE " IS_LOST(
	                "diff_id") ");"
	                           "DELETE FROM image_layers WHERE manifest NOT IN (SELECT "
	                           "manifest FROM images);"
	                           // a name whose image did not survive goes back to the last one
	                           // that was safe
	                           "UPDATE names SET manifest = synced WHERE manifest NOT IN "
	                           "(SELECT manifest FROM "
	                           "images)"
	                           " AND synced IN (SELECT manifest FROM images);"
	                           "DELETE FROM names WHERE manifest NOT IN (SELECT manifest FROM "
	                           "images);"
	                           "UPDATE names SET synced = NULL WHERE synced NOT IN (SELECT "
	                           "manifest FROM images);"
	                           "DELETE FROM resolutions WHERE manifest NOT IN (SELECT digest "
	                           "FROM blobs);"
	                           "DELETE FROM blob_sources WHERE digest NOT IN (SELECT digest "
	                           "FROM layer_blobs)"
	                           " AND digest NOT IN (SELECT digest FROM blobs)"
	                           // young ones are of what somebody is about to fetch
	                           " AND seen < (strftime('%s', 'now') - 600) * 1000000000;"
	                           "DELETE FROM steps WHERE diff_id IS NOT NULL AND " IS_LOST(
	                                   "diff_id") ";"
	                                              "DELETE FROM pending WHERE (kind = 1 AND key "
	                                              "NOT IN (SELECT digest FROM blobs))"
	                                              " OR (kind = 2 AND key NOT IN (SELECT "
	                                              "diff_id FROM layers WHERE has_index))"
	                                              " OR (kind = 3 AND key NOT IN (SELECT "
	                                              "diff_id FROM trees));";
	return db_exec(s, rows, e);
}

// ---- rows without files, and another boot

struct lost {
	int kind; // enum pending_kind
	struct digest digest;
	char *flavour;
};

struct lost_list {
	struct lost *v;
	size_t n;
};

static void lost_list_release(struct lost_list *l)
{
	for (size_t i = 0; i < l->n; i++)
		free(l->v[i].flavour);
	free(l->v);
}

static int drop_lost(struct store *s, const struct lost *l, struct err *e)
{
	char path[STORE_PATH], hex[HASH_HEX];
	switch (l->kind) {
	case PENDING_BLOB:
		path_of_blob(&l->digest, path);
		if (db_run(s, e, "DELETE FROM blobs WHERE digest = ?", "h", &l->digest.h) < 0)
			return -1;
		break;
	case PENDING_INDEX:
		path_of_index(&l->digest, path);
		if (db_run(s, e, "UPDATE layers SET has_index = 0 WHERE diff_id = ?", "h",
		            &l->digest.h) < 0)
			return -1;
		break;
	case PENDING_TREE:
		path_of_tree(&l->digest, l->flavour, path);
		if (db_run(s, e, "DELETE FROM trees WHERE diff_id = ? AND flavour = ?", "ht",
		            &l->digest.h, l->flavour) < 0)
			return -1;
		break;
	case PENDING_CONTEXT:
		digest_hex(&l->digest, hex);
		snprintf(path, sizeof(path), "contexts/%s", hex);
		break;
	default:
		return 0;
	}
	return trash_move(s, path, e);
}

static bool is_whole(struct store *s, const struct lost *l, uint64_t size)
{
	struct stat st;
	char path[STORE_PATH];
	if (l->kind == PENDING_BLOB)
		path_of_blob(&l->digest, path);
	else if (l->kind == PENDING_INDEX)
		path_of_index(&l->digest, path);
	else
		path_of_tree(&l->digest, l->flavour, path);
	if (fstatat(s->root_fd, path, &st, AT_SYMLINK_NOFOLLOW) < 0)
		return false;
	if (l->kind == PENDING_BLOB)
		return S_ISREG(st.st_mode) && (uint64_t)st.st_size == size;
	return l->kind == PENDING_TREE ? S_ISDIR(st.st_mode) : S_ISREG(st.st_mode);
}

// Rows of kind, key, flavour, size. Those that are whole are left out; size NULL: none are.
static int read_lost(struct store *s, sqlite3_stmt *st, struct lost_list *ret, struct err *e)
{
	int rc = -1;
	while (st && (rc = db_row(s, st, e)) == 1) {
		const char *flavour = db_column_text(st, 2);
		struct lost l = {.kind = sqlite3_column_int(st, 0),
		        .flavour = xstrdup(flavour ? flavour : "")};
		if (!db_column_hash(st, 1, &l.digest.h))
			l.kind = 0;
		if (sqlite3_column_type(st, 3) != SQLITE_NULL &&
		        is_whole(s, &l, db_column_u64(st, 3))) {
			free(l.flavour);
			continue;
		}
		ret->v = xreallocarray(ret->v, ret->n + 1, sizeof(*ret->v));
		ret->v[ret->n++] = l;
	}
	return rc;
}

static int drop_all(struct store *s, sqlite3_stmt *st, struct err *e)
{
	struct lost_list list = {0};
	int rc = read_lost(s, st, &list, e);
	for (size_t i = 0; rc == 0 && i < list.n; i++)
		rc = drop_lost(s, &list.v[i], e);
	lost_list_release(&list);
	return rc;
}

int sweep_lost(struct store *s, struct err *e)
{
	sqlite3_stmt *st = db_query(s, e,
	        "SELECT 1, digest, NULL, size FROM blobs"
	        " UNION ALL SELECT 2, diff_id, NULL, 0 FROM layers WHERE has_index"
	        " UNION ALL SELECT 3, diff_id, flavour, 0 FROM trees",
	        "");
	return drop_all(s, st, e);
}

// A store shared between machines: another boot may be another machine, whose process lives.
static int drop_lease(struct store *s, const char *boot, const char *lease, struct err *e)
{
	sqlite3_stmt *st = db_query(s, e,
	        "SELECT kind, key, flavour, NULL FROM pending WHERE boot = ? AND lease = ?", "tt",
	        boot, lease);
	return drop_all(s, st, e) < 0
	               ? -1
	               : db_run(s, e, "DELETE FROM pending WHERE boot = ? AND lease = ?", "tt",
	                         boot, lease);
}

static int drop_boots(struct store *s, struct err *e)
{
	auto_strv struct strv boots = {0}, leases = {0};
	int rc;
	sqlite3_stmt *st = db_query(
	        s, e, "SELECT DISTINCT boot, lease FROM pending WHERE boot <> ?", "t", s->boot);
	if (!st)
		return -1;
	while ((rc = db_row(s, st, e)) == 1) {
		strv_add(&boots, db_column_text(st, 0));
		strv_add(&leases, db_column_text(st, 1));
	}
	for (size_t i = 0; rc == 0 && i < boots.n; i++)
		if (!lease_alive(s, leases.v[i]))
			rc = drop_lease(s, boots.v[i], leases.v[i], e);
	if (rc < 0 || sweep_rows(s, e) < 0)
		return -1;
	return index_json_write(s, e);
}

int recover_boots(struct store *s, struct err *e)
{
	int64_t one;
	db_lock(s);
	int any = db_int(s, e, &one, "SELECT 1 FROM pending WHERE boot <> ? LIMIT 1", "t", s->boot);
	db_unlock(s);
	if (any <= 0)
		return any;
	if (db_begin(s, e) < 0)
		return -1;
	if (drop_boots(s, e) < 0)
		return db_abandon(s);
	return db_commit(s, e);
}
