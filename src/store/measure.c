// SPDX-License-Identifier: Apache-2.0
// Measuring the store's folder. A tree never changes and a cache mount only when it is used, so
// what was measured once is kept in the database; a quick measurement looks only at what is new.

#include "store/measure.h"

#include "base/err.h"
#include "base/fs.h"
#include "base/mem.h"
#include "store/db-int.h"
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

void measure_release(struct measure *m)
{
	map_release(&m->sizes);
	map_release(&m->known);
	strv_release(&m->learnt);
	fs_usage_release(&m->files);
}

uint64_t measure_of(const struct measure *m, const char *path)
{
	return (uintptr_t)map_get(&m->sizes, path);
}

static void enter(struct measure *m, const char *path, enum usage_kind kind, uint64_t bytes)
{
	m->kinds[kind] += bytes;
	map_set(&m->sizes, path, (void *)(uintptr_t)bytes);
}

// ---- what the database knows

static int load_trees(struct store *s, struct measure *m, struct err *e)
{
	int rc = -1;
	sqlite3_stmt *st = db_query(
	        s, e, "SELECT diff_id, flavour, bytes FROM trees WHERE bytes IS NOT NULL", "");
	while (st && (rc = db_row(s, st, e)) == 1) {
		struct digest d;
		char path[STORE_PATH];
		if (!db_column_hash(st, 0, &d.h))
			continue;
		path_of_tree(&d, db_column_text(st, 1), path);
		map_set(&m->known, path, (void *)(uintptr_t)(db_column_u64(st, 2) + 1));
	}
	return rc;
}

static int load_caches(struct store *s, struct measure *m, struct err *e)
{
	int rc = -1;
	sqlite3_stmt *st =
	        db_query(s, e, "SELECT name, bytes FROM cache_mounts WHERE bytes IS NOT NULL", "");
	while (st && (rc = db_row(s, st, e)) == 1) {
		auto_free char *path = xasprintf("cache/%s", db_column_text(st, 0));
		map_set(&m->known, path, (void *)(uintptr_t)(db_column_u64(st, 1) + 1));
	}
	return rc;
}

static int load_known(struct store *s, struct measure *m, struct err *e)
{
	if (!m->quick)
		return 0;
	db_lock(s);
	int rc = load_trees(s, m, e) < 0 || load_caches(s, m, e) < 0 ? -1 : 0;
	db_unlock(s);
	return rc;
}

// ---- folders

static int measure_tree(
        struct store *s, struct measure *m, const char *path, uint64_t *ret, struct err *e)
{
	uint64_t before = m->files.bytes;
	size_t denied = m->files.denied;
	if (fs_measure(s->root_fd, path, &m->files, e) < 0)
		return -1;
	*ret = m->files.bytes - before;
	if (m->files.denied > denied && m->helper)
		m->helper->measure(m->helper->arg, s->root_fd, path, ret);
	return 0;
}

static int measure_entry(
        struct store *s, struct measure *m, const char *path, enum usage_kind kind, struct err *e)
{
	uint64_t bytes = (uintptr_t)map_get(&m->known, path);
	if (bytes > 0) {
		enter(m, path, kind, bytes - 1);
		return 0;
	}
	if (measure_tree(s, m, path, &bytes, e) < 0)
		return err_wrap(e, "measure '%s/%s'", s->root, path);
	enter(m, path, kind, bytes);
	if (m->quick && (kind == USAGE_TREE || kind == USAGE_CACHE))
		strv_add(&m->learnt, path);
	return 0;
}

struct folder {
	const char *name;
	enum usage_kind kind;
	bool each; // by its entries
};

