// SPDX-License-Identifier: Apache-2.0
// How BuildKit's JSON tells of a Dockerfile and of places in it; for --call and --metadata-file.
#pragma once

#include "base/err.h"

struct buf;
struct dockerfile;
struct jw;

// A string: the bytes as Go's []byte.
void json_bytes(struct jw *w, const void *data, size_t n);
// KEY: [{"start": {"line": 1}, "end": {"line": 1}}], one a line; nothing without a line.
void json_ranges(struct jw *w, const char *key, struct pos pos);
// An object: name, text, language. BuildKit's "definition" is left out: there is no graph of its
// kind here.
void json_source_info(struct jw *w, const struct dockerfile *d, const struct buf *text);
