// SPDX-License-Identifier: Apache-2.0
// eStargz (containerd/stargz-snapshotter, docs/estargz.md): a gzip layer whose files can be fetched
// one by one. Each file's bytes begin a gzip member, and the last member of the tar is a table of
// contents with their places and digests; the footer says where that begins.
#pragma once

#include "layer/index.h"

struct digest;
struct err;
struct pool;

#define ESTARGZ_TOC_DIGEST "containerd.io/snapshot/stargz/toc.digest"
#define ESTARGZ_TAR_SIZE "io.containers.estargz.uncompressed-size"

struct estargz {
	struct hash blob, diff_id, toc; // diff_id: of the tar with the table in it
	uint64_t blob_size, tar_size;
};
// tar_fd: of the layer; spool_fd: an empty file for the tar without the table; out_fd: to where it
// stands. level: 0 to 9. The bytes do not depend on the number of workers.
int layer_estargz(const struct layer_index *ix, int tar_fd, int spool_fd, int out_fd, int level,
        struct pool *pool, struct estargz *ret, struct err *e);
