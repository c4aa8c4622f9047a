// SPDX-License-Identifier: Apache-2.0
// Trees: folders that overlayfs can take, in trees/<diff id>.<flavour>. A tree enters whole, by a
// rename.

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

#define FLAVOUR_NAME_MAX 40

// A flavour that could not stand in a file name (or in mount options) is named by its hash.
static void flavour_name(const char *flavour, char out[static HASH_HEX])
{
	static const char plain[] =
	        "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_";
	size_t n = strlen(flavour);
	if (n > 0 && n <= FLAVOUR_NAME_MAX && strspn(flavour, plain) == n) {
		snprintf(out, HASH_HEX, "%s", flavour);
		return;
	}
	struct hash h = hash_bytes(flavour, n);
	hash_hex(&h, out);
	out[32] = '\0';
}

void path_of_tree(const struct digest *diff_id, const char *flavour, char out[static STORE_PATH])
{
	char hex[HASH_HEX], name[HASH_HEX];
	digest_hex(diff_id, hex);
	flavour_name(flavour, name);
	snprintf(out, STORE_PATH, "trees/%s.%s", hex, name);
}

static bool tree_here(struct store *s, const struct digest *diff_id, const char *flavour)
{
	int64_t one;
	struct err ignored;
	char path[STORE_PATH];
	path_of_tree(diff_id, flavour, path);
	return db_int(s, &ignored, &one, "SELECT 1 FROM trees WHERE diff_id = ? AND flavour = ?",
	               "ht", &diff_id->h, flavour) == 1 &&
	       faccessat(s->root_fd, path, F_OK, AT_SYMLINK_NOFOLLOW) == 0;
}

bool store_tree_has(struct store *s, const struct digest *diff_id, const char *flavour)
{
	struct err ignored;
	char path[STORE_PATH];
	path_of_tree(diff_id, flavour, path);
	pthread_mutex_lock(&s->known_mutex);
	bool here = map_has(&s->known_trees, path);
	pthread_mutex_unlock(&s->known_mutex);
	if (here)
		return true;
	if (store_lease_add(s, diff_id, &ignored) < 0)
		return false;
	db_lock(s);
	here = tree_here(s, diff_id, flavour);
	db_unlock(s);
	return here;
}

int store_tree_open(
        struct store *s, const struct digest *diff_id, const char *flavour, struct err *e)
{
	char path[STORE_PATH], text[DIGEST_TEXT];
	if (store_lease_add(s, diff_id, e) < 0)
		return -1;
	digest_text(diff_id, text);
	if (!store_tree_has(s, diff_id, flavour))
		return err_set(
		        e, ERR_NOT_FOUND, "layer %s has no tree '%s' in the store", text, flavour);
	path_of_tree(diff_id, flavour, path);
	int fd = openat(s->root_fd, path, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0)
		return err_sys(e, "open '%s/%s'", s->root, path);
	pthread_mutex_lock(&s->known_mutex);
	bool known = map_has(&s->known_trees, path);
	map_set(&s->known_trees, path, s);
	pthread_mutex_unlock(&s->known_mutex);
	if (!known)
		uses_found_layer(s, diff_id);
	return fd;
}

static int enter_tree(struct store *s, const struct digest *diff_id, const char *flavour,
        const char *rel_path, struct err *e)
{
	char path[STORE_PATH];
	path_of_tree(diff_id, flavour, path);
	if (trash_move(s, path, e) < 0) // one without a row; a folder cannot be renamed over
		return -1;
	if (fault_point("store.tree.rename") < 0 ||
	        renameat(s->root_fd, rel_path, s->root_fd, path) < 0)
		return err_sys(e, "enter '%s/%s'", s->root, path);
	if (db_run(s, e, "INSERT OR REPLACE INTO trees(diff_id, flavour, created) VALUES(?, ?, ?)",
	            "hti", &diff_id->h, flavour, time_now().sec) < 0)
		return -1;
	return pending_add(s, PENDING_TREE, diff_id, flavour, e);
}

int store_tree_commit(struct store *s, const struct digest *diff_id, const char *flavour,
        const char *rel_path, struct err *e)
{
	if (store_lease_add(s, diff_id, e) < 0 || db_begin(s, e) < 0)
		return -1;
	if (tree_here(s, diff_id, flavour)) {
		db_rollback(s);
		store_trash(s, rel_path);
		return 0;
	}
	if (enter_tree(s, diff_id, flavour, rel_path, e) < 0)
		return db_abandon(s);
	return db_commit(s, e);
}
