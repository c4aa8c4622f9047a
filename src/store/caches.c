// SPDX-License-Identifier: Apache-2.0
// What makes builds faster and may be lost: cache mounts and the stat indexes of build contexts.
// Whoever uses a cache mount holds a shared lock on its folder through the descriptor, which goes
// with it into the step; a collector takes only what nobody has locked.

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

static bool still_named(struct store *s, int fd, const char *path)
{
	struct stat mine, named;
	return fstat(fd, &mine) == 0 &&
	       fstatat(s->root_fd, path, &named, AT_SYMLINK_NOFOLLOW) == 0 &&
	       mine.st_ino == named.st_ino;
}

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
		if (still_named(s, fd, path))
			return steal_fd(&fd);
	}
}

// When it was last used, and by which name. What is in it changes now: its size is not known.
static int note_mount(struct store *s, const char *path, const char *id, struct err *e)
{
	const char *name = fs_base_name(path);
	int64_t used = 0, now = time_now().sec;
	db_lock(s);
	int rc = db_int(s, e, &used,
	        "SELECT used FROM cache_mounts WHERE name = ? AND bytes IS NULL", "t", name);
	db_unlock(s);
	if (rc < 0 || (rc == 1 && now - used < USED_GRAIN))
		return rc < 0 ? -1 : 0;
	if (db_begin(s, e) < 0)
		return -1;
	if (db_run(s, e,
	            "INSERT OR REPLACE INTO cache_mounts(name, id, used, bytes) VALUES(?, ?, ?, "
	            "NULL)",
	            "tti", name, id, now) < 0)
		return db_abandon(s);
	return db_commit(s, e);
}

// The folder of a cache is ours, so that it can be locked, and renamed away; the folder in it may
// belong to anybody.
int store_cache_dir(
        struct store *s, const char *id, const char *flavour, int *ret_lock, struct err *e)
{
	char path[STORE_PATH];
	if (store_need_write(s, e) < 0)
		return -1;
	path_of_named("cache", id, path);
	auto_fd int lock = lock_cache(s, path, e);
	if (lock < 0)
		return -1;
	if (mkdirat(lock, flavour, 0755) < 0 && errno != EEXIST)
		return err_sys(e, "make '%s/%s/%s'", s->root, path, flavour);
	if (note_mount(s, path, id, e) < 0)
		return -1;
	int fd = openat(lock, flavour, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0)
		return err_sys(e, "open '%s/%s/%s'", s->root, path, flavour);
	*ret_lock = steal_fd(&lock);
	return fd;
}

// A descriptor that locks it, or -1: somebody uses it, or it is gone.
static int claim_mount(struct store *s, const char *path)
{
	auto_fd int fd = openat(s->root_fd, path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0 || flock(fd, LOCK_EX | LOCK_NB) < 0 || !still_named(s, fd, path))
		return -1;
	return steal_fd(&fd);
}

bool cache_is_in_use(struct store *s, const char *name)
{
	char path[STORE_PATH];
	snprintf(path, sizeof(path), "cache/%.64s", name);
	auto_fd int fd = claim_mount(s, path);
	return fd < 0;
}

// A row without its folder does no harm: on a full disk it stays.
static void forget_mount(struct store *s, const char *name)
{
	struct err ignored;
	if (db_begin(s, &ignored) < 0)
		return;
	if (db_run(s, &ignored, "DELETE FROM cache_mounts WHERE name = ?", "t", name) < 0)
		db_rollback(s);
	else
		db_commit(s, &ignored);
}

int cache_collect(struct store *s, const char *name, struct err *e)
{
	char path[STORE_PATH];
	snprintf(path, sizeof(path), "cache/%.64s", name);
	auto_fd int fd = claim_mount(s, path);
	if (fd < 0)
		return 0;
	if (trash_move(s, path, e) < 0)
		return -1;
	forget_mount(s, name);
	return 0;
}

int context_collect(struct store *s, const char *name, struct err *e)
{
	char path[STORE_PATH];
	snprintf(path, sizeof(path), "contexts/%.64s", name);
	return trash_move(s, path, e);
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

int caches_collect(struct store *s, struct err *e)
{
	return each_in(s, "cache", cache_collect, e) < 0 ||
	                       each_in(s, "contexts", context_collect, e) < 0
	               ? -1
	               : 0;
}

int store_context_put(struct store *s, const char *name, const void *p, size_t n, struct err *e)
{
	char path[STORE_PATH];
	struct digest key;
	if (!hash_parse(name, &key.h))
		return err_set(e, ERR_FAIL, "'%s' is no name for the index of a context", name);
	snprintf(path, sizeof(path), "contexts/%s", name);
	if (db_begin(s, e) < 0)
		return -1;
	if (pending_add(s, PENDING_CONTEXT, &key, NULL, e) < 0 ||
	        root_file_replace(s, path, p, n, "store.context.write", e) < 0)
		return db_abandon(s);
	return db_commit(s, e);
}
