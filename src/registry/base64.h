// SPDX-License-Identifier: Apache-2.0
// Base64 (RFC 4648 section 4), for Basic authorization and the "auth" members of credential files.
#pragma once

#include <stdbool.h>
#include <stddef.h>

struct buf;
void base64_encode(struct buf *out, const void *data, size_t n);
bool base64_decode(struct buf *out, const char *s); // false: not base64; padding may be missing
// "Basic <base64 of user:password>". Caller frees.
char *basic_authorization(const char *user, const char *password);
