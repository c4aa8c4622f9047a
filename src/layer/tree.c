// SPDX-License-Identifier: Apache-2.0
// A layer as a directory that overlayfs takes as a lower (kernel documentation, overlayfs.rst):
// whiteouts are 0:0 character devices, opaque directories carry an xattr. Entries are sorted and
// checked when the index is opened: nothing lies below a link, a hard link's file comes first.
#include "layer/tree.h"

#include "base/cancel.h"
#include "base/err.h"
#include "base/fault.h"
#include "base/fs.h"
#include "layer/tree-int.h"

static int unpack_one(struct tree *t, const struct entry *en, int tar_fd, struct err *e)
{
	switch (en->type) {
	case ENTRY_DIR:
		return tree_put_dir(t, en, e);
	case ENTRY_FILE:
		if (en->link)
			return tree_put_link(t, en, e);
		if (en->size > 0 && en->offset == ENTRY_NO_OFFSET)
			return err_set(e, ERR_CORRUPT, "'%s' has no bytes in the layer", en->path);
		return tree_put_file(t, en, tar_fd, en->offset, e);
	case ENTRY_SYMLINK:
		return tree_put_symlink(t, en, e);
	case ENTRY_CHAR:
	case ENTRY_BLOCK:
	case ENTRY_FIFO:
	case ENTRY_WHITEOUT:
		return tree_put_node(t, en, e);
	case ENTRY_SOCKET:
		break;
	}
	return 0;
}

// Directories of `lacking` that come before path in the order of indexes.
static int unpack_lacking(struct tree *t, const struct layer_index *lacking, size_t *next,
        const char *path, struct err *e)
{
	for (; *next < layer_index_count(lacking); ++*next) {
		struct entry en;
		layer_index_at(lacking, *next, &en);
		if (fs_path_cmp(en.path, path) > 0)
			return 0;
		if (tree_put_dir(t, &en, e) != 0)
			return -1;
	}
	return 0;
}

int tree_unpack(const struct layer_index *ix, const struct layer_index *lacking, int tar_fd,
        int dirfd, enum tree_flavour flavour, struct err *e)
{
	struct tree t = {
	        .chown = true,
	        .keep_root = flavour == TREE_USER,
	        .opaque_xattr =
	                flavour == TREE_USER ? "user.overlay.opaque" : "trusted.overlay.opaque",
	};
	if (tree_init(&t, dirfd, e) != 0)
		return -1;
	int rc = 0;
	size_t next = 0;
	for (size_t i = 0; rc == 0 && i < layer_index_count(ix); i++) {
		struct entry en;
		layer_index_at(ix, i, &en);
		if (i % 256 == 0)
			rc = cancel_check(e);
		if (rc == 0 && fault_point("layer.tree.write") < 0)
			rc = err_sys(e, "make '%s'", en.path);
		if (rc == 0 && lacking)
			rc = unpack_lacking(&t, lacking, &next, en.path, e);
		if (rc == 0)
			rc = unpack_one(&t, &en, tar_fd, e);
	}
	rc = tree_finish(&t, rc, e);
	return rc == 0 ? 0 : err_wrap(e, "unpack layer");
}
