// SPDX-License-Identifier: Apache-2.0
// Build records, read: how people name a build and a step of it. For hew why, hew builds, hew
// shell.
#pragma once

#include "base/json.h"
#include "base/timefmt.h"
#include "store/store.h"

// A build as its record tells of it.
struct record {
	struct build_row row;
	struct jdoc *doc;
	const struct jn *root, *steps; // borrowed from doc
};
#define auto_record __attribute__((cleanup(record_release)))
void record_release(struct record *r);
// Takes the row, also when this fails.
int record_open(struct build_row *row, struct record *ret, struct err *e);
// which: as store_build_find takes it. ERR_NOT_FOUND.
int record_find(struct store *s, const char *which, struct record *ret, struct err *e);
// The last one that is over. ERR_NOT_FOUND.
int record_find_over(struct store *s, struct record *ret, struct err *e);
// The last one that ran a step, or failed. ERR_NOT_FOUND.
int record_find_ran(struct store *s, struct record *ret, struct err *e);

// "ok", "failed", "cancelled", "running", "killed": one that runs no more and did not say how.
const char *record_status(const struct record *r);
struct timestamp record_time(const struct record *r);
// What people call the build: its first name, else its folder and target. Caller frees.
char *record_name(const struct record *r);
const char *record_text(const struct jn *n, const char *key); // "" if it is not there
// A number is a line of the Dockerfile, anything else a part of the step's name. NULL: every one.
bool record_step_is(const struct jn *step, const char *which);
bool record_step_state_is(const struct jn *step, const char *state);
