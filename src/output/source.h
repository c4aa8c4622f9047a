// SPDX-License-Identifier: Apache-2.0
// What `hew load` reads: an archive, indexed once and read by offset, or an OCI layout's folder.
#pragma once

#include "base/buf.h"
#include "layer/chain.h"

struct err;
struct store;

struct source {
	struct tar_source tar; // first
	int fd;                // the uncompressed archive, or the folder
	bool is_dir;
	struct layer_index *index;
	struct view *view;
};
#define SOURCE_NONE ((struct source){.fd = -1})
#define auto_source __attribute__((cleanup(source_release)))
void source_release(struct source *s);
// "-": standard input. *ret stays where it is until it is released.
int source_open(struct store *st, const char *path, struct source *ret, struct err *e);
// A regular file. 1 found, 0 absent, -1 error. Links are followed inside the source only.
int source_file(struct source *s, const char *path, struct content *ret, struct err *e);
// A small one. 1 read, 0 absent, -1 error.
int source_read(struct source *s, const char *path, size_t max, struct buf *ret, struct err *e);
