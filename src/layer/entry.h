// SPDX-License-Identifier: Apache-2.0
// One file system object as layers, contexts and views describe it. A value full of borrowed
// pointers: valid as long as the index or view it came from.
#pragma once

#include "base/hash.h"
#include <stdbool.h>
#include <stdint.h>

enum entry_type {
	ENTRY_DIR,
	ENTRY_FILE,    // with link: a hard link to that path of the layer, attributes filled in
	ENTRY_SYMLINK, // link: the target as stored
	ENTRY_CHAR,
	ENTRY_BLOCK,
	ENTRY_FIFO,
	ENTRY_SOCKET,   // contexts only; layers leave sockets out
	ENTRY_WHITEOUT, // layers only: the path is deleted below
};

#define ENTRY_NO_OFFSET UINT64_MAX
#define ENTRY_SPARSE ((uint64_t)1 << 62)
#define XATTR_MAX 64 // attributes of one entry
#define XATTR_VALUE_MAX 65536

struct xattr {
	const char *name; // "security.capability"
	const void *value;
	uint32_t size;
};

struct entry {
	const char *path; // relative and clean; "" is the root
	enum entry_type type;
	bool opaque;       // directory that hides what lower layers have in it
	uint32_t mode;     // 07777
	uint32_t uid, gid; // as in the image, never as mapped on the host
	uint32_t dev_major, dev_minor;
	uint64_t size; // of a regular file
	int64_t mtime_sec;
	uint32_t mtime_nsec;
	const char *link;           // NULL: none
	const struct xattr *xattrs; // sorted by name; never *.overlay.*
	uint32_t n_xattrs;
	bool has_content;
	struct hash content; // sha256 of a regular file's bytes, if has_content
	// Of the bytes in the layer's tar, or ENTRY_NO_OFFSET. With ENTRY_SPARSE they do not lie
	// together, and it is where the member's headers begin: see layer/sparse.h.
	uint64_t offset;
};

static inline bool entry_is_sparse(const struct entry *en)
{
	return en->offset != ENTRY_NO_OFFSET && (en->offset & ENTRY_SPARSE);
}

// A character device 0:0: overlayfs takes it for a whiteout.
static inline bool entry_is_whiteout_node(const struct entry *en)
{
	return en->type == ENTRY_CHAR && en->dev_major == 0 && en->dev_minor == 0;
}

// What makes two entries equal in a key: type, mode, ids, xattrs, link target, device, content;
// not path, mtime or offset. Used for content ids and COPY keys.
struct hasher;
void entry_hash(const struct entry *en, struct hasher *h);
