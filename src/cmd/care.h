// SPDX-License-Identifier: Apache-2.0
// How much the store may take up: sizes as people write them, what is kept by default, and the
// collection that comes after a build.
#pragma once

#include "store/prune.h"

// "10GB", "512m", "20%" of the disk (disk 0: no percentages). what: the option, for the message.
int size_of(const char *text, const char *what, uint64_t disk, uint64_t *ret, struct err *e);
// What HEW_STORE_MAX says, or the default.
int store_limits(const struct store *s, struct prune_limits *ret, struct err *e);
// After everything has been printed. Never fails. tell: on standard error what went, if anything.
void care_after_build(struct store *s, const struct prune_limits *limits, bool tell);
// On a full disk: removes what nothing needs, and of what this process does not use what costs
// least to have again. False: there was nothing.
bool care_make_room(struct store *s);

// Of a record, for a table. Caller frees.
char *short_id(const char *id);
char *short_text(const char *what);
