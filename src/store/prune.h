// SPDX-License-Identifier: Apache-2.0
// Removing from the store what can be had again: by filters, or as much as a limit asks for, what
// costs least first. What a name or a living process needs stays whatever is asked for.
#pragma once

#include "store/usage.h"

struct usage_filter;

// As BuildKit has them, in bytes; 0: none. The store shall take up at most max_used, and less if
// less than min_free is free on the disk, but is never brought below reserved.
struct prune_limits {
	uint64_t max_used, reserved, min_free;
};
struct prune_options {
	struct prune_limits limits;        // all 0: whatever matches goes
	const struct usage_filter *filter; // NULL: all match
	bool internal;                     // documents of images too
	bool dry_run;
	const struct usage_helper *helper; // may be NULL
};

struct prune_item {
	char *id, *what, *why;
	enum usage_kind kind;
	enum usage_type type;
	uint64_t bytes;
	int64_t used;
};
struct prune_result {
	struct prune_item *v;
	size_t n;
	uint64_t bytes; // of the items
	uint64_t freed; // of all that was deleted meanwhile
};
void prune_result_release(struct prune_result *r);
#define auto_prune_result __attribute__((cleanup(prune_result_release)))

// What nothing needs at all, which store_gc removes.
int store_unneeded(struct store *s, const struct usage_helper *helper, struct prune_result *ret,
        struct err *e);
int store_prune(
        struct store *s, const struct prune_options *o, struct prune_result *ret, struct err *e);
// Asked at the end of each build, so it is quick: nothing was made since the limits were last kept,
// or the disk as a whole is within them.
bool store_may_be_above(const struct store *s, const struct prune_limits *limits);
// For a command that needs nothing of the store any more. Of a store that is above its limits so
// much goes as they ask for, what nothing needs first; of another one nothing. What this process
// has used counts as used, and may go.
int store_keep_within(struct store *s, const struct prune_limits *limits,
        const struct usage_helper *helper, struct prune_result *ret, struct err *e);
// How many of `total` bytes the limits let stay, with so many free on the disk.
uint64_t prune_keeps(uint64_t total, uint64_t free_bytes, const struct prune_limits *l);
// Of the file system that the store lies on.
uint64_t store_disk_size(const struct store *s);
