// SPDX-License-Identifier: Apache-2.0
// Base64 (RFC 4648 section 4).
#pragma once

#include <stdbool.h>
#include <stddef.h>

struct buf;
void base64_encode(struct buf *out, const void *data, size_t n); // appends
// Appends what s stands for. The alphabet for URLs (section 5) will do, padding may be missing.
// False: it is not base64; out may have got a part of it.
bool base64_decode(struct buf *out, const char *s);
