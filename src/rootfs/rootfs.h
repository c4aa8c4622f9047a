// SPDX-License-Identifier: Apache-2.0
// The root filesystem of a step or a process: a stack of layers, and their forms, each made when it
// is first needed and at most once. step: of the events that tell of transfers; -1: none.
#pragma once

#include "layer/chain.h"
#include "layer/index.h"
#include "rootfs/engine.h"

struct image_config;

struct rootfs {
	struct digest *layers; // bottom first
	size_t n;
	struct hash chain_id;
};
void rootfs_copy(struct rootfs *dst, const struct rootfs *src);
void rootfs_release(struct rootfs *r);
// A layer on top, which the store has to know.
int rootfs_push(struct engine *g, struct rootfs *r, const struct digest *diff_id, struct err *e);
int rootfs_of_image(
        struct engine *g, const struct image_config *c, struct rootfs *ret, struct err *e);

// ---- layers.c
int layer_need_index(struct engine *g, const struct digest *diff_id, int step,
        struct layer_index **ret, struct err *e);
// Makes the index (or the tree) of every layer that lacks it, several at once.
int layers_prepare(struct engine *g, const struct rootfs *r, int step, bool trees, struct err *e);
// A chain view over all of it (store/stored_view.h), with the indexes and tars made that it needs.
struct view *rootfs_view(struct engine *g, const struct rootfs *r, int step, struct err *e);

// ---- trees.c
// Unpacks a layer that has tar and index into an empty directory, as its tree would be. lacking:
// attributes of directories it only implies, or NULL.
int layer_unpack(struct engine *g, const struct digest *diff_id, const struct layer_index *lacking,
        int dir, struct err *e);
// The tree of a layer that implies no directories; one that does gets it from rootfs_open_trees.
bool layer_has_tree(struct engine *g, const struct digest *diff_id);
int layer_make_tree(struct engine *g, const struct digest *diff_id, int step, struct err *e);
// Descriptor of the tree, O_PATH; caller closes.
int layer_open_tree(struct engine *g, const struct digest *diff_id, int step, struct err *e);
// Enters a directory of the store's work folder as the layer's tree.
int layer_keep_tree(
        struct engine *g, const struct digest *diff_id, const char *path, struct err *e);
// Descriptors of all trees, top first, as overlayfs takes them; what was opened before a failure is
// in *ret too. A layer that occurs twice (two steps that changed nothing) is given once, where it
// is topmost: overlayfs refuses the same directory twice, and everything the lower one shows or
// hides, the upper one does as well.
int rootfs_open_trees(struct engine *g, const struct rootfs *r, int step, int **ret, size_t *ret_n,
        struct err *e);

// ---- cache_mounts.c
// The lock of a cache's id, for oneself alone; without wait NULL and *ret_taken if others have it.
struct store_lock *cache_mount_lock(
        struct engine *g, const char *id, bool wait, bool *ret_taken, struct err *e);
// What is in it, as a layer of the store; with its lock held. 1, 0: nothing is, -1.
int cache_mount_save(struct engine *g, const char *id, struct digest *ret, struct err *e);
// Makes the files of a layer a cache, all of them at once. 1, 0: it is not empty, or somebody uses
// it, -1.
int cache_mount_put(struct engine *g, const char *id, const char *sharing,
        const struct digest *layer, int step, struct err *e);
// Puts what was imported for it into an empty one. 1, 0: there is nothing, or it is not empty, -1.
int cache_mount_fill(
        struct engine *g, const char *id, const char *sharing, int step, struct err *e);

// A folder of the store's work for an overlay to write to, and its work folder beside it. The
// caller trashes base, whether this failed or not, and releases the rest.
struct upper_dirs {
	char *base; // path in the store; NULL: there is none
	int upper, work;
};
#define UPPER_DIRS_NONE ((struct upper_dirs){NULL, -1, -1})
int upper_dirs_open(struct engine *g, struct upper_dirs *ret, struct err *e);
void upper_dirs_release(struct upper_dirs *d);
