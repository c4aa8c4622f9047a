// SPDX-License-Identifier: Apache-2.0
// What hangs below a digest; for those who mark and those who count. With the database locked.
#pragma once

#include "store/db-int.h"

enum reach_kind {
	REACH_BLOB,
	REACH_DIFF_ID, // a layer, in whatever form
};
// 1: look below it, if it is an image; 0: it was known already; -1.
typedef int reach_fn(void *arg, const struct digest *d, enum reach_kind kind, struct err *e);
// For the digest itself, and if it is a manifest or index that is here, for all below it.
int reach(struct store *s, const struct digest *d, reach_fn *fn, void *arg, struct err *e);
