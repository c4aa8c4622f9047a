// SPDX-License-Identifier: Apache-2.0
// Records that cross the holder's channel; both ends are the same program.
#pragma once

#include "image/digest.h"
#include <stdint.h>

struct unpack_request {
	uint32_t user_flavour; // whiteouts and opaque marks of a user namespace's overlay
};

struct commit_request {
	int64_t max_mtime;
	uint32_t clamp, userxattr, nanoseconds;
};

struct commit_reply {
	struct digest diff_id;
	uint64_t tar_size;
	struct hash content_id;
};
