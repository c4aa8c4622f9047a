// SPDX-License-Identifier: Apache-2.0
// A layer as a directory that overlayfs takes as a lower (kernel documentation, overlayfs.rst):
// whiteouts are 0:0 character devices, opaque directories carry an xattr. Entries are sorted and
// checked when the index is opened: nothing lies below a link, a hard link's file comes first.
#include "layer/tree.h"

#include "base/cancel.h"
#include "base/err.h"
#include "base/fault.h"
#include "base/fs.h"
#include "layer/sparse.h"
#include "layer/tree-int.h"
#include "layer/view.h"

static int unpack_sparse(struct tree *t, const struct entry *en, int tar_fd, struct err *e)
{
	auto_content struct content c = CONTENT_NONE;
	return sparse_open(tar_fd, en, &c, e) != 0 ? -1 : tree_put_file(t, en, c.fd, 0, e);
}

enum { MANY = 512 }; // entries that are worth threads

struct unpack {
	struct tree tree;
	struct tree_filler *filler; // NULL: few files
	int tar_fd;
};

static int unpack_file(struct unpack *u, const struct entry *en, struct err *e)
{
	if (en->size > 0 && en->offset == ENTRY_NO_OFFSET)
		return err_set(e, ERR_CORRUPT, "'%s' has no bytes in the layer", en->path);
	if (entry_is_sparse(en))
		return unpack_sparse(&u->tree, en, u->tar_fd, e);
	if (!u->filler)
		return tree_put_file(&u->tree, en, u->tar_fd, en->offset, e);
	int fd = tree_make_file(&u->tree, en, e);
	return fd < 0 ? -1 : tree_filler_put(u->filler, en, fd, en->offset, e);
}

static int unpack_one(struct unpack *u, const struct entry *en, struct err *e)
{
	struct tree *t = &u->tree;
	switch (en->type) {
	case ENTRY_DIR:
		return tree_put_dir(t, en, e);
	case ENTRY_FILE:
		return en->link ? tree_put_link(t, en, e) : unpack_file(u, en, e);
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

static int unpack_all(struct unpack *u, const struct layer_index *ix,
        const struct layer_index *lacking, struct err *e)
{
	size_t next = 0;
	for (size_t i = 0; i < layer_index_count(ix); i++) {
		struct entry en;
		layer_index_at(ix, i, &en);
		if (i % 256 == 0 && cancel_check(e) != 0)
			return -1;
		if (fault_point("layer.tree.write") < 0)
			return err_sys(e, "make '%s'", en.path);
		if ((lacking && unpack_lacking(&u->tree, lacking, &next, en.path, e) != 0) ||
		        unpack_one(u, &en, e) != 0)
			return -1;
	}
	return 0;
}

int tree_unpack(const struct layer_index *ix, const struct layer_index *lacking, int tar_fd,
        int dirfd, enum tree_flavour flavour, struct err *e)
{
	struct unpack u = {.tar_fd = tar_fd,
	        .tree = {.chown = true,
	                .keep_root = flavour == TREE_USER,
	                .opaque_xattr = flavour == TREE_USER ? "user.overlay.opaque"
	                                                     : "trusted.overlay.opaque"}};
	if (tree_init(&u.tree, dirfd, e) != 0)
		return -1;
	if (layer_index_count(ix) >= MANY)
		u.filler = tree_filler_new(&u.tree, tar_fd);
	int rc = unpack_all(&u, ix, lacking, e);
	if (tree_filler_end(u.filler, rc == 0 ? e : &(struct err){0}) != 0)
		rc = -1;
	rc = tree_finish(&u.tree, rc, e);
	return rc == 0 ? 0 : err_wrap(e, "unpack layer");
}
