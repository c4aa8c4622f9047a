// SPDX-License-Identifier: Apache-2.0
// What the writer of an eStargz and that of its table of contents share.
#pragma once

#include "layer/estargz.h"

#define ESTARGZ_CHUNK ((uint64_t)4 << 20)

// A chunk of a file: the beginning of one gzip member.
struct estargz_chunk {
	uint64_t at, size;   // in the tar
	uint64_t place;      // of the member in the blob
	struct hash content; // of the chunk
};

// Takes what is written, in order.
struct estargz_sink {
	int (*put)(struct estargz_sink *self, const void *p, size_t n, struct err *e);
};

// The last member of the tar, with the end of the archive: compressed into blob, plain into tar.
// chunks: sorted by at.
int estargz_put_toc(const struct layer_index *ix, const struct estargz_chunk *chunks, size_t n,
        int level, struct estargz_sink *blob, struct estargz_sink *tar, struct hash *ret,
        struct err *e);
