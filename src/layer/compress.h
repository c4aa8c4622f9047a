// SPDX-License-Identifier: Apache-2.0
// Compression of whole layers on all cores with the same bytes whatever their number: the input is
// cut by offset, each piece is an independent gzip member or zstd frame.
#pragma once

#include "image/manifest.h"

struct err;
struct pool;

struct recipe {
	enum compression type;
	int level; // gzip: libdeflate level, default 6; zstd: default 3
};
#define RECIPE_DEFAULT ((struct recipe){COMPRESSION_GZIP, 6})
#define RECIPE_TEXT 32
// "gzip-libdeflate6-4m": what is stored beside the blob.
void recipe_text(const struct recipe *r, char out[static RECIPE_TEXT]);
// in_fd: `size` bytes from offset 0; out_fd: to where it stands. Memory stays below about 8 MiB a
// worker.
int layer_compress(int in_fd, uint64_t size, int out_fd, const struct recipe *r, struct pool *pool,
        struct digest *ret_digest, uint64_t *ret_size, struct err *e);

// Streaming inflater for any of gzip (all members), zstd (all frames), bzip2, xz, none: by content.
// For gzip it takes 8 MiB where the members are pieces like ours, else less than 1 MiB.
struct inflater;
// A file is read from its start and its position is left alone; a pipe is read as it comes.
struct inflater *inflater_new(int fd, struct err *e);
void inflater_free(struct inflater *z);
// Bytes read (0 at the end), -1 on error. A stream that ends early is ERR_CORRUPT.
ssize_t inflater_read(struct inflater *z, void *p, size_t n, struct err *e);
