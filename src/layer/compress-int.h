// SPDX-License-Identifier: Apache-2.0
// One gzip member (RFC 1952), the same bytes wherever it is made.
#pragma once

#include <stddef.h>
#include <stdint.h>

struct err;
struct libdeflate_compressor;

size_t gzip_member_max(size_t n); // of n bytes
// *z: made if it is NULL, for one level; the caller's to free. out has room for that many.
int gzip_member(struct libdeflate_compressor **z, int level, const void *p, size_t n, uint8_t *out,
        size_t *ret_n, struct err *e);