static const struct folder folders[] = {
        {"blobs/sha256", USAGE_BLOB, true},
        {"layers", USAGE_INDEX, true},
        {"trees", USAGE_TREE, true},
        {"cache", USAGE_CACHE, true},
        {"contexts", USAGE_CONTEXT, true},
        {"logs", USAGE_BUILDS, false},
        {"trash", USAGE_TRASH, true},
        {"work", USAGE_WORK, false},
        {"leases", USAGE_WORK, false},
        {"locks", USAGE_OTHER, false},
        {"hew.db", USAGE_DATABASE, false},
        {"hew.db-wal", USAGE_DATABASE, false},
        {"hew.db-shm", USAGE_DATABASE, false},
        {"hew.db-journal", USAGE_DATABASE, false},
};

static const struct folder *folder_of(const char *name)
{
	for (size_t i = 0; i < ARRAY_LEN(folders); i++)
		if (!strcmp(folders[i].name, name))
			return &folders[i];
	return NULL;
}

static void measure_self(struct store *s, struct measure *m, const char *path)
{
	struct stat st;
	if (fstatat(s->root_fd, path, &st, AT_SYMLINK_NOFOLLOW) == 0)
		m->kinds[USAGE_OTHER] += (uint64_t)st.st_blocks * 512;
}

static int measure_each(struct store *s, struct measure *m, const struct folder *f, struct err *e)
{
	auto_strv struct strv names = {0};
	auto_fd int fd = openat(s->root_fd, f->name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		return err_sys(e, "open '%s/%s'", s->root, f->name);
	if (fs_list_dir(fd, &names, e) < 0)
		return err_wrap(e, "list '%s/%s'", s->root, f->name);
	measure_self(s, m, f->name);
	for (size_t i = 0; i < names.n; i++) {
		auto_free char *path = xasprintf("%s/%s", f->name, names.v[i]);
		if (measure_entry(s, m, path, f->kind, e) < 0)
			return -1;
	}
	return 0;
}

static int measure_top(struct store *s, struct measure *m, const char *name, struct err *e)
{
	const struct folder *f = folder_of(name);
	if (!strcmp(name, "blobs")) {
		measure_self(s, m, name);
		return measure_each(s, m, folder_of("blobs/sha256"), e);
	}
	if (f && f->each)
		return measure_each(s, m, f, e);
	if (f && f->kind == USAGE_WORK && m->quick)
		return 0;
	return measure_entry(s, m, name, f ? f->kind : USAGE_OTHER, e);
}

// ---- what was learnt

static int keep_size(struct store *s, const char *path, uint64_t bytes, struct err *e)
{
	if (str_has_prefix(path, "cache/") && cache_is_in_use(s, fs_base_name(path)))
		return 0; // it may be growing
	if (str_has_prefix(path, "cache/"))
		return db_run(s, e, "UPDATE cache_mounts SET bytes = ? WHERE name = ?", "it",
		        (int64_t)bytes, fs_base_name(path));
	struct digest d;
	auto_free char *hex = xstrndup(fs_base_name(path), HASH_HEX - 1);
	const char *flavour = strchr(path, '.');
	if (!hash_parse(hex, &d.h) || !flavour)
		return 0;
	return db_run(s, e, "UPDATE trees SET bytes = ? WHERE diff_id = ? AND flavour = ?", "iht",
	        (int64_t)bytes, &d.h, flavour + 1);
}

static int keep_learnt(struct store *s, struct measure *m, struct err *e)
{
	if (m->learnt.n == 0 || !store_writable(s))
		return 0;
	if (db_begin(s, e) < 0)
		return -1;
	for (size_t i = 0; i < m->learnt.n; i++)
		if (keep_size(s, m->learnt.v[i], measure_of(m, m->learnt.v[i]), e) < 0) {
			db_rollback(s);
			return -1;
		}
	return db_commit(s, e);
}

int measure_store(struct store *s, struct measure *m, struct err *e)
{
	auto_strv struct strv names = {0};
	if (load_known(s, m, e) < 0 || fs_list_dir(s->root_fd, &names, e) < 0)
		return -1;
	measure_self(s, m, ".");
	for (size_t i = 0; i < names.n; i++)
		if (measure_top(s, m, names.v[i], e) < 0)
			return -1;
	return keep_learnt(s, m, e);
}
