// SPDX-License-Identifier: Apache-2.0
// Pieces of a layer, and one gzip member (RFC 1952), the same bytes wherever it is made.
#pragma once

#include <stddef.h>
#include <stdint.h>

// What goes into one member or frame of a layer. In pieces of 1 MiB node_modules take 0.2 % more,
// for each begins without what came before.
#define LAYER_PIECE ((size_t)4 << 20)

struct err;
struct libdeflate_compressor;

size_t gzip_member_max(size_t n); // of n bytes
// *z: made if it is NULL, for one level; the caller's to free. out has room for that many.
int gzip_member(struct libdeflate_compressor **z, int level, const void *p, size_t n, uint8_t *out,
        size_t *ret_n, struct err *e);
