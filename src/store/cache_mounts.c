// SPDX-License-Identifier: Apache-2.0
// Cache mounts. cache/<hash of the name>/ holds a folder a flavour; a row says the name, which is
// the id that a Dockerfile gives, and of a copy that a step has for itself "id\n<number>".
//
// Whoever uses one holds a shared lock on its folder through the descriptor, which goes with it
// into the step; who takes it away, or puts another in its place, wants the lock for himself and
// never waits.

#include "base/err.h"
#include "base/fault.h"
#include "base/fs.h"
#include "base/mem.h"
#include "base/timefmt.h"
#include "store/db-int.h"
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

struct hash store_cache_key(const char *id)
{
	auto_hasher struct hasher *h = hasher_new();
	hasher_str(h, "cache mount");
	hasher_str(h, id);
	return hasher_end(h);
}

// ---- locks

static int open_cache(struct store *s, const char *path, struct err *e)
{
	if (fault_point("store.cache.mkdir") < 0 ||
	        (mkdirat(s->root_fd, path, 0755) < 0 && errno != EEXIST))
		return err_sys(e, "make '%s/%s'", s->root, path);
	int fd = openat(s->root_fd, path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	return fd < 0 ? err_sys(e, "open '%s/%s'", s->root, path) : fd;
}

static int lock_cache(struct store *s, const char *path, struct err *e)
{
	for (;;) {
		auto_fd int fd = open_cache(s, path, e);
		if (fd < 0 && e->sys == ENOENT)
			continue; // collected since it was made
		if (fd < 0)
			return -1;
		int rc;
		while ((rc = flock(fd, LOCK_SH)) < 0 && errno == EINTR)
			;
		if (rc < 0)
			return err_sys(e, "lock '%s/%s'", s->root, path);
		if (fs_is_named(fd, s->root_fd, path))
			return steal_fd(&fd);
	}
}

// A descriptor that locks it, or -1: somebody uses it, or it is gone.
static int claim(struct store *s, const char *path)
{
	auto_fd int fd = openat(s->root_fd, path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0 || flock(fd, LOCK_EX | LOCK_NB) < 0 || !fs_is_named(fd, s->root_fd, path))
		return -1;
	return steal_fd(&fd);
}

// ---- what is known of one

// When it was last used, and by which name. What is in it changes now: its size is not known.
static int note(
        struct store *s, const char *path, const char *name, const char *sharing, struct err *e)
{
	const char *folder = fs_base_name(path);
	int64_t used = 0, now = time_now().sec;
	db_lock(s);
	int rc = db_int(s, e, &used,
	        "SELECT used FROM cache_mounts WHERE name = ?1 AND bytes IS NULL AND "
	        "coalesce(?2, sharing) IS sharing",
	        "tt", folder, sharing);
	db_unlock(s);
	if (rc < 0 || (rc == 1 && now - used < USED_GRAIN))
		return rc < 0 ? -1 : 0;
	if (db_begin(s, e) < 0)
		return -1;
	if (db_run(s, e,
	            "INSERT INTO cache_mounts(name, id, sharing, used) VALUES(?, ?, ?, ?) ON "
	            "CONFLICT(name) DO UPDATE SET sharing = coalesce(excluded.sharing, sharing), "
	            "used = excluded.used, bytes = NULL",
	            "ttti", folder, name, sharing, now) < 0)
		return db_abandon(s);
	return db_commit(s, e);
}

// The folder of a cache is ours, so that it can be locked, and renamed away; the folder in it may
// belong to anybody.
int store_cache_dir(struct store *s, const char *name, const char *sharing, const char *flavour,
        int *ret_lock, struct err *e)
{
	char path[STORE_PATH];
	if (store_need_write(s, e) < 0)
		return -1;
	path_of_named("cache", name, path);
	auto_fd int lock = lock_cache(s, path, e);
	if (lock < 0)
		return -1;
	if (mkdirat(lock, flavour, 0755) < 0 && errno != EEXIST)
		return err_sys(e, "make '%s/%s/%s'", s->root, path, flavour);
	if (note(s, path, name, sharing, e) < 0)
		return -1;
	int fd = openat(lock, flavour, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0)
		return err_sys(e, "open '%s/%s/%s'", s->root, path, flavour);
	*ret_lock = steal_fd(&lock);
	return fd;
}

void cache_mount_list_release(struct cache_mount_list *l)
{
	for (size_t i = 0; i < l->n; i++) {
		free(l->v[i].name);
		free(l->v[i].sharing);
		free(l->v[i].path);
	}
	free(l->v);
	*l = (struct cache_mount_list){0};
}

static void list_one(struct store *s, sqlite3_stmt *st, struct cache_mount_list *ret)
{
	const char *sharing = db_column_text(st, 2);
	auto_free char *path = xasprintf("cache/%s", db_column_text(st, 0));
	if (faccessat(s->root_fd, path, F_OK, AT_SYMLINK_NOFOLLOW) < 0)
		return;
	auto_fd int fd = claim(s, path);
	ret->v = xreallocarray(ret->v, ret->n + 1, sizeof(*ret->v));
	ret->v[ret->n++] = (struct cache_mount){.name = xstrdup(db_column_text(st, 1)),
	        .sharing = xstrdup(sharing ? sharing : "shared"),
	        .path = steal_ptr(&path),
	        .used = sqlite3_column_int64(st, 3),
	        .in_use = fd < 0};
}

int store_cache_list(struct store *s, struct cache_mount_list *ret, struct err *e)
{
	int rc = -1;
	db_lock(s);
	sqlite3_stmt *st =
	        db_query(s, e, "SELECT name, id, sharing, used FROM cache_mounts ORDER BY id", "");
	while (st && (rc = db_row(s, st, e)) == 1)
		list_one(s, st, ret);
	db_unlock(s);
	return rc;
}

// ---- in place and away

bool cache_is_in_use(struct store *s, const char *name)
{
	char path[STORE_PATH];
	snprintf(path, sizeof(path), "cache/%.64s", name);
	auto_fd int fd = claim(s, path);
	return fd < 0;
}

// A row without its folder does no harm: on a full disk it stays.
static void forget(struct store *s, const char *name)
{
	struct err ignored;
	if (db_begin(s, &ignored) < 0)
		return;
	if (db_run(s, &ignored, "DELETE FROM cache_mounts WHERE name = ?", "t", name) < 0)
		db_rollback(s);
	else
		db_commit(s, &ignored);
}

// 1, 0: somebody uses it, -1.
static int take_away(struct store *s, const char *path, struct err *e)
{
	auto_fd int fd = claim(s, path);
	if (fd < 0)
		return 0;
	if (trash_move(s, path, e) < 0)
		return -1;
	forget(s, fs_base_name(path));
	return 1;
}

int cache_collect(struct store *s, const char *name, struct err *e)
{
	char path[STORE_PATH];
	snprintf(path, sizeof(path), "cache/%.64s", name);
	return take_away(s, path, e) < 0 ? -1 : 0;
}

// An empty folder may be replaced: it goes.
static bool make_way(struct store *s, const char *path, const char *flavour)
{
	auto_free char *dir = xasprintf("%s/%s", path, flavour);
	return unlinkat(s->root_fd, dir, AT_REMOVEDIR) == 0 || errno == ENOENT;
}

bool store_cache_vacant(struct store *s, const char *name, const char *flavour)
{
	char path[STORE_PATH];
	path_of_named("cache", name, path);
	if (faccessat(s->root_fd, path, F_OK, AT_SYMLINK_NOFOLLOW) < 0)
		return errno == ENOENT;
	auto_fd int fd = claim(s, path);
	return fd >= 0 && make_way(s, path, flavour);
}

int store_cache_put(struct store *s, const char *name, const char *flavour, const char *rel_path,
        const char *sharing, struct err *e)
{
	char path[STORE_PATH];
	path_of_named("cache", name, path);
	if (fault_point("store.cache.mkdir") < 0 ||
	        (mkdirat(s->root_fd, path, 0755) < 0 && errno != EEXIST))
		return err_sys(e, "make '%s/%s'", s->root, path);
	auto_free char *dir = xasprintf("%s/%s", path, flavour);
	auto_fd int fd = claim(s, path);
	if (fd < 0 || !make_way(s, path, flavour))
		return 0;
	if (fault_point("store.cache.rename") < 0 ||
	        renameat(s->root_fd, rel_path, s->root_fd, dir) < 0)
		return err_sys(e, "enter '%s/%s'", s->root, dir);
	return note(s, path, name, sharing, e) < 0 ? -1 : 1;
}

int store_cache_remove(struct store *s, const char *name, struct err *e)
{
	char path[STORE_PATH];
	path_of_named("cache", name, path);
	if (store_need_write(s, e) < 0)
		return -1;
	if (faccessat(s->root_fd, path, F_OK, AT_SYMLINK_NOFOLLOW) < 0 && errno == ENOENT)
		return 1;
	return take_away(s, path, e);
}
