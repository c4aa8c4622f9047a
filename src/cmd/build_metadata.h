// SPDX-License-Identifier: Apache-2.0
// `hew build --metadata-file`.
#pragma once

struct buf;
struct build_result;
struct output_result;
struct err;

// Under the keys of buildx. made: what the outputs made of it; nothing written or sent leaves
// `pushed` without a media type. provenance: a predicate, or NULL.
int build_metadata_write(const char *path, const struct build_result *b,
        const struct output_result *made, const struct buf *provenance, struct err *e);
