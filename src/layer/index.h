// SPDX-License-Identifier: Apache-2.0
// The index of a layer: all its entries sorted by fs_path_cmp, immutable, memory-mapped from its
// file. Everything that asks what a layer holds reads this, never the tar and never a mount.
#pragma once

#include "layer/entry.h"
#include <stddef.h>

struct err;

#define INDEX_ENTRIES_MAX (16u << 20)
#define INDEX_VERSION 1

struct layer_index;
// Opens and checks (bounds, order, version) an index file. Hostile or damaged files: ERR_CORRUPT.
struct layer_index *layer_index_open(int fd, struct err *e); // fd may be closed afterwards
void layer_index_close(struct layer_index *ix);              // NULL is fine
size_t layer_index_count(const struct layer_index *ix);
// Entry i in the order of paths. What *ret points to is the index's.
void layer_index_at(const struct layer_index *ix, size_t i, struct entry *ret);
// False: there is none, and *ret is not written.
bool layer_index_find(const struct layer_index *ix, const char *path, struct entry *ret);
// Range [*begin, *end) of entries at or below dir ("" = all).
void layer_index_range(const struct layer_index *ix, const char *dir, size_t *begin, size_t *end);
// Merkle digest over the entries without mtimes and offsets.
struct hash layer_index_content_id(const struct layer_index *ix);
uint64_t layer_index_file_bytes(const struct layer_index *ix); // sum of sizes, hard links once
// Directories that are only named by what lies below them: their metadata is a lower layer's, or
// root's 0755 where no lower layer has them. A tree made from this layer alone cannot know.
size_t layer_index_implied(const struct layer_index *ix);
// Those of them that the layers below have as something else than root's 0755, as an index of
// their own (caller closes); NULL if there are none.
struct view;
int layer_index_lacking(
        const struct layer_index *ix, struct view *below, struct layer_index **ret, struct err *e);

struct index_builder;
struct index_builder *index_builder_new(void);
void index_builder_free(struct index_builder *b);
void index_builder_free_ptr(struct index_builder **b);
#define auto_index_builder __attribute__((cleanup(index_builder_free_ptr)))
// Copies everything en points to. A path added twice: the later one replaces the earlier.
int index_builder_add(struct index_builder *b, const struct entry *en, struct err *e);
// Sorts, and settles what one layer may say twice, as an unpacker would in the order of adding:
//
//   hard links    the first path in sorted order is the file; the others link to it and carry its
//                 attributes. A link to what is no regular file becomes a copy of it; one to what
//                 is not there is ERR_CORRUPT.
//   not a folder  of it and an entry below it the later one wins (whose parent is then implied).
//   a whiteout    beside an entry of the same path it only hides lower layers: a directory
//                 becomes opaque.
//
// The index is in memory and the caller's to close; the builder stays the caller's to free.
struct layer_index *index_builder_finish(struct index_builder *b, struct err *e);
// To where fd stands.
int layer_index_write(const struct layer_index *ix, int fd, struct err *e);
