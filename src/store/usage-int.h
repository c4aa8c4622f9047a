// SPDX-License-Identifier: Apache-2.0
// How a struct usage is put together; shared by those who show it and those who choose from it.
#pragma once

#include "store/db-int.h"
#include "store/measure.h"
#include "store/usage.h"

struct usage_load {
	struct store *s;
	const struct measure *m;
	struct usage *u;
	size_t cap_records, cap_parts;
	struct map by_digest; // hex of a layer or a blob -> record + 1
	struct map named,
	        leased; // hex: blobs of images that have a name; all a living process uses
};
void usage_load_release(struct usage_load *l);
// With the database locked.
int usage_load(struct usage_load *l, struct err *e);
int usage_load_rows(struct usage_load *l, struct err *e);
struct usage_record *usage_find(struct usage_load *l, const struct digest *d); // or NULL
// holders.c: which names, bases and processes hold what
int usage_load_holders(struct usage_load *l, struct err *e);
int usage_load_images(struct usage_load *l, struct err *e); // in how many images a record is
int usage_sum_images(struct usage_load *l, struct err *e);  // own and shared bytes
