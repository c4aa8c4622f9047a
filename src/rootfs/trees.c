// SPDX-License-Identifier: Apache-2.0
// Tar and index -> tree, and the stack of trees that overlayfs mounts. A tree is named by its layer
// alone, so it serves wherever the layer occurs; only a layer that implies directories without
// saying what they are gets one of its own above each different ground.
#include "base/err.h"
#include "base/mem.h"
#include "rootfs/jobs.h"
#include "rootfs/rootfs.h"
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

int layer_unpack(struct engine *g, const struct digest *diff_id, const struct layer_index *lacking,
        int dir, struct err *e)
{
	struct unpack_request req = {.user_flavour = g->rung.userxattr};
	char hex[HASH_HEX];
	digest_hex(diff_id, hex);
	auto_free char *path = xasprintf("%s/layers/%s", store_root(g->store), hex);
	auto_fd int index = open(path, O_RDONLY | O_CLOEXEC);
	auto_fd int more = lacking ? store_temp_file(g->store, e) : -1;
	if (index < 0)
		return err_sys(e, "open '%s'", path);
	if (lacking && (more < 0 || layer_index_write(lacking, more, e)))
		return -1;
	auto_fd int tar = store_layer_tar(g->store, diff_id, e);
	struct holder *h = tar < 0 ? NULL : engine_holder(g, e);
	if (!h)
		return -1;
	auto_buf struct buf reply = {0};
	int fds[] = {index, tar, dir, more};
	if (holder_call(
	            h, "unpack", &req, sizeof(req), fds, lacking ? 4 : 3, g->stop_fd, &reply, e))
		return err_wrap(e, "unpack layer sha256:%.12s", hex);
	return 0;
}

// ---- one tree

static int make_tree(struct engine *g, const struct digest *diff_id, const char *flavour,
        const struct layer_index *lacking, struct err *e)
{
	auto_free char *path = NULL;
	auto_fd int dir = store_temp_dir(g->store, &path, e);
	if (dir < 0 || layer_unpack(g, diff_id, lacking, dir, e))
		return -1;
	return store_tree_commit(g->store, diff_id, flavour, path, e);
}

// Under a lock of the tree's name, so that threads and processes make it once.
static int need_tree(struct engine *g, const struct digest *diff_id, const char *flavour,
        const struct layer_index *lacking, struct err *e)
{
	if (store_tree_has(g->store, diff_id, flavour))
		return 0;
	char hex[HASH_HEX];
	digest_hex(diff_id, hex);
	auto_free char *name = xasprintf("tree-%s.%s", hex, flavour);
	struct store_lock *lock = store_lock(g->store, name, e);
	if (!lock)
		return -1;
	int r = 0;
	if (!store_tree_has(g->store, diff_id, flavour)) // else somebody was faster
		r = make_tree(g, diff_id, flavour, lacking, e);
	store_unlock(lock);
	return r;
}

int layer_open_tree(struct engine *g, const struct digest *diff_id, int step, struct err *e)
{
	struct layer_index *ix;
	if (!store_tree_has(g->store, diff_id, g->rung.flavour) &&
	        (layer_need_index(g, diff_id, step, &ix, e) ||
	                need_tree(g, diff_id, g->rung.flavour, NULL, e)))
		return -1;
	return store_tree_open(g->store, diff_id, g->rung.flavour, e);
}

bool layer_has_tree(struct engine *g, const struct digest *diff_id)
{
	return store_tree_has(g->store, diff_id, g->rung.flavour);
}

int layer_make_tree(struct engine *g, const struct digest *diff_id, int step, struct err *e)
{
	struct layer_index *ix;
	if (layer_need_index(g, diff_id, step, &ix, e))
		return -1;
	if (layer_index_implied(ix))
		return 0; // what tree it gets depends on the layers below
	return need_tree(g, diff_id, g->rung.flavour, NULL, e);
}

int layer_keep_tree(struct engine *g, const struct digest *diff_id, const char *path, struct err *e)
{
	return store_tree_commit(g->store, diff_id, g->rung.flavour, path, e);
}

// ---- what is written

int upper_dirs_open(struct engine *g, struct upper_dirs *ret, struct err *e)
{
	*ret = UPPER_DIRS_NONE;
	auto_fd int dir = store_temp_dir(g->store, &ret->base, e);
	if (dir < 0)
		return -1;
	if (mkdirat(dir, "upper", 0755) || mkdirat(dir, "work", 0700) ||
	        fchmodat(dir, "upper", 0755, 0)) // whatever the umask
		return err_sys(e, "make the step's directories");
	ret->upper = openat(dir, "upper", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	ret->work = openat(dir, "work", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	return ret->upper < 0 || ret->work < 0 ? err_sys(e, "open the step's directories") : 0;
}

void upper_dirs_release(struct upper_dirs *d)
{
	close_fd(&d->upper);
	close_fd(&d->work);
	free(d->base);
	*d = UPPER_DIRS_NONE;
}

// ---- the stack

// The tree of layer i above the layers below it; *ret_flavour (caller frees) names it.
static int need_tree_above(struct engine *g, const struct rootfs *r, size_t i,
        const struct layer_index *ix, int step, char **ret_flavour, struct err *e)
{
	const struct rootfs ground = {.layers = r->layers, .n = i};
	struct layer_index *lacking = NULL;
	auto_view struct view *below = rootfs_view(g, &ground, step, e);
	if (!below || layer_index_lacking(ix, below, &lacking, e))
		return -1;
	char hex[HASH_HEX];
	struct hash h = lacking ? layer_index_content_id(lacking) : (struct hash){{0}};
	hash_hex(&h, hex);
	auto_free char *flavour = xasprintf("%s-%.16s", g->rung.flavour, hex);
	int rc = need_tree(g, &r->layers[i], flavour, lacking, e);
	layer_index_close(lacking);
	*ret_flavour = steal_ptr(&flavour);
	return rc;
}

static int open_in_stack(
        struct engine *g, const struct rootfs *r, size_t i, int step, struct err *e)
{
	const struct digest *d = &r->layers[i];
	struct layer_index *ix;
	if (store_tree_has(g->store, d, g->rung.flavour))
		return store_tree_open(g->store, d, g->rung.flavour, e);
	if (layer_need_index(g, d, step, &ix, e))
		return -1;
	if (layer_index_implied(ix) == 0)
		return layer_open_tree(g, d, step, e);
	auto_free char *flavour = NULL;
	if (need_tree_above(g, r, i, ix, step, &flavour, e))
		return -1;
	return store_tree_open(g->store, d, flavour, e);
}

static bool is_repeated(const struct rootfs *r, size_t i)
{
	for (size_t above = i + 1; above < r->n; above++)
		if (digest_eq(&r->layers[i], &r->layers[above]))
			return true;
	return false;
}

int rootfs_open_trees(
        struct engine *g, const struct rootfs *r, int step, int **ret, size_t *ret_n, struct err *e)
{
	if (layers_prepare(g, r, step, true, e))
		return -1;
	*ret = xcalloc(r->n + 1, sizeof(**ret));
	for (size_t i = r->n; i-- > 0;) {
		if (is_repeated(r, i))
			continue;
		int fd = open_in_stack(g, r, i, step, e);
		if (fd < 0)
			return -1;
		(*ret)[(*ret_n)++] = fd;
	}
	return 0;
}
