// SPDX-License-Identifier: Apache-2.0
#include "run/root.h"

#include "base/err.h"
#include "base/event.h"
#include "base/mem.h"
#include "run/mount_list.h"
#include "run/run.h"
#include <string.h>

int root_push(
        struct engine *g, const struct digest *layers, size_t n, struct rootfs *ret, struct err *e)
{
	struct rootfs r = {0};
	for (size_t i = 0; i < n; i++)
		if (rootfs_push(g, &r, &layers[i], e)) {
			rootfs_release(&r);
			return -1;
		}
	*ret = r;
	return 0;
}

static int show_layers(
        struct engine *g, const struct shown_mount *m, struct mount_list *ret, struct err *e)
{
	struct rootfs root = {0};
	auto_free int *trees = NULL;
	size_t n = 0;
	int failed = root_push(g, m->layers, m->n_layers, &root, e) ||
	             rootfs_open_trees(g, &root, -1, &trees, &n, e);
	rootfs_release(&root);
	if (failed)
		for (size_t i = 0; i < n; i++)
			close_fd(&trees[i]);
	const struct overlay_mount o = {
	        .target = m->target, .source = m->source, .read_only = m->read_only};
	return failed ? -1 : mount_list_overlay(ret, g, &o, trees, n, e);
}

// Under an overlay: who only looks must not change what the next build finds.
static int show_cache(
        struct engine *g, const struct shown_mount *m, struct mount_list *ret, struct err *e)
{
	int lock;
	int dir = store_cache_dir(g->store, m->id, NULL, g->rung.flavour, &lock, e);
	if (dir < 0)
		return -1;
	mount_list_hold(ret, lock);
	const struct overlay_mount o = {.target = m->target, .source = "/"};
	return mount_list_overlay(ret, g, &o, &dir, 1, e);
}

static int show(
        struct engine *g, const struct shown_mount *m, struct mount_list *ret, struct err *e)
{
	struct step_mount *to;
	switch (m->kind) {
	case SHOWN_LAYERS:
		return show_layers(g, m, ret, e);
	case SHOWN_CACHE:
		return show_cache(g, m, ret, e);
	case SHOWN_TMPFS:
		to = mount_list_add(ret, m->target);
		to->type = STEP_TMPFS;
		to->size = m->size;
		to->mode = m->mode;
		return 0;
	case SHOWN_FILE:
		to = mount_list_add(ret, m->target);
		to->type = STEP_FILE;
		to->data = m->data;
		to->data_len = strlen(m->data);
		to->mode = 0755;
		to->read_only = true;
		return 0;
	}
	return err_set(e, ERR_FAIL, "unknown kind of mount");
}

int root_mounts(
        struct engine *g, const struct run_root *root, struct mount_list *ret, struct err *e)
{
	for (size_t i = 0; i < root->n_mounts; i++) {
		const struct shown_mount *m = &root->mounts[i];
		if (show(g, m, ret, e) == 0)
			continue;
		if (e->kind != ERR_NOT_FOUND)
			return err_wrap(e, "show '%s'", m->target);
		event_warn(g->sink, 0, "%s is not shown: %s", m->target, e->msg);
	}
	return 0;
}
