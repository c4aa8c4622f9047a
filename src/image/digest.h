// SPDX-License-Identifier: Apache-2.0
// OCI content digests. hew computes sha256 only; other algorithms are refused when parsed.
#pragma once

#include "base/hash.h"

#define DIGEST_TEXT (7 + HASH_HEX) // "sha256:" + hex + NUL

struct err;

struct digest {
	struct hash h;
};

int digest_parse(const char *s, struct digest *ret, struct err *e); // ERR_CORRUPT
void digest_text(const struct digest *d, char out[static DIGEST_TEXT]);
void digest_hex(const struct digest *d, char out[static HASH_HEX]);
bool digest_eq(const struct digest *a, const struct digest *b);
bool digest_is_zero(const struct digest *d);
struct digest digest_of(const void *p, size_t n);
