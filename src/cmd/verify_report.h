// SPDX-License-Identifier: Apache-2.0
// What two builds of one step made otherwise: by file, with what usually mends it.
#pragma once

#include "store/store.h"

struct err;
struct event_sink;

struct verify {
	struct store *first, *second;
	struct event_sink *sink;
	bool times; // mtimes are compared
};
struct verify_step {
	const char *name;
	int64_t line;
	struct digest layer[2];
};
// Notes for people, and ERR_DIFFERS with all of it in a sentence.
int verify_tell(const struct verify *v, const struct verify_step *s, struct err *e);
