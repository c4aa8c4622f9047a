// SPDX-License-Identifier: Apache-2.0
// The tree of a layer: a directory that overlayfs can take as a lower, made from index and tar.
#pragma once

#include "layer/index.h"
#include "layer/view.h"
#include <stdbool.h>

enum tree_flavour {
	TREE_TRUSTED, // trusted.overlay.*, 0:0 character devices as whiteouts (root)
	TREE_USER,    // user.overlay.* (mounted with userxattr)
};
// Unpacks into the empty directory dirfd. Ids are set as the image says (the caller runs where they
// are valid). Never follows a link; nothing outside dirfd is touched. lacking: attributes of
// directories that the layer only implies (layer_index_lacking), or NULL.
int tree_unpack(const struct layer_index *ix, const struct layer_index *lacking, int tar_fd,
        int dirfd, enum tree_flavour flavour, struct err *e);
// The plain files of a view into a directory (type=local): no whiteouts. chown only when as_root.
// mtime: the time that all get; NULL: their own.
int tree_export(struct view *v, int dirfd, bool as_root, const int64_t *mtime, struct err *e);
