// SPDX-License-Identifier: Apache-2.0
// One layer in the order of its index. What that settled (files named twice, links forward) comes
// out settled.
#include "layer/repack.h"

#include "base/cancel.h"
#include "base/err.h"
#include "base/fs.h"
#include "layer/sparse.h"

static int put(const struct entry *en, int tar_fd, struct layer_writer *w, struct err *e)
{
	auto_content struct content c = {.fd = tar_fd, .offset = en->offset, .size = en->size};
	if (en->type != ENTRY_FILE || en->link || en->size == 0)
		return layer_writer_add(w, en, NULL, e);
	if (en->offset == ENTRY_NO_OFFSET)
		return err_set(e, ERR_CORRUPT, "'%s' has no bytes in the layer", en->path);
	if (entry_is_sparse(en) && sparse_open(tar_fd, en, &c, e) != 0)
		return -1;
	return layer_writer_add(w, en, &c, e);
}

static bool is_left_out(const char *path, const char *const *without)
{
	for (; without && *without; without++)
		if (fs_path_within(path, *without))
			return true;
	return false;
}

int layer_repack(const struct layer_index *ix, int tar_fd, const char *const *without,
        struct layer_writer *w, struct err *e)
{
	for (size_t i = 0; i < layer_index_count(ix); i++) {
		struct entry en;
		layer_index_at(ix, i, &en);
		if (i % 256 == 0 && cancel_check(e) != 0)
			return -1;
		if (!is_left_out(en.path, without) && put(&en, tar_fd, w, e) != 0)
			return -1;
	}
	return 0;
}
