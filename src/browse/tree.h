// SPDX-License-Identifier: Apache-2.0
// The files of two views put together: what is in the upper one, with marks that say what the lower
// one has otherwise, and what only the lower one has. Made whole by two walks (80 ms for 100,000
// files each), parents ahead of what is in them, in the order of fs_path_cmp. Pure.
#pragma once

#include "layer/view.h"

#define TREE_MAX (4u << 20) // files of one tree: it takes a quarter of a gigabyte then
#define TREE_NONE UINT32_MAX

enum tree_mark { MARK_SAME, MARK_ADDED, MARK_REMOVED, MARK_CHANGED };
#define N_MARKS 4

struct tree_node {
	const char *path, *link; // the views'; link as in struct entry
	uint64_t bytes;          // with all that is below; a second name of a file has none
	uint32_t parent, end;    // TREE_NONE: the root; [i + 1, end) lies below node i
	uint32_t uid, gid;
	uint16_t mode, depth;
	uint8_t type; // enum entry_type
	uint8_t mark;
};

struct tree {
	struct tree_node *v; // without the root itself
	size_t n, cap;
	uint64_t bytes; // of the upper view
};
#define auto_tree __attribute__((cleanup(tree_release)))
void tree_release(struct tree *t);
// Both views outlive the tree. A folder is marked as changed if anything below it is; bytes of what
// was removed count in what was removed, too.
int tree_make(struct view *lower, struct view *upper, struct tree *ret, struct err *e);
// TREE_NONE: there is none.
uint32_t tree_find(const struct tree *t, const char *path);
