// SPDX-License-Identifier: Apache-2.0
// What of an image's weight nobody needs, and what to write instead: what later layers hide, what
// is there twice, what package managers leave, what is only for building, for debugging or for
// reading. Pure, but for the few small files that it reads through the view.
#pragma once

#include "base/mem.h"
#include "size/weigh.h"

struct owners;
struct view;

enum waste_kind {
	// in no view of the image, but in its layers
	WASTE_DELETED,
	WASTE_OVERWRITTEN,
	WASTE_REPEATED, // overwritten by the same bytes with another owner, mode or time
	// seen
	WASTE_DUPLICATE, // the same bytes under several paths; `bytes` is of all but one
	WASTE_LEFTOVER,  // package lists and caches
	WASTE_DEBUG,     // symbols: folders of them, and what strip would take from a file
	WASTE_DOCUMENTATION,
	WASTE_LOCALE,
	WASTE_DEVELOPMENT, // dependencies that only develop, compilers
	WASTE_HISTORY,     // of a version control system
	WASTE_KINDS
};
const char *waste_kind_name(enum waste_kind k); // "deleted"; for JSON, too

// Texts belong to the list or to the indexes.
struct waste_finding {
	enum waste_kind kind;
	const char *path;     // a file, or a folder all whose files of that layer are meant
	const char *package;  // NULL: it is about a path
	const char *original; // duplicate: the first that has these bytes; else NULL
	bool folder;
	size_t layer; // that holds the bytes; of duplicates, the one with the last copy
	size_t by;    // hidden: the layer that hides it; else the same as layer
	uint64_t bytes;
	size_t files;
	const char *advice; // what to write instead
};

struct waste_list {
	struct arena arena;
	struct waste_finding *v; // heaviest first, then by path
	size_t n, cap;
};
#define auto_waste __attribute__((cleanup(waste_list_release)))
void waste_list_release(struct waste_list *l);
// Borrows from w, whose indexes stay open. v: the chain view of the same layers; owners: what
// belongs to which package; both may be NULL: development dependencies, compilers and symbols are
// not looked for then. A byte that can be seen is in one finding at most, but for duplicates: those
// are counted among what no other finding has.
void waste_find(const struct weight *w, struct view *v, const struct owners *owners,
        struct waste_list *ret);
// Of all findings of a kind.
uint64_t waste_bytes(const struct waste_list *l, enum waste_kind kind);
