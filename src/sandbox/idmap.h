// SPDX-License-Identifier: Apache-2.0
// The ids that an ordinary user has been given (subuid(5), subgid(5)) and a user namespace in which
// they are an image's: 0 is the user, 1 and up are the subordinate ids in the order of the files.
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

struct err;

enum { ID_RANGES_MAX = 16 };

struct id_range {
	uint32_t first, count;
};

struct id_ranges {
	struct id_range v[ID_RANGES_MAX];
	size_t n;
};

struct idmap {
	uid_t uid; // of the caller
	gid_t gid;
	struct id_ranges subuids, subgids; // none: the caller's ids are the only ones
};

// The calling user's. What is missing or malformed in the files is as good as not there.
void idmap_of_caller(struct idmap *ret);
// Both newuidmap(1) and newgidmap(1) can be run.
bool idmap_helpers(void);
// Puts the calling process, which must have a single thread, into a user namespace of its own. With
// subordinate ids the helpers write the maps; without, only 0 exists there and setgroups(2) is
// denied. ERR_SANDBOX says who refused and what grants it.
int idmap_enter(const struct idmap *m, struct err *e);
// The same with every id as it is, from where that is allowed: below root, or a namespace's root.
int idmap_enter_same(struct err *e);
