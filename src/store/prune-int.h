// SPDX-License-Identifier: Apache-2.0
// Between choosing (evict.c) and removing (prune.c).
#pragma once

#include "store/prune.h"
#include "store/usage-int.h"

struct choice {
	size_t part;
	double value;
};
struct choices {
	size_t *v; // parts
	size_t n;
};
// Parts that may go, until they have `excess` bytes.
void choose(
        const struct usage *u, const struct prune_options *o, uint64_t excess, struct choices *ret);
void choose_unneeded(const struct usage *u, struct choices *ret);
char *why_it_goes(const struct usage *u, const struct usage_part *p); // caller frees
