// SPDX-License-Identifier: Apache-2.0
// `hew build --metadata-file`.
#pragma once

struct build_request;
struct build_result;
struct descriptor;
struct err;

// Under the keys of buildx. pushed: of what was sent to a registry, without a media type if
// nothing was.
int build_metadata_write(const char *path, const struct build_request *r,
        const struct build_result *b, const struct descriptor *pushed, struct err *e);
