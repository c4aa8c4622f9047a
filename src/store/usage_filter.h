// SPDX-License-Identifier: Apache-2.0
// Filters of records, as `docker buildx du` and `prune` have them: KEY=VALUE, KEY!=VALUE,
// KEY~=EXPRESSION, or a KEY alone. A record has to match all of them.
#pragma once

#include "store/usage.h"

struct usage_filter {
	struct usage_term *terms;
	size_t n;
	int64_t unused_since; // seconds since 1970; only what was last used before; 0: any time
};
void usage_filter_release(struct usage_filter *f);
#define auto_usage_filter __attribute__((cleanup(usage_filter_release)))
// Adds one. now: seconds since 1970.
int usage_filter_add(struct usage_filter *f, const char *text, int64_t now, struct err *e);
bool usage_filter_matches(const struct usage_filter *f, const struct usage_record *r);
