// SPDX-License-Identifier: Apache-2.0
// From staged rows to the database: first who is who (groups.c), then the tables (compile.c).
#pragma once

#include "advisory/stage-int.h"
#include <stdint.h>

// Numbers of staged rows to numbers in the database; 0: it is not in there. Arrays by staged
// number.
struct numbering {
	uint32_t *parent;  // of a name: the tree of names that mean the same
	uint32_t *flaw;    // of a root: the flaw's number
	uint32_t *name;    // of a name
	uint32_t *package; // of a package
	uint32_t *text;    // of a note, vector or source
	uint8_t *use;      // of a name: enum name_use
	uint8_t *version;  // of a record's version: it is the one that counts
	int64_t n_names, n_packages, n_texts, n_versions;
};
enum name_use {
	USED_FLAW = 1,    // a root: something is affected by it
	USED_RECORD = 2,  // ranges are given in its name
	COVERS_OTHERS = 4 // a record about flaws with other names
};

void numbering_release(struct numbering *n);
// Finds the groups, numbers all names that are to be in the database, and writes name and covers.
int numbering_make(struct stage *s, struct numbering *n, struct err *e);
// The flaw that a name is one of; 0: none, or the name is a record's about several.
uint32_t numbering_flaw(const struct numbering *n, int64_t name);

// Writes the database to a new file at path.
int stage_compile(struct stage *s, const char *path, struct err *e);
