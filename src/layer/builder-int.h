// SPDX-License-Identifier: Apache-2.0
// What an index is made from: everything that was added, in order of adding (a record's number is
// its age), in native byte order.
#pragma once

#include "base/buf.h"
#include "layer/index-int.h"

struct index_builder {
	struct buf heap;
	struct index_record *records;
	size_t n, cap;
	struct index_xattr *xattrs;
	size_t n_xattrs, cap_xattrs;
	bool sorted; // paths came strictly ascending so far
};

// The numbers of the records that stand, sorted by path (caller frees); hard links are settled.
int index_settle(struct index_builder *b, uint32_t **ret_order, size_t *ret_n, struct err *e);
