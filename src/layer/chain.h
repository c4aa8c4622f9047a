// SPDX-License-Identifier: Apache-2.0
// The chain view: a stack of layer indexes seen as overlayfs would show it (whiteouts, opaque
// directories, a file over a directory), without mounting anything.
#pragma once

#include "layer/index.h"
#include "layer/view.h"

// Gives the descriptor of the uncompressed tar of layer i, on demand (it may have to be fetched or
// inflated first). The descriptor stays the source's. -1 with *e set.
struct tar_source {
	int (*tar_fd)(struct tar_source *self, size_t layer, struct err *e);
};

// layers: bottom first; n may be 0 (scratch: only the root). The array is copied; the indexes and
// src are borrowed and must outlive the view.
struct view *chain_new(struct layer_index *const *layers, size_t n, struct tar_source *src);
// Which layer (index into layers) an entry of this view came from; -1 for the implied root.
int chain_layer_of(struct view *chain, const char *path);
// H(parent chain id, content id): the id of the file system that a layer on top of a parent makes.
struct hash chain_id_next(const struct hash *parent, const struct hash *content_id);
