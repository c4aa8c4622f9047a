// SPDX-License-Identifier: Apache-2.0
// Bytes by folders, small enough to look at: what is too small to be seen is gathered where it
// lies. Made in one pass over paths in the order of layer indexes, in memory that depends on the
// depth and on how much is kept, not on the number of files.
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct page_tree;

struct page_node {
	char *name;      // the last part of its path; of the root, what it is called
	uint64_t bytes;  // of all that is in it
	uint64_t hidden; // of these: what later layers replace or delete
	size_t files;
	struct page_node **children; // heaviest first
	size_t n_children, cap_children;
	uint64_t rest_bytes, rest_hidden; // of what is in it and too small to be shown
	size_t rest_files;
};

// total: of all bytes that will be added; most: nodes that are kept.
struct page_tree *page_tree_new(const char *name, uint64_t total, size_t most);
void page_tree_free(struct page_tree *t); // NULL is fine
void page_tree_free_ptr(struct page_tree **t);
#define auto_page_tree __attribute__((cleanup(page_tree_free_ptr)))
// A group at the top (a layer, a kind of package): what is added next lies in it, until the next
// one.
void page_tree_group(struct page_tree *t, const char *name);
struct page_sum {
	uint64_t bytes, hidden;
	size_t files;
};
// A file. Paths of a group come in the order of fs_path_cmp.
void page_tree_add(struct page_tree *t, const char *path, struct page_sum sum);
// Something of the group that is no path.
void page_tree_leaf(struct page_tree *t, const char *name, struct page_sum sum);
// Nothing can be added after it.
const struct page_node *page_tree_end(struct page_tree *t);
const struct page_node *page_tree_root(const struct page_tree *t);
