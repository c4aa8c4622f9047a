// SPDX-License-Identifier: Apache-2.0
// What the files of this room share.
#pragma once

#include "cache/cache.h"

// A folder's index has nothing but this cache, and it has nothing but this cache's blobs.
int cache_folder_reset(const char *path, const struct digest *manifest, struct err *e);
