// SPDX-License-Identifier: Apache-2.0
// Which package brought which bytes: by the lists of dpkg and apk, the folders of npm's packages,
// the RECORD of Python's, and of all others the file that names them (a program, a jar). What rpm
// installed is not told apart: its lists lie in a database that only names are read from.
#pragma once

#include "packages/packages.h"
#include "size/weigh.h"

struct err;
struct view;

struct owner {
	const struct package *package; // of the list
	const char *path;              // the folder or file it was known by, of the list
	size_t layer;                  // that brought it
	uint64_t bytes;                // of its files that can be seen
	size_t files;
};
struct owners {
	struct owner *v; // heaviest first, then in the order of the list
	size_t n;
	uint64_t other_bytes; // that can be seen and belong to none
	size_t other_files;
	uint32_t **of; // by layer and record: place in v + 1; 0: nobody's
	size_t n_layers;
};
#define auto_owners __attribute__((cleanup(owners_release)))
void owners_release(struct owners *o);
// v: the chain view of w's layers. Borrows from the list, and from w.
int owners_find(const struct weight *w, struct view *v, const struct package_list *packages,
        struct owners *ret, struct err *e);
