// SPDX-License-Identifier: Apache-2.0
// A read-only tree of files that can be asked without a mount: a stack of layers (chain.h), a local
// build context (src/context), an archive. Paths are relative and clean, "" is the root; operations
// follow no symlink, view_resolve does, always inside the root.
#pragma once

#include "layer/entry.h"
#include <stddef.h>
#include <sys/types.h>

struct err;
struct strv;
struct view;

// The bytes of a regular file: `size` bytes of fd from `offset`.
struct content {
	int fd;
	bool owned; // content_close closes fd
	uint64_t offset, size;
	// For a layer's writer also from memory, and then, if whoever read them has it, their
	// sha256; both borrowed. Views give a descriptor.
	const char *data;
	const struct hash *hash;
};
void content_close(struct content *c);
#define CONTENT_NONE ((struct content){.fd = -1})
#define auto_content __attribute__((cleanup(content_close)))

struct view_ops {
	// 1 found, 0 absent, -1 error. No symlink is followed: a path through a symlink is absent.
	// What *ret points to is the view's.
	int (*lookup)(struct view *v, const char *path, struct entry *ret, struct err *e);
	// Appends the names directly below dir, sorted by bytes.
	int (*list)(struct view *v, const char *dir, struct strv *ret, struct err *e);
	// Calls fn for dir itself (if it exists and is not "") and everything below, parents first,
	// in the order of fs_path_cmp; the entry is valid during the call. fn returns 0 go on, 1 do
	// not enter this directory, -1 stop with *e set.
	int (*walk)(struct view *v, const char *dir,
	        int (*fn)(void *arg, const struct entry *en, struct err *e), void *arg,
	        struct err *e);
	// The bytes of a regular file; the caller closes them.
	int (*open)(struct view *v, const struct entry *en, struct content *ret, struct err *e);
	// Makes en->content known (hashing the bytes if need be).
	int (*digest)(struct view *v, struct entry *en, struct err *e);
	void (*free)(struct view *v);
};

struct view {
	const struct view_ops *ops;
};
// Whether what a file was made a hard link to still is that file: another layer may have replaced
// it. 1, 0, -1.
int view_link_holds(struct view *v, const struct entry *en, struct err *e);

void view_free(struct view *v); // NULL is fine
void view_free_ptr(struct view **v);
#define auto_view __attribute__((cleanup(view_free_ptr)))

enum view_resolve_flags {
	VIEW_NOFOLLOW_LAST = 1 << 0, // a symlink at the end is the answer
	VIEW_ALLOW_MISSING = 1 << 1, // missing components stay as written (for destinations)
};
// Resolves symlinks inside the root (at most 255). 1 found, 0 absent (with VIEW_ALLOW_MISSING
// *ret_path is the path to create), -1 error (a loop, a way through a file). *ret_path: the
// physical path, caller frees. ret_path and ret may be NULL.
int view_resolve(struct view *v, const char *path, int flags, char **ret_path, struct entry *ret,
        struct err *e);
// Appends a small regular file (following symlinks), such as /etc/passwd. 1 read, 0 absent, -1 also
// if it has more than max bytes.
struct buf;
int view_read_file(struct view *v, const char *path, size_t max, struct buf *ret, struct err *e);
