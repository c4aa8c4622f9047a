// SPDX-License-Identifier: Apache-2.0
// What lies on the disk below the root, by path.
#pragma once

#include "base/fs.h"
#include "store/store-int.h"
#include "store/usage.h"

struct measure {
	struct map sizes; // path -> bytes as a pointer
	uint64_t kinds[USAGE_KINDS];
	bool quick; // what is known of trees and cache mounts is taken; work/ is left out
	const struct usage_helper *helper;
	struct fs_usage files;
	struct map known;   // of a quick one: path -> bytes + 1 as a pointer
	struct strv learnt; // paths measured that the database did not know
};
void measure_release(struct measure *m);
int measure_store(struct store *s, struct measure *m, struct err *e);
uint64_t measure_of(const struct measure *m, const char *path); // 0: it is not there
