// SPDX-License-Identifier: Apache-2.0
// A cache mount as a layer, and a layer as a cache mount. So it goes the way that layers go:
// compressed as they are, sent and fetched with them, read and unpacked by the holder under the
// image's ids, and what comes from outside is checked as a layer is. What is to be put into a cache
// is a step record under store_cache_key.
#include "base/err.h"
#include "base/mem.h"
#include "rootfs/jobs.h"
#include "rootfs/rootfs.h"
#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

struct store_lock *cache_mount_lock(
        struct engine *g, const char *id, bool wait, bool *ret_taken, struct err *e)
{
	auto_free char *name = xasprintf("cache-%s", id);
	return wait ? store_lock(g->store, name, e) : store_trylock(g->store, name, ret_taken, e);
}

// ---- out

static int save(struct engine *g, int dir, struct digest *ret, struct err *e)
{
	// What lies in it is not an image: builders of its kind (cargo, make) compare such times.
	struct commit_request req = {.userxattr = g->rung.userxattr, .nanoseconds = true};
	struct commit_reply made;
	auto_buf struct buf reply = {0};
	auto_fd int tar = store_temp_file(g->store, e);
	auto_fd int index = tar < 0 ? -1 : store_temp_file(g->store, e);
	struct holder *h = index < 0 ? NULL : engine_holder(g, e);
	int fds[] = {dir, tar, index};
	if (!h || holder_call(h, "save", &req, sizeof(req), fds, 3, g->stop_fd, &reply, e))
		return -1;
	if (reply.n != sizeof(made))
		return err_set(e, ERR_FAIL, "save a cache mount: malformed answer");
	memcpy(&made, reply.p, sizeof(made));
	struct layer_result r = {.diff_id = made.diff_id,
	        .tar_size = made.tar_size,
	        .content_id = made.content_id,
	        .index = layer_index_open(index, e)};
	int rc = r.index ? 0 : -1;
	bool empty = r.index && layer_index_count(r.index) == 0;
	if (!rc && !empty)
		rc = store_layer_commit(g->store, tar, &r, e);
	*ret = made.diff_id;
	layer_result_release(&r);
	return rc ? -1 : !empty;
}

int cache_mount_save(struct engine *g, const char *id, struct digest *ret, struct err *e)
{
	if (store_cache_vacant(g->store, id, g->rung.flavour))
		return 0;
	int lock = -1;
	auto_fd int dir = store_cache_dir(g->store, id, NULL, g->rung.flavour, &lock, e);
	int rc = dir < 0 ? -1 : save(g, dir, ret, e);
	close_fd(&lock);
	return rc < 0 ? err_wrap(e, "cache mount %s", id) : rc;
}

// ---- in

int cache_mount_put(struct engine *g, const char *id, const char *sharing,
        const struct digest *layer, int step, struct err *e)
{
	struct layer_index *ignored;
	auto_free char *path = NULL;
	if (layer_need_index(g, layer, step, &ignored, e))
		return -1;
	auto_fd int dir = store_temp_dir(g->store, &path, e);
	int rc = dir < 0 ? -1 : layer_unpack(g, layer, NULL, dir, e);
	if (!rc)
		rc = store_cache_put(g->store, id, g->rung.flavour, path, sharing, e);
	if (rc <= 0 && path)
		store_trash(g->store, path);
	return rc;
}

int cache_mount_fill(struct engine *g, const char *id, const char *sharing, int step, struct err *e)
{
	struct step_record r = {0};
	struct hash key = store_cache_key(id);
	int found = store_step_get(g->store, &key, &r, e);
	if (found == 1 && !r.has_layer)
		found = 0;
	if (found == 1 && store_cache_vacant(g->store, id, g->rung.flavour))
		found = cache_mount_put(g, id, sharing, &r.diff_id, step, e);
	else if (found == 1)
		found = 0;
	// It is in the cache now, and grows there: the layer is not needed any more.
	if (found == 1 && store_step_drop(g->store, &key, e))
		found = -1;
	step_record_release(&r);
	return found < 0 ? err_wrap(e, "cache mount %s", id) : found;
}
