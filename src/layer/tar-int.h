// SPDX-License-Identifier: Apache-2.0
// The tar format, read and written: POSIX ustar and pax, what GNU tar adds, V7. No file system and
// no layer rules here; those are import.c's and writer.c's.
#pragma once

#include "layer/entry.h"
#include <stddef.h>

struct buf;
struct err;

#define TAR_BLOCK 512
#define TAR_NAME_MAX 65535      // of a path or link target
#define TAR_META_MAX (1u << 20) // bytes of one pax header or GNU long name

struct tar_raw_header {
	char name[100], mode[8], uid[8], gid[8], size[12], mtime[12], chksum[8], typeflag;
	char linkname[100], magic[6], version[2], uname[32], gname[32];
	char devmajor[8], devminor[8], prefix[155], pad[12];
};
_Static_assert(sizeof(struct tar_raw_header) == TAR_BLOCK, "a header is a block");

// Where the bytes come from: fill puts the next piece into p and n; n == 0 is the end.
struct tar_input {
	const uint8_t *p;
	size_t n;
	uint64_t pos; // of p[0] in the archive
	int (*fill)(struct tar_input *in, struct err *e);
};

struct tar_member {
	struct entry en; // path and link as the archive says, not cleaned; offset is set
	bool hard_link;  // en.link is a path in the archive
};

struct tar_reader;
struct tar_reader *tar_reader_new(struct tar_input *in);
void tar_reader_free(struct tar_reader *r);
void tar_reader_free_ptr(struct tar_reader **r);
#define auto_tar_reader __attribute__((cleanup(tar_reader_free_ptr)))
// 1: a member, valid until the next call; 0: the end of the archive; -1: not a tar, damaged, or a
// kind of member that no file can be made from (ERR_UNSUPPORTED).
int tar_reader_next(struct tar_reader *r, struct tar_member *ret, struct err *e);
// The next piece of the member's bytes; *ret_n == 0 at their end. Need not be called to the end.
// *ret NULL: that many zeros, which a sparse member has not in the archive.
int tar_reader_data(struct tar_reader *r, const uint8_t **ret, size_t *ret_n, struct err *e);

// What one pax header says. Pointers go into the text it was parsed from.
struct pax {
	const char *path, *linkpath; // NULL: not said
	bool has_size, has_uid, has_gid, has_mtime;
	uint64_t size, uid, gid;
	int64_t mtime_sec;
	uint32_t mtime_nsec;
	struct xattr xattrs[XATTR_MAX];
	uint32_t n_xattrs;
	bool sparse, has_sparse_size, has_sparse_blocks;
	uint64_t sparse_major, sparse_minor, sparse_size, sparse_blocks;
	const char *sparse_name, *sparse_map;
};
// Ends the values with NUL where they stand.
int pax_parse(char *text, size_t n, struct pax *ret, struct err *e);

// A number of a header: octal, or base-256.
bool tar_number(const char *field, size_t n, int64_t *ret);

// --- tar_sparse.c: the pieces of a file that its archive has, in the order of the file
struct tar_sparse {
	struct tar_piece {
		uint64_t offset, size;
	} * v;
	size_t n, cap;
	uint64_t size; // of the file
	uint64_t sum;  // of the pieces
};
void tar_sparse_release(struct tar_sparse *s);
int tar_sparse_add(struct tar_sparse *s, uint64_t offset, uint64_t size, struct err *e);
// When all are known: stored is what the archive has of the file.
int tar_sparse_check(const struct tar_sparse *s, uint64_t stored, struct err *e);
// Type 'S': the header's part. *ret_more: a block follows that goes on.
int tar_sparse_old(
        struct tar_sparse *s, const struct tar_raw_header *raw, bool *ret_more, struct err *e);
int tar_sparse_old_more(
        struct tar_sparse *s, const struct tar_raw_header *raw, bool *ret_more, struct err *e);
// What a pax header says, x parsed from text. *ret_in_data: the pieces stand before the data.
int tar_sparse_pax(struct tar_sparse *s, const struct pax *x, const char *text, size_t n,
        bool *ret_in_data, struct err *e);
// There block by block.
struct tar_sparse_text {
	uint64_t number, offset, want;
	unsigned digits;
	size_t lines;
};
int tar_sparse_text(struct tar_sparse_text *t, struct tar_sparse *s, const char *block,
        bool *ret_more, struct err *e);

// Appends the header blocks of an entry. ENTRY_WHITEOUT gives the empty file `.wh.name`, a
// directory ends with '/', en->link of a file gives a hard link.
int tar_put_header(struct buf *out, const struct entry *en, struct err *e);
// The marker that makes the directory opaque.
int tar_put_opaque(struct buf *out, const char *dir, struct err *e);

// --- tar_sink.c: where the bytes go
struct buf;
struct hash;
struct tar_sink *tar_sink_new(int fd, bool threaded); // fd: written from its start; borrowed
void tar_sink_free(struct tar_sink *s);               // NULL is fine
// Takes the bytes; piece is empty afterwards, perhaps another buffer. A failure may be told late.
int tar_sink_put(struct tar_sink *s, struct buf *piece, struct err *e);
int tar_sink_end(
        struct tar_sink *s, struct buf *last, struct hash *ret, uint64_t *ret_size, struct err *e);
