// SPDX-License-Identifier: Apache-2.0
// Making objects below a directory descriptor, for trees (tree.c) and exports (tree_export.c).
// Paths come in the order of an index; the directories on the way to the current one stay open,
// every step is taken with O_NOFOLLOW, and a directory gets its attributes when it is left.
#pragma once

#include "layer/entry.h"
#include <stddef.h>
#include <sys/types.h>

struct err;

#define TREE_SMALL_FILE ((size_t)256 << 10) // size of the buffer that files are copied through

struct tree_level {
	int fd;
	size_t path_len;
	bool explicit; // en says what attributes it gets
	struct entry en;
};

struct tree {
	int root_fd;
	uid_t uid;
	gid_t gid;                // what new objects get by themselves
	bool chown;               // ids are set at all
	bool merge;               // into directories that have something in them
	bool keep_root;           // the root keeps owner and mode: its maker will rename it
	const char *opaque_xattr; // set on opaque directories; NULL: none
	struct tree_level *levels;
	size_t n_levels, cap;
	char *path;    // of the deepest level
	uint8_t *copy; // buffer for small files
};

int tree_init(struct tree *t, int root_fd, struct err *e);
// Leaves all directories. Attributes are set only if rc is 0.
int tree_finish(struct tree *t, int rc, struct err *e);
// The entry must stay valid until the directory is left.
int tree_put_dir(struct tree *t, const struct entry *en, struct err *e);
// A regular file of en->size bytes at `offset` of src_fd.
int tree_put_file(
        struct tree *t, const struct entry *en, int src_fd, uint64_t offset, struct err *e);
// Its two halves: an empty file (a descriptor, the caller's), and bytes and attributes, which other
// threads may do meanwhile, each with a buffer of its own.
int tree_make_file(struct tree *t, const struct entry *en, struct err *e);
int tree_fill_file(const struct tree *t, uint8_t *small, const struct entry *en, int fd, int src_fd,
        uint64_t offset, struct err *e);
int tree_put_link(struct tree *t, const struct entry *en, struct err *e); // hard link to en->link
int tree_put_symlink(struct tree *t, const struct entry *en, struct err *e);
// Devices and fifos. Where the kernel does not allow a device node it is left out.
int tree_put_node(struct tree *t, const struct entry *en, struct err *e);

// ---- tree_filler.c: threads for the second half
struct tree_filler;
struct tree_filler *tree_filler_new(const struct tree *t, int src_fd);
// Takes fd. What en points to has to stay until the end. Of what went wrong in a thread the first
// is told, here or at the end.
int tree_filler_put(
        struct tree_filler *f, const struct entry *en, int fd, uint64_t offset, struct err *e);
int tree_filler_end(struct tree_filler *f, struct err *e); // frees it; NULL is fine
