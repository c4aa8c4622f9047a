// SPDX-License-Identifier: Apache-2.0
// Two layers that should be one, entry by entry.
#pragma once

#include "layer/index.h"
#include <stdbool.h>

enum entry_difference {
	DIFFERS_MISSING = 1 << 0, // only one of them has it
	DIFFERS_TYPE = 1 << 1,
	DIFFERS_CONTENT = 1 << 2,
	DIFFERS_LINK = 1 << 3, // what it links to
	DIFFERS_MODE = 1 << 4,
	DIFFERS_OWNER = 1 << 5,
	DIFFERS_XATTRS = 1 << 6,
	DIFFERS_DEVICE = 1 << 7,
	DIFFERS_MTIME = 1 << 8,
};
// Of one path. times: mtimes count.
unsigned entry_compare(const struct entry *a, const struct entry *b, bool times);
// Calls fn for every path that differs, in the order of paths; NULL is what is missing. fn returns
// 0 to go on, anything else ends it and is returned.
int layer_compare(const struct layer_index *a, const struct layer_index *b, bool times,
        int (*fn)(void *arg, const struct entry *a, const struct entry *b, unsigned what),
        void *arg);
