// SPDX-License-Identifier: Apache-2.0
// Cache mounts as people see them: listed by the id that a Dockerfile gives them, put in place,
// removed. cache/<hash of the name>/ holds a folder a flavour and the file "id", which says what
// the hash cannot. A name is the id, and of a copy that a step has for itself "id\n<number>".

#include "base/err.h"
#include "base/fault.h"
#include "base/fs.h"
#include "base/mem.h"
#include "store/db-int.h"
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#define ID_FILE "id"
#define ID_MAX 65536

struct hash store_cache_key(const char *id)
{
	auto_hasher struct hasher *h = hasher_new();
	hasher_str(h, "cache mount");
	hasher_str(h, id);
	return hasher_end(h);
}

// ---- what is known of one

void store_cache_note(int lock, const char *name, const char *sharing)
{
	auto_buf struct buf now = {0}, was = {0};
	struct err ignored;
	buf_printf(&now, "%s\n%s", sharing, name);
	if (fs_read_file(lock, ID_FILE, ID_MAX, &was, &ignored) == 0 && was.n == now.n &&
	        !memcmp(was.p, now.p, now.n)) {
		utimensat(lock, ID_FILE, NULL, AT_SYMLINK_NOFOLLOW);
		return;
	}
	fs_replace_file(lock, ID_FILE, now.p, now.n, 0644, &ignored);
}

// A descriptor that locks the folder for us alone, or -1: somebody uses it, or it is gone.
static int claim(struct store *s, const char *path)
{
	struct stat mine, named;
	auto_fd int fd = openat(s->root_fd, path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0 || flock(fd, LOCK_EX | LOCK_NB) < 0 || fstat(fd, &mine) < 0 ||
	        fstatat(s->root_fd, path, &named, AT_SYMLINK_NOFOLLOW) < 0 ||
	        mine.st_ino != named.st_ino)
		return -1;
	return steal_fd(&fd);
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

static void list_one(struct store *s, const char *folder, struct cache_mount_list *ret)
{
	char path[STORE_PATH];
	auto_buf struct buf text = {0};
	struct err ignored;
	struct stat st;
	snprintf(path, sizeof(path), "cache/%.64s", folder);
	auto_free char *file = xasprintf("%s/" ID_FILE, path);
	if (fstatat(s->root_fd, file, &st, AT_SYMLINK_NOFOLLOW) < 0 ||
	        fs_read_file(s->root_fd, file, ID_MAX, &text, &ignored) < 0)
		return; // made by an older hew: known from its next use on
	char *name = strchr(buf_cstr(&text), '\n');
	if (!name)
		return;
	auto_fd int fd = claim(s, path);
	ret->v = xreallocarray(ret->v, ret->n + 1, sizeof(*ret->v));
	ret->v[ret->n++] = (struct cache_mount){.name = xstrdup(name + 1),
	        .sharing = xstrndup(text.p, (size_t)(name - text.p)),
	        .path = xstrdup(path),
	        .used = st.st_mtim.tv_sec,
	        .in_use = fd < 0};
}

static int by_name(const void *a, const void *b)
{
	return strcmp(((const struct cache_mount *)a)->name, ((const struct cache_mount *)b)->name);
}

int store_cache_list(struct store *s, struct cache_mount_list *ret, struct err *e)
{
	auto_strv struct strv names = {0};
	auto_fd int fd = openat(s->root_fd, "cache", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0 || fs_list_dir(fd, &names, e) < 0)
		return err_sys(e, "list '%s/cache'", s->root);
	for (size_t i = 0; i < names.n; i++)
		list_one(s, names.v[i], ret);
	if (ret->n)
		qsort(ret->v, ret->n, sizeof(*ret->v), by_name);
	return 0;
}

// ---- in place and away

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
	store_cache_note(fd, name, sharing);
	return 1;
}

int store_cache_remove(struct store *s, const char *name, struct err *e)
{
	char path[STORE_PATH];
	path_of_named("cache", name, path);
	if (store_need_write(s, e) < 0)
		return -1;
	if (faccessat(s->root_fd, path, F_OK, AT_SYMLINK_NOFOLLOW) < 0 && errno == ENOENT)
		return 1;
	auto_fd int fd = claim(s, path);
	if (fd < 0)
		return 0;
	if (trash_move(s, path, e) < 0 || db_begin(s, e) < 0)
		return -1;
	if (db_run(s, e, "DELETE FROM cache_mounts WHERE name = ?", "t", fs_base_name(path)) < 0)
		return db_abandon(s);
	return db_commit(s, e) < 0 ? -1 : 1;
}

int store_step_drop(struct store *s, const struct hash *key, struct err *e)
{
	if (db_begin(s, e) < 0)
		return -1;
	if (db_run(s, e, "DELETE FROM steps WHERE key = ?", "h", key) < 0)
		return db_abandon(s);
	return db_commit(s, e);
}
