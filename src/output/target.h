// SPDX-License-Identifier: Apache-2.0
// The file or folder that an output becomes: written without a name or under a temporary one beside
// its place, and given its name when it is complete. What is not committed leaves nothing.
#pragma once

#include <stdbool.h>

struct err;

struct target {
	int fd; // what is written to
	int parent;
	int into;   // of a folder: dest, if that has come to be since; else -1
	char *dest; // as given, for messages
	char *name; // in parent
	char *temp; // in parent (of a file without a name yet: what it will be called for a moment)
	bool direct; // standard output, a pipe, a device: no second name, cannot be sought in
	bool unnamed, is_dir, exists;
};
#define TARGET_NONE ((struct target){.fd = -1, .parent = -1, .into = -1})
#define auto_target __attribute__((cleanup(target_release)))
void target_release(struct target *t); // removes what was not committed
// A file; "-" is standard output, unless that is a terminal (ERR_USAGE).
int target_open_file(const char *dest, struct target *ret, struct err *e);
int target_commit_file(struct target *t, struct err *e);
// A folder to fill. If dest exists, the temporary folder lies inside it, and what is in it is
// merged into dest: folders are joined, anything else is replaced, nothing is followed.
int target_open_dir(const char *dest, struct target *ret, struct err *e);
// Gives a new folder its name: 1. 0: dest exists, also if somebody else has made it since.
int target_name_dir(struct target *t, struct err *e);
int target_dir(const struct target *t); // dest itself, where it exists
// only: whatever else was in dest goes, but dest itself.
int target_commit_dir(struct target *t, bool only, struct err *e);
