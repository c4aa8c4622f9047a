// SPDX-License-Identifier: Apache-2.0
// The parts of layer_import: a thread that decompresses ahead (import_pipe.c), and the placing of
// names inside a layer (import_names.c).
#pragma once

#include "base/map.h"
#include "base/mem.h"
#include "layer/compress.h"
#include <stdint.h>

struct inflate_pipe;
// z: borrowed, used by the pipe's thread until inflate_pipe_free.
struct inflate_pipe *inflate_pipe_new(struct inflater *z);
void inflate_pipe_free(struct inflate_pipe *p); // NULL is fine
// The next piece, valid until the next call; *ret_n == 0 at the end.
int inflate_pipe_next(struct inflate_pipe *p, const uint8_t **ret, size_t *ret_n, struct err *e);

// Which symbolic links the archive has made so far.
struct names {
	struct map links; // path to target
	struct arena arena;
	char *dir, *real; // the last directory that was asked for, and what it is
};
void names_release(struct names *n);
// The clean path where a member really lands: its directory's symlinks are followed, inside the
// root, as an unpacker's mkdir and open would. The last component is not. Caller frees; NULL with
// *e set.
char *names_place(struct names *n, const char *raw, struct err *e);
// Tells what is at the placed path from now on; target NULL: not a symlink.
void names_note(struct names *n, const char *path, const char *target);
