// SPDX-License-Identifier: Apache-2.0
// Writes a layer: tar, index, diffID and content id in one pass. ustar with PAX records where
// needed (long names, large ids, mtime nanoseconds, SCHILY.xattr.*), fixed fields zero, so that
// equal entries give equal bytes. Names .wh.* are refused; whiteouts come as ENTRY_WHITEOUT.
#pragma once

#include "image/digest.h"
#include "layer/index.h"
#include "layer/view.h"

struct layer_writer_options {
	bool clamp_mtime; // no mtime later than max_mtime (SOURCE_DATE_EPOCH)
	int64_t max_mtime;
	// Else times are whole seconds, as in every other builder's layers: a fraction takes a pax
	// header for each file, which is 1 KiB in the tar and 2 % of what is pushed.
	bool nanoseconds;
	bool threaded; // the tar is hashed and written by a thread, for layers that are not small
};

struct layer_result {
	struct digest diff_id;
	uint64_t tar_size;
	struct hash content_id;
	struct layer_index *index; // owned
};
void layer_result_release(struct layer_result *r);

struct layer_writer;
// tar_fd: written from its start; borrowed.
struct layer_writer *layer_writer_new(int tar_fd, const struct layer_writer_options *o);
void layer_writer_free(struct layer_writer *w);
void layer_writer_free_ptr(struct layer_writer **w);
#define auto_layer_writer __attribute__((cleanup(layer_writer_free_ptr)))
// content: bytes of a regular file without link, else NULL. If en->has_content, the bytes are
// hashed while they are copied and must agree; if they do not, or the file ends early: ERR_CONTEXT
// (with sys ESTALE) naming the file. Xattrs *.overlay.* are dropped. Sockets are skipped.
int layer_writer_add(struct layer_writer *w, const struct entry *en, const struct content *content,
        struct err *e);
// Ends the tar. *ret is the caller's to release; the writer only to be freed after it.
int layer_writer_finish(struct layer_writer *w, struct layer_result *ret, struct err *e);

// The changes that a mounted overlay left in its upper directory, as a layer. Ids are mapped back
// by the caller's process (it runs where the ids are the image's).
struct upper_options {
	struct layer_writer_options writer;
	// Relative, clean paths that are not the step's (stubs of mounts), with all below.
	const char *const *skip;
	size_t n_skip;
	bool userxattr; // overlayfs marked it with user.overlay.*, not trusted.overlay.*
};
int layer_write_upper(int upper_fd, int tar_fd, const struct upper_options *o,
        struct layer_result *ret, struct err *e);
