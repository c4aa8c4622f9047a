// SPDX-License-Identifier: Apache-2.0
// What hangs below a digest; for those who mark and those who count. With the database locked.
#pragma once

#include "store/db-int.h"

enum reach_kind {
	REACH_DOCUMENT, // it may be a manifest or index, and is asked about: see reach_fn
	REACH_BLOB,     // held as it is, whatever else it may be in another place
	REACH_DIFF_ID,  // a layer, in whatever form
};
// -1 ends the walk. Of a document 1: look below it, 0: that was done already. One that was met only
// as the blob of an image has not been looked into.
typedef int reach_fn(void *arg, const struct digest *d, enum reach_kind kind, struct err *e);
// For the digest itself, and if it is a manifest or index that is here, for all below it.
int reach(struct store *s, const struct digest *d, reach_fn *fn, void *arg, struct err *e);
