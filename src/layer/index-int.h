// SPDX-License-Identifier: Apache-2.0
// The bytes of an index file, and what index.c and index_builder.c share. All is little-endian.
//
//   header | records, sorted by path | xattr table | heap (strings with their NUL, xattr values)
//
// Strings are named by offset into the heap and length without the NUL. The checksum covers all
// that follows it. Limits are such that offsets fit 32 bits.
#pragma once

#include "layer/index.h"

struct buf;

#define INDEX_MAGIC "hewindex"
#define INDEX_HEAP_MAX (1u << 30)
#define INDEX_PATH_MAX 65535
#define INDEX_NO_LINK UINT32_MAX

struct index_header {
	char magic[8];
	uint32_t version, crc;
	uint64_t n_entries, n_xattrs, heap_size;
	uint64_t file_bytes;
	uint64_t n_implied; // directories that are only named by what is below them
	uint8_t content_id[HASH_SIZE];
};
#define INDEX_CRC_START 16 // the first byte the checksum covers

enum index_record_flags {
	RECORD_OPAQUE = 1 << 0,
	RECORD_CONTENT = 1 << 1,
	RECORD_HARDLINK = 1 << 2, // in the builder only
	RECORD_MARKER = 1 << 3,   // in the builder only: makes the directory of that path opaque
};

struct index_record {
	uint32_t path, path_len;
	uint32_t link, link_len; // link INDEX_NO_LINK: none
	uint32_t xattr;          // first, in the xattr table
	uint16_t n_xattrs;
	uint8_t type, flags;
	uint32_t mode, uid, gid;
	uint32_t dev_major, dev_minor;
	uint32_t mtime_nsec;
	int64_t mtime_sec;
	uint64_t size, offset;
	uint8_t content[HASH_SIZE];
};

struct index_xattr {
	uint32_t name, name_len, value, size;
};

_Static_assert(sizeof(struct index_header) == 88, "header has no padding");
_Static_assert(sizeof(struct index_record) == 104, "record has no padding");
_Static_assert(sizeof(struct index_xattr) == 16, "xattr has no padding");

struct layer_index {
	const uint8_t *base; // mapped or malloced
	size_t size;
	bool mapped;
	const struct index_header *header;
	const struct index_record *records;
	size_t n;
	const char *heap;
	struct xattr *xattrs; // the table with pointers; a pointer cannot come from a file
	uint64_t file_bytes, n_implied;
	struct hash content_id;
};

// Takes over base. Fails only if the counts do not fit the size.
struct layer_index *index_attach(const uint8_t *base, size_t size, bool mapped, struct err *e);
const char *index_path(const struct layer_index *ix, size_t i, size_t *ret_len);
// First record whose path is not before `path`; exact: it is that path.
size_t index_search(const struct layer_index *ix, const char *path, size_t len, bool *ret_exact);
// First record in [from, n) that is not at or below dir, where record `from` - 1 is.
size_t index_skip(const struct layer_index *ix, size_t from, const char *dir, size_t dir_len);
// From `from` (the start of a component) on, the path has no empty, "." or ".." component.
bool index_path_is_clean(const char *path, size_t from, size_t len);
// The length of the common prefix of two strings.
size_t index_common_prefix(const char *a, size_t na, const char *b, size_t nb);
uint32_t index_crc(const uint8_t *base, size_t size);
struct hash index_content_id(const struct layer_index *ix);

// Remembers that dir hides what is below it in lower layers, whenever (and whether) it is added.
int index_builder_opaque(struct index_builder *b, const char *dir, struct err *e);

// The bytes of an entry that count in content ids, appended to out.
void entry_canonical(const struct entry *en, struct buf *out);
